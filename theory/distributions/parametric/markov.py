"""Markov chains and the entropies of the gaps between revealed positions.

Given the nearest revealed neighbours a < i < b a token is independent of all other revealed ones, so

    ``H(y_i | revealed) = g(a, i) + g(i, b) - g(a, b)``   with ``g(a, b) = H(y_b | y_a)``,

where a = -1 stands for no neighbour on the left (``g(-1, b) = H(y_b)``) and b = n for none on the right (``g = 0``).
Proof: ``H(y_i, y_b | y_a) = H(y_i | y_a) + H(y_b | y_i)`` by the Markov property; subtract ``H(y_b | y_a)``. Hence
the table ``g`` of n^2 numbers replaces that of 2^n subset entropies, see :mod:`theory.bounds.partitions.markov`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.outcomes import Token
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov_errors import entropy_errors, log_prob_errors
from theory.distributions.parametric.messages import step
from theory.distributions.parametric.parameters import Row
from theory.distributions.pmf import JointPMF
from theory.limits import Budget
from theory.numbers.arithmetic import Array
from theory.validation import InputError, exact_fraction

__all__ = ["MarkovDistribution"]

_PRODUCT = 3e-10  # seconds of a multiplication of the pair tables


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkovDistribution:
    """The distribution of a Markov chain of n tokens.

    Attributes:
        n: The number of positions.
        initial: ``P(y_0)``, V numbers that sum to one.
        transition: ``P(y_i | y_{i-1})``: one V x V matrix, or a list of n - 1 matrices, one for each step.
        tokens: The V tokens, by id; ``0 .. V-1`` by default.

    Example:
        >>> distribution = MarkovDistribution(n=3, initial=["1/2", "1/2"], transition=[["3/4", "1/4"], ["1/4", "3/4"]])
        >>> distribution.conditional(np.array([[0, -1, 0]]))[0, 1].tolist()
        [0.9, 0.1]
        >>> distribution.pmf().probability((0, 0, 1))
        Fraction(3, 32)
    """

    n: int
    initial: Any
    transition: Any
    tokens: tuple[Token, ...] = ()
    _chain: HMMDistribution = field(init=False, repr=False)

    def __post_init__(self) -> None:
        shown = HMMDistribution(
            n=self.n, initial=self.initial, transition=self.transition, emission=None, tokens=self.tokens
        )
        for name in ("n", "initial", "transition", "tokens"):
            object.__setattr__(self, name, getattr(shown, name))
        object.__setattr__(self, "_chain", shown)

    @classmethod
    def from_counts(
        cls,
        initial: Sequence[Any],
        transition: Sequence[Sequence[Any]],
        *,
        n: int,
        tokens: Sequence[Token] = (),
    ) -> MarkovDistribution:
        """Return the Markov chain with rows proportional to counts; a row of zeros is an error."""
        rows = [_proportional(line, f"transition[{i}]") for i, line in enumerate(transition)]
        return cls(n=n, initial=_proportional(initial, "initial"), transition=rows, tokens=tuple(tokens))

    # -- the protocol of distributions ---------------------------------------------------------------------------------

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, V); see :class:`theory.distributions.distribution.Distribution`."""
        return self._chain.conditional(revealed)

    def left_out(self, revealed: Array) -> Array:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        return self._chain.left_out(revealed)

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row of token ids, shape (B,); ``-inf`` where it is impossible."""
        return self._chain.log_prob(answers)

    def log_prob_error(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a proven bound on the error of :meth:`log_prob` for each row, bits, shape (B,)."""
        return log_prob_errors(self.log_prob(answers), self.n)

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row of token ids has positive probability."""
        return self._chain.contains(answers)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent outcomes as token ids, shape (size, n)."""
        return self._chain.sample(rng, size)

    def pmf(self) -> JointPMF:
        """Return the exact pmf as a list; raises ``CostError`` when there are too many outcomes."""
        return self._chain.pmf()

    def support_size(self) -> int:
        """Return the number of outcomes."""
        return self._chain.support_size()

    def largest_surprise(self) -> float:
        """Return the largest ``-log2 P(y)`` over the outcomes, in bits."""
        return self._chain.largest_surprise()

    # -- pairs of positions -----------------------------------------------------------------------------------

    @property
    def marginals(self) -> NDArray[np.float64]:
        """``P(y_i)``, shape (n, V)."""
        return self._chain.state_marginals

    @property
    def moves(self) -> NDArray[np.float64]:
        """The transitions in float64, shape (1, V, V) or (n - 1, V, V)."""
        return self._chain.moves

    @cached_property
    def is_homogeneous(self) -> bool:
        """Whether every step has the same transition matrix."""
        return len(self.moves) == 1

    @cached_property
    def depth(self) -> int:
        """The most non-zeros in a column of a transition matrix: no sum over states has more terms."""
        return max(1, int(np.count_nonzero(self.moves, axis=1).max()))

    def between(self, a: int, b: int) -> NDArray[np.float64]:
        """Return ``P(y_b | y_a)``, shape (V, V); within ``(b - a) + (b - a - 1) V`` roundings."""
        if self.is_homogeneous:
            return np.linalg.matrix_power(self.moves[0], b - a)
        out = np.eye(len(self.tokens))
        for i in range(a + 1, b + 1):
            out = out @ step(self.moves, i)
        return out

    def possible(self, a: int, b: int) -> NDArray[np.bool_]:
        """Return whether ``P(y_b | y_a) > 0``, shape (V, V): exact, also where the float is zero."""
        reach = np.eye(len(self.tokens))
        if not self.is_homogeneous:
            for i in range(a + 1, b + 1):
                reach = np.sign(reach @ np.sign(step(self.moves, i)))
            return reach > 0
        power, left = np.sign(self.moves[0]), b - a
        while left:
            if left & 1:
                reach = np.sign(reach @ power)
            power, left = np.sign(power @ power), left >> 1
        return reach > 0

    @cached_property
    def gap_errors(self) -> NDArray[np.float64]:
        """A proven bound on the error of each gap entropy, bits; see ``markov_errors.py``."""
        return entropy_errors(self.gap_entropies, len(self.tokens), self.depth)

    @cached_property
    def gap_entropies(self) -> NDArray[np.float64]:
        """``g(a, b) = H(y_b | y_a)`` at [a + 1, b], a = -1..n-1, b = 0..n; zero for b = n and for b <= a; bits.

        Raises:
            CostError: If n^2 V^3 (n V^3 for equal steps) multiplications are too many.
        """
        n, width = self.n, len(self.tokens)
        pairs = n if self.is_homogeneous else n * n // 2
        what = f"conditional entropies of {n} positions with {width} tokens"
        budget = Budget(what, "use a shorter sequence or fewer tokens")
        budget.require(pairs * width**3 + n * n * width, _PRODUCT)
        g = np.zeros((n + 1, n + 1))
        g[0, :n] = _row_entropies(self.marginals)
        if self.is_homogeneous:
            power = np.eye(width)
            for distance in range(1, n):
                power = power @ self.moves[0]
                starts = np.arange(n - distance)
                g[starts + 1, starts + distance] = self.marginals[: n - distance] @ _row_entropies(power)
            return g
        for a in range(n - 1):
            reach = np.eye(width)
            for b in range(a + 1, n):
                reach = reach @ step(self.moves, b)
                g[a + 1, b] = float(self.marginals[a] @ _row_entropies(reach))
        return g


def _row_entropies(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    safe = np.where(rows > 0, rows, 1.0)
    return -(safe * np.log2(safe)).sum(axis=1)


def _proportional(counts: Sequence[Any], name: str) -> Row:
    numbers = [exact_fraction(c, name) for c in counts]
    total = sum(numbers, Fraction(0))
    if total <= 0:
        raise InputError(f"{name} sums to {total}; it needs a positive count.")
    return tuple(c / total for c in numbers)
