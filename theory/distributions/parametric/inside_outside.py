"""Inside and outside charts of a grammar for a batch of partly revealed sentences.

``inside(i, w, A)`` is the probability that the symbol A yields w words that agree with the evidence at i ..
i+w-1, ``outside(i, w, A)`` that the rest of the sentence agrees when A yields that span. Both are sums over
the rules ``A -> B C`` and the split of the span (Baker 1979; Lari and Young 1990). Charts are stored by width
with one binary exponent a row, so that long sentences do not underflow. Rows in which spans of one width
differ too much in size are computed again with an exponent for each span, which takes three times as long.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from array_api_compat import array_namespace

from theory.distributions.parametric.messages import least_positive
from theory.numbers.arithmetic import Array

__all__ = ["Charts", "RuleArrays", "inside", "log_totals", "outside", "outsides"]

_EDGE, _RULE = 0.4, 0.1  # shares of the exponent range: values down to 2^-409, rules to 2^-102


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
        exponents: Each of shape (B, n - width + 1), or (B, 1) for all spans of a row together.
        fine: Whether each span has an exponent; it is then ``-inf`` where all values are zero.
        faint: Shape (B,): where underflow could matter. Before anything is lost, a positive value is below
            ``least^0.4`` or a term is shifted by as much; products of two such and a rule stay above ``least``.
    """

    values: list[Array]
    exponents: list[Array]
    fine: bool
    faint: Array


def outsides(rules: RuleArrays, lexical: Array, start: Array) -> Array:
    """Return the outside probabilities of the single words up to a factor for each row and word, shape (B, n, K).

    Args:
        rules: The binary rules.
        lexical: Probability that the symbol gives a word that agrees with the evidence, shape (B, n, K).
        start: One-hot of the start symbol, shape (K,).
    """
    xp = array_namespace(lexical)
    charts = inside(rules, lexical)
    found, rows = outside(rules, charts, start)
    if xp.any(rows):
        found[rows] = outside(rules, inside(rules, lexical[rows], fine=True), start)[0]
    return found


def log_totals(rules: RuleArrays, lexical: Array, start: Array) -> Array:
    """Return ``log2`` of the probability of the evidence, ``-inf`` where it is impossible; shape (B,)."""
    xp = array_namespace(lexical)
    charts = inside(rules, lexical)
    found = _log_total(charts, start)
    if xp.any(charts.faint):
        found[charts.faint] = _log_total(inside(rules, lexical[charts.faint], fine=True), start)
    return found


def _log_total(charts: Charts, start: Array) -> Array:
    xp = array_namespace(start)
    with np.errstate(divide="ignore"):  # log2(0) = -inf is the answer
        return xp.log2(charts.values[-1][:, 0] @ start) + charts.exponents[-1][:, 0]


def inside(rules: RuleArrays, lexical: Array, *, fine: bool = False) -> Charts:
    """Return the inside charts.

    Args:
        rules: The binary rules.
        lexical: As in :func:`outsides`.
        fine: Give each span an exponent.
    """
    n = lexical.shape[1]
    scale = _Scale(rules, lexical, fine)
    first, power = scale.scaled(lexical)
    values, exponents = [first], [power]
    for width in range(2, n + 1):
        spans = n - width + 1
        terms: list[tuple[Array, Array]] = []
        for u in range(1, width):
            left = values[u - 1][:, :spans] @ rules.left
            right = values[width - u - 1][:, u : u + spans] @ rules.right
            power = scale.part(exponents[u - 1], 0, spans) + scale.part(exponents[width - u - 1], u, spans)
            terms.append((left * right, power))
        total, power = scale.sum(terms)
        value, more = scale.scaled(total @ rules.weight)
        values.append(value)
        exponents.append(power + more)
    return Charts(values, exponents, fine, scale.faint)


