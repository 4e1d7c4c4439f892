"""Mean entropies of sets of positions, and the information curve that follows from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from theory.information.closed_forms.form import DERIVED, ClosedForm, symbols

__all__ = ["curve_forms"]


def curve_forms(task: str, mean: Callable[[Any], Any], limit: Any) -> list[ClosedForm]:
    """Return the mean entropy ``h_j`` of j positions and the information curve ``Z_j = h_1 + h_{j-1} - h_j``.

    Args:
        task: The task.
        mean: j to ``h_j``.
        limit: The limit of ``h_j`` as n grows.
    """
    import sympy as sp

    n, j = symbols().n, symbols().j
    return [
        ClosedForm(
            task=task,
            quantity="mean_subset_entropy",
            expression=mean(j),
            limit=limit,
            domain=sp.Le(j, n),
            condition="0 <= j <= n",
            source=DERIVED,
        ),
        ClosedForm(
            task=task,
            quantity="information_curve",
            expression=mean(1) + mean(j - 1) - mean(j),
            limit=sp.Integer(0),
            domain=sp.And(sp.Ge(j, 1), sp.Le(j, n)),
            condition="1 <= j <= n",
            source=DERIVED,
        ),
    ]
