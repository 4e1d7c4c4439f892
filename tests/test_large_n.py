"""docs/large_n.md: every command prints what the page shows, every cell of the table is what the decoder does."""

import shlex
from pathlib import Path

import pytest

from synthetic import make_task
from tests.helpers.pages import check_shown, steps
from theory.decoding.structured.dispatch import NotKnownError
from theory.decoding.tasks.decode import decode_contexts
from theory.policies import parse_policy

PAGE = Path(__file__).parents[1] / "docs" / "large_n.md"
SPECS = {
    "left-to-right top-2": "topk:k=2,by=left_to_right",
    "confidence top-2": "topk:k=2",
    "random top-2": "topk:k=2,by=random",
    "threshold 0.9": "threshold:gamma=0.9",
    "factor 1": "factor:f=1",
}
LONG = 36  # too many to list the outcomes; a square, as one-hot blocks need


def table():
    """The cells below the rules, by task."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    start = next(i for i, row in enumerate(rows) if row[1:] == list(SPECS))
    return {row[0]: dict(zip(SPECS, row[1:], strict=True)) for row in rows[start + 2 :]}


@pytest.mark.parametrize("task", table())
def test_a_rule_is_exact_or_not_known(task):
    for rule, cell in table()[task].items():
        policy = parse_policy(SPECS[rule])
        try:
            result = decode_contexts(make_task(task, LONG), policy)
            assert not isinstance(result.accuracy, float)
            found = "exact"
        except NotKnownError:
            found = "sampled"
        assert found == cell, rule


def commands():
    """Every command of the page; those that are sampled are deep."""
    for step in steps(PAGE.read_text(encoding="utf-8")):
        sampled = "estimates from" in "".join(step.shown) or not step.shown
        yield pytest.param(step, id=step.line, marks=[pytest.mark.deep] if sampled else [])


@pytest.mark.grid(1)
@pytest.mark.parametrize("step", [*commands()])
def test_commands_print_what_the_page_shows(step, capsys):
    from parabounds.command import main

    assert main(shlex.split(step.command)[1:]) == 0
    check_shown(step, capsys.readouterr().out)
