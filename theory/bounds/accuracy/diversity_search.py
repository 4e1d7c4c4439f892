r"""Branch and bound for the most accurate product distribution of a given entropy.

A *box* holds the product distributions with ``l_i(v) <= q_i(v) <= u_i(v)``. Two bounds, both Lagrangian duals and
hence valid for every multiplier, however it was found:

- **Entropy.** ``max H(q_i) <= sum_v max_{l <= x <= u} (-x log2 x + m x) - m``; the best x at ``m = log2(e c)`` is c,
  clipped to the side, and the best c makes them sum to 1. A box whose bounds add up to less than h is empty.
- **Accuracy.** ``Q(V) <= sum_v q_i(v) w_i(v)`` with ``w_i(v) = sum_{y in V, y_i = v} prod_{j != i} u_j(y_j)``, for each
  position i, and ``H(q_i) >= h_i = h - sum_{j != i} max H(q_j)``. So for every m and t >= 0
  ``Q(V) <= sum_v max_{l <= x <= u} (w_v x - t x log2 x - m x) + m - t h_i``.

Boxes are halved at their widest side until every remaining bound is close enough to the best distribution known. All in
float64. Each number is a sum of at most a few hundred terms, each a product of at most n + 2 factors; the effect of
rounding is bounded by :data:`SLACK`, which is added to every bound. Unit: bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from theory.numbers.rounding import gamma

__all__ = ["SLACK", "Boxes", "least_share"]

SLACK = 1e-11  # far above (terms + factors) 2^-53 within the limits of the search
_BATCH = 512  # boxes halved at once
_HALVINGS = 26  # of a multiplier: the bounds are valid for any, and flat around the best
_SHARE_HALVINGS = 40
_PRICES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # t: accuracy per bit of entropy

Floats = NDArray[np.float64]


class Boxes:
    """The search over the product distributions on given alphabets.

    Args:
        widths: ``|V_i|`` for each position.
        valid: The valid outcomes as codes, shape (N, n).
        entropy: h, bits.
    """

    def __init__(self, widths: Sequence[int], valid: NDArray[np.int64], entropy: float) -> None:
        self.h = entropy
        starts = [0, *accumulate(widths)]
        self.sides = [slice(a, b) for a, b in pairwise(starts)]
        self.columns = valid + np.array(starts[:-1])  # outcome to one coordinate a position
        self.boxes = 0

    def accuracy(self, distributions: Floats) -> Floats:
        """Return Q(V) of product distributions, shape (B, D)."""
        return np.prod(distributions[:, self.columns], axis=2).sum(axis=1)

    def weights(self, distributions: Floats) -> Floats:
        """Return the derivatives of Q(V) by each coordinate, ``w_i(v)``, shape (B, D)."""
        factors = distributions[:, self.columns]
        others = np.ones_like(factors)  # for each outcome and position the product of the factors elsewhere
        others[..., 1:] = np.cumprod(factors[..., :-1], axis=2)
        others[..., :-1] *= np.cumprod(factors[..., :0:-1], axis=2)[..., ::-1]
        found = np.zeros_like(distributions)
        for i, part in enumerate(self.sides):
            has_token = self.columns[:, i, None] == np.arange(part.start, part.stop)
            found[:, part] = others[..., i] @ has_token
        return found

    def ceiling(self, best: float, tolerance: float, limit: int, known: float = 1.0) -> float:
        """Return an upper bound on the accuracy at this entropy.

        Args:
            best: The best accuracy known.
            tolerance: Boxes bounded by ``best + tolerance`` are not searched.
            limit: Number of boxes after which the search stops with the bound proven so far.
            known: An upper bound.
        """
        low, high = np.zeros((1, self.sides[-1].stop)), np.ones((1, self.sides[-1].stop))
        bound = np.full(1, known)
        while len(low) and bound.max() > best + tolerance and self.boxes < limit:
            order = np.argsort(-bound)
            first, rest = order[:_BATCH], order[_BATCH:]
            new_low, new_high, new_bound = self._halved(low[first], high[first], bound[first])
            self.boxes += len(new_low)
            keep = new_bound > best + tolerance
            low = np.concatenate([low[rest], new_low[keep]])
            high = np.concatenate([high[rest], new_high[keep]])
            bound = np.concatenate([bound[rest], new_bound[keep]])
        return float(min(known, max(best + tolerance, bound.max() if len(bound) else 0.0)))

    def _halved(self, low: Floats, high: Floats, bound: Floats) -> tuple[Floats, Floats, Floats]:
        rows = np.arange(len(low))
        side = np.argmax(high - low, axis=1)
        middle = (low[rows, side] + high[rows, side]) / 2
        above, below = low.copy(), high.copy()
        above[rows, side] = middle
        below[rows, side] = middle
        low, high = np.concatenate([low, above]), np.concatenate([below, high])
        low, high, possible = self._tightened(low, high)
        parent = np.concatenate([bound, bound])[possible]
        found = self._bound(low, high)
        return low, high, np.minimum(found, parent)

    def _tightened(self, low: Floats, high: Floats) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Return the sides tightened to distributions that sum to 1, without the boxes that contain none."""
        low, high = low.copy(), high.copy()
        possible = np.ones(len(low), dtype=bool)
        for part in self.sides:
            least, most = low[:, part], high[:, part]
            possible &= (least.sum(axis=1) <= 1 + SLACK) & (most.sum(axis=1) >= 1 - SLACK)
            low[:, part] = np.maximum(least, 1 - SLACK - (most.sum(axis=1, keepdims=True) - most))
            high[:, part] = np.minimum(most, 1 + SLACK - (least.sum(axis=1, keepdims=True) - least))
        possible &= (low <= high).all(axis=1)
        return low[possible], high[possible], possible

    def _bound(self, low: Floats, high: Floats) -> Floats:
        """Return the bound on the accuracy in each box; minus infinity where the entropy is too low."""
        entropies = np.stack([_most_entropy(low[:, p], high[:, p]) for p in self.sides], axis=1)
        spare = entropies.sum(axis=1) - self.h
        bound = np.prod(high[:, self.columns], axis=2).sum(axis=1)
        weights = self.weights(high)
        for i, part in enumerate(self.sides):
            needed = entropies[:, i] - spare  # h_i
            for price in (0.0, *_PRICES):
                dual = _most_accurate(weights[:, part], low[:, part], high[:, part], price, needed)
                bound = np.minimum(bound, dual)
        return np.where(spare < -SLACK, -np.inf, bound + SLACK)


