"""Figures and tables of the paper, one module each, and the machinery that makes them.

A figure is added by one file in `figures/paper/` that defines `FIGURE = Figure(...)`; `known_figures()` finds it.
`engine.run.run_figures` makes any selection of them, `engine.report.write_report` reports the results.
"""

from figures.engine.check import (
    Check,
    binomial_check,
    clopper_pearson,
    exact_check,
    judge,
    model_check,
    published_check,
)
from figures.engine.data import published_rows
from figures.engine.figure import Cell, Figure, RunSettings, derived_seed, known_figures

__all__ = [
    "Cell",
    "Check",
    "Figure",
    "RunSettings",
    "binomial_check",
    "clopper_pearson",
    "derived_seed",
    "exact_check",
    "judge",
    "known_figures",
    "model_check",
    "published_check",
    "published_rows",
]
