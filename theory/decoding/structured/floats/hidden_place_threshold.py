r"""Confidence thresholds on Insert Random and Remove Random in float64, at a million positions.

In an interval of g candidates (:mod:`theory.decoding.structured.hidden_place`) a position passes unless both of its
tokens have at most gamma: what stays is ``[g - 1 - b, b]`` (Insert) or ``[g - 1 - b, b - 1]`` (Remove) with ``b =
floor(gamma g)`` (``ceil(gamma g) - 1`` for >=). As many go at one end as at the other, or all, or, when none passes,
the best one:

- **Blocks.** The interval shrinks to about ``(2 gamma - 1) g``, by the ends. Step t is reached by the data with
  probability g / c (c places) and costs ``sum H - H(outcome)`` there. The decoder stays with ``prod (g-1-r)/g`` over
  both ends, or names one place taken, or is lost. Then the tokens given X alone pass nowhere any more (those that do
  went in the first step): the rest goes one by one.
- **Single positions** from the g on where none passes, and for all smaller g. Nothing is lost any more. The place is
  named in draw j = 1.. with probability 1/g each; what is left is then sure and goes at once (one by one if 1 does not
  pass): ``(g+3)/2 - 1/g`` (Insert) or ``(g+3)/2 - 3/g`` (Remove) steps.

Errors (u = 2^-53): a sum of S logarithms of one sign is off by ``(50 + log2 S) u`` of itself, running sums by ``S u``;
an accuracy, which adds up products, by the errors of its parts in proportion.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp, floor, fsum, inf, log, log2

import numpy as np

from theory.decoding.structured.approximate import UNIT, Floats, LargeDecode
from theory.decoding.structured.floats.hidden_place import interval_decode
from theory.limits import require_memory, require_operations
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["interval_threshold"]

_LN2 = log(2)


def interval_threshold(insert: bool, n: int, gamma: Fraction, strict: bool) -> LargeDecode:
    """Return the decode of a confidence threshold on a list of n items, at temperature 1.

    Example:
        >>> interval_threshold(True, 999_999, Fraction(9, 10), True).steps.value  # lost, then one by one
        800003.0
    """
    places = n + 1 if insert else n
    if _kept(insert, places, gamma, strict) == (0, 0):
        return interval_decode(insert, n, 2 * places, "left_to_right")
    _require(n, gamma)
    sure = gamma < 1 if strict else gamma <= 1
    run, g = _Run(insert, places, sure), places
    while g > 1:
        first, last = _kept(insert, g, gamma, strict)
        if last - first == (g if insert else g - 1):  # none passes
            break
        run.block(g, first, last)
        g = last - first + (not insert)
    if g:
        run.singles(g)
    return run.result()


def _require(n: int, gamma: Fraction) -> None:
    """Raise where the blocks would be too many, or too long."""
    share = float(max(2 * gamma - 1, Fraction(1, 4)))  # a block leaves about this much
    blocks = min(-log(max(n * (1 - gamma), 1)) / log(share), n) if share < 1 else 0
    remedy = "use a smaller n, or a smaller gamma"
    require_memory(100 * n, f"a threshold on {n} items", remedy=remedy)
    require_operations(int(20_000 * blocks + 20 * n), f"a threshold on {n} items", remedy=remedy)


def _kept(insert: bool, g: int, gamma: Fraction, strict: bool) -> tuple[int, int]:
    """Return (first, last): positions first..last-1 do not pass; (0, 0) if all do."""
    bar = floor(gamma * g) if strict else ceil(gamma * g) - 1
    first, last = max(0, g - 1 - bar), min(g if insert else g - 1, bar + insert)
    # the new item has 1/g everywhere
    return (first, last) if first < last and (bar >= 1 or not insert) else (0, 0)


class _Run:
    """The sums over the steps: natural logarithms of the decoder's chances, errors in units of u."""

    def __init__(self, insert: bool, places: int, sure: bool) -> None:
        self.insert, self.places, self.sure = insert, places, sure
        self.own = self.error = 0.0  # to be here, on the support
        self.ends: list[tuple[float, float]] = []  # the ways to end on the support, and their errors
        self.steps: list[tuple[float, float]] = []  # (expected number, error)
        self.costs: list[tuple[float, float]] = []  # (bits under the data, magnitude of the parts)

    def block(self, g: int, first: int, last: int) -> None:
        """Draw all of an interval of g but first..last-1, or but nothing."""
        inside = g if self.insert else g - 1
        drawn = np.concatenate([np.arange(first), np.arange(last, inside)]).astype(np.float64)
        size, left = len(drawn), last - first
        cut = first if left else (inside + 1) // 2
        up, down = _log_share(g - 1 - drawn, g), _log_share(drawn if self.insert else drawn + 1, g)
        before = np.concatenate([[0.0], np.cumsum(up[:-1])])
        after = np.concatenate([np.cumsum(down[:0:-1])[::-1], [0.0]])
        here = -log(g) if self.insert else np.where(np.arange(size) < cut, down, up)
        parts = before + here + after
        top = float(np.max(parts))
        found = top + log(float(np.sum(np.exp(parts - top))))
        found_error = 4 * (size + 10) * (abs(found) + log(g) + 40)
        stay = float(np.sum(up[:cut]) + np.sum(down[cut:])) if g > size else -inf
        stay_error = (60 + log2(size + 1)) * abs(stay) if g > size else 0.0
        lost = 1 - exp(stay) - exp(found)
        rest = float(left > 0) if self.sure else float(left)
        self.ends.append((self.own + found, self.error + found_error))
        number = 1 + exp(found) * rest + lost * left
        slack = exp(stay) * stay_error * left + exp(found) * found_error * (left + 1) + 10 * (left + 1)
        self.steps.append((exp(self.own) * number, exp(self.own) * (self.error * number + slack)))
        self._cost(g, up, down, size)
        self.own += stay
        self.error += stay_error + (abs(self.own) if left else 0)

    def _cost(self, g: int, up: Floats, down: Floats, size: int) -> None:
        entropy = -float(np.sum(_weighted(up) + _weighted(down)))
        entropy += size * log(g) / g if self.insert else 0.0
        rest = g - size
        outcome = size / g * log(g) - (rest / g * log(rest / g) if rest else 0.0)
        share = g / self.places / _LN2
        self.costs.append((share * (entropy - outcome), share * (entropy + outcome)))

    def singles(self, g: int) -> None:
        """Draw one by one from an interval of g, to the end."""
        masked = g if self.insert else g - 1
        number = (g + 3) / 2 - (1 if self.insert else 3) / g if self.sure and g > 1 else float(masked)
        self.ends.append((self.own, self.error))
        self.steps.append((exp(self.own) * number, exp(self.own) * (self.error + 10) * number))

    def result(self) -> LargeDecode:
        """Return the sums with their errors."""
        kl = fsum(bits for bits, _ in self.costs)
        magnitude = fsum(size for _, size in self.costs)
        top = max(end for end, _ in self.ends)
        shares = [exp(end - top) for end, _ in self.ends]
        total = fsum(shares)
        accuracy = (top + log(total)) / _LN2
        error = sum(s * e for s, (_, e) in zip(shares, self.ends, strict=True)) / total / _LN2
        return LargeDecode(
            kl=_approximate(kl, magnitude * (60 + log2(self.places))),
            log2_accuracy=_approximate(accuracy, error + 10 * abs(accuracy) + 20),
            steps=_approximate(fsum(s for s, _ in self.steps), sum(e + s for s, e in self.steps)),
        )


def _log_share(count: Floats, g: int) -> Floats:
    """Return ``ln(count / g)`` to a few u of itself, -inf at 0."""
    many = np.log1p(-(g - np.maximum(count, g / 2)) / g)
    few = np.log(np.minimum(count, g / 2) / g, where=count > 0, out=np.full(len(count), -inf))
    return np.where(count > g / 2, many, few)


def _weighted(logs: Floats) -> Floats:
    return np.exp(logs) * np.where(logs > -inf, logs, 0.0)


def _approximate(value: float, units: float) -> Approximate:
    return Approximate(value=value, error=two_digits(1.01 * units * UNIT))
