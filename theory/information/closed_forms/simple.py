"""Closed forms of the tasks with one answer for each context, and of the city names."""

from __future__ import annotations

from theory.information.closed_forms.form import DERIVED, PAPER, SECTION, ClosedForm

__all__ = ["DETERMINISTIC", "simple_forms"]

DETERMINISTIC = ("copy", "insert_index", "remove_index", "replace_index", "reverse", "sort", "sudoku_unique")


def simple_forms() -> list[ClosedForm]:
    """Return the forms of tasks with a single answer, and of the city names."""
    return [*_deterministic(), *_city_names()]


def _deterministic() -> list[ClosedForm]:
    """Return the forms of the tasks with one outcome for each context, all of them zero or one."""
    import sympy as sp

    values = {"entropy": 0, "total_correlation": 0, "dual_total_correlation": 0, "accuracy": 1}
    return [
        ClosedForm(
            task=task,
            quantity=quantity,
            expression=sp.Integer(value),
            limit=sp.Integer(value),
            condition="all n, every policy and tau; expectation over the contexts",
            source=SECTION if quantity == "total_correlation" else DERIVED,
        )
        for task in DETERMINISTIC
        for quantity, value in values.items()
    ]


def _city_names() -> list[ClosedForm]:
    import sympy as sp

    figure = f"{PAPER}, Figure 1"
    forms = {
        "entropy": (sp.Integer(2), DERIVED),
        "total_correlation": (sp.Integer(1), figure),
        "dual_total_correlation": (sp.Integer(1), DERIVED),
        "accuracy one step tau=1": (sp.Rational(1, 2), figure),
        "accuracy one step tau=0": (sp.Integer(0), DERIVED),
    }
    return [
        ClosedForm(
            task="city_names",
            quantity=quantity,
            expression=value,
            condition="two tokens, four names",
            source=source,
        )
        for quantity, (value, source) in forms.items()
    ]
