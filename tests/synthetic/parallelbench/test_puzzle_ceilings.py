"""Ceilings of puzzles against their definition: every set of empty cells, every grid, each puzzle decoded by itself."""

from collections import defaultdict
from fractions import Fraction
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from synthetic import make_task
from synthetic.parallelbench import bench_task
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.puzzle_ceilings import (
    latin_ceiling,
    puzzle_layout,
    solved_ceiling,
)
from synthetic.parallelbench.puzzles import stored_grid_ceiling, stored_grids
from synthetic.parallelbench.sampled_ceilings import sampled_ceiling
from synthetic.parallelbench.sudoku_ceilings import sudoku_ceiling
from theory import JointPMF, decode, parse_policy
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.information.subsets.builder import table_of
from theory.validation import InputError


def sudoku_by_definition(holes: int, rule: str, temperature: int) -> Fraction:
    policy = parse_policy(rule)

    @cache
    def drawn(solutions: tuple[tuple[int, ...], ...]) -> dict[tuple[int, ...], Fraction]:
        pmf = JointPMF.uniform(solutions)
        return dict(decode(pmf, policy, temperature=temperature).distribution)  # type: ignore[arg-type]

    total, found = 0, Fraction(0)
    for empty in combinations(range(16), holes):
        puzzles: dict[tuple[int, ...], list[tuple[tuple[int, ...], Fraction]]] = defaultdict(list)
        for grid, chance in stored_grids(False):
            clues = tuple(value for cell, value in enumerate(grid) if cell not in empty)
            puzzles[clues].append((tuple(grid[cell] for cell in empty), Fraction(chance)))
        for grids in puzzles.values():
            if len(grids) == 1:
                found += grids[0][1]
            else:
                right = drawn(tuple(cells for cells, _ in grids))
                found += sum((chance * right[cells] for cells, chance in grids), Fraction(0))
        total += 1
    return found / total


@pytest.mark.deep
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("rule", ["topk:k=1", "threshold:gamma=0.6,strict=false"])
def test_sudoku_by_definition(rule: str, temperature: int) -> None:
    found = sudoku_ceiling(parse_policy(rule), holes=4, layout="cells", temperature=temperature)
    assert found.accuracy == sudoku_by_definition(4, rule, temperature)


def block_by_block(solutions: Any, stored: Any, size: int) -> Fraction:
    """Blocks of ``size`` cells, each drawn at once at temperature 1: a product of marginals, block after block."""
    if len(solutions) == 1:
        return Fraction(1)
    chance, left = Fraction(1), solutions
    for start in range(0, 16, size):
        block = slice(start, start + size)
        for share in (left[:, block] == stored[block]).mean(axis=0) * len(left):
            chance *= Fraction(round(share), len(left))
        left = left[(left[:, block] == stored[block]).all(axis=1)]
    return chance


@pytest.mark.deep
def test_blocks_of_a_sudoku_by_definition() -> None:
    pmf = stored_grids(False)
    grids = np.array(pmf.outcomes)
    firsts = [j for j, grid in enumerate(pmf.outcomes) if grid[:4] == (0, 1, 2, 3)]  # digits are but names
    sizes, total = (2, 4, 8), sum(int(pmf.weights[j]) for j in firsts)
    found = {(size, graded): Fraction(0) for size in sizes for graded in ("stored", "any")}
    for empty in combinations(range(16), 4):
        shown = [cell for cell in range(16) if cell not in empty]
        for j in firsts:
            solutions, weight = grids[(grids[:, shown] == grids[j, shown]).all(axis=1)], int(pmf.weights[j])
            for size in sizes:
                found[size, "stored"] += weight * block_by_block(solutions, grids[j], size)
                right = (block_by_block(solutions, grid, size) for grid in solutions)
                found[size, "any"] += weight * sum(right, Fraction(0))
    for (size, graded), value in found.items():
        for rule in (f"topk:k={size},by=random,block={size}", f"topk:k={size},by=left_to_right"):
            given = {"holes": 4, "layout": "cells", "temperature": 1, "graded": graded}
            assert sudoku_ceiling(parse_policy(rule), **given).accuracy == value / total / 1820  # type: ignore[arg-type]


@pytest.mark.deep
def test_blocks_of_one_lose_what_one_token_at_a_time_loses() -> None:
    for rule in ("topk:k=1,block=8", "topk:k=1,by=left_to_right", "topk:k=2,by=random,block=2"):
        found = sudoku_ceiling(parse_policy(rule), holes=4, temperature=1)
        if "k=1" in rule:
            assert found.accuracy == stored_grid_ceiling(4).any_solution
        else:
            assert found.accuracy < stored_grid_ceiling(4).any_solution
            assert found.steps == 32


