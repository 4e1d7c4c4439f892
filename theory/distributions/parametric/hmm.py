"""Hidden Markov models with exact conditionals by the forward-backward algorithm.

``P(y) = sum_h P(h_0) prod_i P(h_i | h_{i-1}) prod_i P(y_i | h_i)``. Revealed tokens are evidence
``e_i(h) = P(y_i | h)``, masked positions give none, and at a masked position
``P(y_i = v | revealed) = sum_h P(h_i = h | revealed) P(v | h)``.
The cost is ``n K (K + V)`` per row, so that n in the hundreds takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from operator import mul
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.distributions.distribution import like, normalised
from theory.distributions.draws import draw
from theory.distributions.outcomes import MASK, Token, check_tokens
from theory.distributions.parametric.forward_backward import (
    log_evidence,
    one_hot,
    others_posterior,
    possible,
    posterior,
)
from theory.distributions.parametric.leave_one_out import shares
from theory.distributions.parametric.messages import step
from theory.distributions.parametric.parameters import Matrix, matrix, row, row_floats
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.numbers.arithmetic import Array
from theory.validation import InputError, positive_int, shown

__all__ = ["HMMDistribution", "checked_tokens", "checked_transitions", "require_listable"]

_SETS = 4096  # sets of hidden states used to count outcomes; beyond this, the bound is V^n


@dataclass(frozen=True, kw_only=True, eq=False)
class HMMDistribution:
    """The distribution of n tokens shown by a hidden Markov chain.

    Attributes:
        n: The number of positions.
        initial: ``P(h_0)``, K numbers that sum to one.
        transition: ``P(h_i | h_{i-1})``: one K x K matrix, or a list of n - 1 matrices, one for each step.
        emission: ``P(y_i | h_i)``, K x V; ``None`` shows the hidden states themselves.
        tokens: The V tokens, by id; ``0 .. V-1`` by default.

    Numbers may be ints, Fractions, texts such as ``"1/3"`` or floats, which are read as the decimals they print.

    Example:
        >>> sticky = [["3/4", "1/4"], ["1/4", "3/4"]]
        >>> halves, ab = ["1/2", "1/2"], ("a", "b")
        >>> distribution = HMMDistribution(n=300, initial=halves, transition=sticky, emission=sticky, tokens=ab)
        >>> seen = np.full((1, 300), MASK)
        >>> seen[0, 149] = seen[0, 151] = 0
        >>> distribution.conditional(seen)[0, 150].round(4).tolist()  # between two a's
        [0.6176, 0.3824]
    """

    n: int
    initial: Any
    transition: Any
    emission: Any
    tokens: tuple[Token, ...] = ()

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "n", positive_int(self.n, "n", at_most=10**5))
        set_(self, "initial", row(self.initial, "initial"))
        states = len(self.initial)
        set_(self, "transition", checked_transitions(self.transition, self.n, states))
        if self.emission is not None:
            set_(self, "emission", matrix(self.emission, "emission", states))
        width = states if self.emission is None else len(self.emission[0])
        set_(self, "tokens", checked_tokens(self.tokens, width))

    # -- float64 parameters -----------------------------------------------------------------------------------

    @cached_property
    def start(self) -> NDArray[np.float64]:
        """``P(h_0)`` in float64, shape (K,)."""
        return row_floats(self.initial)

    @cached_property
    def moves(self) -> NDArray[np.float64]:
        """The transitions in float64, shape (1, K, K) or (n - 1, K, K)."""
        return np.stack([row_floats(m) for m in self.transition])

    @cached_property
    def shows(self) -> NDArray[np.float64]:
        """``P(y | h)`` in float64, shape (K, V)."""
        return np.eye(len(self.initial)) if self.emission is None else row_floats(self.emission)

    @cached_property
    def state_marginals(self) -> NDArray[np.float64]:
        """``P(h_i)``, shape (n, K)."""
        out = [self.start]
        for i in range(1, self.n):
            out.append(out[-1] @ step(self.moves, i))
        return np.stack(out)

    # -- the protocol of distributions ---------------------------------------------------------------------------------

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, n, V); see :class:`theory.distributions.distribution.Distribution`."""
        xp = array_namespace(revealed)
        start, moves, shows = (like(a, revealed) for a in (self.start, self.moves, self.shows))
        shown = one_hot(revealed, len(self.tokens), shows.dtype)
        masked = (revealed == MASK)[:, :, None]
        hidden = posterior(start, moves, self._evidence(revealed, shows))
        # at a revealed position all mass is on the revealed token
        mass = xp.sum(hidden, axis=-1, keepdims=True)
        sums = xp.where(masked, hidden @ shows, shown * mass)
        return normalised(sums, like(self.state_marginals @ self.shows, revealed))

    def left_out(self, revealed: Array) -> Array:
        """Return ``P(y_i = v | all revealed positions but i)``; see ``LeavesOut``."""
        start, moves, shows = (like(a, revealed) for a in (self.start, self.moves, self.shows))
        return shares(others_posterior(start, moves, self._evidence(revealed, shows)) @ shows)

    def _evidence(self, revealed: Array, shows: Array) -> Array:
        """Return ``P(y_i | h)`` at revealed positions and 1 at masked ones, shape (B, n, K)."""
        xp = array_namespace(revealed)
        shown = one_hot(revealed, len(self.tokens), shows.dtype)
        masked = (revealed == MASK)[:, :, None]
        return xp.where(masked, xp.ones_like(shows[:1, :1]), shown @ xp.permute_dims(shows, (1, 0)))

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row of token ids, shape (B,); ``-inf`` where it is impossible."""
        return log_evidence(self.start, self.moves, self.evidence(answers))

    def evidence(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``P(y_i | h)`` at each position of each row of token ids, shape (B, n, K)."""
        return one_hot(np.asarray(answers), len(self.tokens), np.float64) @ self.shows.T

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row of token ids has positive probability."""
        return possible(self.start, self.moves, self.evidence(answers))

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent outcomes as token ids, shape (size, n)."""
        out = np.empty((size, self.n), dtype=np.int64)
        state = draw(np.broadcast_to(self.start, (size, len(self.start))), rng.random(size))
        for i in range(self.n):
            if i:
                state = draw(step(self.moves, i)[state], rng.random(size))
            out[:, i] = state if self.emission is None else draw(self.shows[state], rng.random(size))
        return out

    def pmf(self) -> JointPMF:
        """Return the exact pmf as a list, by the forward recursion in integers.

        Raises:
            CostError: If the outcomes are too many to list.
        """
        require_listable(self.support_size(), self.n)
        start, moves, shows = self._integers
        prefixes: list[tuple[tuple[int, ...], Sequence[int]]] = [((), start)]
        for i in range(self.n):
            if i:
                move = moves[0 if len(moves) == 1 else i - 1]
                moved = [
                    (ids, [sum(map(mul, message, column)) for column in move]) for ids, message in prefixes
                ]
            else:
                moved = prefixes
            prefixes = [
                ((*ids, v), kept)
                for ids, message in moved
                for v, shown in enumerate(shows)
                if any(kept := [p * q for p, q in zip(message, shown, strict=True)])
            ]
        outcomes = [tuple(self.tokens[v] for v in ids) for ids, _ in prefixes]
        return JointPMF.from_weights(outcomes, [sum(message) for _, message in prefixes])

    @property
    def _integers(self) -> tuple[list[int], list[list[list[int]]], list[list[int]]]:
        """Integer weights proportional to the probabilities: start, moves by target state, emissions by token."""
        states, width = range(len(self.initial)), range(len(self.tokens))
        moves = [_integer_rows([[m[g][h] for g in states] for h in states]) for m in self.transition]
        shows = _integer_rows([[Fraction(self._shown(h, v)) for h in states] for v in width])
        return _integer_rows([list(self.initial)])[0], moves, shows

    def _paths(self) -> int:
        """Return the number of possible paths of hidden states."""
        ends = [int(p > 0) for p in self.initial]
        for i in range(1, self.n):
            move = step_exact(self.transition, i)
            ends = [
                sum(count for count, line in zip(ends, move, strict=True) if line[h])
                for h in range(len(ends))
            ]
        return sum(ends)

    def _shown(self, h: int, v: int) -> Fraction | int:
        return int(h == v) if self.emission is None else self.emission[h][v]

    def largest_surprise(self) -> float:
        """Return an upper bound on ``-log2 P(y)``, from the least likely path with its tokens, in bits."""
        with np.errstate(divide="ignore"):  # impossible moves are -inf and never the maximum
            start, moves, shows = (
                np.where(a > 0, -np.log2(a), -np.inf) for a in (self.start, self.moves, self.shows)
            )
        token = shows.max(axis=1)
        cost = start + token
        for i in range(1, self.n):
            cost = (cost[:, None] + step(moves, i)).max(axis=0) + token
        return float(cost.max())

    def support_size(self) -> int:
        """Return the number of outcomes, or ``V^n`` where counting them takes too many sets of hidden states.

        A prefix leads to the set of hidden states that it leaves possible; equal sets have the same continuations.
        """
        if self.emission is None:
            return self._paths()
        counts = {frozenset(h for h, p in enumerate(self.initial) if p): 1}
        emits = [[v for v in range(len(self.tokens)) if self._shown(h, v)] for h in range(len(self.initial))]
        shows_of: list[set[int]] = [set(row_) for row_ in emits]
        for i in range(self.n):
            after: dict[frozenset[int], int] = {}
            for states, count in counts.items():
                if i:
                    move = step_exact(self.transition, i)
                    states = frozenset(h for g in states for h, p in enumerate(move[g]) if p)
                for v in {v for h in states for v in emits[h]}:
                    left = frozenset(h for h in states if v in shows_of[h])
                    after[left] = after.get(left, 0) + count
            if len(after) > _SETS:
                return len(self.tokens) ** self.n
            counts = after
        return sum(counts.values())


