"""Figures of the benchmark: a rule for every published point, and the scores that decoding alone explains."""

from fractions import Fraction

import pytest

from figures.benchmark.figure import perfect_scores
from figures.benchmark.settings import LISTS, policies_of
from figures.engine.data import published_rows
from figures.engine.figure import RunSettings, known_figures
from synthetic.parallelbench import TASKS
from theory.policies import parse_policy

NUMBERS = (3, 5, 9, 11, 14, 21, 22, 23, 24)


def test_the_panels_are_the_list_tasks_of_the_benchmark() -> None:
    assert {f"waiting_line/{task}" for task in LISTS} == {t.name for t in TASKS.values() if t.kind == "list"}


def test_every_published_point_of_a_list_task_has_its_rule() -> None:
    counts: dict[tuple[str, ...], int] = {}
    for row in published_rows("benchmark_figures"):
        if row["panel"] in LISTS:
            key = (row["figure"], row["panel"], row["series"], row["x_name"])
            counts[key] = counts.get(key, 0) + 1
    for (_, _, series, x_name), count in counts.items():
        specs = policies_of(series, x_name)
        assert len(specs) == count
        assert all(parse_policy(spec) for spec in specs)


@pytest.mark.parametrize("number", NUMBERS)
def test_figures_are_known_and_small_when_fast(number: int) -> None:
    figure = known_figures()[f"figure{number}"]
    assert figure.resolve(RunSettings())["tasks"] == list(LISTS)
    assert len(figure.cells(figure.resolve(RunSettings(fast=True)))) <= 8


def test_left_to_right_scores_of_replace_random_are_those_of_a_fine_tuned_model() -> None:
    policies = list(policies_of("left_to_right_topk", "tokens_per_step"))
    found = perfect_scores(task="replace_random", policies=policies, sizes=[3, 4, 5, 6])
    # published for LLaDA 1.5, fine-tuned: 100, 100, 47, 37, 27, 0
    assert [Fraction(accuracy) for accuracy, _ in found] == [
        1,
        1,
        Fraction(1, 2),
        Fraction(9, 16),
        Fraction(9, 32),
        0,
    ]
    assert [Fraction(rate) for _, rate in found] == [1, 2, 4, 8, 16, 32]
