"""Rows of commands go to the terminal, or as JSON, CSV and LaTeX to where they were asked for."""

import csv
import json

import pytest

from parabounds.command import main

COMMANDS = (
    ["bench", "tasks"],
    ["bench", "ceiling", "waiting_line/shuffle", "--sizes", "3", "--layout", "items", "--policy", "topk:k=2"],
    ["bench", "bounds", "waiting_line/shuffle", "--sizes", "3", "--layout", "items"],
    ["model", "verify", "--task", "shuffle", "-n", "4", "--samples", "20"],
    ["model", "gap", "--model", "ideal", "--task", "shuffle", "-n", "3", "--samples", "20"],
)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
def test_a_table_is_written_where_it_was_asked_for(command, capsys, tmp_path):
    assert main(command) == 0
    shown = capsys.readouterr().out
    table, tex = tmp_path / "t.csv", tmp_path / "t.tex"
    assert main([*command, "--json", "--csv", str(table), "--latex", str(tex)]) == 0
    answer = json.loads(capsys.readouterr().out)
    with table.open(newline="") as file:
        head, *rows = csv.reader(file)
    assert all(name in shown for name in head)
    assert rows[0][0] in shown
    assert answer
    assert tex.read_text().count("\\\\\n") == len(rows) + 1
    if command[0] == "bench":
        text = tmp_path / "t.txt"
        assert main([*command, "--out", str(text)]) == 0
        assert len(text.read_text().splitlines()) >= len(rows) + 2
        assert rows[0][0] in text.read_text()
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([*command, "--out", "t.doc"])
        assert "t.doc: the file must end in .txt, .csv, .tex, .json" in capsys.readouterr().err
    assert main([*command, "--csv", "-"]) == 0
    assert capsys.readouterr().out == table.read_text()
