"""Least losses in a layout: against the reduction to items, by hand, and the entropies of the strict shuffle."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import combinations

import pytest

from parabounds.command import main
from synthetic.parallelbench import TASKS, bench_task
from synthetic.parallelbench.list_ceilings import list_contexts
from synthetic.parallelbench.optimum import optimum
from synthetic.structures import strict_shuffle
from synthetic.task import list_task
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


def test_what_has_no_bounds_is_refused() -> None:
    with pytest.raises(InputError, match="30 tokens in this layout, the limit is 14"):
        optimum(bench_task("shuffle"), 15, "released")
    with pytest.raises(InputError, match="known for lists and Latin squares"):
        optimum(TASKS["text/summary"], 3)
    with pytest.raises(CostError, match="not known for lists that long"):
        optimum(bench_task("insert_random"), 20, "items")


def test_the_command_prints_exact_values(capsys) -> None:
    assert main(["bench", "bounds", "remove_random", "--layout", "names", "--sizes", "3", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["bounds"]
    assert row["exact"]["losses"][-1] == "0"
    assert row["losses"][1] == row["frontier"][1][1]
    assert main(["bench", "bounds", "remove_random", "--sizes", "3,4"]) == 0
    assert "frontier: steps:bits" in capsys.readouterr().out
