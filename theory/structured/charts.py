"""Inside and outside charts of a grammar for a batch of partly revealed sentences.

``inside(i, w, A)`` is the probability that the symbol A yields w words that agree with the evidence at i .. i+w-1,
``outside(i, w, A)`` that the rest of the sentence agrees when A yields that span. Both are sums over the rules
``A -> B C`` and the split of the span (Baker 1979; Lari and Young 1990). Charts are kept by width, each span with a
binary exponent of its own, so that long sentences and rare words do not underflow.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from array_api_compat import array_namespace

from theory.arithmetic import Array

__all__ = ["Charts", "RuleArrays", "inside", "outside"]


@dataclass(frozen=True, eq=False)
class RuleArrays:
    """The binary rules by their P distinct right-hand sides ``B C``.

    Attributes:
        left: One-hot of B, shape (K, P).
        right: One-hot of C, shape (K, P).
        weight: ``P(A -> B C)``, shape (P, K).
    """

    left: Array
    right: Array
    weight: Array

    def parts(self) -> tuple[Array, Array, Array]:
        """Return the three arrays in the order of the fields."""
        return self.left, self.right, self.weight


@dataclass(frozen=True, eq=False)
class Charts:
    """Charts by width 1..n at index width - 1.

    Attributes:
        values: Each of shape (B, n - width + 1, K); the true value is ``values 2^exponents``.
        exponents: Each of shape (B, n - width + 1); ``-inf`` where all values of a span are zero.
    """

    values: list[Array]
    exponents: list[Array]


def inside(rules: RuleArrays, lexical: Array) -> Charts:
    """Return the inside charts.

    Args:
        rules: The binary rules.
        lexical: Probability that the symbol gives a word that agrees with the evidence, shape (B, n, K).
    """
    n = lexical.shape[1]
    first, scale = _scaled(lexical)
    values, exponents = [first], [scale]
    for width in range(2, n + 1):
        spans = n - width + 1
        terms: list[tuple[Array, Array]] = []
        for u in range(1, width):
            left = values[u - 1][:, :spans] @ rules.left
            right = values[width - u - 1][:, u : u + spans] @ rules.right
            power = exponents[u - 1][:, :spans] + exponents[width - u - 1][:, u : u + spans]
            terms.append((left * right, power))
        total, scale = _sum(terms)
        value, more = _scaled(total @ rules.weight)
        values.append(value)
        exponents.append(scale + more)
    return Charts(values, exponents)


def outside(rules: RuleArrays, charts: Charts, start: Array) -> Array:
    """Return the outside probabilities of the single words up to a factor for each row and word, shape (B, n, K).

    Args:
        rules: The binary rules.
        charts: The inside charts.
        start: One-hot of the start symbol, shape (K,).
    """
    xp = array_namespace(start)
    n = len(charts.values)
    top = xp.zeros_like(charts.values[n - 1]) + start
    values: dict[int, Array] = {n: top}
    exponents: dict[int, Array] = {n: xp.zeros_like(charts.exponents[n - 1])}
    parents: dict[int, Array] = {}  # by width: outside of the parent times the rule, for each pair B C
    weights, lefts, rights = (xp.permute_dims(a, (1, 0)) for a in (rules.weight, rules.left, rules.right))
    for width in range(n - 1, 0, -1):
        spans = n - width + 1
        parents[width + 1] = values[width + 1] @ weights
        terms: list[tuple[Array, Array]] = []
        for u in range(1, n - width + 1):  # the sibling has u words, the parent starts at 0 .. n-width-u
            parent, size = parents[width + u], n - width - u + 1
            power, beside = exponents[width + u], charts.exponents[u - 1]
            sibling = charts.values[u - 1]
            as_left = (parent * (sibling[:, width : width + size] @ rules.right)) @ lefts
            as_right = (parent * (sibling[:, :size] @ rules.left)) @ rights
            left_power, right_power = power + beside[:, width : width + size], power + beside[:, :size]
            terms.append((_padded(as_left, 0, spans, 0.0), _padded(left_power, 0, spans, -inf)))
            terms.append(
                (_padded(as_right, spans - size, spans, 0.0), _padded(right_power, spans - size, spans, -inf))
            )
        total, scale = _sum(terms)
        values[width], more = _scaled(total)
        exponents[width] = scale + more
    return values[1]


def _sum(terms: list[tuple[Array, Array]]) -> tuple[Array, Array]:
    """Return the sum of ``value 2^exponent`` as one such pair, the largest exponent of each span in front."""
    xp = array_namespace(terms[0][0])
    # a term of zeros must not set the scale
    powers = [
        xp.where(xp.max(value, axis=2) > 0, power, xp.zeros_like(power) - inf) for value, power in terms
    ]
    largest = xp.max(xp.stack(powers, axis=0), axis=0)
    largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
    total = None
    for (value, _), power in zip(terms, powers, strict=True):
        part = _times(value, power - largest)
        total = part if total is None else total + part
    return total, largest


def _times(value: Array, power: Array) -> Array:
    xp = array_namespace(value)
    return value * xp.pow(xp.zeros_like(power) + 2, power)[:, :, None]


def _scaled(value: Array) -> tuple[Array, Array]:
    """Return the value divided by a power of two a span that brings its largest entry near one, and the exponent."""
    xp = array_namespace(value)
    largest = xp.max(value, axis=2)
    safe = xp.where(largest > 0, largest, xp.ones_like(largest))
    power = xp.floor(xp.log2(safe))
    return _times(value, -power), xp.where(largest > 0, power, xp.zeros_like(power) - inf)


def _padded(part: Array, start: int, size: int, filler: float) -> Array:
    """Return an array of ``size`` spans with ``part`` from ``start`` on and the filler elsewhere."""
    xp = array_namespace(part)
    blank = xp.zeros_like(part[:, :1]) + filler
    ends = [(start,), (size - start - part.shape[1],)]
    before, after = (xp.broadcast_to(blank, (blank.shape[0], *k, *blank.shape[2:])) for k in ends)
    return xp.concat([before, part, after], axis=1)
