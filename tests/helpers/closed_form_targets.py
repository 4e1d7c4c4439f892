"""The distributions and block sizes of closed forms, for the product and for the reference."""

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import permutations, product

import sympy

from synthetic.task import known_tasks, make_task
from tests.helpers.compositions import compositions
from tests.reference import definitions as ref
from theory.distributions.distribution import context_pmfs
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import ClosedForm, closed_forms
from theory.information.closed_forms.exact import exact_truth
from theory.information.closed_forms.simple import DETERMINISTIC
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable

GAMMAS = [Fraction(x, 60) for x in (0, 12, 15, 20, 24, 30, 40, 45, 48, 60)]
FORMS = {(form.task, form.quantity): form for form in closed_forms()}
IDS = [f"{task}: {quantity}" for task, quantity in FORMS]


@cache
def latin_squares(n: int) -> tuple[tuple[int, ...], ...]:
    """All squares of order n, row by row: the rows are permutations that differ in every column."""
    rows = list(permutations(range(n)))
    squares = [()]
    for _ in range(n):
        squares = [
            (*square, *row)
            for square in squares
            for row in rows
            if all(row[c] not in square[c::n] for c in range(n))
        ]
    return tuple(squares)


@cache
def sudoku_grids() -> tuple[tuple[int, ...], ...]:
    """The Latin squares of order 4 with four different symbols in every 2 x 2 box."""
    boxes = [[4 * (r + i) + c + j for i in (0, 1) for j in (0, 1)] for r in (0, 2) for c in (0, 2)]
    return tuple(y for y in latin_squares(4) if all(len({y[i] for i in box}) == 4 for box in boxes))


def outcomes(task: str, n: int) -> tuple[tuple[int, ...], ...]:
    if task == "sudoku_unique":
        return sudoku_grids()[:1]
    return latin_squares(n) if task == "latin_square" else sudoku_grids()


@cache
def product_targets(task: str, n: int) -> list[tuple[Fraction, JointPMF]]:
    if task in known_tasks():
        return context_pmfs(make_task(task, None if task == "city_names" else n).contexts())
    return [(Fraction(1), JointPMF.uniform(outcomes(task, n)))]


@cache
def reference_target(task: str, n: int) -> ref.PMF:
    if task == "city_names":
        return ref.city_names()
    if task in DETERMINISTIC:
        return ref.uniform([range(n)])
    return getattr(ref, task)(n) if hasattr(ref, task) else ref.uniform(outcomes(task, n))


@cache
def table(task: str, n: int) -> EntropyTable:
    return subset_entropies(product_targets(task, n))


def positions(task: str, n: int) -> int:
    return len(next(iter(reference_target(task, n))))


def size_by_left(sizes: tuple[int, ...]) -> dict[int, int]:
    return {sum(sizes[t:]): size for t, size in enumerate(sizes)}


def cases(form: ClosedForm, largest: int) -> Iterator[tuple[int, dict]]:
    """All small values of the parameters inside the domain of the form."""
    if form.task in ("city_names", "sudoku_4"):
        yield {"city_names": 2, "sudoku_4": 4}[form.task], {}
        return
    for n in range(
        2 if form.task in known_tasks() and known_tasks()[form.task].smallest == 2 else 1, largest + 1
    ):
        ranges = {
            "n": [n],
            "k": range(1, n + 2),
            "j": range(n + 1),
            "gamma": GAMMAS,
            "sizes": compositions(n),
        }
        names = form.parameters
        for choice in product(*(list(ranges[name]) for name in names)):
            values = dict(zip(names, choice, strict=True))
            if exact_truth(form.domain, {key: Fraction(v) for key, v in values.items() if key != "sizes"}):
                yield n, values


def at(expression, n: int | None = None, **values):
    """Put numbers for the symbols of an expression, by name."""
    given = values if n is None else {"n": n, **values}
    symbols = {symbol.name: symbol for symbol in sympy.sympify(expression).free_symbols}
    return sympy.sympify(expression).subs({symbols[key]: v for key, v in given.items() if key in symbols})
