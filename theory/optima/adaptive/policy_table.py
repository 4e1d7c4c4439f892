"""Adaptive policies as tables of decisions.

A deterministic policy takes one path to every state it reaches, so the revealed tokens determine the state and the next
block. Anywhere else (off the support of the data, where its cost is not counted) it reveals all masked positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.distributions.outcomes import Outcome, Token
from theory.distributions.pmf import JointPMF
from theory.files import plain
from theory.numbers.arithmetic import Array, Number
from theory.numbers.lognumber import Bits
from theory.policies.plan import SetDistribution
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["AdaptivePolicy", "Choice", "Decision", "path_blocks"]

_SHOWN = 4  # most conditions listed; a last branch with more is "otherwise"


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The decision of a policy in one state.

    Attributes:
        revealed: Token codes, -1 where masked.
        block: The positions revealed next.
        step: The number of this step, from 1.
        probability: Probability that data reach the state.
        cost: Total correlation of the block at this state, bits.
        before: Index of the decision that led here; ``None`` for the first.
    """

    revealed: tuple[int, ...]
    block: tuple[int, ...]
    step: int
    probability: Number
    cost: Bits
    before: int | None


@dataclass(frozen=True, eq=False)
class Choice:
    """One step on a batch: a known block per row.

    Attributes:
        blocks: Chosen sets as bit masks, shape (B,).
        n: Number of positions.
    """

    blocks: NDArray[np.int64]
    n: int

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return an index per row into a list of distributions with one set each."""
        found, index = np.unique(self.blocks, return_inverse=True)
        return index.reshape(-1), [((block, fmpq(1)),) for block in found.tolist()]

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of positions per row, shape (B,)."""
        return self._chosen.sum(axis=1)

    def sample(self, uniforms: Array) -> Array:  # noqa: ARG002
        """Return the chosen set per row, bool, shape (B, n), without randomness."""
        return self._chosen

    @property
    def _chosen(self) -> NDArray[np.bool_]:
        return (self.blocks[:, None] >> np.arange(self.n) & 1).astype(bool)


