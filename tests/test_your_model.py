"""docs/your_model.md and docs/released_decoders.md: every command and example, with a small random model."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")

from tests.helpers import hf_models
from tests.helpers.pages import Step, check_shown

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "your_model.md").read_text(encoding="utf-8")
RELEASED = (ROOT / "docs" / "released_decoders.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```", flags=re.S | re.M)
pytestmark = pytest.mark.extras("transformers")
LATER = ("pip", "torchrun")  # not run here: an install, and several processes


def run_line(line: str) -> int:
    from parabounds.command import main

    words = shlex.split(line)
    assert words[0] == "parabounds", line
    return main(words[1:])


def test_the_page_does_what_it_says(tmp_path, monkeypatch, capsys):
    before = torch.get_num_threads()
    hf_models.bert(tmp_path / "my_model")
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    commands, shown, line, printed = 0, 0, "", ""
    for kind, name, body in BLOCK.findall(PAGE):
        if kind == "text" and name:
            Path(name).write_text(body)
        elif kind == "text":
            check_shown(Step(line, body.splitlines()), printed)
            shown += 1
        elif kind == "python":
            exec(compile(body, "docs/your_model.md", "exec"), {})
        else:
            assert kind == "sh"
            for line in filter(None, body.splitlines()):
                if any(word in line for word in LATER):
                    continue
                random_weights = "verify" in line  # a random model is below, which the exit status says
                assert run_line(line) == int(random_weights), line
                printed = capsys.readouterr().out
                assert printed, line
                commands += 1
    torch.set_num_threads(before)
    assert commands >= 8
    assert shown == 2
    assert {path.name for path in Path("verified").iterdir()} >= {"verify.json", "verify.csv", "verify.svg"}
    assert Path("gap.jsonl").read_text().count("\n") == 1 + 2 * 20


def test_the_settings_of_released_decoders_run(tmp_path, monkeypatch, capsys):
    before = torch.get_num_threads()
    hf_models.bert(tmp_path / "my_model")
    (tmp_path / "prompts.txt").write_text("the apple is [MASK] [MASK] .\nlist : [MASK] [MASK] [MASK]\n")
    monkeypatch.chdir(tmp_path)
    lines = []
    for kind, _, body in BLOCK.findall(RELEASED):
        if kind == "python":
            exec(compile(body, "docs/released_decoders.md", "exec"), {})
            continue
        for line in filter(None, body.splitlines()):
            judged = "verify" in line and "--temperature 0" not in line  # a random model is below
            assert run_line(line) == int(judged), line
            assert capsys.readouterr().out, line
            lines.append(line)
    torch.set_num_threads(before)
    assert len(lines) == 4


def test_every_rule_of_the_released_decoders_is_a_rule():
    from theory.policies import parse_policy

    named = re.findall(r"`([a-z_]+:[^` ]*)`", RELEASED)
    assert len(named) >= 16
    for spec in named:
        filled = re.sub(r"=[SB]\b", "=2", spec.replace("by=...", "by=margin"))
        parse_policy(re.sub(r"=(?:[gfa]|\.\.\.)(?=,|$)", "=0.5", filled))


def test_the_page_names_what_exists():
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", PAGE + RELEASED):
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`((?:models|tests)/[\w/]+\.py)`", PAGE + RELEASED):
        assert (ROOT / path).is_file(), path
    assert all(len(line) <= 160 for line in (PAGE + RELEASED).splitlines())
