"""The divergence along the path, from runs along the data.

``path_kl = -H(Y) - E sum_t sum_{i in S_t} log2 q_i(y_i | C_t)``, the expectation over ``y ~ P`` and the sets of the
policy. A draw matters only by its probability q, so draws are counted by q.
"""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import sum_by_value
from theory.numbers.balls import ball_entropy, ball_precision, is_zero
from theory.numbers.log_sums import log_sum
from theory.numbers.rationals import to_fmpq

__all__ = ["PathDraws"]


class PathDraws:
    """Expected numbers of draws by the probability of the token drawn.

    Args:
        exact: Whether all numbers are rationals, else balls.
    """

    def __init__(self, *, exact: bool) -> None:
        self.exact = exact
        self._draws: list[tuple[Any, Any]] = []  # (probability q, expected number of draws with it), if exact
        self._missed = False  # whether some token of the data is never drawn
        self._logs: Any = arb(0)  # sum of expected number times ln q

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
        draws = [(value, amount) for value, amount in sum_by_value(q[where], expected) if amount != 0]
        self._missed |= any(value == 0 for value, _ in draws)
        if self.exact:
            self._draws += draws
        elif not self._missed:
            self._logs = sum((amount * value.log() for value, amount in draws), self._logs)

    def path_kl(self, pmf: JointPMF) -> Any:
        """Return the divergence along the path, in bits; infinite if a token is never drawn.

        A ball unless exact, or if the exact form would take too long (:func:`theory.numbers.log_sums.log_sum`).
        """
        if self._missed:
            return inf
        if self.exact:
            masses = map(to_fmpq, pmf.probabilities)
            return log_sum([*((-amount, q) for q, amount in self._draws), *((p, p) for p in masses)])
        with ball_precision():
            return -self._logs / arb(2).log() - ball_entropy(pmf.weights)