@dataclass(frozen=True, kw_only=True, eq=False)
class AdaptivePolicy:
    """A deterministic policy that depends on the state.

    :func:`theory.decoding.decoder.decode` of the pmf it was made for gives its :attr:`kl`, :attr:`steps_under_data` and
    :attr:`steps`.

    Attributes:
        alphabets: The tokens behind the codes, as in the pmf.
        decisions: One for each state that the data can reach, earlier steps first.
        steps: Expected number of steps of the decoder's own runs, which end one step after leaving the support.
        steps_error: A bound on the error of float ``steps``; zero for exact ones.
    """

    alphabets: tuple[tuple[Token, ...], ...]
    decisions: tuple[Decision, ...]
    steps: Number
    steps_error: float = 0.0

    @property
    def kl(self) -> Bits:
        """``E_P sum_t TC(S_t | x_{C_t})`` in bits: the divergence of the policy (arXiv 2608.25505, Theorem 1)."""
        costs = [d.cost * d.probability for d in self.decisions]
        return sum(costs[1:], costs[0])

    @property
    def steps_under_data(self) -> Number:
        """Expected number of steps along trajectories of the data."""
        return sum((d.probability for d in self.decisions[1:]), self.decisions[0].probability)

    @property
    def worst_case(self) -> int:
        """The largest number of steps of a trajectory of the data."""
        return max(d.step for d in self.decisions)

    @cached_property
    def _blocks(self) -> dict[tuple[int, ...], int]:
        return {d.revealed: sum(1 << i for i in d.block) for d in self.decisions}

    def plan(self, view: View) -> Choice:
        """Return the block of each row, from ``view.revealed``."""
        n = len(self.alphabets)
        if view.revealed is None:
            raise InputError(
                "an adaptive policy needs the revealed tokens, got none; decode with theory.decoding.decoder.decode."
            )
        if view.masked.shape[1] != n:
            raise InputError(f"the policy was made for {n} positions, got {view.masked.shape[1]}.")
        left = np.asarray(view.masked).astype(np.int64) @ (1 << np.arange(n))
        rows = map(tuple, np.asarray(view.revealed).tolist())
        blocks = [self._blocks.get(row, rest) for row, rest in zip(rows, left.tolist(), strict=True)]
        return Choice(np.array(blocks, dtype=np.int64), n)

    # -- reading ----------------------------------------------------------------------------------------------

    def rows(self) -> list[dict[str, Any]]:
        """Return one dictionary per decision, for plots and tables.

        Keys: ``step``, ``revealed`` (position to token), ``block``, ``size``, ``probability``, ``cost`` (bits).
        """
        return [
            {
                "step": d.step,
                "revealed": {i: self.alphabets[i][code] for i, code in enumerate(d.revealed) if code >= 0},
                "block": list(d.block),
                "size": len(d.block),
                "probability": float(d.probability),
                "cost": float(d.cost),
            }
            for d in self.decisions
        ]

    def __str__(self) -> str:
        """Return the decision tree to a depth of four steps."""
        return self.describe()

    def describe(self, depth: int = 4) -> str:
        """Return the decision tree as indented text; branches with equal subtrees are joined.

        Args:
            depth: Number of steps shown.
        """
        return "\n".join(self._lines(0, depth))

    @cached_property
    def _next(self) -> dict[int | None, list[int]]:
        following: dict[int | None, list[int]] = {}
        for j, decision in enumerate(self.decisions):
            following.setdefault(decision.before, []).append(j)
        return following

    def _lines(self, j: int, depth: int) -> list[str]:
        block = self.decisions[j].block
        lines = [f"reveal {{{', '.join(map(str, block))}}}"]
        if j not in self._next:
            return lines
        if depth <= 1:
            return [f"{lines[0]}, ..."]
        branches: dict[tuple[str, ...], list[int]] = {}
        for child in self._next[j]:
            branches.setdefault(tuple(self._lines(child, depth - 1)), []).append(child)
        ordered = sorted(branches.items(), key=lambda branch: len(branch[1]))
        for j, (text, children) in enumerate(ordered, start=1):
            if len(ordered) == 1:
                when = "then"
            elif j == len(ordered) and len(children) > _SHOWN:
                when = "otherwise"
            else:
                when = f"if {self._conditions(block, children)}"
            lines += [f"  {when}: {text[0]}", *(f"  {line}" for line in text[1:])]
        return lines

    def _conditions(self, block: Sequence[int], children: Sequence[int]) -> str:
        tokens = [self.decisions[child].revealed for child in children[:_SHOWN]]
        shown = [
            " & ".join(f"y{i}={plain(str(self.alphabets[i][codes[i]]))}" for i in block) for codes in tokens
        ]
        more = f" or {len(children) - _SHOWN} more" if len(children) > _SHOWN else ""
        return " or ".join(shown) + more


def path_blocks(pmf: JointPMF, policy: AdaptivePolicy, outcome: Outcome) -> tuple[tuple[int, ...], ...]:
    """Return the blocks that an adaptive policy takes along an outcome of the support.

    Example:
        >>> from theory.optima.adaptive.frontier import frontier
        >>> p = JointPMF.uniform([(0, 0), (1, 1)])
        >>> path_blocks(p, frontier(p).vertices[-1].policy, (0, 0))
        ((0,), (1,))
    """
    if outcome not in pmf.outcomes:
        raise InputError(f"{outcome} is not in the support of the pmf.")
    codes = pmf.codes[pmf.outcomes.index(outcome)].tolist()
    chosen = {decision.revealed: decision.block for decision in policy.decisions}
    state, blocks = (-1,) * pmf.n, list[tuple[int, ...]]()
    while -1 in state:
        blocks.append(chosen[state])
        state = tuple(codes[i] if i in blocks[-1] else code for i, code in enumerate(state))
    return tuple(blocks)
