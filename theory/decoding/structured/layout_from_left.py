"""Runs of a rule from left to right in a layout; one run leads to each answer."""

from __future__ import annotations

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_steps import LayoutSteps
from theory.validation import InputError

__all__ = ["from_left"]

_LONGEST = 10_000  # calls of a block


def from_left(
    y: int, marginals: LayoutMarginals, layout: Layout, steps: LayoutSteps, temperature: int
) -> tuple[dict[int, fmpq], fmpq]:
    """Return ``Q(y)`` by the number of calls, and the number of calls along y.

    The revealed positions are always a prefix, so the known items follow from its length, and the step from there.

    Args:
        y: The outcome.
        marginals: Of the items.
        layout: Where they are written.
        steps: Of a rule by ``left_to_right``.
        temperature: 1 or 0.
    """
    item_at = {position: i for i, places in enumerate(layout.places) for position in places}
    size = min(steps.policy.block or layout.length, layout.length)
    toward, calls, known = fmpq(1), 0, 0
    for start in range(0, layout.length, size):
        end, place = min(start + size, layout.length), start
        step = 0
        while place < end:
            if step > _LONGEST:
                raise InputError(f"policy {steps.policy} makes no progress in {_LONGEST} steps.")
            kinds, chances = marginals.kind(known, y), marginals.chances(known, y, temperature)
            items = [item_at.get(position, -1) for position in range(start, end)]
            rows = [-1 if item < 0 or known >> item & 1 else kinds[item] for item in items]
            taken = steps.from_left(tuple(rows), place - start, step)
            for position in range(place, place + taken):
                item = item_at.get(position, -1)
                if item >= 0 and not known >> item & 1:
                    toward *= chances[item]
            for position in range(place, place + taken):
                known |= 1 << item_at[position] if position in item_at else 0
            place, step = place + taken, step + 1
        calls += step + (steps.idle(step) if end < layout.length else 0)
    return {calls: toward}, fmpq(calls)
