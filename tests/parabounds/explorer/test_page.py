"""The page as a file: one text, small, that names no other address; and the command that writes it."""

import base64
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parabounds.command import main
from parabounds.explorer.build import ENGINE, PAGE, part
from parabounds.explorer.embedded import TASKS, task_data
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF


def scripts(text: str) -> list[str]:
    return re.findall(r"<script(?: id=\"engine\")?>(.*?)</script>", text, re.DOTALL)


def test_the_policy_of_the_page_names_its_scripts_and_nothing_else(small_page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', small_page)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == "'none'"
    assert rules.pop("worker-src") == "blob:"
    assert rules.pop("img-src") == "data:"

    def named(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    found = scripts(small_page)
    assert len(found) == 2
    assert rules.pop("script-src") == " ".join(map(named, found))
    assert rules.pop("style-src") == named(re.search("<style>(.*?)</style>", small_page, re.DOTALL)[1])
    assert not rules


def test_no_address_and_no_way_to_ask_for_one(small_page):
    text = small_page.replace("http://www.w3.org/2000/svg", "")  # the name of a language
    assert not re.findall(r"https?://|\bfetch\(|XMLHttpRequest|WebSocket|import\(|\beval\(|innerHTML", text)


def test_files_are_short_and_begin_with_what_they_are():
    for name in (*ENGINE, *PAGE):
        lines = part(f"{name}.js").splitlines()
        assert len(lines) <= 300
        assert lines[0].startswith("// ")
        assert '"use strict";' in lines


def test_embedded_numbers_are_those_of_theory():
    """Of one task whose numbers are known, by other functions; the bounds of New City are 1 bit and nothing."""
    data = task_data("city_names", None, "city names")
    pmf = JointPMF.from_pairs([tuple(row) for row in data["outcomes"]], data["probabilities"])
    assert (
        [x["form"] for x in data["fixed"]] == [str(x) for x in optimal_bounds(pmf).values] == ["log2(2)", "0"]
    )
    assert data["frontier"] == [[1.0, 1.0], [2.0, 0.0]]
    points = {point["policy"]: point for point in data["points"]}
    assert len(points) > 30
    for spec, point in points.items():
        again = decode(pmf, spec)
        assert (point["accuracy"], point["steps"]) == (float(again.accuracy), float(again.steps))
    assert points["topk:k=2"]["klText"] == "1"
    assert points["topk:k=2"]["accuracyText"] == "1/2"


@pytest.mark.deep
def test_the_whole_page_is_small_and_holds_every_task(whole_page):
    assert len(whole_page.encode()) < 500_000
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', whole_page, re.DOTALL)
    held = json.loads(found[1])["tasks"]
    assert len(held) == len(TASKS)
    selector = held["matching_selector"]
    assert selector == json.loads(
        json.dumps(task_data(*next(t for t in TASKS if t[0] == "matching_selector")))
    )
    assert selector["adaptive"][2]["form"] == "0"
    assert selector["fixed"][2]["value"] == pytest.approx(0.0441104, abs=1e-7)


def test_the_command_writes_the_page(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("parabounds.explorer.embedded.TASKS", TASKS[:1])
    out = tmp_path / "new" / "page.html"
    assert main(["explorer", "--out", str(out)]) == 0
    assert capsys.readouterr().out.startswith(f"{out} (")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("page.txt", "must end in .html"),
        ("folder.html", "is a folder"),
        ("file/page.html", "cannot be written"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path, capsys, monkeypatch, name, message):
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("parabounds.explorer.embedded.TASKS", TASKS[:1])
    assert main(["explorer", "--out", str(tmp_path / name)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.deep
def test_the_older_door_leads_to_the_same_command(tmp_path):
    door = Path(__file__).parents[3] / "paper_repro.py"
    command = [sys.executable, str(door), "explorer", "--out", str(tmp_path / "page.txt")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.endswith("page.txt: the file must end in .html.\n")
