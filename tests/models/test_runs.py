"""Runs that lose nothing: one run an output, files with damaged ends, records without a key."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from models.__main__ import main
from models.evaluation.gap_run import GapSpec, run_gap
from models.evaluation.verify_run import VerifySpec, run_verify
from models.inputs.sources import SourceSpec
from models.runs.output_lock import locked
from models.runs.records import Records
from theory.validation import InputError

COPY = GapSpec(source=SourceSpec(model="ideal", task="copy", n=2, samples=6), policy="topk:k=1", batch=2)
GAP = [
    "gap",
    "--model",
    "ideal",
    "--task",
    "copy",
    "-n",
    "2",
    "--samples",
    "6",
    "--batch",
    "2",
    "--policy",
    "topk:k=1",
]


# -- two runs -------------------------------------------------------------------------------------------------------


def test_a_second_run_on_one_output_is_refused(tmp_path, capsys):
    out = tmp_path / "deep" / "a.jsonl"
    with locked(out):
        assert main([*GAP, "--out", str(out)]) == 2
        assert (
            f"another run is writing into {out}; wait for it, or name another place."
            in capsys.readouterr().err
        )
        assert main([*GAP, "--out", str(out.with_name("b.jsonl"))]) == 0
    assert main([*GAP, "--out", str(out)]) == 0
    assert sorted(p.name for p in out.parent.iterdir()) == ["a.jsonl", "b.jsonl"]


def test_a_folder_is_locked_too(tmp_path):
    out = tmp_path / "verified"
    with locked(out), pytest.raises(InputError, match="another run is writing into"):
        run_verify(VerifySpec(task="copy", n=4, samples=2, out=out))
    assert not any(tmp_path.iterdir())


@pytest.mark.deep
def test_a_lock_ends_with_its_process(tmp_path):
    """However it ends: nothing must be removed by hand."""
    out = tmp_path / "a.jsonl"
    code = "import os, sys; from pathlib import Path; from models.runs.output_lock import locked\n"
    code += "with locked(Path(sys.argv[1])): os._exit(9)"
    assert subprocess.run([sys.executable, "-c", code, str(out)], check=False, timeout=120).returncode == 9
    assert (tmp_path / ".a.jsonl.lock").exists()
    run_gap(replace(COPY, out=out))
    assert [p.name for p in tmp_path.iterdir()] == ["a.jsonl"]


def test_the_first_worker_alone_holds_the_lock(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    with locked(tmp_path / "a"), locked(tmp_path / "a"):
        assert not any(tmp_path.iterdir())


# -- damaged ends ---------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(tmp_path) -> Path:
    run_gap(replace(COPY, out=tmp_path / "a.jsonl"))
    return tmp_path / "a.jsonl"


ENDS = [
    (lambda data: data[:-7], 5, "1 line"),  # cut off within the last line
    (lambda data: data + b'{"row": 1', 6, "1 line"),
    (lambda data: data + b"\x00" * 40 + b"\nnoise\n", 6, "2 lines"),
    (lambda data: data[: data.rfind(b"\n", 0, -1) + 1] + b"[1]\n", 5, "1 line"),
]


@pytest.mark.parametrize(("damage", "kept", "lines"), ENDS)
def test_a_damaged_end_is_dropped_and_said(whole, capsys, damage, kept, lines):
    before, said = whole.read_bytes(), run_gap(replace(COPY, out=whole))
    assert capsys.readouterr().err == ""
    whole.write_bytes(damage(before))
    records = Records(whole, json.loads(before.splitlines()[0])["settings"])
    assert sorted(records.rows) == list(range(kept))
    assert records.dropped == [f"{whole}: what is no record at its end ({lines}) was dropped."]
    assert run_gap(replace(COPY, out=whole)) == said
    assert capsys.readouterr().err == records.dropped[0] + "\n"
    assert whole.read_bytes() == before  # as if nothing had been there


def test_a_header_that_was_cut_off_is_written_again(whole, capsys):
    before, said = whole.read_bytes(), run_gap(replace(COPY, out=whole))
    whole.write_bytes(before[:20])
    assert run_gap(replace(COPY, out=whole)) == said
    assert "its only line was cut off and is written again" in capsys.readouterr().err
    assert whole.read_bytes() == before


def change(file: Path, number: int, line: str) -> None:
    lines = file.read_text().splitlines()
    lines[number - 1] = line
    file.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("noise", "line 3, is not JSON of a record; remove the line"),
        ('{"row": 1}', "line 3, has no key 'one_by_one'; remove the line"),
        ('{"line": 1}', "line 3, has no key 'row'; remove the line"),
    ],
)
def test_a_line_before_others_is_named_and_nothing_is_lost(whole, capsys, line, message):
    change(whole, 3, line)
    damaged = whole.read_bytes()
    assert main([*GAP, "--out", str(whole)]) == 2
    error = capsys.readouterr().err
    assert f"{whole}, {message}." in error
    assert error.count("\n") == 1
    assert whole.read_bytes() == damaged


def test_a_number_that_is_none_is_named(whole):
    kept = json.loads(whole.read_text().splitlines()[2])
    change(whole, 3, json.dumps(kept | {"row": "1"}))
    with pytest.raises(InputError, match="line 3: row must be a number; remove the line"):
        run_gap(replace(COPY, out=whole))


def test_a_record_has_the_keys_of_one_kind(tmp_path):
    file = tmp_path / "r.jsonl"
    with Records(file, {}) as records:
        records.append([{"row": 0, "a": 1, "b": 2}, {"row": 1, "c": 3}, {"row": 2, "a": 1}])
    kinds = (("a", "b"), ("c",))
    with pytest.raises(InputError, match="line 4, has no key 'b'"):
        Records(file, {}, kinds=kinds)
    change(file, 4, '{"row": 2, "c": 0}')
    assert sorted(Records(file, {}, kinds=kinds).rows) == [0, 1, 2]