def outside(rules: RuleArrays, charts: Charts, start: Array) -> tuple[Array, Array]:
    """Return :func:`outsides` of the charts, and the rows in which underflow could matter."""
    xp = array_namespace(start)
    n = len(charts.values)
    scale = _Scale(rules, charts.values[0], charts.fine)
    values: dict[int, Array] = {n: xp.zeros_like(charts.values[n - 1]) + start}
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
            as_left, as_right = _padded(as_left, 0, spans, 0.0), _padded(as_right, spans - size, spans, 0.0)
            if not charts.fine:
                terms.append((as_left + as_right, power + beside))
                continue
            left_power, right_power = power + beside[:, width : width + size], power + beside[:, :size]
            terms.append((as_left, _padded(left_power, 0, spans, -inf)))
            terms.append((as_right, _padded(right_power, spans - size, spans, -inf)))
        total, power = scale.sum(terms)
        values[width], more = scale.scaled(total)
        exponents[width] = power + more
    return values[1], charts.faint | scale.faint


class _Scale:
    """Exponents of rows or of spans, and the rows with values near the smallest float."""

    def __init__(self, rules: RuleArrays, values: Array, fine: bool) -> None:
        self.fine = fine
        xp = array_namespace(values)
        self.least = float(xp.finfo(values.dtype).smallest_normal)
        self.lowest = float(np.log2(self.least))
        rare = values.shape[0] > 0 and least_positive(rules.weight) < self.least**_RULE
        self.faint = (xp.sum(values, axis=(1, 2)) < 0) | rare

    def part(self, power: Array, start: int, size: int) -> Array:
        """Return the exponents of ``size`` spans from ``start`` on."""
        return power[:, start : start + size] if self.fine else power

    def sum(self, terms: list[tuple[Array, Array]]) -> tuple[Array, Array]:
        """Return the sum of ``value 2^exponent`` as one such pair, with the largest exponent."""
        xp = array_namespace(terms[0][0])
        powers = [power for _, power in terms]
        if self.fine:  # a term of zeros must not set the scale
            found = [xp.max(value, axis=2) > 0 for value, _ in terms]
            powers = [xp.where(any_, power, -inf) for any_, power in zip(found, powers, strict=True)]
        stacked = xp.stack(powers, axis=0)
        largest = xp.max(stacked, axis=0)
        if self.fine:
            largest = xp.where(xp.isfinite(largest), largest, xp.zeros_like(largest))
        else:
            shift = xp.max(largest - xp.min(stacked, axis=0), axis=1)
            self.faint = self.faint | (shift > -_EDGE * self.lowest)
        total = None
        for (value, _), power in zip(terms, powers, strict=True):
            part = _times(value, power - largest)
            total = part if total is None else total + part
        return total, largest

    def scaled(self, value: Array) -> tuple[Array, Array]:
        """Return the value divided by powers of two that bring the largest entry near one, and the exponents."""
        xp = array_namespace(value)
        largest = xp.max(value, axis=2)
        if not self.fine:
            largest = xp.max(largest, axis=1, keepdims=True)
        safe = xp.where(largest > 0, largest, xp.ones_like(largest))
        power = xp.floor(xp.log2(safe))
        power = xp.where(power < self.lowest, self.lowest, power)  # its inverse is a float
        out = _times(value, -power)
        if self.fine:
            return out, xp.where(largest > 0, power, -inf)
        small = (out > 0) & (out < self.least**_EDGE)
        self.faint = self.faint | xp.any(xp.any(small, axis=2), axis=1)
        return out, power


def _times(value: Array, power: Array) -> Array:
    xp = array_namespace(value)
    return value * xp.pow(xp.zeros_like(power) + 2, power)[:, :, None]


def _padded(part: Array, start: int, size: int, filler: float) -> Array:
    """Return an array of ``size`` spans with ``part`` from ``start`` on and the filler elsewhere."""
    xp = array_namespace(part)
    blank = xp.zeros_like(part[:, :1]) + filler
    ends = [(start,), (size - start - part.shape[1],)]
    before, after = (xp.broadcast_to(blank, (blank.shape[0], *k, *blank.shape[2:])) for k in ends)
    return xp.concat([before, part, after], axis=1)
