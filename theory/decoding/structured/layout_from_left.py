"""Runs of a rule from left to right in a layout; one run leads to each answer."""

from __future__ import annotations

from collections import Counter, defaultdict

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_steps import LONGEST, LayoutSteps
from theory.numbers.rationals import to_fmpq
from theory.validation import InputError

__all__ = ["RunsFromLeft"]

Place = tuple[int, int, int]  # revealed positions, calls in this block, calls


class RunsFromLeft:
    """The runs of one rule by ``left_to_right``, right and wrong ones.

    The revealed positions are always a prefix, so the known items follow from its length, and the step from there.
    Wrong runs go on with the marginals given the context alone; see :mod:`theory.decoding.structured.layout_runs`.

    Args:
        marginals: Of the items.
        layout: Where they are written.
        steps: Of the rule.
        temperature: 1 or 0.
    """

    def __init__(
        self, marginals: LayoutMarginals, layout: Layout, steps: LayoutSteps, temperature: int
    ) -> None:
        self._marginals, self._steps, self._temperature = marginals, steps, temperature
        self._length, self._size = layout.length, min(steps.policy.block or layout.length, layout.length)
        places = {position: i for i, item in enumerate(layout.places) for position in item}
        self._items = [places.get(position, -1) for position in range(layout.length)]
        self._count = Counter(marginals.classes)
        self._wrong = defaultdict[Place, fmpq](fmpq)

    def towards(self, y: int) -> dict[int, fmpq]:
        """Return ``Q(y)`` by the number of calls."""
        marginals, own, known, place = self._marginals, fmpq(1), 0, (0, 0, 0)
        whole = self._count[y] * to_fmpq(marginals.pmf.probabilities[y])
        while place[0] < self._length and own:
            chances, before = (
                marginals.chances(known, y, self._temperature),
                whole * own / marginals.weight(known, y),
            )
            after = self._next(place, known, marginals.kind(known, y))
            new = [item for item in self._items[place[0] : after[0]] if item >= 0 and not known >> item & 1]
            for item in new:
                own *= chances[item]
                known |= 1 << item
            place = after
            self._wrong[place] += before - whole * own / marginals.weight(known, y)
        return {place[2]: own} if own else {}

    def astray(self) -> dict[int, fmpq]:
        """Return the probability of a wrong run by the number of calls; after all answers that differ were decoded."""
        found: dict[int, fmpq] = {}
        kinds = self._marginals.kind(0, 0)
        for start, p in self._wrong.items():
            place = start
            while p and place[0] < self._length:
                place = self._next(place, 0, kinds)
            if p:
                found[place[2]] = found.get(place[2], fmpq(0)) + p
        return found

    def _next(self, place: Place, known: int, kinds: list[int]) -> Place:
        """Where the next call leads, with the kinds of the marginals of the items that are not known."""
        done, step, calls = place
        start = done // self._size * self._size
        end = min(start + self._size, self._length)
        if step > LONGEST:
            raise InputError(f"policy {self._steps.policy} makes no progress in {LONGEST} steps.")
        rows = (-1 if item < 0 or known >> item & 1 else kinds[item] for item in self._items[start:end])
        done += self._steps.from_left(tuple(rows), done - start, step)
        if done < end:
            return done, step + 1, calls + 1
        return done, 0, calls + 1 + (self._steps.idle(step + 1) if end < self._length else 0)
