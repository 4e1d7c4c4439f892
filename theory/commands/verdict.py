"""One sentence on what the bounds ``L*_T`` mean for parallel decoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from typing import Any

from theory.numbers.lognumber import LogNumber

__all__ = ["CHEAP", "bracket_verdict", "verdict"]

CHEAP = 0.1  # bits: the ideal model keeps an accuracy of at least 2^-0.1 = 93 %


def verdict(bounds: Sequence[Any], error: float = 0.0) -> str:
    """Return one sentence on the least losses ``L*_1, ..., L*_n`` in bits.

    The ideal model decoded along the best partition is right with probability at least ``2^-L`` (data processing). Only
    exact numbers can prove that tokens are independent; a float loss is at most zero within its rounding.

    Args:
        bounds: Exact numbers or floats; one for each number of steps.
        error: A bound on the error of every float; losses up to it count as zero within rounding. 0 for exact numbers,
            and if none is known.

    Example:
        >>> one, none = LogNumber.log2(2), LogNumber.log2(1)
        >>> verdict([one, none, none])
        'one step loses 1 bit (accuracy at least 50%); 2 of 3 steps lose nothing: 1.5 tokens per step are free.'
        >>> verdict([none, none])
        'one step loses nothing: the tokens are independent, parallel decoding is free.'
        >>> verdict([1.2e-17, 0.0], error=5e-14)
        'one step loses nothing within rounding (at most 5.1e-14 bits): floats cannot tell ...'
    """
    losses = [float(bits) for bits in bounds]
    exact = all(isinstance(bits, (LogNumber, Fraction, int)) for bits in bounds)
    nothing = 0.0 if exact else error
    n = len(losses)
    free = next(
        (t for t, bits in enumerate(losses, start=1) if bits <= nothing), n
    )  # one token per step is free
    if free == 1:
        if exact:
            return "one step loses nothing: the tokens are independent, parallel decoding is free."
        within = _within(losses[0], error)
        return f"one step loses nothing{within}: floats cannot tell the tokens from independent ones."
    parts = [f"one step loses {_loss(losses[0], nothing)}"]
    cheap = next(t for t, bits in enumerate(losses, start=1) if bits <= CHEAP)
    if 1 < cheap < free:
        parts.append(
            f"{cheap} of {n} steps lose {_loss(losses[cheap - 1], nothing)}, {n / cheap:.3g} tokens per step"
        )
    if free == n:
        parts.append(f"every step saved below {n} costs something: a fixed order has no free parallelism.")
    else:
        within = "" if exact else _within(losses[free - 1], error)
        parts.append(f"{free} of {n} steps lose nothing{within}: {n / free:.3g} tokens per step are free.")
    return "; ".join(parts)


def bracket_verdict(bounds: Sequence[Mapping[str, Any]], error: float) -> str:
    """Return one sentence on brackets of ``L*_1, ..., L*_n``, which says how wide they are.

    Args:
        bounds: ``lower``, ``upper`` and ``exact``, one for each number of steps.
        error: A bound on the error of the upper ends; zero ones are exact.

    Example:
        >>> known = [{"lower": x, "upper": x, "exact": True} for x in (3.0, 0.0)]
        >>> bracket_verdict([known[0], {"lower": 0.5, "upper": 1.0, "exact": False}, known[1]], 1e-9)
        'one step loses 3 bits (accuracy at least 12%); 3 of 3 steps lose nothing: 1 token per step is free; ...'
    """
    uppers = [float(entry["upper"]) for entry in bounds]
    n = len(uppers)
    free = next((t for t, bits in enumerate(uppers, start=1) if bits <= 0), n)
    if free == 1:
        return "one step loses nothing: the tokens are independent, parallel decoding is free."
    parts = [f"one step loses {_loss(uppers[0], error)}"]
    cheap = next(t for t, bits in enumerate(uppers, start=1) if bits <= CHEAP)
    if 1 < cheap < free:
        parts.append(f"{cheap} of {n} steps lose at most {_loss(uppers[cheap - 1], error)}")
    rate = f"{n / free:.3g} token{'s per step are' if free < n else ' per step is'} free"
    parts.append(f"{free} of {n} steps lose nothing: {rate}")
    widths = [entry["upper"] - entry["lower"] for entry in bounds]
    widest = max(range(n), key=widths.__getitem__)
    if all(entry["exact"] for entry in bounds):
        parts.append("the least losses are exact.")
    else:
        parts.append(f"the least losses are known to within {widths[widest]:.3g} bits (T = {widest + 1}).")
    return "; ".join(parts)


def _within(bits: float, error: float) -> str:
    """Return the bound on a loss that is zero within rounding, rounded up.

    Example:
        >>> _within(1e-17, 0.0), _within(0.0, 5e-14)
        (' within rounding', ' within rounding (at most 5.1e-14 bits)')
    """
    if not error:
        return " within rounding"
    up = Context(prec=2, rounding=ROUND_CEILING).create_decimal(Decimal(bits) + Decimal(error))
    return f" within rounding (at most {up:.1e} bits)"


def _loss(bits: float, error: float) -> str:
    return f"{bits:.3g} bit{'' if bits == 1 else 's'} (accuracy at least {_floor(bits + error)})"


def _floor(bits: float) -> str:
    """Return ``2^-bits`` rounded down, since it is a lower bound, also beyond the range of floats.

    Example:
        >>> _floor(1.0), _floor(4990.0)
        ('50%', '7.2e-1503')
    """
    wide = Context(prec=40, rounding=ROUND_FLOOR, Emin=MIN_EMIN)
    share = wide.power(Decimal(2), -Decimal(bits))
    digits = Context(prec=4 if bits < 0.0145 else 2, rounding=ROUND_FLOOR, Emin=MIN_EMIN)  # above 99 %
    if share < Decimal("1e-4"):
        return f"{digits.create_decimal(share):.1e}"
    return f"{digits.create_decimal(100 * share)}%"
