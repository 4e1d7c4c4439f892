"""Brackets of the adaptive optimum hold the exact one."""

import json
from fractions import Fraction
from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.strategies import targets
from theory.__main__ import main
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.commands.bounds import bounds_answer
from theory.commands.frontier_brackets import brackets_of
from theory.distributions.contexts import listed_task
from theory.distributions.distribution import context_pmfs
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.brackets import adaptive_brackets
from theory.optima.adaptive.contexts import average_frontier
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.validation import InputError

SLACK = 1e-12  # bits; roundings of exact numbers to floats


@given(target=targets(), share=st.fractions(0, 1, max_denominator=8))
def test_they_hold_the_optimum(target, share):
    pmf = JointPMF.from_mapping(target.distribution)
    blocks = [float(bits) for bits in optimal_bounds(pmf).values]
    found, values = adaptive_brackets(blocks, blocks), [float(v) for v in adaptive_bounds(pmf).values]
    for t, value in enumerate(values):
        assert found.lower[t] - SLACK <= value <= found.upper[t] + SLACK
    assert values[:2] == pytest.approx(blocks[:2], abs=SLACK)
    epsilon = Fraction(blocks[0]) * share + Fraction(1, 10**6)  # off the vertices, where floats decide
    exact, loss = depth_within(pmf, epsilon), float(epsilon)
    low, high = found.worst_case(loss)
    assert low <= exact.worst_case <= high
    low, high = found.expected(loss)
    assert low - SLACK <= exact.expected <= high + SLACK


def room(pmf):
    """The entropies that the positions can have: no tokens leave a larger total correlation."""
    return sum(log2(len(alphabet)) for alphabet in pmf.alphabets) + SLACK


@given(target=targets(), steps=st.floats(1, 5))
def test_they_hold_the_hull_at_any_steps(target, steps):
    pmf = JointPMF.from_mapping(target.distribution)
    blocks = [float(bits) for bits in optimal_bounds(pmf).values]
    found, front = adaptive_brackets(blocks, blocks, most=room(pmf)), frontier(pmf)
    for place in (steps, *(float(v.steps_under_data) for v in front.vertices)):
        low, high = found.at(place)
        assert low - SLACK <= float(front.kl_at(place)) <= high + SLACK
    for loss in {0.0, *blocks}:
        low, high = found.expected(loss)
        depth = depth_within(pmf, Fraction(loss)).expected
        assert low - SLACK <= depth <= high + SLACK


def test_they_hold_the_hull_of_several_contexts():
    parts = context_pmfs(make_task("insert_index", 3).contexts())
    blocks = [float(bits) for bits in bounds_answer(make_task("insert_index", 3))["optimal_bound"]]
    most = max(room(pmf) for _, pmf in parts)
    found, front = adaptive_brackets(blocks, blocks, contexts=len(parts), most=most), average_frontier(parts)
    for steps in (1, 1.1, 1.3, 2, 2.5):
        low, high = found.at(steps)
        assert low - SLACK <= float(front.kl_at(steps)) <= high + SLACK
    assert found.at(1 + blocks[0] / most / 2)[0] == pytest.approx(blocks[0] / 2)


def test_two_steps_lose_nearly_what_two_blocks_lose():
    # mixtures of (1, 2), (2, 1/2), (2 + 1/8, 0): the second lies above the line from the first to the third
    found = adaptive_brackets([2.0, 0.5, 0.0], [2.0, 0.5, 0.0], most=4.0)
    assert found.at(2)[0] == pytest.approx(2 * (1 / 8) / (9 / 8))
    assert found.at(17 / 8) == (0.0, pytest.approx(7 / 16))
    assert found.expected(0)[0] == pytest.approx(17 / 8)
    with pytest.raises(InputError, match="steps must be at least 1"):
        found.at(0.5)


@pytest.mark.parametrize(
    ("name", "n"), [("shuffle", 4), ("insert_index", 3), ("tree", 3), ("city_names", None)]
)
def test_the_result_of_bounds_gives_them(name, n):
    task = make_task(name, n) if n else make_task(name)
    answer = bounds_answer(task, adaptive=True)
    found = brackets_of(task, answer)
    values = [float(v) for v in answer["adaptive_bound"]]
    assert all(a <= v <= b for a, v, b in zip(found.lower, values, found.upper, strict=True))
    assert found.upper[-1] == 0


def test_there_is_one_for_each_position_not_for_each_item():
    task = make_task("insert_random", 20)  # 21 positions
    found = brackets_of(task, bounds_answer(task))
    assert len(found.upper) == 21
    assert found.upper[19] > 0 == found.upper[20]


def test_wrong_ends():
    with pytest.raises(InputError, match="as many lower as upper ends, got 1 and 2"):
        adaptive_brackets([1.0], [1.0, 0.0])
    with pytest.raises(InputError, match="epsilon must be at least 0"):
        adaptive_brackets([1.0, 0.0], [1.0, 0.0]).worst_case(-1)


def test_a_long_list_has_brackets_in_place_of_a_refusal(capsys, tmp_path, monkeypatch):
    rows = [tuple(j // 3 ** (i % 3) % 3 for i in range(24)) for j in range(12)]
    file = tmp_path / "long.json"
    file.write_text(json.dumps({"outcomes": rows}))
    monkeypatch.setattr("theory.commands.rule_points.registered_policies", dict)  # they take seconds
    picture = tmp_path / "long.png"
    argv = ["frontier", str(file), "--within", "1/2", "--seconds", "2", "--plot", str(picture)]
    assert main([*argv, "--json"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    answer = json.loads(capsys.readouterr().out)
    blocks = bounds_answer(listed_task_of(rows))["optimal_bounds"]
    for t in (0, 1):
        ends = answer["adaptive_bounds"][t]
        assert ends["lower"] <= blocks[t]["upper"] <= ends["upper"] < ends["lower"] + 1e-6
    assert answer["serial_depth"]["worst_case"] == {"lower": 3, "upper": 4}
    assert answer["depth_within"]["worst_case"]["lower"] >= 2
    assert answer["notes"]["vertices"].startswith("the optimum of all policies is not known here")
    assert main(["frontier", "shuffle", "-n", "60", "--within", "5"]) == 0
    assert "adaptive_bounds[T=1]" in capsys.readouterr().out


def listed_task_of(rows):
    """The rows as a task, all of them equally probable."""
    return listed_task(JointPMF.uniform(rows))
