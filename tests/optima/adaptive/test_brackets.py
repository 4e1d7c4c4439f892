"""Brackets of the adaptive optimum hold the exact one."""

import json
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.draws import examples
from tests.helpers.strategies import targets
from theory.__main__ import main
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.commands.bounds import bounds_answer
from theory.commands.frontier_brackets import brackets_of
from theory.distributions.contexts import listed_task
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.brackets import adaptive_brackets
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.validation import InputError

SLACK = 1e-12  # bits; roundings of exact numbers to floats


@given(target=targets(), share=st.fractions(0, 1, max_denominator=8))
@settings(max_examples=examples(8))
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


def test_a_long_list_has_brackets_in_place_of_a_refusal(capsys, tmp_path):
    rows = [tuple(j // 3 ** (i % 3) % 3 for i in range(24)) for j in range(12)]
    file = tmp_path / "long.json"
    file.write_text(json.dumps({"outcomes": rows}))
    assert main(["frontier", str(file), "--within", "1/2", "--json"]) == 0
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
