"""Construction of the integer rows over primes of all subset entropies.

With integer masses m of the marginal on B over the total D, ``D h(B) = D log2 D - sum m log2 m``. Masses below a few
million are factored by a sieve in compiled code (``theory/information/subsets/prime_rows_kernel.py``), the few larger
ones one by one. Small tables use numpy unless the compiler is already loaded; both give the same rows.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from theory.distributions.pmf import JointPMF
from theory.information.subsets.dense import dense_cells
from theory.information.subsets.prime_rows import PrimeRows, summed_rows
from theory.information.subsets.sparse import dense_is_cheaper
from theory.numbers.compiled import has_compiler
from theory.numbers.coprime import prime_factors

__all__ = ["TOTAL_BITS", "Masses", "prime_rows", "rows_seconds"]

TOTAL_BITS = 50  # |coefficients| <= D log2 D fit int64 with room for sums over blocks
_SIEVE = 1 << 22  # 48 MB; masses below it are factored by table
_ENTRIES = 30_000_000  # 360 MB
_NUMPY_CELLS = 1 << 22
_COMPILE_FROM = 50_000  # cells: below this numpy takes less time than loading numba
_LARGE = 1 << 14  # masses beyond the sieve, factored one by one: 0.05 s
_CELL_SECONDS, _NUMPY_CELL_SECONDS = 1.2e-8, 1.5e-7


@dataclass(frozen=True, eq=False)
class Masses:
    """Different masses of every marginal and how often each occurs; set s has ``ends[s]:ends[s + 1]``."""

    values: NDArray[np.int64]
    times: NDArray[np.int64]
    ends: NDArray[np.int64]


def rows_seconds(pmf: JointPMF, masses: Masses | None) -> float:
    """Return the estimated time of :func:`prime_rows`."""
    cells = len(masses.values) if masses else dense_cells(tuple(len(a) for a in pmf.alphabets))
    compiled = _is_compiled(cells)
    load = 0.5 if compiled and "numba" not in sys.modules else 0.0
    return cells * (_CELL_SECONDS if compiled else _NUMPY_CELL_SECONDS) + load


def _is_compiled(cells: int) -> bool:
    return has_compiler() and (cells >= _COMPILE_FROM or "numba" in sys.modules)


def prime_rows(
    pmf: JointPMF, masses: Masses | None = None, *, compiled: bool | None = None
) -> PrimeRows | None:
    """Return the rows of all sets, or ``None`` where that costs much more than the table of floats.

    Args:
        pmf: An exact pmf.
        masses: Those of its marginals; by default taken from its dense table.
        compiled: Use numba; by default when it is installed and the table is not small.
    """
    if pmf.total is None or pmf.total.bit_length() >= TOTAL_BITS:
        return None
    if masses is None and not dense_is_cheaper(pmf):
        return None
    shape = tuple(len(a) for a in pmf.alphabets)
    cells = len(masses.values) if masses else dense_cells(shape)
    is_compiled = _is_compiled(cells) if compiled is None else compiled
    if not is_compiled and cells > _NUMPY_CELLS:
        return None
    table = np.zeros(shape if masses is None else 0, dtype=np.int64)
    if masses is None:
        table[tuple(pmf.codes.T)] = pmf.weights
    rows = _compiled(pmf.total, masses or table, cells) if is_compiled else None
    if rows is None and (not is_compiled or (compiled is None and cells < _COMPILE_FROM)):
        rows = _by_numpy(pmf.total, masses or _dense_masses(table))
    return rows


def _compiled(total: int, source: Masses | NDArray[np.int64], cells: int) -> PrimeRows | None:
    from theory.information.subsets.prime_rows_kernel import dense_fold, listed_fold
    from theory.information.subsets.prime_sieve import sieve

    # a power of two, so that sieves are shared; for small tables not much longer than the table
    most = _SIEVE if cells >= _COMPILE_FROM else 4 << max(cells, 1 << 10).bit_length()
    limit = min(1 << total.bit_length(), most, _SIEVE)
    primes = sieve(limit)[0]
    whole = {p: total * e for p, e in prime_factors(total).items()}
    low = {int(np.searchsorted(primes, p)): v for p, v in whole.items() if p < limit}
    if isinstance(source, Masses):
        found = listed_fold(source.values, source.times, source.ends, low, limit, (_ENTRIES, _LARGE))
    else:
        found = dense_fold(source, low, limit, (_ENTRIES, _LARGE))
    if not found.fits:
        return None
    high = {p: v for p, v in whole.items() if p >= limit}
    extra: dict[int, dict[int, int]] = {s: dict(high) for s in range(len(found.ends) - 1)} if high else {}
    for s, mass, times in found.large.tolist():
        terms = extra.setdefault(s, {})
        for p, e in _factored(mass).items():
            terms[p] = terms.get(p, 0) - mass * times * e
    return PrimeRows(primes, found.ends, found.columns, found.values, total, extra)


def _dense_masses(table: NDArray[np.int64]) -> Masses:
    """Return the different masses of each marginal of a table."""
    sets = np.zeros((1,) * table.ndim, dtype=np.int64)
    for i, size in enumerate(table.shape):
        table = np.concatenate([table, table.sum(axis=i, keepdims=True)], axis=i)
        kept = np.append(np.full(size, 1 << i), 0)
        sets = sets + kept.reshape([-1 if j == i else 1 for j in range(table.ndim)])
    live = table > 1  # masses 0 and 1 add nothing
    width = int(table.max()) + 1
    kind = np.dtype(np.int64 if (1 << table.ndim) * width < 1 << 62 else object)
    keys, times = np.unique(sets[live].astype(kind) * width + table[live], return_counts=True)
    ends = np.searchsorted((keys // width).astype(np.int64), np.arange((1 << table.ndim) + 1))
    return Masses((keys % width).astype(np.int64), times, ends)


def _by_numpy(total: int, masses: Masses) -> PrimeRows:
    distinct, which = np.unique(masses.values, return_inverse=True)
    factors = [_factored(m) for m in distinct.tolist()]
    whole = prime_factors(total)
    primes = np.array(sorted({*whole, *(p for f in factors for p in f)}), dtype=np.int64)
    place = {p: j for j, p in enumerate(primes.tolist())}
    columns = np.array([place[p] for f in factors for p in f], dtype=np.int64)
    powers = np.array(
        [m * e for m, f in zip(distinct.tolist(), factors, strict=True) for e in f.values()], dtype=np.int64
    )
    counts = np.array([len(f) for f in factors], dtype=np.int64)
    firsts = np.cumsum(counts) - counts
    # one entry for each prime of each mass
    lengths = counts[which]
    ahead = np.cumsum(lengths) - lengths
    source = np.arange(int(lengths.sum())) + np.repeat(firsts[which] - ahead, lengths)
    sets = len(masses.ends) - 1
    label = np.repeat(np.repeat(np.arange(sets), np.diff(masses.ends)), lengths)
    values = -np.repeat(masses.times, lengths) * powers[source]
    own = np.repeat(np.arange(sets), len(whole))
    return summed_rows(
        np.concatenate([label, own]),
        np.concatenate([columns[source], np.tile([place[p] for p in whole], sets).astype(np.int64)]),
        np.concatenate([values, np.tile([total * e for e in whole.values()], sets).astype(np.int64)]),
        primes,
        sets,
        total,
    )


@lru_cache(maxsize=1 << 18)
def _factored(n: int) -> Mapping[int, int]:
    return prime_factors(n)
