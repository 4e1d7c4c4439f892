"""The divergence along the path, from runs along the data.

``path_kl = -H(Y) - E sum_t sum_{i in S_t} log2 q_i(y_i | C_t)``, the expectation over ``y ~ P`` and the sets of the
policy. A draw matters only by its probability q, so draws are counted by q.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import EXACT, ProvenNumbers, sum_by_value
from theory.numbers.balls import ball_entropy, ball_precision, is_zero, to_ball
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq

__all__ = ["PathDraws", "path_divergence"]


def path_divergence(draws: Iterable[tuple[Any, Any]], entropy: LogNumber, numbers: ProvenNumbers) -> Any:
    """Return ``-H(Y) - sum c log2 q`` in bits; infinite if some q is zero.

    Args:
        draws: (c, q): the expected number of tokens of the data that are drawn with probability q.
        entropy: ``H(Y)``.
        numbers: The kind of number of the draws.

    Example:
        >>> path_divergence([(2, "1/2")], LogNumber.log2(3), EXACT)  # two fair bits for three outcomes
        LogNumber('2 log2(2) - log2(3)')
    """
    live = [(count, q) for count, q in draws if count != 0]
    if any(q == 0 for _, q in live):
        return inf
    bits = log_sum(live, numbers)
    return -bits - (entropy if isinstance(bits, LogNumber) else to_ball(entropy))


class PathDraws:
    """Expected numbers of draws by the probability of the token drawn.

    Args:
        numbers: Their kind of number.
    """

    def __init__(self, numbers: ProvenNumbers) -> None:
        self.numbers = numbers
        self._draws: list[tuple[Any, Any]] = []  # (minus the expected number of draws with probability q, q)
        self._missed = False  # whether some token of the data is never drawn

    def add(self, reach: NDArray[Any], probs: NDArray[Any], q: NDArray[Any]) -> None:
        """Add the draws of some states.

        Args:
            reach: ``P(the data path is in the state and its set holds position i)``, shape (B, n).
            probs: The ideal marginals, shape (B, n, V); the tokens of the data follow them.
            q: The probabilities that tokens are drawn with, of the same shape.
        """
        where = ~is_zero(probs) & ~is_zero(reach)[:, :, None]
        rows, positions, _ = np.nonzero(where)
        expected = reach[rows, positions] * probs[where]
        draws = [(-amount, value) for value, amount in sum_by_value(q[where], expected) if amount != 0]
        self._missed |= any(value == 0 for _, value in draws)
        self._draws += draws

    def path_kl(self, pmf: JointPMF) -> Any:
        """Return the divergence along the path, in bits; infinite if a token is never drawn.

        A ball of balls, or if the exact form would take too long (:func:`theory.numbers.log_sums.log_sum`).
        """
        if self._missed:
            return inf
        if self.numbers is EXACT:
            return log_sum([*self._draws, *((p, p) for p in map(to_fmpq, pmf.probabilities))])
        with ball_precision():
            return log_sum(self._draws, self.numbers) - ball_entropy(pmf.weights)
