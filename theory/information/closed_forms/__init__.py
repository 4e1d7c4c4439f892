"""Closed forms as sympy expressions that are evaluated exactly.

Every form is proved in ``docs/closed_forms.md`` and compared with brute force, as exact numbers, in the tests.
sympy is imported on first use.
"""

from theory.information.closed_forms.form import ClosedForm, Symbols, symbols
from theory.information.closed_forms.registry import (
    closed_form,
    closed_forms,
    evaluate,
    evaluate_float,
    mean_subset_entropies,
)

__all__ = [
    "ClosedForm",
    "Symbols",
    "closed_form",
    "closed_forms",
    "evaluate",
    "evaluate_float",
    "mean_subset_entropies",
    "symbols",
]
