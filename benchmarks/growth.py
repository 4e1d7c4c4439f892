"""Growth of run time with n and with the number of outcomes, beside the bound on the work.

A bound is the least number of elementary operations of the algorithm, times the time of one operation on this machine,
measured in the same run (logarithms by the faster of numpy and compiled code, on arrays in the cache; sums and minima
on numbers read once for eight; the pass over rows for their number):

- dense table: ``3^n`` cells of marginals of n bits, a product with a logarithm for each;
- ``L*_T`` for all T: ``sum_k binom(n, k) 2^(n-k) (k + 1)`` triples (set, next block, number of blocks), a sum and a
  minimum for each;
- sparse table and total correlation of N outcomes: every row that is grouped (of the parent of each set; of the
  distribution for each position and the whole) is passed once, reading a key and a weight and writing a sum: 24
  bytes.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from math import comb
from typing import Any

import numpy as np
from numba import njit

from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.dense_kernel import BLOCK, compiled_kernels
from theory.information.subsets.sparse import lattice

__all__ = ["growth_rows", "median_time"]

ENOUGH, MOST = 0.5, 101  # CPU seconds of all runs of one thing, at most so many
CACHED = 4096  # numbers of 8 bytes: 32 kB
POSITIONS, TOKENS = 8, 8  # of the sparse distributions


def median_time(run: Callable[[], Any], repeats: int, least: float = ENOUGH) -> tuple[float, Any]:
    """Return the median CPU time of ``repeats`` runs, or more until ``least`` seconds, and the last result.

    Short runs are repeated, since a single disturbance could affect five runs of a millisecond.
    """
    times: list[float] = []
    result: Any = None
    while len(times) < repeats or (sum(times) < least and len(times) < MOST):
        start = time.process_time()
        result = run()
        times.append(time.process_time() - start)
    return statistics.median(times), result


def growth_rows(repeats: int, *, fast: bool) -> list[dict[str, Any]]:
    """Return rows (panel, series, x, seconds, operations, bound): seconds measured, bound in seconds."""
    return [*_against_positions(repeats, fast), *_against_outcomes(repeats, fast)]


def _row(panel: str, series: str, x: int, seconds: float, operations: int, each: float) -> dict[str, Any]:
    bound = operations * each
    return {
        "task": "growth",
        "panel": panel,
        "series": series,
        "x": x,
        "seconds": seconds,
        "operations": operations,
        "bound": bound,
    }


def _against_positions(repeats: int, fast: bool) -> list[dict[str, Any]]:
    rng, rows = np.random.default_rng(0), list[dict[str, Any]]()
    logarithm, step = _logarithm_seconds(), _step_seconds()
    for n in (6, 8, 10, 12) if fast else (8, 10, 12, 14, 16, 18, 20):
        pmf = JointPMF.from_dense(rng.dirichlet(np.ones(1 << n)).reshape((2,) * n))
        if n >= 16:
            subset_entropies(pmf)  # compile
        seconds, table = median_time(partial(subset_entropies, pmf), repeats)
        rows.append(_row("positions", "all subset entropies", n, seconds, 3**n, logarithm))
        if n < 20:
            optimal_bounds(table)  # compile: the code of n = 18 serves n = 20
        seconds, _ = median_time(partial(optimal_bounds, table), repeats)
        steps = sum(comb(n, k) * 2 ** (n - k) * (k + 1) for k in range(n))
        rows.append(_row("positions", "L*_T for all T", n, seconds, steps, step))
    return rows


def _against_outcomes(repeats: int, fast: bool) -> list[dict[str, Any]]:
    rng, rows = np.random.default_rng(1), list[dict[str, Any]]()
    for exponent in (4, 6, 8) if fast else (6, 8, 10, 12, 14, 16, 17):
        codes = np.unique(rng.integers(TOKENS, size=(2**exponent, POSITIONS)), axis=0)
        weights = rng.dirichlet(np.ones(len(codes))).tolist()
        pmf = JointPMF.from_pairs(list(map(tuple, codes.tolist())), weights)
        each = _pass_seconds(len(pmf)) / len(pmf)
        seconds, _ = median_time(partial(subset_entropies, pmf), repeats)
        work = _grouped_rows(pmf)
        rows.append(_row("outcomes", "all subset entropies", len(pmf), seconds, work, each))
        seconds, _ = median_time(partial(total_correlation, pmf), repeats)
        work = (POSITIONS + 1) * len(pmf)
        rows.append(_row("outcomes", "total correlation", len(pmf), seconds, work, each))
    return rows


def _best_of(run: Callable[[], Any], inner: int) -> float:
    """Return the least mean time of a call."""

    def many() -> None:
        for _ in range(inner):
            run()

    return min(median_time(many, 1, 0.0)[0] for _ in range(7)) / inner


def _logarithm_seconds() -> float:
    x, out = np.random.default_rng(2).random(CACHED), np.empty(CACHED)

    def run() -> None:
        np.log2(x, out=out)
        np.multiply(out, x, out=out)

    _, terms = compiled_kernels()
    block = x[:BLOCK].copy()
    parts = np.empty(BLOCK, np.int64), np.empty(BLOCK), np.empty(BLOCK)
    compiled = partial(terms, block, block.view(np.int64), 0, BLOCK, *parts)
    compiled()
    return min(_best_of(run, 2000) / CACHED, _best_of(compiled, 4000) / BLOCK)


def _step_seconds() -> float:
    x, out = np.random.default_rng(3).random(CACHED), np.full(CACHED, np.inf)

    @njit
    def run(x: Any, out: Any) -> None:
        for j in range(x.shape[0]):
            near = min(min(x[j] + 0.1, x[j] + 0.2), min(x[j] + 0.3, x[j] + 0.4))
            far = min(min(x[j] + 0.5, x[j] + 0.6), min(x[j] + 0.7, x[j] + 0.8))
            out[j] = min(out[j], min(near, far))

    run(x, out)
    return _best_of(partial(run, x, out), 5000) / CACHED / 8


def _pass_seconds(count: int) -> float:
    keys, weights, out = np.zeros(count), np.ones(count), np.empty(count)
    return _best_of(lambda: np.add(keys, weights, out=out), max(1, 4 * 10**6 // count))


def _grouped_rows(pmf: JointPMF) -> int:
    """Return the rows of the parents of all sets: a set has the highest of its missing positions less."""
    sizes = {mask: len(weights) for mask, weights in lattice(pmf)}
    full = (1 << pmf.n) - 1
    return sum(sizes[mask | 1 << (full ^ mask).bit_length() - 1] for mask in sizes if mask != full)
