"""docs/your_model.md: every command and every example of the page, in a folder with a small random model."""

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

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "your_model.md").read_text(encoding="utf-8")
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
    commands = 0
    for kind, name, body in BLOCK.findall(PAGE):
        if kind == "text":
            Path(name).write_text(body)
        elif kind == "python":
            exec(compile(body, "docs/your_model.md", "exec"), {})
        else:
            assert kind == "sh"
            for line in filter(None, body.splitlines()):
                if any(word in line for word in LATER):
                    continue
                random_weights = "verify" in line  # a random model is below, which the exit status says
                assert run_line(line) == int(random_weights), line
                captured = capsys.readouterr()
                assert captured.out, line
                commands += 1
    torch.set_num_threads(before)
    assert commands >= 8
    assert {path.name for path in Path("verified").iterdir()} >= {"verify.json", "verify.csv", "verify.svg"}
    assert Path("gap.jsonl").read_text().count("\n") == 1 + 2 * 20


def test_the_page_names_what_exists():
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", PAGE):
        assert (ROOT / "docs" / target).exists(), target
    for path in re.findall(r"`(models/\w+\.py)`", PAGE):
        assert (ROOT / path).is_file(), path
    assert all(len(line) <= 160 for line in PAGE.splitlines())
