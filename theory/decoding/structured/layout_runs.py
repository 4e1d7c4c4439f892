r"""Runs of a rule in a layout by the kinds of tokens that are left, right and wrong ones.

Runs towards an answer y have the states of :mod:`theory.decoding.structured.layouts`. A wrong run draws tokens that no
answer has together; from then on the model returns the marginals given the context alone, also at the other tokens of
known items. So what such a run still does depends only on how many tokens of each *group* are masked: the certain ones
between the items, and those of all items with the same marginal. Certain tokens are therefore counted by group.

*How many runs turn wrong.* Let ``w_y(K)`` be the probability of the runs that show y at the known items K. Those that
show some answer have the probability ``w(K) = sum_y w_y(K) P(y | y_K)``, and what a step loses of it has turned wrong.
*Proof:* answers that agree on K have one ``w_y(K)``, and their ``P(y | y_K)`` add up to 1.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from math import comb

from flint import fmpq

from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_marginals import LayoutMarginals
from theory.decoding.structured.layout_steps import LONGEST, LayoutSteps
from theory.numbers.rationals import to_fmpq
from theory.validation import InputError

__all__ = ["LayoutRuns"]

Left = tuple[int, ...]  # masked tokens of a block: those without an item, then those of each group
States = dict[tuple[int, Left, int], fmpq]  # known items, certain tokens left, calls in earlier blocks


class LayoutRuns:
    """The runs of one rule.

    Args:
        marginals: Of the items.
        layout: Where they are written.
        steps: Of the rule.
        temperature: 1 or 0.
        follow: Whether wrong runs are followed too; then :meth:`astray` knows their calls.
    """

    def __init__(
        self,
        marginals: LayoutMarginals,
        layout: Layout,
        steps: LayoutSteps,
        temperature: int,
        *,
        follow: bool,
    ) -> None:
        self._marginals, self._steps, self._temperature, self._follow = marginals, steps, temperature, follow
        self._blocks = layout.blocks(steps.policy.block)
        kinds = marginals.kind(0, 0)
        self._kinds = sorted(set(kinds)) if follow else []
        self._group = [1 + self._kinds.index(kind) if follow else 0 for kind in kinds]
        self._count = Counter(marginals.classes)
        # (block, step, masked tokens, calls in earlier blocks): the probability of the runs that turned wrong there
        self._wrong = defaultdict[tuple[int, int, Left, int], fmpq](fmpq)

    def towards(self, y: int) -> dict[int, fmpq]:
        """Return ``Q(y)`` by the number of calls."""
        known = self._marginals.closed(0, y)
        ended = {(known, 0): fmpq(1)}
        for number, (tokens, size) in enumerate(self._blocks):
            whole = sum(1 << i for i, count in enumerate(tokens) if count)
            now = States()
            for (known, before), own in ended.items():
                now[known, self._masked(tokens, size - sum(tokens), known), before] = own
            ended = dict[tuple[int, int], fmpq]()
            step = 0
            while now:
                if step == LONGEST:
                    raise InputError(f"policy {self._steps.policy} makes no progress in {LONGEST} steps.")
                after = self._step(y, now, number, step)
                step += 1
                now = States()
                for (known, left, before), own in after.items():
                    if known & whole == whole and not any(left):  # the block ends for these runs
                        key = (known, before + step + self._idle(number, step))
                        ended[key] = ended.get(key, fmpq(0)) + own
                    else:
                        now[known, left, before] = own
        found: dict[int, fmpq] = {}
        for (_, calls), own in ended.items():
            found[calls] = found.get(calls, fmpq(0)) + own
        return found

    def _step(self, y: int, now: States, number: int, step: int) -> States:
        marginals, (tokens, size) = self._marginals, self._blocks[number]
        after = States()
        for (known, left, before), own in now.items():
            chances = marginals.chances(known, y, self._temperature)
            for new, of_certain, share, drawn in self._steps.moves(y, known, sum(left), tokens, size, step):
                taken, toward = dict(drawn), own * share
                for item, count in drawn:
                    toward *= chances[item] if count == 1 else chances[item] ** count
                closed, freed = marginals.closed(new, y), [0] * len(left)
                for i, count in enumerate(tokens):
                    if (closed & ~known) >> i & 1:
                        freed[self._group[i]] += count - taken.get(i, 0)
                for remaining, ways in _without(left, of_certain):
                    rest = tuple(a + b for a, b in zip(remaining, freed, strict=True))
                    if self._follow:
                        lost = own * share * self._given(known, y) - toward * self._given(closed, y)
                        masked = self._masked(tokens, 0, ~closed)
                        place = tuple(a + b for a, b in zip(rest, masked, strict=True))
                        self._wrong[number, step + 1, place, before] += ways * lost
                    if toward:
                        key = (marginals.canonical(closed, y), rest, before)
                        after[key] = after.get(key, fmpq(0)) + toward * ways
        return after

    def astray(self) -> dict[int, fmpq]:
        """Return the probability of a wrong run by the number of calls; after all answers that differ were decoded."""
        ended = dict[int, fmpq]()
        for number, (tokens, size) in enumerate(self._blocks):
            turned = {key[1:]: p for key, p in self._wrong.items() if key[0] == number and p}
            last = max((step for step, _, _ in turned), default=0)
            now = {(self._masked(tokens, size - sum(tokens), -1), before): p for before, p in ended.items()}
            ended, step = dict[int, fmpq](), 0
            while now or step < last:
                if step == LONGEST:
                    raise InputError(f"policy {self._steps.policy} makes no progress in {LONGEST} steps.")
                after = defaultdict[tuple[Left, int], fmpq](fmpq)
                for (left, before), p in now.items():
                    groups = [j for j, count in enumerate(left) if j and count]
                    state = tuple((self._kinds[j - 1], left[j]) for j in groups)
                    for taken, of_certain, share in self._steps.parts(state, left[0], size, step):
                        rest = [left[0] - of_certain, *left[1:]]
                        for j, count in zip(groups, taken, strict=True):
                            rest[j] -= count
                        after[tuple(rest), before] += p * share
                step += 1
                for (when, left, before), p in turned.items():
                    if when == step:
                        after[left, before] += p
                now = {}
                for (left, before), p in after.items():
                    if any(left):
                        now[left, before] = p
                    else:
                        calls = before + step + self._idle(number, step)
                        ended[calls] = ended.get(calls, fmpq(0)) + p
        return ended

    def _idle(self, number: int, used: int) -> int:
        return self._steps.idle(used) if number < len(self._blocks) - 1 else 0

    def _masked(self, tokens: tuple[int, ...], others: int, items: int) -> Left:
        """The tokens of some items (a bit mask) by group, after those without an item."""
        found = [others] + [0] * len(self._kinds)
        for i, count in enumerate(tokens):
            if items >> i & 1:
                found[self._group[i]] += count
        return tuple(found)

    def _given(self, known: int, y: int) -> fmpq:
        """``P(y | y_K)``, times the number of answers with the runs of y."""
        whole = to_fmpq(self._marginals.pmf.probabilities[y])
        return self._count[y] * whole / self._marginals.weight(known, y)


def _without(left: Left, taken: int) -> Iterator[tuple[Left, fmpq]]:
    """Yield what is left of the counts after so many random tokens were taken, with its probability."""
    total = comb(sum(left), taken)

    def split(rest: Left, need: int, ways: int) -> Iterator[tuple[Left, int]]:
        if not rest:
            if not need:
                yield (), ways
            return
        for count in range(min(rest[0], need) + 1):
            for more, found in split(rest[1:], need - count, ways * comb(rest[0], count)):
                yield (rest[0] - count, *more), found

    for remaining, ways in split(left, taken, 1):
        yield remaining, fmpq(ways, total)
