"""Number of positions that a policy takes when all masked positions are exchangeable.

Only the number of positions matters then. It is found from float scores if rounding cannot change it, else from exact
ones.

**Rules with an entropy budget.** Exact entropies are logarithms: at a thousand positions their order and sums take a
tenth of a second a state. A float entropy of V tokens is off by less than ``(V + 8) 2^-52 (log2 V + 2)``: two units
in the last place for each term, the logarithm and the sum of V terms. A sum of n of them is off by n times that, and
by ``n^2 2^-53 log2 V`` of its own. The budget is made easier and then harder by :func:`doubt_of`, more than both and
the rounding of the budget together: if both give the same number it is the exact one. Positions of the same score
with nearly equal entropies may come in another order than the exact one, which changes the sums of a prefix by as
little.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.tempering import tempered
from theory.limits import Budget
from theory.numbers.arithmetic import EXACT, FLOAT64, FloatNumbers, Numbers, ProvenNumbers
from theory.numbers.balls import to_ball
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.policies.checked_calls import checked_plan, is_ours
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.prefix import EntropyPrefix
from theory.policies.view import LOWEST, View

__all__ = [
    "doubt_of",
    "exchangeable_size",
    "exchangeable_step",
    "float_size",
    "float_size_of_rows",
    "marginal_bits",
    "question_seconds",
    "size_of_rows",
    "states_budget",
    "states_left",
    "tempered_marginal",
]

MONOTONE = ("topk", "threshold", "factor", "frechet")
_QUESTION, _POSITION = 3e-4, 8e-8  # seconds of a question how many a rule takes; of each position
_LIMIT = 600  # seconds
_FIRST = 20  # the states of the first n / 20 positions represent the others
_DOUBT = 1e-9
_LARGEST = 10**15  # bits: larger budgets may exceed floats
_LARGEST_BAR = 1000  # above this, rounding of the bar itself could reach _DOUBT


def exchangeable_step(
    n: int,
    policy: Policy,
    marginal: Sequence[Fraction],
    left: int,
    tau: Fraction,
    greedy_ties: str,
    numbers: ProvenNumbers,
) -> tuple[int, list[Any]]:
    """Return how many of ``left`` exchangeable positions a policy takes, and their tempered marginal.

    Args:
        n: Number of positions, revealed ones included.
        policy: An unmasking policy.
        marginal: The marginal of every masked position.
        left: Number of masked positions.
        tau: Temperature.
        greedy_ties: Equal tokens at temperature 0.
        numbers: The kind of number of the tempered marginal: exact as Fractions (tau = 0, or 1/tau whole), or balls.
    """
    size = exchangeable_size(n, policy, marginal, left)
    if tau in (0, 1):
        q = tempered(EXACT.array(_each(marginal, to_fmpq)), tau, EXACT, greedy_ties=greedy_ties)
        return size, _each(q.tolist(), to_fraction)
    return size, tempered_marginal(marginal, tau, numbers)


def marginal_bits(chain: LumpedChain) -> int:
    """Return the bits of the largest denominator in the marginals of a chain at the start and off the support."""
    return max(p.denominator.bit_length() for p in {*chain.marginal(chain.start), *chain.fallback()})


def tempered_marginal(marginal: Sequence[Fraction], tau: Fraction, numbers: ProvenNumbers) -> list[Any]:
    """Return ``p^(1/tau) / sum p^(1/tau)`` in Fractions or balls; equal tokens share one object.

    Example:
        >>> tempered_marginal([Fraction(2, 3), Fraction(1, 3)], Fraction(1, 2), EXACT)
        [Fraction(4, 5), Fraction(1, 5)]
    """
    counts: dict[Fraction, int] = {}
    copies, values = Counter(map(id, marginal)), {id(p): p for p in marginal}
    for key, p in values.items():
        counts[p] = counts.get(p, 0) + copies[key]
    inverse = 1 / tau
    power: Any = inverse.numerator if inverse.denominator == 1 else to_fmpq(inverse)
    number: Callable[[Any], Any] = Fraction if numbers is EXACT else to_ball
    raised: dict[Fraction, Any] = {p: number(p) ** power if p else number(0) for p in counts}
    total = sum(raised[p] * count for p, count in counts.items() if p)
    shares = {p: raised[p] / total if p else raised[p] for p in counts}
    known = {key: shares[p] for key, p in values.items()}
    return [known[id(p)] for p in marginal]


def exchangeable_size(n: int, policy: Policy, marginal: Sequence[Fraction], left: int) -> int:
    """Return how many of ``left`` exchangeable positions a policy takes."""
    if isinstance(policy, EntropyPrefix) and is_ours(policy) and policy.ties != "all":
        sure = any(p == 1 for p in marginal)
        known = float_size(n, policy, np.array(_each(marginal, float)), left, sure=sure)
        if known is not None:
            return known

    def probs(numbers: Numbers) -> NDArray[Any]:
        return np.array([[_each(marginal, to_fmpq if numbers is EXACT else float)]])

    return _size(n, policy, left, probs)


def size_of_rows(n: int, policy: Policy, rows: NDArray[np.int64], whole: int) -> int:
    """Return how many of the last positions a policy takes, given the marginal of each; the others are revealed.

    Args:
        n: Number of positions, revealed ones included.
        policy: An unmasking policy.
        rows: The marginals in units of ``1 / whole``, shape (positions left, tokens).
        whole: The unit.

    Example:
        >>> from theory.policies import parse_policy
        >>> size_of_rows(3, parse_policy("threshold:gamma=0.7"), np.array([[3, 1], [2, 2], [4, 0]]), 4)
        2
    """
    if isinstance(policy, EntropyPrefix) and is_ours(policy) and policy.ties != "all":
        known = float_size_of_rows(n, policy, rows, whole)
        if known is not None:
            return known
    padded = np.zeros((1, n, rows.shape[1]), dtype=np.int64)
    padded[0, n - len(rows) :] = rows
    return _size(n, policy, len(rows), lambda numbers: numbers.ratio(padded, np.int64(whole)))


def _size(n: int, policy: Policy, left: int, probs: Callable[[Numbers], NDArray[Any]]) -> int:
    """Return how many of the last ``left`` positions a policy takes.

    The number is first found from float scores, with every comparison made easier and then harder by ``_DOUBT``, or by
    n^2 roundings if a sum may have more: far more than rounding. The counts of the policies in ``MONOTONE`` do not
    decrease when a comparison is made easier, so if both agree the exact count is the same. Otherwise exact scores are
    used.
    """
    # the first positions count as revealed; which ones does not matter, and blocks fill in order
    masked = np.arange(n)[None, :] >= n - left
    if isinstance(policy, RankedPolicy) and policy.name in MONOTONE and policy.ties != "all":
        bar = getattr(policy, "f", getattr(policy, "gamma", 0))
        if abs(bar) <= _LARGEST_BAR:
            floats = probs(FLOAT64)
            most = max(_DOUBT, n * n * 2.0**-50)
            views = [View(floats, masked, FloatNumbers(tolerance=doubt)) for doubt in (most, -most)]
            sizes = {int(checked_plan(policy, view).sizes()[0]) for view in views}
            if len(sizes) == 1:
                return sizes.pop()
    return int(checked_plan(policy, View(probs(EXACT), masked, EXACT)).sizes()[0])


def doubt_of(n: int, width: int) -> float:
    """Return a bound of the error of every sum of at most n float entropies of ``width`` tokens.

    Example:
        >>> doubt_of(1000, 3) < 1e-8
        True
    """
    return n * (n + width + 8) * 2.0**-51 * (log2(width) + 2)


def float_size(
    n: int, policy: EntropyPrefix, marginal: NDArray[np.float64], left: int, *, sure: bool
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
    return _prefix_size(n, policy, np.full(left, FLOAT64.entropy(marginal)), len(marginal), doubt)


def float_size_of_rows(n: int, policy: EntropyPrefix, rows: NDArray[np.int64], whole: int) -> int | None:
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
    return _prefix_size(n, policy, ordered, rows.shape[1], doubt_of(n, rows.shape[1]))


def _prefix_size(
    n: int, policy: EntropyPrefix, ordered: NDArray[np.float64], width: int, doubt: float
) -> int | None:
    budget = policy.budget
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


def _each(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    """Convert each object once: the tokens of a marginal often share one."""
    known = {id(value): value for value in values}
    converted = {key: convert(value) for key, value in known.items()}
    return [converted[id(value)] for value in values]


def question_seconds(n: int) -> float:
    """Return the seconds of a question to a rule: how many of n positions it takes."""
    return _QUESTION + n * _POSITION


def states_budget(n: int, rule: str) -> Budget:
    """Return the budget of a decode of n positions that look alike."""
    return Budget(f"decoding {n} positions exactly by {rule}", "use a smaller n", limit=_LIMIT)


def states_left(n: int, left: int, spent: float) -> float:
    """Return the seconds of the states with at most ``left`` masked positions, by those of the others.

    The states are met by falling number of masked positions, and both their number and the work at each fall about in
    proportion to it: of n positions, what is left with m masked is the share ``(m / n)^2`` of the whole.

    Example:
        >>> states_left(1000, 951, 10.0), round(states_left(1000, 950, 10.0), 1)
        (0.0, 92.6)
    """
    return spent * left**2 / (n**2 - left**2) if (n - left) * _FIRST >= n else 0.0
