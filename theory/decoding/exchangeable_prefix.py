r"""Number of exchangeable positions that a prefix rule takes, from safe floats.

Exact entropies are logarithms: at a thousand positions their order and sums take a tenth of a second a state. A float
entropy of V tokens is off by less than ``(V + 8) 2^-52 (log2 V + 2)``: two units in the last place for each term, the
logarithm and the sum of V terms. A sum of n of them is off by n times that, and by ``n^2 2^-53 log2 V`` of its own. The
budget is made easier and then harder by :func:`doubt_of`, more than both and the rounding of the budget together: if
both give the same number it is the exact one. Positions of the same score with nearly equal entropies may come in
another order than the exact one, which changes the sums of a prefix by as little.
"""

from __future__ import annotations

from math import log2

import numpy as np
from numpy.typing import NDArray

from theory.numbers.arithmetic import FLOAT64, FloatNumbers
from theory.policies.rules.entropy_bounded import EntropyBounded
from theory.policies.rules.entropy_sum import EntropySum
from theory.policies.view import LOWEST, View

__all__ = ["doubt_of", "float_size", "float_size_of_rows"]

_LARGEST = 10**15  # bits: larger budgets may exceed floats


def doubt_of(n: int, width: int) -> float:
    """Return a bound of the error of every sum of at most n float entropies of ``width`` tokens.

    Example:
        >>> doubt_of(1000, 3) < 1e-8
        True
    """
    return n * (n + width + 8) * 2.0**-51 * (log2(width) + 2)


def float_size(
    n: int, policy: EntropyBounded | EntropySum, marginal: NDArray[np.float64], left: int, *, sure: bool
) -> int | None:
    """Return how many of ``left`` positions of one marginal the policy takes; ``None`` if floats cannot decide.

    Args:
        n: Number of positions, revealed ones included.
        policy: A prefix rule.
        marginal: The marginal of each.
        left: Number of masked positions.
        sure: Whether one token is certain: sums of zeros are exact.

    Example:
        >>> from theory.policies import parse_policy
        >>> rule, coin = parse_policy("entropy_sum:eta=5/2"), np.array([0.5, 0.5])
        >>> float_size(10, rule, coin, 8, sure=False), float_size(10, rule, coin, 1, sure=False)
        (2, 1)
        >>> float_size(10, parse_policy("entropy_sum:eta=2"), coin, 8, sure=False) is None
        True
    """
    doubt = 0.0 if sure else doubt_of(n, len(marginal))
    return _size(n, policy, np.full(left, FLOAT64.entropy(marginal)), len(marginal), doubt)


def float_size_of_rows(
    n: int, policy: EntropyBounded | EntropySum, rows: NDArray[np.int64], whole: int
) -> int | None:
    """Return how many of the last positions the policy takes, for marginals in units of ``1 / whole``, or ``None``.

    Example:
        >>> from theory.policies import parse_policy
        >>> float_size_of_rows(4, parse_policy("eb:gamma=1/2"), np.array([[4, 0], [3, 1], [2, 2]]), 4)
        2
    """
    if policy.block is not None:
        return None
    entropies = FLOAT64.entropy(rows / whole)
    ranked = np.sort(rows, axis=1)
    # whole numbers, so that scores are equal where they are; sorted entropies have sums that no tie changes
    best = {
        "confidence": ranked[:, -1],
        "margin": ranked[:, -1] - (ranked[:, -2] if rows.shape[1] > 1 else 0),
        "entropy": np.zeros(len(rows)),
        "left_to_right": -np.arange(len(rows)),
    }[policy.by]
    ordered = entropies[np.lexsort((entropies, -best))]
    return _size(n, policy, ordered, rows.shape[1], doubt_of(n, rows.shape[1]))


def _size(
    n: int, policy: EntropyBounded | EntropySum, ordered: NDArray[np.float64], width: int, doubt: float
) -> int | None:
    budget = policy.gamma if isinstance(policy, EntropyBounded) else policy.eta
    if budget > _LARGEST:
        return None
    masked = np.arange(n)[None, :] >= n - len(ordered)
    doubt += float(budget) * 2.0**-52
    sizes: set[int] = set()
    for tolerance in (doubt, -doubt):
        view = View(np.zeros((1, 1, width)), masked, FloatNumbers(tolerance=tolerance)).within_blocks(
            policy.block
        )
        compete = int(view.left[0])
        filled = np.full((1, n), float(LOWEST))
        filled[0, :compete] = ordered[:compete]
        sizes.add(int(policy.number(view, filled)[0]))
    return sizes.pop() if len(sizes) == 1 else None
