"""Number of positions that a policy takes when all masked positions are exchangeable.

Only the number of positions matters then. It is found from float scores if rounding cannot change it, else from exact
ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.exchangeable_prefix import alike_size, rows_size
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.tempering import tempered
from theory.limits import Budget
from theory.numbers.arithmetic import (
    EXACT,
    FLOAT64,
    FloatNumbers,
    Numbers,
    ProvenNumbers,
    object_array,
    to_fmpq,
    to_fraction,
)
from theory.numbers.balls import to_ball
from theory.policies.foreign import plan_of
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.rules.entropy_bounded import EntropyBounded
from theory.policies.rules.entropy_sum import EntropySum
from theory.policies.view import View

__all__ = [
    "marginal_bits",
    "question_seconds",
    "size_of_alike",
    "size_of_rows",
    "states_budget",
    "states_left",
    "step_of_alike",
    "tempered_alike",
]

_MONOTONE = ("topk", "threshold", "factor", "frechet")
_PREFIX = (EntropyBounded, EntropySum)  # exact types, since a user's class may count otherwise
_QUESTION, _POSITION = 3e-4, 8e-8  # seconds of a question how many a rule takes; of each position
_LIMIT = 600  # seconds
_FIRST = 20  # the states of the first n / 20 positions represent the others
_DOUBT = 1e-9
_LARGEST_BAR = 1000  # above this, rounding of the bar itself could reach _DOUBT


def step_of_alike(
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
    size = size_of_alike(n, policy, marginal, left)
    if tau in (0, 1):
        q = tempered(object_array(_each(marginal, to_fmpq)), tau, EXACT, greedy_ties=greedy_ties)
        return size, _each(q.tolist(), to_fraction)
    return size, tempered_alike(marginal, tau, numbers)


def marginal_bits(chain: LumpedChain) -> int:
    """Return the bits of the largest denominator in the marginals of a chain at the start and off the support."""
    return max(p.denominator.bit_length() for p in {*chain.marginal(chain.start), *chain.fallback()})


def tempered_alike(marginal: Sequence[Fraction], tau: Fraction, numbers: ProvenNumbers) -> list[Any]:
    """Return ``p^(1/tau) / sum p^(1/tau)`` in Fractions or balls; equal tokens share one object.

    Example:
        >>> tempered_alike([Fraction(2, 3), Fraction(1, 3)], Fraction(1, 2), EXACT)
        [Fraction(4, 5), Fraction(1, 5)]
    """
    counts: dict[Fraction, int] = {}
    copies, values = Counter(map(id, marginal)), {id(p): p for p in marginal}
    for key, p in values.items():
        counts[p] = counts.get(p, 0) + copies[key]
    inverse = 1 / tau
    power: Any = inverse.numerator if inverse.denominator == 1 else to_fmpq(inverse)
    number: Callable[[Any], Any] = Fraction if numbers is EXACT else to_ball
    raised = {p: number(p) ** power if p else number(0) for p in counts}
    total = sum(raised[p] * count for p, count in counts.items() if p)
    shares = {p: raised[p] / total if p else raised[p] for p in counts}
    known = {key: shares[p] for key, p in values.items()}
    return [known[id(p)] for p in marginal]


def size_of_alike(n: int, policy: Policy, marginal: Sequence[Fraction], left: int) -> int:
    """Return how many of ``left`` exchangeable positions a policy takes."""
    if isinstance(policy, _PREFIX) and type(policy) in _PREFIX and policy.ties != "all":
        sure = any(p == 1 for p in marginal)
        known = alike_size(n, policy, np.array(_each(marginal, float)), left, sure=sure)
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
    if isinstance(policy, _PREFIX) and type(policy) in _PREFIX and policy.ties != "all":
        known = rows_size(n, policy, rows, whole)
        if known is not None:
            return known
    padded = np.zeros((1, n, rows.shape[1]), dtype=np.int64)
    padded[0, n - len(rows) :] = rows
    return _size(n, policy, len(rows), lambda numbers: numbers.ratio(padded, np.int64(whole)))


def _size(n: int, policy: Policy, left: int, probs: Callable[[Numbers], NDArray[Any]]) -> int:
    """Return how many of the last ``left`` positions a policy takes.

    The number is first found from float scores, with every comparison made easier and then harder by ``_DOUBT``, or by
    n^2 roundings if a sum may have more: far more than rounding. The counts of the policies in ``_MONOTONE`` do not
    decrease when a comparison is made easier, so if both agree the exact count is the same. Otherwise exact scores are
    used.
    """
    # the first positions count as revealed; which ones does not matter, and blocks fill in order
    masked = np.arange(n)[None, :] >= n - left
    if isinstance(policy, RankedPolicy) and policy.name in _MONOTONE and policy.ties != "all":
        bar = getattr(policy, "f", getattr(policy, "gamma", 0))
        if abs(bar) <= _LARGEST_BAR:
            floats = probs(FLOAT64)
            most = max(_DOUBT, n * n * 2.0**-50)
            views = [View(floats, masked, FloatNumbers(tolerance=doubt)) for doubt in (most, -most)]
            sizes = {int(plan_of(policy, view).sizes()[0]) for view in views}
            if len(sizes) == 1:
                return sizes.pop()
    return int(plan_of(policy, View(probs(EXACT), masked, EXACT)).sizes()[0])


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
