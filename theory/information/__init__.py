"""Entropies, total correlation, subset entropies, information curves, closed forms."""

from theory.information.closed_forms import closed_form, evaluate
from theory.information.curves.curve import information_curve
from theory.information.measures import (
    conditional_entropy,
    dual_total_correlation,
    entropy,
    kl_divergence,
    total_correlation,
)
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable

__all__ = [
    "EntropyTable",
    "closed_form",
    "conditional_entropy",
    "dual_total_correlation",
    "entropy",
    "evaluate",
    "information_curve",
    "kl_divergence",
    "subset_entropies",
    "total_correlation",
]
