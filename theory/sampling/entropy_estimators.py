r"""Entropies estimated from counts, and bootstrap samples of them.

All three estimators of ``H(S | X)`` have one form. With N samples, N_x of context x and counts c of the pairs (x, y_S):

- plug-in: ``sum_x (N_x/N) log2 N_x - sum (c/N) log2 c``, the entropy of the empirical pmf; its bias is negative, about
  ``-(K - K_X) / (2 N ln 2)`` with K pairs and K_X contexts;
- Miller-Madow: the plug-in value plus ``(K - K_X) / (2 N ln 2)``, K and K_X counted among those seen;
- Grassberger (arXiv physics/0307138): ``sum_x (N_x/N) psi(N_x)/ln 2 - sum (c/N) G(c)``, where G(c) replaces ``log2 c``
  so that the bias of rare outcomes nearly cancels. G is read off :func:`dit.inference.estimators.entropy_2`, whose
  value on c equal samples is ``psi(c)/ln 2 - G(c)``.

A joint entropy of many outcomes needs many samples: no estimator is reliable if half of the mass was not seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from math import log

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import group_rows
from theory.sampling.observed import Observed
from theory.validation import InputError

__all__ = ["ESTIMATORS", "Estimator", "estimator", "resampled", "subset_estimates"]

Counts = NDArray[np.int64]
Function = Callable[[Counts], NDArray[np.float64]]

ESTIMATORS = ("plug_in", "miller_madow", "grassberger")


@dataclass(frozen=True, eq=False)
class Estimator:
    """An entropy estimator in the form above.

    Attributes:
        of_count: The function used for ``log2 c``, for positive counts.
        of_total: The function used for ``log2 N_x``.
        corrects: Whether the Miller-Madow term is added.
    """

    of_count: Function
    of_total: Function
    corrects: bool = False

    def entropy(self, groups: Counts, totals: Counts) -> NDArray[np.float64]:
        """Return ``H(S | X)`` in bits for each row.

        Args:
            groups: Counts of the pairs (x, y_S), shape (B, K); zeros for pairs missing in a resample.
            totals: Counts of the contexts, shape (B, X).
        """
        size = totals.sum(axis=1)
        value = (_weighted(totals, self.of_total) - _weighted(groups, self.of_count)) / size
        if self.corrects:
            value = value + ((groups > 0).sum(axis=1) - (totals > 0).sum(axis=1)) / (2 * size * log(2))
        return value


def _weighted(counts: Counts, function: Function) -> NDArray[np.float64]:
    values, index = np.unique(counts, return_inverse=True)
    table = np.zeros(len(values))
    table[values > 0] = function(values[values > 0])
    return (counts * table[index.reshape(counts.shape)]).sum(axis=1)


def estimator(name: str) -> Estimator:
    """Return an estimator by name.

    Raises:
        InputError: For ``grassberger`` where dit is not installed.

    Example:
        >>> counts, totals = np.array([[3, 2, 1]]), np.array([[6]])
        >>> [round(float(estimator(name).entropy(counts, totals)[0]), 4) for name in ("plug_in", "miller_madow")]
        [1.4591, 1.6996]
    """
    if name == "grassberger":
        return Estimator(_grassberger, _digamma_bits)
    return Estimator(np.log2, np.log2, corrects=name == "miller_madow")


def _digamma_bits(counts: Counts) -> NDArray[np.float64]:
    from scipy.special import digamma

    return digamma(counts) / log(2)


def _grassberger(counts: Counts) -> NDArray[np.float64]:
    try:
        entropy_2 = import_module("dit.inference.estimators").entropy_2
    except ImportError:
        raise InputError(
            "the Grassberger estimator needs dit; install it with: python -m pip install 'parabounds[estimate]'."
        ) from None
    alike = [float(entropy_2(np.zeros(c, dtype=np.int64))) for c in counts.tolist()]
    return _digamma_bits(counts) - np.array(alike)


def resampled(seen: Observed, bootstrap: int, rng: np.random.Generator) -> Counts:
    """Return counts of the distinct pairs: the observed ones first, then ``bootstrap`` resamples; shape (1 + B, M)."""
    drawn = rng.multinomial(seen.size, seen.counts / seen.size, size=bootstrap)
    return np.concatenate([seen.counts[None, :], drawn])


def subset_estimates(
    seen: Observed, weights: Counts, subsets: Sequence[int], chosen: Estimator
) -> dict[int, NDArray[np.float64]]:
    """Return ``H(y_S | X)`` for sets of positions (bit masks), in bits.

    Args:
        seen: The samples.
        weights: Counts of its distinct pairs, shape (B, M).
        subsets: Sets of positions; bit i means position i.
        chosen: The estimator.

    Returns:
        Values of shape (B,) for each set.
    """
    widths = [int(column.max()) + 1 for column in seen.codes.T]
    totals = _summed(weights, group_rows(seen.codes, widths, [0]).inverse)
    out: dict[int, NDArray[np.float64]] = {}
    for subset in subsets:
        if not subset:
            out[subset] = np.zeros(len(weights))  # known, not estimated
            continue
        positions = [0, *(i + 1 for i in range(seen.n) if subset >> i & 1)]
        groups = _summed(weights, group_rows(seen.codes, widths, positions).inverse)
        out[subset] = chosen.entropy(groups, totals)
    return out


def _summed(weights: Counts, labels: NDArray[np.int64]) -> Counts:
    """Return the counts of each label, shape (B, labels)."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(labels[order]) > 0]))
    return np.add.reduceat(weights[:, order], starts, axis=1)
