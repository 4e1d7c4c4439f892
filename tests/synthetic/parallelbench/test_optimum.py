"""Least losses in a layout: against the reduction to items, by hand, and the entropies of the strict shuffle."""

from __future__ import annotations

import json
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from math import factorial, log2
from typing import Any

import numpy as np
import pytest

from parabounds.command import main
from synthetic import make_task
from synthetic.parallelbench import TASKS, bench_task
from synthetic.parallelbench.frontier_floors import floors_of_hull, without_the_identity
from synthetic.parallelbench.list_ceilings import list_contexts
from synthetic.parallelbench.optimum import losses_of, optimum, written
from synthetic.structures import strict_shuffle
from synthetic.task import list_task
from theory.commands.bounds import bounds_answer
from theory.commands.frontier import frontier_answer
from theory.decoding.structured.layout import Layout
from theory.information.subsets.builder import table_of
from theory.limits import CostError
from theory.validation import InputError


def least(operation: str, n: int, tokens: int, steps: int) -> float:
    """By the choice of the people first shown in each step; those of the last have all their tokens drawn there."""
    mean = 0.0
    for weight, marginals in list_contexts(operation, n):
        table = table_of(marginals.pmf)
        full = (1 << marginals.pmf.n) - 1
        entropy = {s: float(table.exact(s)) for s in range(full + 1)}

        def cost(known: int, left: int, entropy=entropy, full=full) -> float:
            rest = [i for i in range(full.bit_length()) if not known >> i & 1]
            alone = {i: entropy[known | 1 << i] - entropy[known] for i in rest}
            if left == 1:
                return tokens * sum(alone.values()) - (entropy[full] - entropy[known])
            best = float("inf")
            for size in range(len(rest) + 1):
                for block in combinations(rest, size):
                    after = known | sum(1 << i for i in block)
                    here = sum(alone[i] for i in block) - (entropy[after] - entropy[known])
                    best = min(best, here + cost(after, left - 1))
            return best

        mean += float(weight) * cost(0, steps)
    return mean


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("name", ["shuffle", "replace_random", "insert_random", "remove_random", "copy"])
@pytest.mark.parametrize(("layout", "tokens"), [("names", 2), ("items", 1)])
def test_tokens_of_a_person_cost_only_where_they_are_drawn_at_once(
    name: str, layout: str, tokens: int
) -> None:
    task = bench_task(name)
    found = optimum(task, 3, layout)
    for steps, loss in enumerate(found["losses"], 1):
        assert float(loss) == pytest.approx(least(str(task.operation), 3, tokens, steps), abs=1e-9)
    assert float(found["losses"][-1]) == 0
    assert found["frontier"][0] == [1, found["losses"][0]]
    assert optimum(task, 3, "released") == optimum(task, 3, "names")


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_entropies_of_the_strict_shuffle(n: int) -> None:
    table = table_of(list_task("shuffle_strict", n).contexts()[0].distribution.pmf())
    for size in range(n + 1):
        value = strict_shuffle(n).mean({size: Fraction(1)})
        assert value == table.exact((1 << size) - 1)


def test_long_lists_by_their_entropies() -> None:
    losses = [float(loss) for loss in optimum(bench_task("shuffle"), 15, "items")["losses"]]
    assert losses[0] == pytest.approx(18.353, abs=1e-3)  # as with the input order, of 15! orders one
    assert losses == sorted(losses, reverse=True)
    assert optimum(bench_task("copy"), 20, "items")["losses"] == [0]


@pytest.mark.parametrize(("name", "people"), [("shuffle", 4), ("replace_random", 4), ("remove_random", 5)])
def test_many_tokens_a_person_cost_what_the_definition_says(name: str, people: int) -> None:
    task, four = (
        bench_task(name),
        Layout(places=tuple((8 * j, 8 * j + 1, 8 * j + 2, 8 * j + 3) for j in range(4)), length=32),
    )
    found = losses_of(written(task, people, four))
    for steps, loss in enumerate(found, 1):
        assert float(loss) == pytest.approx(least(str(task.operation), people, 4, steps), abs=1e-9)
    assert float(found[-1]) == 0


@pytest.mark.grid(2, deep=1)
@pytest.mark.parametrize("name", ["shuffle", "copy", "replace_random", "insert_random", "remove_random"])
@pytest.mark.parametrize("people", [15, pytest.param(20, marks=pytest.mark.deep)])
def test_every_list_of_the_benchmark_has_bounds_in_the_released_layout(name: str, people: int) -> None:
    found, single = optimum(bench_task(name), people), bench_task(name).kind == "list" and name == "copy"
    ends = [loss if isinstance(loss, list) else [float(loss)] * 2 for loss in found["losses"]]
    assert ends[-1] == [0, 0]
    assert all(0 <= low <= high for low, high in ends)
    (first, total), (last, nothing) = found["frontier"][0], found["frontier"][-1]
    assert (first, last > 1, nothing) == (1, not single, 0)
    if not single:  # with its one context, nothing is seen before the first step
        assert total == pytest.approx(ends[0], abs=1e-6)
        assert all(low <= high <= ends[steps - 1][1] + 1e-6 for steps, (low, high) in found["frontier"][:-1])


