r"""Upper bounds on the expected divergence of block sizes in random order.

Write ``d_k = Z_k - Z_{k-1} >= 0`` for k = 2..n (``theory/bounds/schedules/random_order.py``). A block that ends at N
and does not start at k pays ``c_k = N - k + 1`` for the rise at k, so the exact cost is ``sum_k c_k d_k`` with ``c_k
= 0`` where a block starts. The quantities it is compared with are sums over the same rises,

    Z_n = sum d_k,   TC = sum (n - k + 1) d_k,   DTC = sum (k - 1) d_k,   H(0,1) = sum (k - 1)(n - k + 1) d_k / (n + 1),

(H(0,1): the growth complexity, ``theory/bounds/schedules/random_times.py``), so ``cost <= max_k (c_k / w_k) *
quantity`` for each with its weights w. The constants are the best possible: an MDS code of dimension k - 1 over a
field of at least n elements has its only rise at k and meets the bound. With N revealed before a block of size s >=
2, the first three are the maxima over blocks of

    s - 1,   (s - 1) / (n - N - 1),   (s - 1) / (N + 1).

The first is the bound of Lavenant and Zanella, ``(s - 1)(f(1) - f(n))``, for blocks of any sizes. That of Li and Cai is
weaker, because ``2^ceil(log2 s) >= s`` and ``sum_i I(y_i ; y_-i) = TC + DTC = n Z_n``. After N singles the third is
``DTC (n - N - 1) / (N + 1)``, which implies Austin's ``KL <= n DTC / N``.

Wainwright's bound in its form for fixed sizes, with ``psi(t) = t / (1 - t)`` and a, b revealed before and after the
block: ``cost <= (psi(b/n) / psi(a/n) - 1) sum_{j=a+1}^{b-1} (j/n)(1 - j/n) n (Z_{j+1} - Z_j)``. Proof: the factor is
``n (b - a) / (a (n - b))``, and for a < j < b: ``b - j <= b - a``, ``a <= j``, ``n - b <= n - j``. It is infinite for
the first and the last block, which enter with their exact cost.

The plug-in price of a block from a to b, ``(b - a - 1)(Z_b - Z_{a+1})``, replaces every rise of the curve by all of it
(arXiv 2608.13520 in its form for fixed sizes): it lies between the exact cost and each of ``(s - 1) Z_n`` and, for an
inner block, Wainwright's. For random times, :func:`theory.bounds.schedules.wainwright.wainwright_bound` bounds the cost
of the best blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from math import ceil, comb
from typing import Any

from theory.bounds.schedules.largest_gain import mean_gain_error, mean_largest_gain
from theory.bounds.schedules.random_order import expected_kl
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import InformationCurve, information_curve
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import Budget
from theory.numbers.arithmetic import EXACT
from theory.numbers.balls import BALLS, with_errors
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import Bits
from theory.validation import InputError, check_sizes

__all__ = ["Bound", "best_constant", "confidence_bound", "entropy_bound", "upper_bounds"]

_SORTED, _LIMIT = 2e-5, 4  # seconds of an exact conditional entropy sorted for the entropy bound; at most


@dataclass(frozen=True, kw_only=True)
class Bound:
    """One upper bound, or the exact value.

    Attributes:
        value: Bits; exact for exact input.
        name: Its name.
        source: The theorem, or "derived here".
        error: A proven bound on the error of a float value; zero for exact ones.
    """

    value: Bits
    name: str
    source: str
    error: float = 0.0


def upper_bounds(
    source: JointPMF | EntropyTable | Sequence[Any] | InformationCurve, sizes: Sequence[int]
) -> list[Bound]:
    """Return the exact expected divergence, then every upper bound that applies.

    Args:
        source: A curve, mean entropies, a table, which adds the entropy bound of the EB-sampler, or a pmf, which in one
            step adds Fast-dLLM's bound.
        sizes: Block sizes.

    Example:
        >>> word = JointPMF.uniform([(0, 0, 0), (1, 1, 1)])
        >>> for bound in upper_bounds(word, [2, 1])[:4]:
        ...     print(bound.name, bound.value)
        exact log2(2)
        largest block log2(2)
        information profile log2(2)
        Li-Cai log2(2)
    """
    pmf = source if isinstance(source, JointPMF) else None
    table = subset_entropies(pmf) if pmf else source
    assert not isinstance(table, JointPMF)
    curve = information_curve(table)
    blocks = check_sizes(sizes, curve.n)
    bounds = [_exact(curve, blocks), *_by_largest_block(curve, blocks), *_by_rises(curve, blocks)]
    bounds += [_wainwright(curve, blocks), _plug_in(curve, blocks)]
    if set(blocks[:-1]) == {1}:
        bounds.append(_austin(curve, len(blocks) - 1))
    if isinstance(table, EntropyTable) and _sorted_entries(table.n, blocks) * _SORTED <= _LIMIT:
        bounds.append(entropy_bound(table, blocks))
    return [*bounds, confidence_bound(pmf)] if pmf and len(blocks) == 1 else bounds


def best_constant(sizes: Sequence[int], weight: Callable[[int], Fraction | int]) -> Fraction:
    """Return the least c with ``expected_kl <= c sum_k weight(k) (Z_k - Z_{k-1})`` for every pmf.

    Args:
        sizes: Block sizes with sum n.
        weight: k = 2..n to its positive weight.

    Example:
        >>> best_constant([2, 3, 1], lambda k: k - 1)  # times DTC
        Fraction(1, 1)
    """
    ratios = (Fraction(cost) / weight(k) for k, cost in _rise_costs(sizes) if cost)
    return max(ratios, default=Fraction(0))


def _rise_costs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield (k, c_k) for k = 2..n."""
    end = 0
    for size in sizes:
        start, end = end, end + size
        yield from ((k, end - k + 1 if k > start + 1 else 0) for k in range(max(start + 1, 2), end + 1))