def _most_entropy(low: Floats, high: Floats) -> Floats:
    """Return a bound on the entropy of a distribution between the sides, shape (B,)."""
    level = _level(lambda c: np.clip(c, low, high), np.zeros(len(low)), np.ones(len(low)))
    c = np.maximum(level, 1e-300)[:, None]
    x, m = np.clip(c, low, high), np.log2(np.e * c)
    return (_minus_x_log_x(x) + m * x).sum(axis=1) - m[:, 0] + SLACK


def _most_accurate(weights: Floats, low: Floats, high: Floats, price: float, needed: Floats) -> Floats:
    """Return the dual bound of ``max <w, q>`` with ``H(q) >= needed`` between the sides, at one price."""
    if price == 0.0:  # the best multiplier is one of the weights
        values = [
            (low * (weights - m) + (high - low) * np.maximum(weights - m, 0)).sum(axis=1) + m[:, 0]
            for m in (weights[:, [v]] for v in range(weights.shape[1]))
        ]
        return np.minimum.reduce(values)

    def best(m: Floats) -> Floats:  # w - m - t log2(e x) = 0
        return np.clip(np.exp2(np.minimum((weights - m) / price, 60.0)) / np.e, low, high)

    ends = weights.min(axis=1) - 60 * price, weights.max(axis=1) + 60 * price
    m = -_level(lambda level: best(-level), -ends[1], -ends[0])
    x = best(m[:, None])
    gains = weights * x + price * _minus_x_log_x(x) - m[:, None] * x
    return gains.sum(axis=1) + m - price * needed


def _level(distribution: Callable[[Floats], Floats], low: Floats, high: Floats) -> Floats:
    """Bisect for the level at which a distribution that grows with it sums to 1."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        over = distribution(middle[:, None]).sum(axis=1) > 1
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    return (low + high) / 2


def _minus_x_log_x(x: Floats) -> Floats:
    return -x * np.log2(np.maximum(x, 1e-300))


def least_share(widths: NDArray[np.int64], least: float) -> float:
    """Return about the least share s of the uniform distribution at which ``Q_i = (1 - s) [token] + s / |V_i|`` has it.

    Args:
        widths: ``|V_i|`` for each position.
        least: The entropy, bits; it holds in spite of rounding.
    """
    low, high = 0.0, 1.0
    for _ in range(_SHARE_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if _mixed_entropy(widths, middle) >= least else (middle, high)
    return high


def _mixed_entropy(widths: NDArray[np.int64], share: float) -> float:
    """Return the entropy in bits, less what its rounding may be."""
    hit, miss = 1 - share + share / widths, share / widths
    rest = (widths - 1) * miss * np.log2(np.where(miss > 0, miss, 1.0))
    bits = -(hit * np.log2(hit) + rest)
    return float(bits.sum() - gamma(20) * (np.abs(bits) + 1).sum() - gamma(len(widths)) * bits.sum())