def require_listable(count: int, n: int) -> None:
    """Raise before listing ``count`` outcomes of n tokens if they would not fit in memory."""
    shown = str(count) if count < 10**30 else f"{float(min(count, 10**300)):.3g}"
    require_memory(
        count * (n * 80 + 200),
        f"listing {shown} outcomes of {n} tokens",
        remedy="use a smaller n",
        advice=0,
    )


def _integer_rows(rows: Sequence[Sequence[Fraction]]) -> list[list[int]]:
    """Return all numbers times their common denominator."""
    common = lcm(*(p.denominator for line in rows for p in line))
    return [[int(p * common) for p in line] for line in rows]


def step_exact(transition: Sequence[Matrix], i: int) -> Matrix:
    """Return the exact transition matrix into position i."""
    return transition[0 if len(transition) == 1 else i - 1]


def checked_transitions(values: Any, n: int, states: int) -> tuple[Matrix, ...]:
    """Return one matrix, or n - 1 of them, from a matrix or a list of matrices."""
    if isinstance(values, (str, dict)) or not hasattr(values, "__iter__"):
        raise InputError(f"transition must be a matrix or a list of matrices, got {shown(values)}.")
    listed = list(values)
    nested = bool(listed) and _depth(listed[0]) > 1
    if not nested:
        return (matrix(listed, "transition", states, states),)
    if len(listed) not in (1, n - 1):
        raise InputError(f"transition must be one matrix or n - 1 = {n - 1} matrices, got {len(listed)}.")
    return tuple(matrix(m, f"transition[{i}]", states, states) for i, m in enumerate(listed))


def _depth(value: Any) -> int:
    depth = 0
    while not isinstance(value, (str, dict)) and hasattr(value, "__iter__"):
        value = next(iter(value), None)
        depth += 1
    return depth


def checked_tokens(tokens: Sequence[Token], width: int) -> tuple[Token, ...]:
    """Return the tokens, ``0 .. width-1`` if there are none; raise unless they are ``width`` distinct ones."""
    listed = tuple(tokens) or tuple(range(width))
    check_tokens([listed])
    if len(listed) != width or len(set(listed)) != width:
        raise InputError(
            f"tokens must be {width} distinct ones, got {len(listed)}: {shown(list(listed)[:6])}."
        )
    return listed
