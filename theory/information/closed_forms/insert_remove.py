"""Closed forms of Insert Random and Remove Random."""

from __future__ import annotations

from typing import Any

from theory.information.closed_forms.form import ClosedForm, derived_forms, symbols
from theory.information.closed_forms.replace_random import replace_accuracy, replace_bound
from theory.information.closed_forms.schedules import topk

__all__ = ["insert_remove_forms"]


def insert_remove_forms() -> list[ClosedForm]:
    """Return the forms of ``insert_random`` and ``remove_random``."""
    return [*_insert_random(), *_remove_random()]


def _insert_random() -> list[ClosedForm]:
    import sympy as sp

    n, i = symbols().n, symbols().i
    two, gaps = sp.log(2), n + 1
    logs: Any = sp.Sum(i * sp.log(i), (i, 1, n))
    greedy = sp.Piecewise((sp.Rational(1, 2), sp.Eq(n, 1)), (sp.Rational(1, 3), sp.Eq(n, 2)), (0, True))
    pairs = topk(gaps, 2)
    forms = {
        "entropy": (sp.log(gaps) / two, sp.oo, None),
        "total_correlation": ((n * sp.log(gaps) - 2 * logs / gaps) / two, sp.oo, gaps / (2 * two)),
        "dual_total_correlation": (sp.log(gaps) / two, sp.oo, None),
        "step_bound outside-in pairs": (replace_bound(pairs, gaps), sp.Integer(0), None),
        "accuracy one step tau=1": (
            2**n * sp.factorial(n) / gaps**gaps,
            sp.Integer(0),
            sp.sqrt(sp.pi / (2 * gaps)) * (2 * sp.exp(-1)) ** gaps,
        ),
        "accuracy one step tau=0": (greedy, sp.Integer(0), None),
        "accuracy topk k=2 by=confidence tau=1": (replace_accuracy(pairs), sp.Integer(1), None),
    }
    condition = "all n; n + 1 positions; greedy ties random"
    return derived_forms("insert_random", forms, condition=condition)


def _remove_random() -> list[ClosedForm]:
    import sympy as sp

    n, i, t, u = symbols().n, symbols().i, symbols().t, symbols().u
    two = sp.log(2)
    logs: Any = sp.Sum(i * sp.log(i), (i, 1, n - 1))
    left = topk(n, 2).left
    inside = sp.Product((1 - 1 / left(u)) ** 2, (u, 1, t - 1))
    both: Any = sp.Sum(inside / left(t) ** 2, (t, 1, sp.floor((n - 1) / 2)))
    forms = {
        "entropy": (sp.log(n) / two, sp.oo, None),
        "total_correlation": (
            ((n - 2) * sp.log(n) - 2 * logs / n) / two,
            sp.oo,
            (n / 2 - sp.log(n)) / two,
        ),
        "dual_total_correlation": (sp.log(n) / two - 2 + 2 / n, sp.oo, sp.log(n) / two - 2),
        "accuracy one step tau=1": (
            2 ** (n - 1) * sp.factorial(n - 1) / n ** (n - 1),
            sp.Integer(0),
            sp.sqrt(sp.pi * n / 2) * (2 * sp.exp(-1)) ** n,
        ),
        "accuracy one step tau=0": (sp.Integer(1), sp.Integer(1), None),
        "accuracy topk k=2 by=confidence tau=1": (1 - both, sp.Integer(1), None),
    }
    return derived_forms("remove_random", forms, condition="n >= 2; n - 1 positions", domain=sp.Ge(n, 2))
