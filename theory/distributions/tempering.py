"""Sampling distributions from marginals by temperature, top-p and top-k.

Tempering: ``q_i(v) ~ p_i(v)^(1/tau)``, rational for rational p where 1/tau is a whole number; tau = 0 is greedy: a
uniform draw from the argmax set, independently at each position (``greedy_ties="random"``, the zero-mean noise of arXiv
2510.04767), or its lowest token (``"lowest"``, what argmax does). Then truncation, as Dream does it: top-p, then top-k,
on the tempered probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import isfinite
from typing import Any

import numpy as np

from theory.distributions.nucleus import crossing
from theory.numbers.arithmetic import EXACT, FLOAT64, Array, ExactNumbers, Numbers, ProvenNumbers
from theory.numbers.balls import BALLS, is_zero
from theory.numbers.distinct import distinct_rows
from theory.numbers.rationals import to_fmpq
from theory.validation import InputError, choice, exact_fraction, positive_int

__all__ = [
    "GREEDY_TIES",
    "NUCLEUS",
    "POWER_BITS",
    "SCORED",
    "Transform",
    "check_temperature",
    "check_underflow",
    "normalised_powers",
    "numbers_of_powers",
    "settings_of",
    "stays_rational",
    "tempered",
]

GREEDY_TIES = ("random", "lowest")
NUCLEUS = ("keep", "drop")
SCORED = ("before", "after")
POWER_BITS = 64  # of the integers in a power
_LEAST = Fraction(1, 10**6)  # lower is greedy in float64, higher than its inverse uniform


@dataclass(frozen=True, kw_only=True)
class Transform:
    """Temperature and truncation, which turn a marginal into the distribution that its token is drawn from.

    Attributes:
        temperature: tau >= 0.
        greedy_ties: Equal tokens at tau = 0: ``random`` or ``lowest``.
        top_p: Keep the most probable tokens until their sum exceeds ``top_p``; equal ones in ascending order.
        top_k: Keep the tokens at least as probable as the k-th.
        nucleus: The token at which the sum crosses ``top_p`` is kept (``keep``: Dream, LLaDA forks) or dropped
            (``drop``: MDLM and ReMDM; the most probable token always stays).
        scored: Policies read the marginals ``before`` (the papers, LLaDA) or ``after`` the transform (Dream). At
            tau = 0 ``after`` means after truncation only.

    Example:
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> Transform(top_p="0.5").draw(np.array([[0.4, 0.4, 0.2]]), FLOAT64).tolist()
        [[0.5, 0.5, 0.0]]
    """

    temperature: Fraction = Fraction(1)
    greedy_ties: str = "random"
    top_p: Fraction | None = None
    top_k: int | None = None
    nucleus: str = "keep"
    scored: str = "before"

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperature", check_temperature(self.temperature))
        choice(self.greedy_ties, "greedy_ties", GREEDY_TIES)
        choice(self.nucleus, "nucleus", NUCLEUS)
        choice(self.scored, "scored", SCORED)
        if self.top_k is not None:
            object.__setattr__(self, "top_k", positive_int(self.top_k, "top_k"))
        if self.top_p is not None:
            p = exact_fraction(self.top_p, "top_p")
            if not 0 < p <= 1:
                raise InputError(f"top_p must lie above 0 and be at most 1, got {self.top_p}.")
            object.__setattr__(self, "top_p", p)

    @property
    def truncates(self) -> bool:
        """Whether some possible tokens may be left out."""
        return self.top_p is not None or self.top_k is not None or self.temperature == 0

    def draw(self, probs: Array, numbers: Numbers, balls: Array | None = None) -> Array:
        """Return the distributions that tokens are drawn from.

        Args:
            probs: The marginals as the rules read them, which decide the best tokens and those kept.
            numbers: The kind of number in ``probs``.
            balls: The same marginals as balls, zero where ``probs`` is, if the result is wanted in balls.
        """
        if self.temperature:
            return self._transformed(probs, numbers, balls, self.temperature)
        q = tempered(probs, self.temperature, numbers, greedy_ties=self.greedy_ties)
        if balls is None:  # the argmax set survives every truncation
            return q
        best = np.asarray(q != 0, dtype=np.int64)
        return BALLS.converted(EXACT.ratio(best, best.sum(axis=-1, keepdims=True)))

    @property
    def one_token(self) -> bool:
        """Whether every distribution that tokens are drawn from has one token, the lowest of the best."""
        return self.temperature == 0 and self.greedy_ties == "lowest"

    def scores_read(self, probs: Array, numbers: Numbers, balls: Array | None = None) -> Array:
        """Return the distributions that the policy sees; arguments as in :meth:`draw`."""
        if self.scored == "before":
            return probs if balls is None else balls
        return self._transformed(probs, numbers, balls, self.temperature or Fraction(1))

    def _transformed(
        self, probs: Array, numbers: Numbers, balls: Array | None, temperature: Fraction
    ) -> Array:
        """Return tempered distributions (tau > 0) without the tokens that truncation leaves out."""
        if balls is not None and self.top_p is self.top_k is None:  # nothing to decide
            return tempered(balls, temperature, BALLS)
        q = tempered(probs, temperature, numbers)
        if isinstance(numbers, ExactNumbers) and q.dtype != np.dtype(object):
            numbers = FLOAT64  # tempered values are floats
        cut, kept = self._cut(q, numbers)
        if balls is None:
            return cut
        q = tempered(balls, temperature, BALLS)
        return q if kept is None else normalised_powers(np.where(kept, q, BALLS.const(0)), 1)

    def _cut(self, q: Array, numbers: Numbers) -> tuple[Array, Array | None]:
        """Return the truncated distributions, and the tokens kept (``None``: all)."""
        both: Array | None = None
        for keep in (self._in_nucleus, self._in_top_k):
            kept = keep(q, numbers)
            if kept is not None:
                both = kept if both is None else both & kept
                q = _renormalised(numbers.xp.where(kept, q, numbers.xp.zeros_like(q)), numbers)
        return q, both

    def _in_nucleus(self, q: Array, numbers: Numbers) -> Array | None:
        if self.top_p is None:
            return None
        xp, limit = numbers.xp, numbers.const(self.top_p) + numbers.tolerance
        mass, high, low = crossing(q, limit, numbers)
        level = xp.astype((q <= high) & (q >= low), xp.bool)
        of_level = xp.where(level, q, xp.zeros_like(q))
        total = mass + xp.cumulative_sum(of_level, axis=-1)
        reached = total - of_level if self.nucleus == "keep" else total
        above = xp.astype(q > high, xp.bool)
        kept = above | (level & xp.astype(reached <= limit, xp.bool))
        if self.nucleus == "keep":
            return kept
        first = xp.cumulative_sum(xp.astype(level, xp.int64), axis=-1) == 1  # of all tokens stays
        return kept | (level & first & ~xp.any(above, axis=-1, keepdims=True))

    def _in_top_k(self, q: Array, numbers: Numbers) -> Array | None:
        if self.top_k is None or self.top_k >= q.shape[-1]:
            return None
        xp = numbers.xp
        least = xp.flip(xp.sort(q, axis=-1), axis=(-1,))[..., self.top_k - 1 : self.top_k]
        return xp.astype(q >= least - numbers.tolerance, xp.bool)


def settings_of(switches: Mapping[str, Any]) -> dict[str, Any]:
    """Return the switches of a decode as numbers and words for JSON.

    Example:
        >>> settings_of({"temperature": Fraction(1, 2), "top_p": "9/10", "nucleus": "drop"})
        {'temperature': 0.5, 'top_p': 0.9, 'nucleus': 'drop'}
    """
    numbers = {
        "top_p": lambda p: float(exact_fraction(p, "top_p")),
        "top_k": lambda k: positive_int(k, "top_k"),
    }
    found = {"temperature": float(check_temperature(switches.get("temperature", 1)))}
    for key, value in switches.items():
        if key != "temperature" and value is not None:
            found[key] = numbers[key](value) if key in numbers else value
    return found


def check_temperature(temperature: object) -> Fraction:
    """Return the temperature as an exact number of at least zero."""
    if isinstance(temperature, float) and not isfinite(temperature):
        raise InputError(f"temperature must be finite, got {temperature}.")
    tau = exact_fraction(temperature, "temperature")
    if tau < 0:
        raise InputError(f"temperature must be at least 0, got {temperature}.")
    if tau and not _LEAST <= tau <= 1 / _LEAST:
        raise InputError(f"temperature must be 0 or between 1e-6 and 1e6, got {temperature}.")
    return tau


def tempered(probs: Array, temperature: Fraction, numbers: Numbers, *, greedy_ties: str = "random") -> Array:
    """Return the tempered distributions.

    Args:
        probs: Marginals along the last axis.
        temperature: At least 0.
        numbers: The kind of number in ``probs``; exact ones stay exact at temperature 0, 1 and 1/m where
            :func:`stays_rational` says so of the largest denominator, else become float64. Balls need tau > 0.
        greedy_ties: ``random`` or ``lowest``, read at temperature 0 only.

    Example:
        >>> from theory.numbers.arithmetic import FLOAT64
        >>> tempered(np.array([[0.4, 0.4, 0.2]]), Fraction(0), FLOAT64).tolist()
        [[0.5, 0.5, 0.0]]
    """
    xp = numbers.xp
    if temperature == 1:
        return probs
    if temperature == 0:
        return _greedy(probs, numbers, greedy_ties)
    if probs.dtype == np.dtype(object):
        power = 1 / temperature
        if numbers is BALLS or stays_rational(temperature, _denominator_bits(probs)):
            return normalised_powers(probs, int(power) if power.denominator == 1 else to_fmpq(power))
        probs = np.vectorize(lambda p: int(p.p) / int(p.q), otypes=[np.float64])(probs)
    # divided by the maximum first, so that small probabilities do not all underflow
    top = xp.max(probs, axis=-1, keepdims=True)
    powers = (probs / xp.where(top > 0, top, xp.ones_like(top))) ** float(1 / temperature)
    total = xp.sum(powers, axis=-1, keepdims=True)
    return powers / xp.where(total > 0, total, xp.ones_like(total))


def stays_rational(temperature: Fraction, bits: int) -> bool:
    """Return whether tempering keeps rationals of at most ``bits`` bits rational and of moderate size.

    ``p^(1/tau) / sum p^(1/tau)`` is rational for every rational p if and only if 1/tau is a whole number m.
    Its integers then have m times the bits of those of p; beyond 64 bits they are slow to factor.

    Example:
        >>> stays_rational(Fraction(1, 2), 10), stays_rational(Fraction(2), 10), stays_rational(Fraction(1, 9), 10)
        (True, False, False)
    """
    if temperature in (0, 1):
        return True
    power = 1 / temperature
    return power.denominator == 1 and power.numerator * bits <= POWER_BITS


def numbers_of_powers(temperature: Fraction, bits: int) -> ProvenNumbers:
    """Return the kind of number of tempered rationals of at most ``bits`` bits: rationals if they stay so."""
    return EXACT if stays_rational(temperature, bits) else BALLS


def normalised_powers(probs: Array, power: Any) -> Array:
    """Return ``p^m / sum p^m`` of rationals or balls along the last axis, equal rows once; rows of zeros stay.

    Example:
        >>> from flint import fmpq
        >>> normalised_powers(np.array([[fmpq(2, 3), fmpq(1, 3)]], dtype=object), 2).tolist()
        [[4/5, 1/5]]
    """
    if not probs.size:
        return probs
    rows = probs.reshape(-1, probs.shape[-1])
    first, index = distinct_rows(rows)
    raised = rows[first]
    if power != 1:
        raised[~is_zero(raised)] **= power  # a ball of zero has no root
    total = raised.sum(axis=-1, keepdims=True)
    return (raised / np.where(is_zero(total), 1, total))[index].reshape(probs.shape)


def _denominator_bits(probs: Array) -> int:
    values = {id(p): p for p in probs.reshape(-1).tolist()}
    return max((int(p.q).bit_length() for p in values.values()), default=0)


def check_underflow(probs: Array, q: Array, temperature: Fraction) -> None:
    """Raise if tempering underflows the probability of a possible token: KL would become infinite."""
    if temperature and bool(((probs != 0) & (q == 0)).any()):
        raise InputError(
            f"at temperature {float(temperature):g} token probabilities underflow; use 0, or a higher one."
        )


def _renormalised(q: Array, numbers: Numbers) -> Array:
    total = numbers.xp.sum(q, axis=-1, keepdims=True)
    if q.dtype == np.dtype(object):
        return q / np.where(total == 0, 1, total)  # rows of revealed positions hold zeros
    return q / numbers.xp.where(total > 0, total, numbers.xp.ones_like(total))


def _greedy(probs: Array, numbers: Numbers, greedy_ties: str) -> Array:
    xp = numbers.xp
    top = xp.max(probs, axis=-1, keepdims=True)
    best: Any = xp.astype(probs >= top - numbers.tolerance, xp.int64)
    if greedy_ties == "lowest":
        best = xp.where(xp.cumulative_sum(best, axis=-1) == 1, best, xp.zeros_like(best))
    if probs.dtype != np.dtype(object):
        best = xp.astype(best, probs.dtype)
    return numbers.ratio(best, xp.sum(best, axis=-1, keepdims=True))
