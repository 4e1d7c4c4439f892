r"""Bernoulli walks with exact conditionals in closed form.

``y_j`` is the sum of the first j of n fair bits. Between revealed places a < j < b (place 0 holds 0) the value has
grown by a hypergeometric number: with ``G = b - a``, ``d = j - a`` and ``K = y_b - y_a``,

    ``P(y_j = y_a + r) = C(d, r) C(G - d, K - r) / C(G, K)``;

behind the last one by a binomial, ``C(d, r) / 2^d``. No binomial coefficient exceeds ``2^n < 1.8e308`` up to
n = 1,023, so quotients of coefficients that are each rounded once have a relative error of 3 units in the
last place. Only possible values are computed; the other entries of the n (n + 1) array are zero.

Revealed places are impossible if ``K < 0`` or ``K > G`` in a gap; the marginals are then the unconditional ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate, pairwise, product

import numpy as np
from numpy.typing import NDArray

from theory.distributions.closed.one_hot_blocks import listed_uniformly, uniform_log_prob
from theory.distributions.outcomes import MASK, Token
from theory.distributions.pmf import JointPMF
from theory.limits import CostError

__all__ = ["WalkDistribution"]

Ints = NDArray[np.int64]
_LONGEST = 1023


@dataclass(frozen=True)
class WalkDistribution:
    """The uniform distribution on walks of n steps 0 or 1; numpy batches only.

    Attributes:
        n: The number of positions, at most 1,023.

    Example:
        >>> WalkDistribution(3).conditional(np.array([[MASK, 1, MASK]]))[0].tolist()
        [[0.5, 0.5, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.5, 0.5, 0.0]]
    """

    n: int

    def __post_init__(self) -> None:
        if self.n > _LONGEST:
            raise CostError(
                f"a walk of {self.n} positions has {self.n + 1} tokens at each: its marginals are computed for "
                f"up to {_LONGEST} positions; use a smaller n."
            )

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The values ``0 .. n``."""
        return tuple(range(self.n + 1))

    @property
    def row_cost(self) -> int:
        """Measured nanoseconds for one state, 10 a cell and 500 a position."""
        return self.n * (10 * (self.n + 1) + 500)

    def conditional(self, revealed: Ints) -> NDArray[np.float64]:
        """Return the ideal marginals, shape (B, n, n + 1); see ``Distribution``."""
        shown = np.asarray(revealed)
        gaps = _Gaps.of(shown)
        void: NDArray[np.bool_] = np.asarray(gaps.bad.any(axis=1))
        known = (shown != MASK) & ~void[:, None]
        out = self._between(gaps, ~known & ~void[:, None])
        rows, places = np.nonzero(known)
        out[rows, places, shown[rows, places]] = 1.0
        if void.any():
            out[void] = self._start
        return out

    def left_out(self, revealed: Ints) -> NDArray[np.float64]:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        shown = np.asarray(revealed)
        gaps = _Gaps.of(shown)
        # without position i its two gaps become one
        ends = _next(np.where(shown != MASK, np.arange(self.n), self.n))
        follows = np.take_along_axis(gaps.bad, np.minimum(ends, self.n - 1), axis=1) & (ends < self.n)
        own = (shown != MASK) * (gaps.bad.astype(np.int64) + follows)
        others = gaps.bad.sum(axis=1, keepdims=True) - own
        return self._between(gaps, others == 0)

    def _between(self, gaps: _Gaps, where: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the distribution of the positions ``where`` between their neighbours, zeros if none; (B, n, n + 1)."""
        choose, n = _coefficients(self.n), self.n
        steps, length, ones = gaps.steps[where], gaps.length[where], gaps.ones[where]
        free = length < 0
        least = np.where(free, 0, np.maximum(0, ones - (length - steps)))
        most = np.where(free, steps, np.minimum(steps, ones))
        width = np.maximum(most - least + 1, 0)
        width[~free & ((ones < 0) | (ones > length))] = 0
        ends = np.cumsum(width)
        total = int(ends[-1]) if len(ends) else 0
        index = np.repeat(np.arange(len(width)), width)
        r = np.arange(total) - np.repeat(ends - width, width) + least[index]
        d = steps[index]
        rest, right = np.where(free, 0, length - steps), np.where(free, 0, ones)
        # no revealed place behind: C(0, 0) on the right, over 2^d
        other = choose[rest[index], np.where(free[index], 0, right[index] - r)]
        whole = np.where(free, np.exp2(steps), choose[np.where(free, 0, length), np.clip(right, 0, n)])
        out = np.zeros((*where.shape, n + 1))
        cells = np.flatnonzero(where)[index] * (n + 1) + gaps.value[where][index] + r
        out.reshape(-1)[cells] = choose[d, r] * other / whole[index]
        return out

    @cached_property
    def _start(self) -> NDArray[np.float64]:
        masked = np.full((1, self.n), MASK)
        return self._between(_Gaps.of(masked), np.ones((1, self.n), dtype=bool))[0]

    def contains(self, answers: Ints) -> NDArray[np.bool_]:
        """Return whether each row is a walk."""
        steps = np.diff(np.asarray(answers), axis=1, prepend=0)
        return ((steps == 0) | (steps == 1)).all(axis=1)

    def log_prob(self, answers: Ints) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row: ``-n`` for a walk."""
        return uniform_log_prob(self.contains(answers), self.largest_surprise())

    def largest_surprise(self) -> float:
        """Return ``-log2 P(y) = n``, the same for all outcomes."""
        return float(self.n)

    def sample(self, rng: np.random.Generator, size: int) -> Ints:
        """Return independent walks, shape (size, n)."""
        return np.cumsum(rng.integers(2, size=(size, self.n)), axis=1)

    def pmf(self) -> JointPMF:
        """Return the listed pmf; raises ``CostError`` when there are too many outcomes."""
        walks = (tuple(accumulate(bits)) for bits in product((0, 1), repeat=self.n))
        return listed_uniformly(walks, 2**self.n, self.n)


@dataclass(frozen=True, eq=False)
class _Gaps:
    """The nearest other revealed places of every position, arrays of shape (B, n).

    Attributes:
        steps: d, steps from the last one before it.
        value: The sum there.
        length: G, from there to the next one behind it; -1 if there is none.
        ones: K, the growth between the two.
        bad: Whether a revealed position ends an impossible gap.
    """

    steps: Ints
    value: Ints
    length: Ints
    ones: Ints
    bad: NDArray[np.bool_]

    @classmethod
    def of(cls, shown: Ints) -> _Gaps:
        size, n = shown.shape
        places = np.arange(1, n + 1)
        known = np.concatenate(
            [np.ones((size, 1), dtype=bool), shown != MASK], axis=1
        )  # place 0 is the start
        values = np.concatenate(
            [np.zeros((size, 1), dtype=np.int64), shown, np.zeros_like(shown[:, :1])], axis=1
        )
        at = np.where(known, np.arange(n + 1), 0)
        left = np.maximum.accumulate(at, axis=1)[:, :-1]
        right = _next(np.where(known[:, 1:], places, n + 1), none=n + 1)
        value = np.take_along_axis(values, left, axis=1)
        free = right == n + 1
        ones = np.where(free, 0, np.take_along_axis(values, right, axis=1) - value)
        grown, gap = shown - value, places - left
        bad = known[:, 1:] & ((grown < 0) | (grown > gap))
        return cls(gap, value, np.where(free, -1, right - left), ones, bad)


def _next(places: Ints, none: int | None = None) -> Ints:
    """Return the least of ``places`` strictly behind each position; ``none`` (by default n) if there is none."""
    size, n = places.shape
    last = np.full((size, 1), n if none is None else none)
    behind = np.concatenate([places[:, 1:], last], axis=1)
    return np.minimum.accumulate(behind[:, ::-1], axis=1)[:, ::-1]


@lru_cache(maxsize=4)
def _coefficients(n: int) -> NDArray[np.float64]:
    """Return ``C(m, r)`` for m, r = 0..n, each rounded once."""
    out, row = np.zeros((n + 1, n + 1)), [1]
    for m in range(n + 1):
        out[m, : m + 1] = row
        row = [1, *(a + b for a, b in pairwise(row)), 1]
    out.flags.writeable = False
    return out
