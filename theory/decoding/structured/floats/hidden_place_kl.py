r"""Expected divergence of random order on Insert Random and Remove Random in float64, with its error.

Random sets of sizes s_t cost ``sum_t s_t w(N_t) - H(Y)`` in the mean, N_t positions being known before step t and w(s)
the mean of ``H(y_i | y_B)`` over sets B of s positions and i outside (Theorem 1 of arXiv 2510.04767, averaged). i lies
in a gap of m hidden positions with g candidates (m, or m + 1 for Remove Random); it is open if the place is among them:

    w(s) = sum_m (s+1) m C(n-1-m, s-1) / ((n-s) C(n, s)) (g / c) f(g),        c places, H(Y) = log c,

f(g) the mean entropy of a position of an open gap. With ``S = sum_{x<g} x ln x``, ``f = ln g - 2 S / g^2`` (Insert) and
``ln g - 2 S / (g (g-1))`` (Remove). The Euler-Maclaurin series of S (DLMF 5.17.5, A of Glaisher)

    S = (g^2/2 - g/2 + 1/12) ln g - g^2/4 + ln A + 1/(720 g^2) - 1/(5040 g^4) + ..., the next term below 1/(10^4 g^6),

takes the large terms away by hand. Every w is a sum of positive terms. The weights of the gaps follow one another by a
product: that of m is off by at most ``(4 m + 20) u`` of itself, u = 2^-53, f by ``200 u`` (below g = 64 as a sum), a
sum over G gaps by another ``G u``. Gaps that :func:`theory.decoding.structured.hidden_place_floats.reaches` drops add
at most ``k log2(c) 2^-64``.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum, log, log2

import numpy as np

from theory.decoding.structured.approximate import UNIT, Floats, LargeDecode, fixed
from theory.decoding.structured.hidden_place_floats import TRUNCATED, random_accuracy, reaches, require_floats
from theory.numbers.rounding import Approximate, two_digits

__all__ = ["random_decode", "random_path_kl"]

_LN2 = log(2)
_GLAISHER = 0.24875447703378426  # ln A
_SERIES = 64  # from here on by the series


def random_decode(insert: bool, n: int, k: int) -> LargeDecode:
    """Return random top-k on a list of n items, the last step taking the rest; ``kl`` is that along the path.

    Raises:
        CostError: If it would take long, or leave the range of floats.

    Example:
        >>> round(random_decode(False, 3, 2).log2_accuracy.value, 9)  # 8/9
        -0.169925001
    """
    positions = n + 1 if insert else n - 1
    sizes = [k] * (positions // k) + [positions % k] * (positions % k > 0)
    require_floats(insert, sizes)
    found = random_accuracy(insert, sizes)
    # log2 is off by the relative error, and by its own rounding
    relative = found.error / (found.value - found.error)
    bits = log2(found.value)
    error = 1.01 * relative / _LN2 + 2 * abs(bits) * UNIT
    accuracy = Approximate(value=bits, error=two_digits(error))
    return fixed(random_path_kl(insert, sizes), accuracy, len(sizes))


def random_path_kl(insert: bool, sizes: Sequence[int]) -> Approximate:
    """Return the expected divergence along the path, in bits, of blocks of these sizes in random order.

    Example:
        >>> random_path_kl(True, [1, 1, 1]).value < 1e-15
        True
    """
    n, places = sum(sizes), sum(sizes) + (not insert)
    m = np.arange(1, n + 1, dtype=np.float64)
    g = m + (not insert)
    value = g / places * _mean_entropy(insert, g)
    rows = np.array([value, value * (4 * m + 20)])  # the terms, and their errors in u apart from those of f
    means, roundings, known = list[float](), 0.0, 0
    for size, reach in zip(sizes, reaches(insert, sizes).tolist(), strict=True):
        longest = min(reach, n - known)
        if known:
            steps = m[: longest - 1]
            ratios = np.concatenate([[1.0], (n - known - steps) / (n - 1 - steps)])
            share = (known + 1) * known / (n * (n - 1)) * m[:longest] * np.cumprod(ratios)
            mean, errors = rows[:, :longest] @ share
        else:
            mean, errors = rows[:, n - 1]
        means.append(size * float(mean))
        roundings += size * (float(errors) + longest * float(mean))
        known += size
    bits = fsum(means) / _LN2
    error = (roundings / _LN2 + 220 * bits) * UNIT + max(sizes) * log2(places + 1) * TRUNCATED
    return Approximate(value=bits - log2(places), error=two_digits(1.01 * error))


def _mean_entropy(insert: bool, g: Floats) -> Floats:
    """Return f(g) in nats for g = 1.. (Insert) or 2.. (Remove)."""
    large = np.maximum(g, _SERIES)
    logs = np.log(large)
    rest = 2 * _GLAISHER + 1 / (360 * large**2) - 1 / (2520 * large**4)
    if insert:
        found = 0.5 + logs / large - (logs / 6 + rest) / large**2
    else:
        found = (large**2 / 2 - logs / 6 - rest) / (large * (large - 1))
    for i in range(min(_SERIES, len(g))):
        size = int(g[i])
        taken = fsum(x * log(x) for x in range(1, size))
        found[i] = log(size) - 2 * taken / (size * (size if insert else size - 1))
    return found
