"""Figures and tables of the paper, each one module, and what computes, keeps, checks and reports them.

A figure is added by adding one file to this folder that defines `FIGURE = Figure(...)`; `known_figures()`
finds it. `run.run_figures` makes any selection of them, `report.write_report` writes down what came out.
"""

from figures.check import (
    Check,
    binomial_check,
    clopper_pearson,
    exact_check,
    judge,
    model_check,
    published_check,
)
from figures.data import published_rows
from figures.figure import Cell, Figure, RunSettings, derived_seed, known_figures

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
