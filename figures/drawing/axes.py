"""Axes of steps and of losses, with whole steps as ticks and without room for outliers."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["loss_axis", "step_axis", "upper_edge", "whole_ticks"]

_MOST_TICKS = 9
_FAR = 3  # times the next smaller value: further ones are outliers


def whole_ticks(first: float, last: float) -> list[int]:
    """Return whole numbers from ``first`` to ``last``, at most nine and one for the lower end.

    Example:
        >>> whole_ticks(1, 4), whole_ticks(1, 40), whole_ticks(1.5, 2.5)
        ([1, 2, 3, 4], [1, 5, 10, 15, 20, 25, 30, 35, 40], [1, 2, 3])
    """
    low, high = floor(first), ceil(last)
    sizes = (digit * 10**power for power in range(12) for digit in (1, 2, 5))
    size = next(size for size in sizes if (high - low) // size < _MOST_TICKS)
    ticks = [tick for tick in range(low, high + 1) if tick % size == 0]
    return ticks if low in ticks or (ticks and ticks[0] - low < size / 2) else [low, *ticks]


def step_axis(ax: Axes, values: Sequence[float]) -> None:
    """Let the x axis span numbers of steps or tokens, with ticks at whole ones and room for the marks at the ends."""
    if not values:
        return
    ticks = whole_ticks(min(values), max(values))
    low, high = ticks[0], max(ticks[-1], max(values))
    room = 0.5 if low == high else 0.12 * (high - low)
    ax.set_xticks(ticks)
    ax.set_xlim(low - room, high + room)


def loss_axis(ax: Axes, most: float, *, above: float = 0.06) -> None:
    """Let the y axis span losses from zero to ``most`` bits; zero to one where nothing is lost.

    Args:
        ax: The panel.
        most: The greatest loss that is drawn to scale.
        above: The room above it, as a share.
    """
    top = most or 1.0
    ax.set_ylim(-0.06 * top, (1 + above) * top)


def upper_edge(values: Sequence[float], least: float = 0.0) -> float:
    """Return where an axis of losses ends: at the greatest value that is no outlier.

    Outliers are the values from the first that is more than three times the next smaller one, in the upper half.

    Args:
        values: In bits; infinite ones never count.
        least: A value that must be on the axis, such as the greatest of a curve.

    Example:
        >>> upper_edge([1.0, 2.0, 2.5]), upper_edge([1.0, 2.0, 100.0]), upper_edge([1.0, 100.0], 50.0)
        (2.5, 2.0, 100.0)
    """
    finite = sorted(value for value in values if isfinite(value))
    for j in range(max(1, len(finite) // 2), len(finite)):
        below = max(finite[j - 1], least)
        if finite[j] > _FAR * below > 0:
            return below
    return max([least, *finite]) or 1.0
