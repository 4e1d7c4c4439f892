"""``frontier --within`` and ``--entropy``: the numbers of the functions behind them, and what is refused."""

import json
from fractions import Fraction

import numpy as np
import pytest

from synthetic import make_task
from theory.__main__ import main
from theory.bounds.accuracy.diversity import most_accurate
from theory.bounds.accuracy.diversity_bracket import bracket_accuracy
from theory.commands.frontier import asked_answer
from theory.distributions.contexts import listed_task
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.depth_within import depth_within
from theory.validation import InputError


def test_entries_are_those_of_the_functions():
    task = make_task("shuffle", 2)
    pmf = task.contexts()[0].distribution.pmf()
    answer = asked_answer(task, within="1/2", entropy="1")
    depth, point = depth_within(pmf, Fraction(1, 2)), most_accurate(pmf, 1)
    assert answer["depth_within"]["expected"] == depth.expected == 1.5
    assert answer["depth_within"]["worst_case"] == depth.worst_case == 2
    assert answer["diversity"]["accuracy"] == point.accuracy
    assert answer["diversity"]["ceiling"] == point.ceiling
    assert answer["diversity"]["of_any_distribution"] == 1.0
    assert answer["exact"] == {"depth_within": {"expected": "3/2"}}
    assert asked_answer(task, within=None, entropy=None) == {}


def test_command(capsys):
    assert main(["frontier", "shuffle", "-n", "3", "--within", "1", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    # between the vertices (1, log2(9/2)) and (2, log2(3/2)): a slope of log2 3
    assert answer["depth_within"]["worst_case"] == 2
    assert 1 < answer["depth_within"]["expected"] < 2
    assert 0 < answer["errors"]["depth_within"] < 1e-15
    assert set(answer["exact"]) == {"vertices", "serial_depth"}
    assert "diversity" not in answer


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--within", "x"], "epsilon must be a finite number"),
        (["--within=-1"], "epsilon must be at least 0"),
        (["--entropy", "99"], "the entropy must lie from 0 to 2 bits, got 99"),
    ],
)
def test_wrong_input_is_one_line(capsys, option, message):
    assert main(["frontier", "shuffle", "-n", "2", *option]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_many_positions_have_a_bracket_at_once_and_a_limit_that_gives_more():
    rows = [tuple(row) for row in np.random.default_rng(0).integers(2, size=(11, 30)).tolist()]
    answer = asked_answer(listed_task(JointPMF.uniform(rows)), within=None, entropy="10")
    low, high = bracket_accuracy(rows, 10)
    assert (answer["diversity"]["accuracy"], answer["diversity"]["ceiling"]) == (low, high)
    assert 0.14 < low < high < 0.79
    assert "or allow it with --limit 2" in answer["notes"]["diversity"]


def test_several_contexts():
    with pytest.raises(InputError, match="need a task with one context"):
        asked_answer(make_task("insert_index", 3), within="0", entropy=None)