@pytest.mark.grid(3)
@pytest.mark.parametrize("holes", [0, 1, 4, 6])
def test_one_token_at_a_time_reaches_the_cap_of_the_stored_grid(holes: int) -> None:
    found = sudoku_ceiling(parse_policy("topk:k=1,by=random"), holes=holes, temperature=1)
    assert found.accuracy == stored_grid_ceiling(holes).any_solution
    assert sudoku_ceiling(parse_policy("topk:k=1"), holes=holes, graded="any").accuracy == 1


def test_the_cap_of_the_released_sudoku() -> None:
    found = ceiling(bench_task("sudoku"), parse_policy("topk:k=1"), temperature=1, holes=8)
    assert found.accuracy == Fraction(93007, 102960)  # 90.33 %


def test_a_sudoku_with_one_solution_loses_nothing() -> None:
    for rule, steps in (("topk:k=32,by=random", 2), ("threshold:gamma=1,strict=false", 1)):
        found = solved_ceiling(parse_policy(rule))
        assert (found.accuracy, found.steps, found.tokens_per_step) == (1, steps, Fraction(64, steps))
        assert ceiling(bench_task("sudoku"), parse_policy(rule)).accuracy == 1


def test_latin_squares_at_once_and_one_by_one() -> None:
    at_once = parse_policy("topk:k=64,by=random")
    assert latin_ceiling(at_once).accuracy == Fraction(576, 4**16)
    assert latin_ceiling(at_once, squares=144, temperature=1).accuracy == Fraction(144, 4**16)
    assert latin_ceiling(parse_policy("topk:k=1")).accuracy == 1


@pytest.mark.deep
def test_two_at_a_time_from_the_left_depends_on_the_commas() -> None:
    from_left = parse_policy("topk:k=2,by=left_to_right")
    assert latin_ceiling(from_left).accuracy == 1  # a cell and a comma
    # joined: cells 0 and 1 are drawn together and differ in 3 of 4 cases, 2 and 3 in 1 of 2, and so on
    assert 0 < latin_ceiling(from_left, layout="joined").accuracy < Fraction(3, 8)


@pytest.mark.deep
def test_blocks_of_two_are_two_from_the_left() -> None:
    rules = [parse_policy(spec) for spec in ("topk:k=2,by=random,block=2", "topk:k=2,by=left_to_right")]
    for layout in ("released", "joined"):
        one, other = (latin_ceiling(rule, layout=layout).accuracy for rule in rules)
        assert one == other


def test_places() -> None:
    assert [place for (place,) in puzzle_layout("released", commas=False).places] == [
        5 * row + column for row in range(4) for column in range(4)
    ]
    assert puzzle_layout("released", commas=True).places[-1] == (30,)
    assert puzzle_layout("cells", commas=True).length == 16


def test_what_has_no_ceiling_is_refused() -> None:
    rule = parse_policy("topk:k=2,by=random,block=4")
    with pytest.raises(InputError, match=r"holes must lie in 0\.\.10, got 11"):
        sudoku_ceiling(parse_policy("topk:k=1"), holes=11)
    with pytest.raises(InputError, match="squares must be 576"):
        latin_ceiling(rule, squares=432)


@pytest.mark.deep
@pytest.mark.parametrize("temperature", [0, 1])
def test_squares_in_random_order_equal_sampled_ones(temperature: int) -> None:
    rule = parse_policy("topk:k=4,by=random")
    exact = latin_ceiling(rule, temperature=temperature).accuracy
    task = bench_task("latin_square")
    drawn = sampled_ceiling(task, rule, people=4, temperature=temperature, samples=2000, seed=5)
    # one of two values, at a family-wise error of 1e-6
    assert binomtest(drawn.right, drawn.samples, float(exact)).pvalue > 5e-7


@pytest.mark.deep
def test_bounds_of_the_latin_square() -> None:
    table = table_of(make_task("latin_square", 4).contexts()[0].distribution.pmf())
    values = optimal_bounds(table).values
    log3 = 1.584962500721156
    assert float(values[0]) == pytest.approx(26 - 2 * log3, abs=1e-12)
    assert float(values[1]) == pytest.approx(13 / 2 - 9 / 8 * log3, abs=1e-12)
    assert [round(float(value), 6) for value in values[2:6]] == [1.524296, 0.359686, 0.162118, 0]
