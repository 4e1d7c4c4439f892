r"""Exact decodes of Insert Random and Remove Random at any length.

Until the place i is known it is uniform on g candidates next to each other, and the masked positions between them are
the only ones (Insert Random: g of them; Remove Random: g - 1). Position r of the interval says on which side of it the
place is:

    Insert Random   left token (i > r)  (g-1-r)/g,   new item (i = r)  1/g,   right token (i < r)  r/g
    Remove Random   left token (i > r)  (g-1-r)/g,                            right token (i <= r) (r+1)/g

Confidence, margin and minus entropy fall strictly from both ends of the interval to its middle, and are equal for
mirror images only. So every rule by these scores takes positions from the two ends, as from the left every
left-to-right rule does: either i is found, and all that is left is sure, or an interval of g - s candidates remains.
States: g, and the number of sure positions after i is found. O(n) states, O(n) work for each size.

After an impossible token only the number of steps matters. It follows from the one-position marginals given X, which
fall from the ends of the list to its middle: what is left stays an interval. Top-k rules need its length alone, the
others its place; a factor rule that takes an odd number from the ends, one side chosen at random, makes the place
random, and it becomes a part of the state.

KL: when no random choice has an effect before i is found, all runs reveal the same sets and ``kl = path_kl``. It is
0 as soon as ``path_kl`` is. Otherwise it is not computed here (``None``).
"""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.decoding.exchangeable import (
    exchangeable_size,
    question_seconds,
    size_of_rows,
    states_budget,
    states_left,
)
from theory.decoding.path_divergence import path_divergence
from theory.decoding.result import LumpedDecode
from theory.distributions.tempering import numbers_of_powers, tempered
from theory.information.curves.gap_structures import Gaps
from theory.numbers.arithmetic import EXACT
from theory.numbers.balls import ball_precision, with_errors
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fraction
from theory.policies.policy import RankedPolicy
from theory.policies.prefix import EntropyPrefix
from theory.validation import shortened

__all__ = ["decode_interval"]

_ONE_SURE = (Fraction(1),)
_DRAW = 4e-5  # seconds of one position drawn in a state, with its part of the divergence


def decode_interval(structure: Gaps, policy: RankedPolicy, tau: Fraction, greedy_ties: str) -> LumpedDecode:
    """Return the decode of Insert Random or Remove Random: exact at temperature 0, 1 and 1/m with m small, else floats.

    Args:
        structure: The distribution.
        policy: By confidence, margin or entropy without blocks, or left to right with or without.
        tau: Temperature.
        greedy_ties: Equal tokens at temperature 0.
    """
    run = _Run(structure, policy, tau, greedy_ties)
    with ball_precision():
        run.follow()
        return run.result()


