r"""Accuracy of random top-k on Insert and Remove Random in float64, with its error.

The recursion of :mod:`theory.decoding.structured.hidden_place_random` in the form without a negative coefficient
(:func:`theory.decoding.structured.hidden_place_kernel.positive_kernel`): ``g^j gaps_j = sum q C(l, u) C(g-1-l, v)``,
and the sums ``sum_{l<g} C(g-1-l, v) C(l, u) A(M-s, l)`` are ``C(l, u) A(M-s, l)`` summed v + 1 times. Nothing
cancels. (Blocks of more than 30 positions: :mod:`theory.decoding.structured.hidden_place_direct`.)

**Only short gaps matter.** Before the step with M of n positions masked, the masked set is uniform among the sets of
its size whatever the tokens, r = n - M. The interval is a run of masked positions, so it has m of them or more with
probability at most ``n C(n-m, r) / C(n, r) <= n e^{-r m / n}``. States with more than ``(n/r) ln(n T 2^64)`` masked
positions in the interval are dropped (accuracy 0): over T steps this takes away at most 2^-64. What is left of a row is
about ``70 n / r`` long, of all rows ``70 (n/k) ln n``.

At a million positions the same sums are taken in compiled code
(:mod:`theory.decoding.structured.hidden_place_random_kernel`), if numba is there.

**Error.** u = 2^-53. A row of length G is computed by at most 2s running sums, products, and a sum over j, u and v: at
most ``m = 2 s G + 6 s^2 + 12 s + 30`` roundings from a value to one where the gap has changed, ``c = 4 s + 10`` where
it stays, all terms positive. So the error is at most ``u B`` with B following the same recursion as A, plus c times the
terms that stay and m times those that move. B is computed beside A and enlarged by a thousandth, for its own rounding
and the terms in u^2.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import comb, log, log10
from operator import mul

import numpy as np
from numpy.typing import NDArray

from theory.decoding.structured.hidden_place_direct import UNIT, Floats, direct_accuracy, require_direct
from theory.decoding.structured.hidden_place_kernel import PositiveKernel, positive_kernel
from theory.decoding.structured.hidden_place_random_kernel import compiled_rows
from theory.limits import Budget, CostError
from theory.numbers.compiled import has_compiler
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["random_accuracy", "reaches", "require_floats"]

_TRUNCATED = 2.0**-64  # all that the dropped states may add to the accuracy
_BLOCK = 30  # larger blocks use direct sums
_DECADES = 280  # n^(2k+1) must stay below 1e280, some decades below the largest float
_ELEMENT, _LIMIT = 1e-9, 200  # seconds of an element operation of numpy; at most
_COMPILE_FROM = 5 * 10**9  # below this numpy takes less time than loading numba
_CALLS = 5000  # overhead of a step in element operations


def require_floats(insert: bool, sizes: Sequence[int]) -> None:
    """Raise before :func:`random_accuracy` if it would take too long or leave the range of floats."""
    n, k = sum(sizes), max(sizes)
    if k > _BLOCK:
        require_direct(sizes)
        return
    remedy = "use a smaller k, or schedule for the expected KL"
    if (2 * k + 1) * log10(max(n, 2)) > _DECADES:
        raise CostError(f"random blocks of {k} among {n} positions leave the range of floats; {remedy}.")
    budget = Budget(f"random blocks of {k} among {n} positions", remedy, limit=_LIMIT)
    budget.require(_work(insert, sizes), _ELEMENT / 6 if has_compiler() else _ELEMENT)


def _work(insert: bool, sizes: Sequence[int]) -> int:
    """Return the estimated number of element operations in numpy."""
    width = np.array(sizes, dtype=np.float64)
    return int(np.sum((reaches(insert, sizes) + _CALLS) * (6 * width * width + 10)))


def random_accuracy(insert: bool, sizes: Sequence[int], *, compiled: bool | None = None) -> Approximate:
    """Return the accuracy of blocks of these sizes in random order.

    Args:
        insert: Insert Random with ``sum(sizes)`` positions, else Remove Random.
        sizes: Positions of each step.
        compiled: Use numba; by default when it is installed and the work is not small.

    Example:
        >>> random_accuracy(True, [2, 1]).value  # 2/3
        0.6666666666666666
    """
    k = max(sizes)
    if k > _BLOCK:
        return direct_accuracy(insert, sizes)
    kernel, longest = positive_kernel(k, insert), reaches(insert, sizes).tolist()
    more = _binomials(np.arange(-1.0, longest[0]).clip(0), 2 * k - 1)  # C(g - 1, v) at [v, g]
    hits = [np.zeros(longest[0] + 1) for _ in kernel.hits]
    for row, values in zip(kernel.hits, hits, strict=True):
        for v, r in row:
            values += r * more[v]
    if compiled is None:
        compiled = _work(insert, sizes) >= _COMPILE_FROM and has_compiler()
    rows = (compiled_rows if compiled else _rows)(insert, sizes, longest, kernel, hits)
    value, units = rows[:, longest[0]].tolist()
    return Approximate(value=value, error=two_digits(1.001 * units * UNIT + _TRUNCATED))


def _rows(
    insert: bool, sizes: Sequence[int], longest: Sequence[int], kernel: PositiveKernel, hits: Sequence[Floats]
) -> Floats:
    """Return A and B by g before the first step."""
    g, k = np.arange(longest[0] + 1, dtype=np.float64), max(sizes)
    powers = np.array(list(accumulate([g] * k, mul, initial=np.ones_like(g))))
    binomials = _binomials(g, k)
    rows = np.array([[0.0, 1.0], [0.0, 0.0]])
    masked = 0
    for size, reach in zip(reversed(sizes), reversed(longest), strict=True):
        masked += size
        known = np.zeros((2, reach + 1))
        shared = min(reach + 1, rows.shape[1])
        known[:, :shared] = rows[:, :shared]
        here = slice(2, reach + 1)
        moved = _moved(known[:, 1:reach], binomials, kernel, size)
        stays, shares = _shares(g[here] - (not insert), powers[:, here], masked, size)
        stayed = stays * known[:, here]
        move = np.zeros_like(stayed)
        for j, (share, sums) in enumerate(zip(shares, moved, strict=True)):
            sums[0] += hits[j][here]
            move += share * sums
        roundings = 2 * size * reach + 6 * size**2 + 12 * size + 30
        rows = known
        rows[:, here] = stayed + move
        rows[1, here] += (4 * size + 10) * stayed[0] + roundings * move[0]
    return rows


def reaches(insert: bool, sizes: Sequence[int]) -> NDArray[np.int64]:
    """Return the largest g that is kept before each step."""
    n, steps = sum(sizes), len(sizes)
    done = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))[:-1]])
    longest = np.ceil(n / np.maximum(done, 0.5) * (log(n * steps) - log(_TRUNCATED)))
    return np.minimum(n - done, longest.astype(np.int64)) + (not insert)


def _binomials(x: Floats, k: int) -> Floats:
    """Return ``C(x, i)`` for i = 0..k."""
    found = [np.ones_like(x)]
    for i in range(1, k + 1):
        found.append(found[-1] * (x - (i - 1)) / i)
    return np.array(found)


def _moved(known: Floats, binomials: Floats, kernel: PositiveKernel, size: int) -> list[Floats]:
    """Return for j = 1..s ``sum_{l<g} g^j gaps_j(g, l) known[l]`` at g = 2.. for known at l = 1.."""
    length = known.shape[1]
    found = [np.zeros((2, length)) for _ in range(size)]
    for u in range(size + 1):
        wanted = [(v, j, q) for j in range(size) for w, v, q in kernel.gaps[j] if w == u]
        sums = known * binomials[u, 1 : length + 1]
        for v in range(min(max((v for v, _, _ in wanted), default=-1) + 1, length)):
            sums = np.cumsum(sums, axis=1)  # the sum at g, v places further left
            for w, j, q in wanted:
                if w == v:
                    found[j][:, v:] += q * sums[:, : length - v]
    return found


def _shares(inside: Floats, powers: Floats, masked: int, size: int) -> tuple[Floats, list[Floats]]:
    """Return ``C(M - mm, s - j) / C(M, s) / g^j`` for j = 0 and for j = 1..s."""
    ways = _binomials(masked - inside, size) / comb(masked, size)
    return ways[size], [ways[size - j] / powers[j] for j in range(1, size + 1)]
