"""What any decoder loses on a task in a token layout.

``L*_T`` is the least loss in bits of T fixed steps, ``L*_1 = C`` the total correlation, and the frontier the least loss
of any policy for each expected number of steps. Tokens that are certain cost nothing in any step, so only the tokens of
the people count: the layout ``released`` has the values of ``names``. The second name of a person is certain after the
first, but costs the entropy of the person if both are drawn at once. Source: arXiv 2510.04767, Theorem 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from synthetic import structures
from synthetic.parallelbench.list_ceilings import list_layout
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from synthetic.parallelbench.tasks import BenchTask
from synthetic.task import ListTask, list_task, make_task
from theory.commands.bounds import bounds_answer
from theory.commands.frontier import frontier_answer
from theory.decoding.structured.layout import Layout
from theory.decoding.tasks.route import structure_of
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.limits import CostError
from theory.validation import InputError

__all__ = ["Written", "optimum"]

LISTED = 12  # people; longer lists have their known subset entropies
MOST = 14  # tokens where a person has several
PUZZLE = "latin_square"


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

    def structure(self) -> Any:
        """Return the entropies of long lists with a token for each person, else ``None``."""
        if (
            max(self.tokens, default=1) > 1
            or sum(self.tokens) <= LISTED
            or not isinstance(self.task, ListTask)
        ):
            return None
        return (
            structures.strict_shuffle(self.n)
            if self.task.name == "shuffle_strict"
            else structure_of(self.task)
        )


def optimum(task: BenchTask, people: int, layout: str | Layout = "released") -> dict[str, Any]:
    """Return C, ``L*_T`` and the frontier of a task as exact and JSON values.

    Args:
        task: A list task or the Latin square.
        people: In the line; no matter for squares.
        layout: ``items``, ``names`` or ``released``, or where people or cells are written.

    Returns:
        ``losses``: ``L*_T`` for T = 1, 2, .. up to the first 0; ``frontier``: steps and bits of its corners, ``None``
        where that is too costly; ``exact`` as texts.

    Raises:
        InputError: For other tasks, or a layout that has no places for so many people.
        CostError: If there are too many tokens.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> found = optimum(bench_task("remove_random"), 3, "names")
        >>> found["exact"]["losses"]
        ['-8/3 log2(2) + 3 log2(3)', '-4/3 log2(2) + log2(3)', '0']
    """
    written = _written(task, people, layout)
    bounds = bounds_answer(written)
    losses = bounds.get("optimal_bound")
    if losses is None:
        raise CostError(f"{task.name} with {people} people: L*_T is not known for lists that long.")
    used = next((t for t, loss in enumerate(losses, 1) if not float(loss)), len(losses))
    found: dict[str, Any] = {"losses": losses[:used], "frontier": None, "exact": {}}
    if exact := bounds.get("exact", {}).get("optimal_bound"):
        found["exact"]["losses"] = exact[:used]
    try:
        if written.structure() is None:
            front = frontier_answer(written)
            found["frontier"] = [[corner["steps"], corner["kl"]] for corner in front["vertices"]]
            if "exact" in front:
                found["exact"]["frontier"] = [[c["steps"], c["kl"]] for c in front["exact"]["vertices"]]
    except CostError:
        pass  # the losses stand
    return found


def _written(task: BenchTask, people: int, layout: str | Layout) -> Written:
    if task.name.endswith(PUZZLE):
        placed = puzzle_layout("cells" if layout in ("items", "names") else layout, commas=True)
        return Written(name=task.name, n=4, task=make_task(PUZZLE, 4), tokens=tuple(map(len, placed.places)))
    if task.operation is None:
        raise InputError(f"{task.name}: bounds are known for lists and Latin squares.")
    made = list_task(task.operation, people)
    items = made.contexts()[0].distribution.n
    tokens = tuple(map(len, list_layout(layout, items).places))
    if sum(tokens) > MOST and max(tokens) > 1:
        raise InputError(
            f"{items} people have {sum(tokens)} tokens in this layout, the limit is {MOST}; "
            "give --layout items, or fewer people."
        )
    return Written(name=task.name, n=people, task=made, tokens=tokens)
