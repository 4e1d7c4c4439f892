"""What any decoder loses on a task in a token layout.

``L*_T`` is the least loss in bits of T fixed steps, ``L*_1 = C`` the total correlation, and the frontier the least loss
of any policy for each expected number of steps. Tokens that are certain cost nothing in any step, so only the tokens of
the people count: the layout ``released`` has the values of ``names``. The second name of a person is certain after the
first, but costs the entropy of the person if both are drawn at once. Long lists and squares have certified brackets
where the values are too costly. Source: arXiv 2510.04767, Theorem 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from math import log2
from typing import Any

from synthetic import structures
from synthetic.parallelbench.frontier_floors import floors_of_hull, without_the_identity
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.repeated_tokens import repeated_losses
from synthetic.parallelbench.tasks import BenchTask
from synthetic.task import ListTask, list_task, make_task
from theory.bounds.partitions.listed import listed_step_bound
from theory.bounds.partitions.long import bracketed_losses
from theory.commands.bounds import bounds_answer
from theory.commands.frontier import frontier_answer
from theory.commands.frontier_brackets import ends_of
from theory.decoding.structured.layout import Layout
from theory.decoding.tasks.route import structure_of
from theory.distributions.distribution import Context, ListedDistribution, context_pmfs
from theory.distributions.pmf import JointPMF
from theory.information.curves.structures import Structure
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.brackets import adaptive_brackets
from theory.validation import InputError

__all__ = ["Written", "losses_of", "optimum", "written"]

LISTED = 12  # people; longer lists have their known subset entropies
MOST = 14  # tokens where a person has several; more are bracketed
SECONDS = 5.0  # of the search for brackets
SQUARE, SUDOKU = "latin_square", "sudoku"


@dataclass(frozen=True, kw_only=True)
class Written:
    """A task whose items are written as tokens, without those that are certain.

    Attributes:
        name: Of the task.
        n: People in the line, or 4 for a square.
        task: The task with a token for each item.
        tokens: How many tokens each item has.
    """

    name: str
    n: int
    task: Any
    tokens: tuple[int, ...]

    def contexts(self) -> tuple[Context, ...]:
        """Return the weighted distributions of the tokens; those of one outcome count as one.

        Example:
            >>> two = Written(name="pair", n=2, task=list_task("shuffle", 2), tokens=(2, 1))
            >>> [outcome for outcome, _ in two.contexts()[0].distribution.pmf()]
            [(0, 0, 1), (1, 1, 0)]
        """
        given = [(context.weight, context.distribution.pmf()) for context in self.task.contexts()]
        if all(len(pmf) == 1 for _, pmf in given):
            given = [(Fraction(1), given[0][1])]
        return tuple(
            Context(weight=weight, distribution=ListedDistribution(self._spelled(pmf)))
            for weight, pmf in given
        )

    def _spelled(self, pmf: JointPMF) -> JointPMF:
        return JointPMF.from_mapping(
            {
                tuple(v for v, count in zip(y, self.tokens, strict=True) for _ in range(count)): p
                for y, p in pmf
            }
        )

    def structure(self) -> Structure | None:
        """Return the entropies of long lists with a token for each person, else ``None``."""
        short = max(self.tokens, default=1) > 1 or sum(self.tokens) <= LISTED
        return None if short else self.of_items()

    def of_items(self) -> Structure | None:
        """Return the entropies of the items, each as one token, where they are known."""
        if not isinstance(self.task, ListTask):
            return None
        strict = self.task.name == "shuffle_strict"
        return structures.strict_shuffle(self.n) if strict else structure_of(self.task)


def optimum(task: BenchTask, people: int, layout: str | Layout = "released") -> dict[str, Any]:
    """Return C, ``L*_T`` and the frontier of a task as exact and JSON values.

    Args:
        task: A list task or a puzzle; a Sudoku of v1, which has one solution.
        people: In the line; no matter for puzzles.
        layout: ``items``, ``names`` or ``released``, or where people or cells are written.

    Returns:
        ``losses``: ``L*_T`` for T = 1, 2, .. up to the first 0; ``frontier``: steps and bits of its corners, or, where
        these are too costly, brackets at 1, 2, .. steps; ``exact`` as texts. A pair of bits is a certified bracket.

    Raises:
        InputError: For other tasks, or a layout that has no places for so many people.
        CostError: If there are too many tokens.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> found = optimum(bench_task("remove_random"), 3, "names")
        >>> found["exact"]["losses"]
        ['-8/3 log2(2) + 3 log2(3)', '-4/3 log2(2) + log2(3)', '0']
        >>> [round(float(loss), 3) for loss in optimum(bench_task("shuffle"), 15)["losses"][:3]]
        [76.957, 14.446, 7.837]
    """
    if task.name.endswith(SUDOKU):  # every cell is certain
        return _found([0], [[1, 0]], {"losses": ["0"], "frontier": [["1", "0"]]})
    spelled = written(task, people, layout)
    bounds = _bounds(spelled)
    losses = _losses(bounds)
    exact: dict[str, Any] = {}
    if texts := bounds.get("exact", {}).get("optimal_bound"):
        exact["losses"] = texts[: len(losses)]
    try:
        front = frontier_answer(spelled)
    except CostError:
        return _found(losses, _brackets(bounds, spelled), exact)
    if "exact" in front:
        exact["frontier"] = [[corner["steps"], corner["kl"]] for corner in front["exact"]["vertices"]]
    return _found(losses, [[corner["steps"], corner["kl"]] for corner in front["vertices"]], exact)


def _bounds(written: Written) -> dict[str, Any]:
    """Return the result of ``bounds``: exact, of an exchangeable list with several tokens a person, or in brackets."""
    several = max(written.tokens, default=1) > 1
    if not several or sum(written.tokens) <= MOST:
        found = bounds_answer(written)
        if found.get("optimal_bound") is not None or "optimal_bounds" in found:
            return found
    structure = written.of_items()
    if several and structure is not None and structure.symmetric and len(set(written.tokens)) == 1:
        values, error = repeated_losses(structure, written.tokens[0])
        return {"optimal_bound": values, "errors": {"optimal_bound": error}}
    return _searched(written)


def _searched(written: Written) -> dict[str, Any]:
    """Return brackets of ``L*_T`` by a search; the partitions that it finds are priced exactly."""
    parts = context_pmfs(written.contexts())
    entries = bracketed_losses(parts, None, seconds=SECONDS)
    brackets, error = entries["optimal_bounds"]
    priced: list[dict[str, Any]] = []
    for one, partition in zip(brackets, entries["optimal_partitions"][0], strict=True):
        loss = float(
            sum((weight * listed_step_bound(pmf, partition)[0] for weight, pmf in parts), LogNumber())
        )
        priced.append(one | {"upper": loss} | ({"lower": loss} if one["exact"] else {}))
        if not loss:
            break
    return {"optimal_bounds": priced, "errors": {"optimal_bounds": error}}


def _found(losses: list[Any], frontier: list[Any], exact: dict[str, Any]) -> dict[str, Any]:
    return {"losses": losses, "frontier": frontier, "exact": exact}


def losses_of(spelled: Written) -> list[Any]:
    """Return ``L*_T`` for T = 1, 2, .. up to the first 0: numbers, and pairs where only brackets are known.

    Example:
        >>> pair = Written(name="pair", n=2, task=list_task("shuffle", 2), tokens=(2, 1))
        >>> losses_of(pair)
        [LogNumber('2 log2(2)'), LogNumber('0')]
    """
    return _losses(_bounds(spelled))


def _losses(bounds: dict[str, Any]) -> list[Any]:
    losses = bounds.get("optimal_bound") or [
        one["upper"] if one["exact"] else [one["lower"], one["upper"]] for one in bounds["optimal_bounds"]
    ]
    zero = (t for t, loss in enumerate(losses, 1) if not isinstance(loss, list) and not float(loss))
    return list(losses[: next(zero, len(losses))])


def _brackets(bounds: dict[str, Any], written: Written) -> list[Any]:
    """Return the frontier at 1, 2, .. steps in brackets, up to the first that is 0; policies know their one context."""
    tokens = sum(written.tokens)
    lower, upper = ends_of(bounds, tokens)
    upper[-1] = 0.0  # one at a time
    most = (
        tokens * log2(max(written.n + 1, len(written.tokens))) * (1 + 2.0**-40)
    )  # no token has as many values
    found = adaptive_brackets([*map(min, lower, upper)], upper, most=most)
    last = next(steps for steps, high in enumerate(upper, 1) if high == 0)
    pairs: list[tuple[float, float]] = [found.at(steps) for steps in range(1, last)]
    floors = _floors(written, last - 1)
    lows = [min(max(low, floor), high) for (low, high), floor in zip(pairs, floors, strict=True)]
    return [
        *([t, [low, high]] for t, (low, (_, high)) in enumerate(zip(lows, pairs, strict=True), 1)),
        [last, 0],
    ]


def _floors(written: Written, count: int) -> list[float]:
    """Return lower bounds of the frontier at 1, 2, .. steps; see :mod:`synthetic.parallelbench.frontier_floors`."""
    steps, tokens = range(1, count + 1), sum(written.tokens)
    if written.task.name == "shuffle_strict":
        plain = replace(written, task=list_task("shuffle", written.n))
        lower, _ = ends_of(_bounds(plain), tokens)
        return without_the_identity(lower, steps, people=written.n, tokens=tokens)
    if max(written.tokens) == 1:
        return [0.0] * count
    items = replace(written, tokens=(1,) * len(written.tokens))
    try:
        corners = frontier_answer(items)["vertices"]
    except CostError:
        lows = [ends[0] for _, ends in _brackets(_bounds(items), items)[:-1]]
        return [*lows, *[0.0] * count][:count]
    return floors_of_hull([(float(one["steps"]), float(one["kl"])) for one in corners], steps)


def written(task: BenchTask, people: int, layout: str | Layout) -> Written:
    """Return a list task or the Latin square with the tokens of a layout.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> written(bench_task("remove_random"), 4, "released").tokens
        (2, 2, 2)
    """
    if task.name.endswith(SQUARE):
        placed = puzzle_layout("cells" if layout in ("items", "names") else layout, commas=True)
        return Written(name=task.name, n=4, task=make_task(SQUARE, 4), tokens=tuple(map(len, placed.places)))
    if task.operation is None:
        raise InputError(f"{task.name}: bounds are known for lists and puzzles.")
    made = list_task(task.operation, people)
    items = made.contexts()[0].distribution.n
    tokens = tuple(map(len, list_layout(layout, items).places))
    return Written(name=task.name, n=people, task=made, tokens=tokens)
