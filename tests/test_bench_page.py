"""docs/parallelbench.md: your own model with tiny models and a loopback server, and the bounds that it shows."""

from __future__ import annotations

import json
import os
import re
import shlex
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest

from parabounds.command import main
from synthetic.parallelbench import PROTOCOLS, bench_task, make_samples
from tests.helpers.misbehaving_server import serving, stream, whole
from tests.helpers.pages import Step, check_shown, steps

PAGE = (Path(__file__).parent.parent / "docs" / "parallelbench.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## Run your own model or endpoint")[2].partition("\n## ")[0]
COMMANDS = [step for step in steps(SECTION) if step.line.startswith("parabounds")]


def run(step: Step, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(shlex.split(step.command)[1:]) == 0, step.line
    return capsys.readouterr().out


def test_the_first_command_prints_what_the_page_shows(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert COMMANDS[0].shown
    check_shown(COMMANDS[0], run(COMMANDS[0], capsys))
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {"topk_k=1", "topk_k=2_by=random"}


@pytest.mark.deep
def test_the_bounds_are_those_that_the_page_shows(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "150")
    shown = [step for step in steps(PAGE) if step.line.startswith("parabounds bench bounds") and step.shown]
    assert len(shown) == 2
    for step in shown:
        check_shown(step, run(step, capsys))


@pytest.mark.extras("transformers", "openai")
def test_the_other_commands_run(tmp_path, monkeypatch, capsys):
    pytest.importorskip("transformers")
    from tests.models.benchmark.test_language_models import causal_model, masked_model, names_tokenizer

    monkeypatch.chdir(tmp_path)
    masked_model(tmp_path / "my_model", names_tokenizer())
    causal_model(tmp_path / "my_llm", names_tokenizer())
    lines = []
    for j, sample in enumerate(make_samples(bench_task("shuffle"), PROTOCOLS["v2"], count=4)):
        doc = {"label": sample.answer, "metadata": sample.metadata}
        options = {"unmasking": "random", "k": 4, "max_tokens": 32}
        line: dict[str, Any] = {"doc_id": j, "doc": doc, "resps": [[sample.example_answer]], "nfe": 8}
        lines.append({**line, "tokens_per_step": 4, "arguments": {"gen_args_0": {"arg_1": options}}})
    log = tmp_path / "samples_parallelbench_waiting_line_shuffle.jsonl"
    log.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")

    def act(_: int, body: dict[str, Any]) -> Any:
        return stream(["[", "[1", "[1]"]) if body.get("stream") else whole("[1]")

    capsys.readouterr()
    printed = [run(COMMANDS[0], capsys)]
    with serving(act) as server:
        for step in COMMANDS[1:]:
            found = Step(re.sub(r"https?://\S+/v1", server.url, step.line))
            printed.append(run(found, capsys))
    assert len(printed) == 7
    assert all("ParallelBench, protocol v" in text for text in printed)
    assert "100.0" in printed[-1]
    assert (tmp_path / "scores.csv").read_text().count("\n") == 1 + 4 + 20