class _Run:
    """Masses of the decoder's runs and of the data over the states (candidates g, place of the interval)."""

    def __init__(self, structure: Gaps, policy: RankedPolicy, tau: Fraction, greedy_ties: str) -> None:
        self.n, self.insert = structure.n, structure.kind == "insert"
        self.candidates = self.n if self.insert else self.n + 1
        self.policy, self.tau, self.greedy_ties = policy, tau, greedy_ties
        self.numbers = numbers_of_powers(tau, self.candidates.bit_length())
        self.from_left = policy.by == "left_to_right"
        # sizes from the number left alone
        self.blind = (self.from_left and not isinstance(policy, EntropyPrefix)) or (
            policy.name == "topk" and policy.ties != "all"
        )
        self.zero = self.numbers.const(0)
        self.masses: dict[tuple[int, int], list[Any]] = {
            (self.candidates, 0): [self.numbers.const(1), fmpq(1)]
        }
        self.accuracy = self.steps = self.zero
        self.steps_under_data = fmpq(0)
        self.draws: list[tuple[Any, Any]] = []
        self.chance = False  # whether a random choice has had an effect
        rule, question = shortened(str(policy), 80), question_seconds(self.n)
        before, self.budget = states_budget(self.n, rule), states_budget(self.n, rule)
        before.note(self.n * (2 * question + _DRAW))  # about as many states
        before.require(self.n, question)
        self.spent = 0.0  # seconds of the states; what is asked once for all comes early on
        self.sure = [0]
        for left in range(1, self.n + 1):
            self.sure.append(1 + self.sure[left - self._blind_size(left, once=True)])
        self.known: dict[tuple[int, int], int] = {}
        self.sizes: dict[int, int] = {}

    def follow(self) -> None:
        """Visit the states by falling number of candidates."""
        while self.masses:
            state = max(self.masses)
            own, data = self.masses.pop(state)
            g, place = state
            masked = g if self.insert else g - 1
            self.budget.spend(0.0, states_left(self.n, masked, self.spent))
            if g == 1:  # known: the last masked position, if any, is sure
                self._found(own, data, masked)
                continue
            self.steps += own
            self.steps_under_data += data
            rows = self._rows(g)
            size = self._size_at(g, masked, rows)
            sides = self._sides(masked, size)
            for left in sides:
                self._take(rows, place, left, size - left, own / len(sides), data / len(sides))

    def _size_at(self, g: int, masked: int, rows: NDArray[np.int64]) -> int:
        """Return how many of g candidates the rule takes, which does not depend on the place of the interval."""
        if g not in self.sizes:
            self.sizes[g] = self._blind_size(masked) if self.blind else self._size(rows, g)
        return self.sizes[g]

    def _spend(self, seconds: float, *, once: bool = False) -> None:
        self.spent += 0.0 if once else seconds
        self.budget.spend(seconds)

    def _blind_size(self, left: int, *, once: bool = False) -> int:
        self._spend(question_seconds(self.n), once=once)
        return exchangeable_size(self.n, self.policy, _ONE_SURE, left)

    def _size(self, rows: NDArray[np.int64], g: int, *, once: bool = False) -> int:
        self._spend(question_seconds(self.n), once=once)
        return size_of_rows(self.n, self.policy, rows, g)

    def _rows(self, g: int) -> NDArray[np.int64]:
        """Return the marginals of the interval in units of 1/g, tokens in the order of the alphabet."""
        r = np.arange(g if self.insert else g - 1)
        if self.insert:  # at position p: item p - 1, item p, the new item
            return np.stack([r, g - 1 - r, np.ones_like(r)], axis=1)
        return np.stack([g - 1 - r, r + 1], axis=1)

    def _sides(self, masked: int, size: int) -> list[int]:
        """Return the possible numbers from the left end, equally likely, since mirror images tie."""
        if self.from_left or size == masked:
            return [size]
        if size % 2 and self.policy.ties == "random":
            self.chance = True
            return [size // 2, size // 2 + 1]
        return [size - size // 2]

    def _take(self, rows: NDArray[np.int64], place: int, left: int, right: int, own: Any, data: fmpq) -> None:
        """Draw ``left`` and ``right`` positions at the ends and move the mass."""
        g = len(rows) + (not self.insert)
        chosen = [*range(left), *range(len(rows) - right, len(rows))]
        self._spend(_DRAW * len(chosen))
        probs = EXACT.ratio(rows[chosen], np.int64(g))
        q = tempered(self.numbers.converted(probs), self.tau, self.numbers, greedy_ties=self.greedy_ties)
        for p_row, q_row in zip(probs.tolist(), q.tolist(), strict=True):
            self.draws += [(data * p, b) for p, b in zip(p_row, q_row, strict=True) if p != 0]
        stay, found = self._own(q, left)
        rest, after = g - len(chosen), len(rows) - len(chosen)
        if rest:
            # the place matters off the support only; by score, once single positions are taken, none is left
            moves = not self.blind and (self.from_left or len(chosen) > 1)
            moved = place + left if moves else place
            there = self.masses.setdefault((rest, moved), [self.zero, fmpq(0)])
            there[0] += own * stay
            there[1] += data * fmpq(rest, g)
        self._found(own * found, data * fmpq(len(chosen), g), after)
        lost = own * (1 - stay * bool(rest) - found)
        if lost != 0:
            self.steps += lost * self._lost(place + left, after)

    def _own(self, q: NDArray[Any], left: int) -> tuple[Any, Any]:
        """Return the probabilities that the place is in the remaining interval, and that it is found outside."""
        on_left, on_right = (q[:, 1], q[:, 0]) if self.insert else (q[:, 0], q[:, 1])
        before, after = [self.zero + 1], [self.zero + 1]
        for value in on_left:
            before.append(before[-1] * value)
        for value in on_right[::-1]:
            after.append(after[-1] * value)
        after.reverse()
        found = self.zero
        for j in range(len(q)):
            here = q[j, 2] if self.insert else on_right[j] if j < left else on_left[j]
            found += before[j] * here * after[j + 1]
        return before[left] * after[left], found

    def _found(self, own: Any, data: fmpq, left: int) -> None:
        self.accuracy += own
        self.steps += own * self.sure[left]
        self.steps_under_data += data * self.sure[left]

    def _lost(self, place: int, left: int) -> int:
        """Return the steps after an impossible token, from the marginals given X."""
        if self.blind:
            return self.sure[left]
        rows, ends = self._rows(self.candidates), (place, place + left)
        path: list[tuple[int, int]] = []
        while ends[0] < ends[1] and ends not in self.known:
            path.append(ends)
            a, b = ends
            for _ in range(self._size(rows[a:b], self.candidates, once=True)):
                a, b = (a + 1, b) if self.from_left or a <= self.n - b else (a, b - 1)
            ends = (a, b)
        steps = self.known.get(ends, 0)
        for ends in reversed(path):
            steps += 1
            self.known[ends] = steps
        return steps

    def result(self) -> LumpedDecode:
        """Return the result."""
        path_kl = path_divergence(self.draws, LogNumber.log2(self.candidates), self.numbers)
        kl = path_kl if not self.chance or path_kl == 0 else inf if self.accuracy == 0 else None
        found = {"accuracy": self.accuracy, "kl": kl, "path_kl": path_kl, "steps": self.steps}
        values, errors = with_errors(found)
        steps_under_data = to_fraction(self.steps_under_data)
        return LumpedDecode(**values, steps_under_data=steps_under_data, n=self.n, errors=errors)
