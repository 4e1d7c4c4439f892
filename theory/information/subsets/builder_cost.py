"""Estimated time of the two ways to build a table of subset entropies."""

from __future__ import annotations

from math import prod

import numpy as np

from theory.distributions.pmf import JointPMF
from theory.information.subsets.dense import dense_cells
from theory.information.subsets.sparse import lattice_rows

__all__ = ["dense_is_cheaper", "lattice_seconds", "lattice_work"]

_BIG_ROW = 16  # a row of Python integers costs as much as this many of 64 bits
_DENSE_CELLS = 1 << 24  # probabilities: 128 MB
_BINARY_CELL_SECONDS, _CELL_SECONDS = 6e-9, 6e-8
_ROW_SECONDS, _SET_SECONDS = 6e-8, 4e-5


def lattice_work(pmf: JointPMF) -> int:
    """Return the number of rows of the sparse form, weighted by cost for Python integers."""
    return lattice_rows(pmf) * (_BIG_ROW if pmf.weights.dtype == np.dtype(object) else 1)


def lattice_seconds(pmf: JointPMF) -> float:
    """Return the estimated time of the sparse form, in seconds of one machine; only ratios matter."""
    return lattice_work(pmf) * _ROW_SECONDS + 2**pmf.n * _SET_SECONDS


def dense_is_cheaper(pmf: JointPMF) -> bool:
    """Return whether the dense form is estimated to be faster."""
    shape = tuple(len(a) for a in pmf.alphabets)
    if prod(shape) > _DENSE_CELLS:
        return False
    cell = _BINARY_CELL_SECONDS if max(shape) == 2 else _CELL_SECONDS
    return dense_cells(shape) * cell < lattice_seconds(pmf)