def _error(curve: InformationCurve, size: Fraction | int) -> float:
    """Return a bound on the error of a float combination of means whose coefficients sum to ``size`` in size.

    A mean passes through at most n + 8 more roundings than a plain combination: products, and a sum over n.
    """
    return curve.error_of(ceil(size) + curve.n + 8)


def _exact(curve: InformationCurve, blocks: tuple[int, ...]) -> Bound:
    theorem = "arXiv 2511.04647, Theorems 4 and 16"
    error = _error(curve, 2 * curve.n + 1)
    return Bound(value=expected_kl(curve, blocks), name="exact", source=theorem, error=error)


def _by_largest_block(curve: InformationCurve, blocks: tuple[int, ...]) -> list[Bound]:
    largest, last = max(blocks), curve.z[-1]
    doubled = 1 << (largest - 1).bit_length()
    profile = curve.profile[0] - curve.profile[-1]
    found = [
        (largest - 1, last, "largest block", "derived here; arXiv 2511.04647"),
        (largest - 1, profile, "information profile", "arXiv 2510.25544, there for equal sizes"),
        (doubled - 1, last, "Li-Cai", "arXiv 2505.21400, as in arXiv 2511.04647, Theorem 31"),
    ]
    return [  # four means each
        Bound(value=times * bits, name=name, source=source, error=_error(curve, 4 * times))
        for times, bits, name, source in found
    ]


def _by_rises(curve: InformationCurve, blocks: tuple[int, ...]) -> list[Bound]:
    n, rises = curve.n, [*enumerate(curve.increments, start=2)]
    growth = sum(((k - 1) * (n - k + 1) * rise for k, rise in rises), curve.z[0]) / (n + 1)
    inner = 2 * n * n  # eight means for each rise, of weights (k - 1)(n - k + 1) / (n + 1): 4 n (n - 1) / 3
    quantities: list[tuple[str, Bits, Callable[[int], Fraction | int], int]] = [
        ("total correlation", curve.total_correlation, lambda k: n - k + 1, n + 1),
        ("dual total correlation", curve.dual_total_correlation, lambda k: k - 1, 2 * n + 1),
        ("growth complexity", growth, lambda k: Fraction((k - 1) * (n - k + 1), n + 1), inner),
    ]
    source, found = "derived here, best constant", list[Bound]()
    for name, quantity, weight, size in quantities:
        constant = best_constant(blocks, weight)
        error = _error(curve, constant * size)
        found.append(Bound(value=constant * quantity, name=name, source=source, error=error))
    return found


def _wainwright(curve: InformationCurve, blocks: tuple[int, ...]) -> Bound:
    n, total, zero, means = curve.n, curve.z[0], curve.z[0], Fraction(0)
    for b, size in zip(accumulate(blocks), blocks, strict=True):
        a = b - size
        weights = {j: Fraction(1) for j in range(a + 1, b)}
        if a > 0 and b < n:
            weights = {j: Fraction(j * (n - j) * size, a * (n - b)) for j in weights}
            total = total + sum((w * curve.increments[j - 1] for j, w in weights.items()), zero)
        else:
            total = total + sum((curve.z[j] - curve.z[a] for j in weights), zero)
        means += 8 * sum(weights.values())
    source = "arXiv 2608.13520, Theorem 1, for fixed sizes; first and last block exact"
    return Bound(value=total, name="Wainwright", source=source, error=_error(curve, means))


