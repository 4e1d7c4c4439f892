r"""Block sizes in random order from an estimate of TC or DTC, with their guarantees.

Chen, Cong and Li (arXiv 2511.04647, Theorem 9): with ``zeta = 1 + ceil(estimate / epsilon)`` each block of the
*TC schedule* takes ``floor(left / zeta)`` of the positions left, at least one. The *DTC schedule* is the same sequence
read backwards: growing blocks, singles first.

Guarantee (derived here, so that the constants can be checked; the two inequalities are those of
``theory/bounds/schedules/upper_bounds.py``). TC schedule: ``s <= left / zeta`` or s = 1, hence ``(s - 1) / (left - 1)
<= 1 / zeta`` and the expected divergence is at most ``TC / zeta``. DTC schedule: with N positions revealed before the
block, ``s <= (N + s) / zeta`` gives ``(s - 1) / (N + 1) < 1 / (zeta - 1)``, and the expected divergence is at most
``DTC / (zeta - 1)``. Both are at most ``epsilon`` when the estimate is not too small.

Steps. ``left' = ceil(left (zeta - 1) / zeta) <= (left + 1)(1 - 1/zeta)``, so ``left - (zeta - 1)`` shrinks by the
factor ``1 - 1/zeta`` and is below 1 after ``1 + floor(ln(n - zeta + 1) / -ln(1 - 1/zeta)) <= 1 + zeta ln n`` steps; at
most ``zeta - 1`` singles remain. Together at most ``zeta (1 + ln n)``, within the paper's ``2 + (1 + ln n) zeta``.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, log
from typing import Any

from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["Schedule", "dtc_schedule", "singles_then_rest", "tc_schedule"]

_CHEN = "arXiv 2511.04647, Theorem 9"
_AUSTIN = "after Austin, arXiv 1809.10272, and arXiv 2511.04647, Lemma 33"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Block sizes with their guarantees.

    Attributes:
        sizes: Block sizes in decoding order.
        most_steps: A bound on the number of blocks.
        most_kl: A bound on the expected divergence in random order, bits, if the estimate is at least the truth.
        source: The theorem it is from.
    """

    sizes: tuple[int, ...]
    most_steps: float
    most_kl: Fraction
    source: str


def tc_schedule(n: int, estimate: Any, epsilon: Any) -> Schedule:
    """Return the TC-driven schedule: shrinking blocks.

    Args:
        n: Number of positions.
        estimate: At least the total correlation, bits: a LogNumber or any finite number of at least 0.
        epsilon: The divergence allowed, bits, above 0.

    Example:
        >>> tc_schedule(12, 2, 1).sizes
        (4, 2, 2, 1, 1, 1, 1)
        >>> tc_schedule(12, 0, 1).sizes, tc_schedule(3, 100, 1).sizes
        ((12,), (1, 1, 1))
    """
    zeta = 1 + _ceiling(estimate, epsilon)
    left = positive_int(n, "n")
    bound = 2 + (1 + log(left)) * zeta
    sizes: list[int] = []
    while left:
        sizes.append(max(1, left // zeta))
        left -= sizes[-1]
    most_kl = exact_fraction(epsilon, "epsilon")
    return Schedule(sizes=tuple(sizes), most_steps=bound, most_kl=most_kl, source=_CHEN)


def dtc_schedule(n: int, estimate: Any, epsilon: Any) -> Schedule:
    """Return the DTC-driven schedule, growing blocks: the TC schedule of the same numbers reversed.

    Args:
        n: Number of positions.
        estimate: At least the dual total correlation, bits.
        epsilon: The divergence allowed, bits, above 0.

    Example:
        >>> dtc_schedule(12, 2, 1).sizes
        (1, 1, 1, 1, 2, 2, 4)
    """
    forward = tc_schedule(n, estimate, epsilon)
    return Schedule(
        sizes=forward.sizes[::-1], most_steps=forward.most_steps, most_kl=forward.most_kl, source=_CHEN
    )


def singles_then_rest(n: int, estimate: Any, delta: Any) -> Schedule:
    """Return ``m = ceil(estimate / delta^2)`` singles, then everything else at once.

    The expected divergence is at most ``n delta^2``: with m singles it is at most ``DTC (n - m - 1) / (m + 1)``
    (the DTC inequality of ``theory/bounds/schedules/upper_bounds.py``), which is below ``n DTC / m``.

    Args:
        n: Number of positions.
        estimate: At least the dual total correlation, bits.
        delta: Its square is the divergence allowed per position, bits; above 0.

    Example:
        >>> singles_then_rest(8, 1, "1/2").sizes
        (1, 1, 1, 1, 4)
    """
    size = positive_int(n, "n")
    allowed = exact_fraction(delta, "delta") ** 2
    singles = min(_ceiling(estimate, allowed), size - 1)
    sizes = (1,) * singles + (size - singles,)
    return Schedule(sizes=sizes, most_steps=singles + 1, most_kl=size * allowed, source=_AUSTIN)


def _ceiling(estimate: Any, allowed: Any) -> int:
    """Return ``ceil(estimate / allowed)``, decided exactly."""
    unit = exact_fraction(allowed, "the divergence allowed")
    if unit <= 0:
        raise InputError(f"the divergence allowed must be above 0, got {allowed}.")
    amount = estimate if isinstance(estimate, LogNumber) else exact_fraction(estimate, "estimate")
    if amount < 0:
        raise InputError(f"the estimate must be at least 0, got {estimate}.")
    if isinstance(amount, Fraction):
        return ceil(amount / unit)
    whole = ceil(float(amount / unit))
    while amount > whole * unit:  # the float may be off by one in either direction
        whole += 1
    while amount <= (whole - 1) * unit:
        whole -= 1
    return whole