def exact_frontier(task: Any) -> Callable[[float], float]:
    corners = [(float(one["steps"]), float(one["kl"])) for one in frontier_answer(task)["vertices"]]
    return lambda steps: float(np.interp(steps, *zip(*corners, strict=True)))


STEPS = (1, 1.5, 2, 2.7, 3, 4)


@pytest.mark.parametrize("n", [5, pytest.param(6, marks=pytest.mark.deep)])
def test_the_frontier_without_the_identity_is_hardly_below_that_of_all_orders(n: int) -> None:
    losses = [float(loss) for loss in losses_of(written(bench_task("shuffle"), n, "items"))]
    front = exact_frontier(written(bench_task("shuffle"), n, "items"))
    plain = [float(one) for one in bounds_answer(make_task("shuffle", n))["optimal_bound"]]
    floors = without_the_identity(plain, STEPS, people=n, tokens=n)
    assert all(0 <= floor <= front(steps) + 1e-12 for floor, steps in zip(floors, STEPS, strict=True))
    assert floors[0] > 0
    assert front(1) == pytest.approx(losses[0])


@pytest.mark.parametrize("name", ["replace_random", "insert_random", "remove_random", "shuffle"])
def test_the_frontier_of_tokens_is_at_least_that_of_people(name: str) -> None:
    items, names = (exact_frontier(written(bench_task(name), 3, layout)) for layout in ("items", "names"))
    corners = [(steps, items(steps)) for steps in np.arange(1, 4.01, 0.01)]
    for floor, steps in zip(floors_of_hull(corners, STEPS), STEPS, strict=True):
        assert floor <= items(steps) + 1e-12 <= names(steps) + 2e-12


@pytest.mark.parametrize("layout", ["items", "released"])
def test_the_frontier_of_long_shuffles_is_that_of_fixed_blocks(layout: str) -> None:
    found = optimum(bench_task("shuffle"), 15, layout)
    for (low, high), loss in zip((ends for _, ends in found["frontier"][:-1]), found["losses"], strict=False):
        assert float(loss) * (1 - 1e-6) - 1e-6 <= low <= high == pytest.approx(float(loss))


def test_long_lists_cost_at_least_what_their_items_cost() -> None:
    for name in ("shuffle", "replace_random"):
        items, names = (losses_of(written(bench_task(name), 15, layout)) for layout in ("items", "names"))
        for fewer, loss, more in zip([names[0], *items], names, items, strict=False):
            assert float(more) - 1e-9 <= float(loss) <= float(fewer) + 1e-9  # a last step can repeat
    total = 30 * log2(15) - log2(factorial(15) - 1)
    assert float(losses_of(written(bench_task("shuffle"), 15, "names"))[0]) == pytest.approx(total, abs=1e-9)


def test_puzzles_have_bounds() -> None:
    assert optimum(bench_task("sudoku"), 4) == {
        "losses": [0],
        "frontier": [[1, 0]],
        "exact": {"losses": ["0"], "frontier": [["1", "0"]]},
    }


@pytest.mark.deep
def test_the_frontier_of_latin_squares_is_bracketed() -> None:
    found = optimum(bench_task("latin_square"), 4)
    assert found["exact"]["losses"][:2] == ["26 log2(2) - 2 log2(3)", "13/2 log2(2) - 9/8 log2(3)"]
    assert [float(loss) for loss in found["losses"][2:]] == pytest.approx(
        [1.52430, 0.359686, 0.162118, 0], abs=1e-5
    )
    assert [steps for steps, _ in found["frontier"]] == [1, 2, 3, 4, 5, 6]
    for (_, (low, high)), loss in zip(found["frontier"][:-1], found["losses"], strict=False):
        assert low <= float(loss)
        assert high == pytest.approx(float(loss))


def test_what_has_no_bounds_is_refused() -> None:
    with pytest.raises(InputError, match="known for lists and puzzles"):
        optimum(TASKS["text/summary"], 3)
    uneven = Layout(places=((0, 1), *((j,) for j in range(2, 16))), length=32)
    with pytest.raises(CostError, match="15!"):
        optimum(bench_task("shuffle"), 15, uneven)


def test_the_command_prints_exact_values(capsys) -> None:
    assert main(["bench", "bounds", "remove_random", "--layout", "names", "--sizes", "3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["bounds"]
    assert row["exact"]["losses"][-1] == "0"
    assert row["losses"][1] == row["frontier"][1][1]
    assert main(["bench", "bounds", "remove_random", "--sizes", "3,4"]) == 0
    assert "frontier: steps:bits)" in capsys.readouterr().out
    assert main(["bench", "bounds", "insert_random", "sudoku", "--sizes", "15"]) == 0
    shown = capsys.readouterr().out
    assert "certified brackets low..high" in shown
    assert "1:26.9 2:0.688..3.36" in shown
