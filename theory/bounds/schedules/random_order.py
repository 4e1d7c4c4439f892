r"""The ideal model decoded in a uniformly random order, from mean subset entropies alone.

With ``h_j`` the mean entropy of j positions, the *information curve* ``Z_j = h_1 + h_{j-1} - h_j`` is the mean
mutual information between a position and j - 1 others; ``0 = Z_1 <= ... <= Z_n`` (Han 1978). It fixes everything
below (Chen, Cong, Li, arXiv 2511.04647):

- ``TC = sum_j Z_j`` and ``DTC = n Z_n - sum_j Z_j`` (Lemma 8);
- the expected divergence of blocks of sizes ``s_1, ..., s_T`` in a uniformly random ordered partition is
  ``sum_t sum_{j=1..s_t} (Z_{N_{t-1}+j} - Z_{N_{t-1}+1})`` with ``N_t = s_1 + ... + s_t`` (Theorems 4 and 16). The
  distribution of the mixture over partitions is at most as far from P, and in general strictly nearer;
- hence the best sizes, by dynamic programming (:mod:`theory.bounds.block_sizes`).

Proof of the second point. ``L = sum_t sum_{i in S_t} H(y_i | S_<t) - H(Y)`` (Theorem 1 of arXiv 2510.04767). In a
uniformly random partition ``(S_<t, i)`` is a uniform pair of ``N_{t-1}`` positions and another one, so
``E L = sum_t s_t (h_{N_{t-1}+1} - h_{N_{t-1}}) - h_n``; write ``h_{j+1} - h_j = h_1 - Z_{j+1}`` and
``h_n = n h_1 - sum_j Z_j``. The differences ``f(j) = h_j - h_{j-1}`` are the information profile of Lavenant and
Zanella (arXiv 2510.25544), whose form of the cost is ``sum_t sum_{j=1..s_t} (f(N_{t-1}+1) - f(N_{t-1}+j))``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from theory.information.curves.curve import CurveLike, information_curve
from theory.numbers.lognumber import Bits
from theory.validation import InputError, check_sizes, exact_fraction, shown

__all__ = ["expected_kl", "expected_kl_of_distribution", "lavenant_zanella_kl"]


def expected_kl(source: CurveLike, sizes: Sequence[int]) -> Bits:
    """Return ``E L`` over uniformly random ordered partitions with the given block sizes.

    Args:
        source: See :func:`information_curve`.
        sizes: ``s_1, ..., s_T``, positive, with sum n.

    Returns:
        Bits; exact for an exact source. At least the divergence of the mixture over the partitions.

    Example:
        >>> from theory.information.closed_forms import mean_subset_entropies
        >>> expected_kl(mean_subset_entropies("shuffle", 4), [2, 2])
        LogNumber('3 log2(2) - log2(3)')
    """
    curve = information_curve(source)
    return curve.price(check_sizes(sizes, curve.n))


def expected_kl_of_distribution(source: CurveLike, distribution: Mapping[tuple[int, ...], Any]) -> Bits:
    """Return the mean of :func:`expected_kl` over a distribution on sequences of block sizes.

    For schedules that draw their sizes (Zhao, Cai, arXiv 2602.20126) or their reveal times
    (:mod:`theory.bounds.schedules.random_times`). By convexity the divergence of the mixed output is at most this.

    Args:
        source: See :func:`information_curve`.
        distribution: Block sizes to probability, exact; the probabilities sum to 1.

    Example:
        >>> from theory.information.closed_forms import mean_subset_entropies
        >>> shuffle = mean_subset_entropies("shuffle", 3)
        >>> expected_kl_of_distribution(shuffle, {(3,): "1/4", (2, 1): "3/4"})
        LogNumber('-log2(2) + 5/4 log2(3)')
    """
    curve = information_curve(source)
    shares = {sizes: exact_fraction(share, "a probability") for sizes, share in distribution.items()}
    if any(share < 0 for share in shares.values()) or sum(shares.values()) != 1:
        raise InputError(
            f"the distribution of the sizes must be probabilities that sum to 1, got {shown(dict(distribution))}."
        )
    costs = [share * expected_kl(curve, sizes) for sizes, share in shares.items()]
    return sum(costs[1:], costs[0])


def lavenant_zanella_kl(source: CurveLike, sizes: Sequence[int]) -> Bits:
    """Return the same cost as a sum over the information profile (arXiv 2510.25544).

    ``sum_t sum_{j=1..s_t} (f(N_{t-1} + 1) - f(N_{t-1} + j))``: the loss of each position from being drawn with the
    context of the first of its block. The two functions are equal, exactly for an exact source.
    """
    curve = information_curve(source)
    checked = check_sizes(sizes, curve.n)
    starts = list(accumulate(checked, initial=0))[:-1]
    zero = curve.profile[0] - curve.profile[0]
    lost = [
        curve.profile[start] - curve.profile[start + j]
        for size, start in zip(checked, starts, strict=True)
        for j in range(1, size)
    ]
    return sum(lost, zero)