def _plug_in(curve: InformationCurve, blocks: tuple[int, ...]) -> Bound:
    ends = list(zip(accumulate(blocks), blocks, strict=True))
    prices = ((size - 1) * (curve.z[b - 1] - curve.z[b - size]) for b, size in ends)
    source = "after arXiv 2608.13520, for fixed sizes; derived here"
    error = _error(curve, 8 * (curve.n - len(blocks)))
    return Bound(value=sum(prices, curve.z[0]), name="plug-in", source=source, error=error)


def _austin(curve: InformationCurve, singles: int) -> Bound:
    value = Fraction(curve.n, singles) * curve.dual_total_correlation
    source = "after arXiv 1809.10272 and arXiv 2511.04647, Lemma 33; derived here"
    error = _error(curve, Fraction(curve.n, singles) * (2 * curve.n + 1))
    return Bound(value=value, name="singles then rest", source=source, error=error)


def _sorted_entries(n: int, blocks: tuple[int, ...]) -> int:
    return sum(comb(n, start) * (n - start) for start in accumulate(blocks[:-1], initial=0))


def entropy_bound(table: EntropyTable, sizes: Sequence[int]) -> Bound:
    """Return the mean over random ordered partitions of ``sum_{i in S} H(y_i|C) - max_{i in S} H(y_i|C)``.

    The dependence term of the EB-sampler (arXiv 2505.24857), with C the positions revealed before the block S:
    ``H(S|C)`` is at least the entropy of any of its tokens.
    """
    blocks = check_sizes(sizes, table.n)
    entries = _sorted_entries(table.n, blocks)
    Budget("the entropy bound", "use fewer positions", limit=_LIMIT).require(entries, _SORTED)
    curve, total, largest = information_curve(table), None, 0.0
    for size, start in zip(blocks, accumulate(blocks[:-1], initial=0), strict=True):
        largest += mean_gain_error(table, start)
        term = size * curve.profile[start] - mean_largest_gain(table, start, size)
        total = term if total is None else total + term
    assert total is not None
    error = largest + _error(curve, 2 * table.n + len(blocks))
    return Bound(value=total, name="entropy", source="arXiv 2505.24857, averaged over contexts", error=error)


def confidence_bound(pmf: JointPMF, *, vocabulary: int | None = None) -> Bound:
    """Return Fast-dLLM's bound on the divergence of decoding everything in one step (arXiv 2505.22618, Theorem 1).

    ``(n - 1)(H_b(e) + e log2(V - 1))``, e the largest doubt ``1 - max_v P(y_i = v)`` and V the number of tokens. Proof:
    ``C <= sum_i H(y_i) - max_i H(y_i)``, and ``H(y_i) <= H_b(e_i) + e_i log2(V - 1)`` (Fano) increases in ``e_i`` up to
    ``1 - 1/V``, which no doubt exceeds. The paper states it strictly, in nats, for doubts below e; ``(n + 1) e <= 1``
    is not needed here.

    Args:
        pmf: The joint pmf.
        vocabulary: V; by default the largest number of tokens that occur at a position.

    Example:
        >>> confidence_bound(JointPMF.from_pairs([(0, 0), (1, 1)], ["3/4", "1/4"])).value
        LogNumber('2 log2(2) - 3/4 log2(3)')
    """
    needed = max(map(len, pmf.alphabets))
    tokens = needed if vocabulary is None else vocabulary
    if tokens < needed:
        raise InputError(f"vocabulary must be at least {needed}, the tokens at one position; got {tokens}.")
    exact = pmf.is_exact
    tops = [max(pmf.marginal([i]).probabilities if exact else _read(pmf, i)) for i in range(pmf.n)]
    e = 1 - min(tops)
    pairs = [(-p, p) for p in (e, 1 - e) if p > 0] + (
        [(e, Fraction(tokens - 1))] if e > 0 and tokens > 1 else []
    )
    source = "arXiv 2505.22618, Theorem 1, in bits and not strict"
    bits = log_sum([((pmf.n - 1) * w, p) for w, p in pairs], EXACT if exact else BALLS)
    values, errors = with_errors({"value": bits})
    return Bound(**values, name="confidence", source=source, error=errors.get("value", 0.0))


def _read(pmf: JointPMF, i: int) -> list[Fraction]:
    """Return ``P(y_i = v)`` for every token of a float pmf, with its floats read as exact numbers."""
    sums: dict[Any, Fraction] = {}
    for y, p in pmf:
        sums[y[i]] = sums.get(y[i], Fraction(0)) + Fraction(p)
    total = sum(sums.values())
    return [p / total for p in sums.values()]
