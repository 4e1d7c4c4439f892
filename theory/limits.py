"""Cost limits: anything exponential states its estimate before it starts."""

from __future__ import annotations

from theory._checks import InputError

__all__ = [
    "MEMORY_LIMIT",
    "OPERATION_LIMIT",
    "CostError",
    "require_memory",
    "require_operations",
    "scientific",
]

MEMORY_LIMIT = 2 * 1024**3  # bytes: half of a 4 GB machine, so that two jobs still fit side by side
OPERATION_LIMIT = 2 * 10**10  # elementary steps: about a minute in compiled code, far longer in pure Python


class CostError(InputError):
    """The estimated work exceeds the limit; nothing was allocated."""


def require_memory(needed: int, what: str, *, limit: int = MEMORY_LIMIT, remedy: str) -> None:
    """Raise before an allocation of ``needed`` bytes if it exceeds ``limit``.

    Example:
        >>> require_memory(10**12, "13! outcomes", remedy="use a smaller n")
        Traceback (most recent call last):
        ...
        theory.limits.CostError: 13! outcomes would need about 931 GiB, the limit is 2 GiB; use a smaller n.
    """
    if needed > limit:
        raise CostError(
            f"{what} would need about {_binary(needed)}, the limit is {_binary(limit)}; {remedy}."
        )


def require_operations(needed: int, what: str, *, limit: int = OPERATION_LIMIT, remedy: str) -> None:
    """Raise before a computation of ``needed`` elementary steps if it exceeds ``limit``."""
    if needed > limit:
        raise CostError(
            f"{what} would take about {scientific(needed)} steps, the limit is {limit:.1e}; {remedy}."
        )


def scientific(count: int) -> str:
    """Return a count of any size in two digits, also one that no float can hold.

    Example:
        >>> scientific(12345), scientific(2**5000)
        ('1.2e+04', 'over 1e+300')
    """
    return f"{count:.1e}" if count < 10**300 else "over 1e+300"


def _binary(size: int) -> str:
    value = size
    for unit in ("bytes", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            return f"{value} {unit}"
        value = value // 1024
    return f"{value:.3g} PiB" if value < 1024 else "over 1024 PiB"
