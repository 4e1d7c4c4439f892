"""Time of an exact decode set by set, estimated before and counted while it runs.

The nanoseconds were measured once, so that refusals do not depend on a clock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate

import numpy as np

from theory.decoding.lookahead import first_board, sampled_steps
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import require_operations
from theory.numbers.unseen import least_number
from theory.policies.as_process import Factorised
from theory.policies.board import Board
from theory.policies.foreign import plan_of
from theory.policies.policy import Policy
from theory.policies.process import Chance
from theory.policies.view import UNKNOWN

__all__ = ["FlowCost", "expected_work"]

_LIMIT = 6 * 10**10  # about a minute
# nanoseconds, fitted to fifteen decodes of 31 to 2,055 sets; all within a factor of two of the times measured
_SET, _MARGINAL = 1_450_000, 1750  # a revealed set, and a marginal of one of its states
_PLACE = 45  # an outcome at a position, for each revealed set
_PAIR, _OUTCOME = 240_000, 80  # a revealed and a chosen set, and an outcome looked at
_MOVE, _DRAW = 1200, 400  # a state moved to a larger set, and a token drawn for it
_BALLS = 3  # how much longer all of it takes in ball arithmetic
_BRIEF = 20  # a run of one part in so many of the limit is not worth a look ahead
_RUNS, _MORE_RUNS = 100, 1000  # sampled runs
_EARLY = 10  # before one part in so many of the work the past says little of what follows
_TRIED = 16  # sets and pairs of a level whose states are counted


@dataclass(kw_only=True)
class FlowCost:
    """The work of one decode so far, and its limit.

    Attributes:
        pmf: The target.
        balls: Whether its numbers are balls, not rationals.
        spent: Nanoseconds so far.
        pairs: (Revealed set, chosen set) pairs so far.
        met: Some of the revealed sets, ascending, from a look ahead.
        up_to: Their work up to a factor, summed over those before each, and over all.
    """

    pmf: JointPMF
    balls: bool = False
    spent: int = 0
    pairs: int = 0
    met: list[int] = field(default_factory=list[int])
    up_to: list[float] = field(default_factory=lambda: [0.0])

    def foresee(self, work: Mapping[int, float]) -> None:
        """Take note of some of the revealed sets, ascending, and of their work up to a common factor."""
        self.met, self.up_to = list(work), list(accumulate(work.values(), initial=0.0))

    def of_set(self, states: int) -> int:
        """Return the nanoseconds of a revealed set with so many states."""
        marginals = states * self.pmf.n * max(map(len, self.pmf.alphabets))
        look = len(self.pmf) * self.pmf.n * _PLACE
        return (_SET + look + marginals * _MARGINAL) * (_BALLS if self.balls else 1)

    def of_pair(self, moved: int, taken: int) -> int:
        """Return the nanoseconds of a chosen set of ``taken`` positions, for so many states after it."""
        moves = moved * (_MOVE + taken * _DRAW)
        return (_PAIR + len(self.pmf) * _OUTCOME + moves) * (_BALLS if self.balls else 1)

    def add_set(self, states: int) -> None:
        """Count a revealed set."""
        self.spent += self.of_set(states)

    def add_pair(self, moved: int, taken: int) -> None:
        """Count a chosen set."""
        self.pairs += 1
        self.spent += self.of_pair(moved, taken)

    def rest(self, mask: int) -> float:
        """Return the nanoseconds of the sets after ``mask``, as far as the known ones before and after it tell.

        Sets are visited in ascending order; a third is taken off, as the known ones are not a fair sample.
        """
        done = self.up_to[bisect_left(self.met, mask)]
        every = self.up_to[-1]
        return 0.0 if done * _EARLY <= every else (every - done) / done * self.spent * 2 / 3

    def require(self, sets: int = 0, ahead: float = 0) -> None:
        """Raise unless the work so far is affordable, with the least of so many sets, and ``ahead`` nanoseconds."""
        require_operations(
            int(self.spent + sets * self.of_set(1) + ahead),
            f"decoding set by set, {len(self.pmf)} outcomes,",
            limit=_LIMIT,
            remedy="use fewer positions",
        )

    @property
    def is_brief(self) -> bool:
        """Whether even every set, and every subset of the others taken from it, would be done at once."""
        n, outcomes = self.pmf.n, len(self.pmf)
        most = 2**n * self.of_set(outcomes) + 3**n * self.of_pair(outcomes, n)
        return most * _BRIEF <= _LIMIT


@dataclass(frozen=True)
class _ShownCodes(Factorised):
    """A policy that is shown the revealed tokens as a decode set by set shows them."""

    model: ListedModel

    def step(self, board: Board, chance: Chance) -> Board:
        """Choose and reveal."""
        known = (self.model.mass(board.tokens) != 0)[:, None] | board.masked
        view = replace(board.view(), revealed=np.where(known, board.tokens, UNKNOWN))
        board, chosen = chance.choose(board, plan_of(self.policy, view))
        return chance.reveal(board, chosen)


@dataclass
class _Level:
    """What sampled runs met among the sets of one size, or at one step."""

    sets: list[int] = field(default_factory=list[int])
    pairs: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])


def expected_work(
    cost: FlowCost, model: ListedModel, policy: Policy, transform: Transform, *, stop: bool
) -> float:
    """Return about how many nanoseconds a decode takes at least, from sampled runs (``lookahead.py``).

    Args:
        cost: Prices of sets and pairs.
        model: The ideal model of the pmf.
        policy: A memoryless policy.
        transform: What turns marginals into what tokens are drawn from.
        stop: Whether runs end off the support.

    Example:
        >>> from theory.policies import parse_policy
        >>> pmf = JointPMF.uniform(["ab", "ba"])
        >>> settings = {"model": ListedModel.by_code(pmf), "transform": Transform(), "stop": False}
        >>> cost = FlowCost(pmf=pmf)
        >>> expected_work(cost, policy=parse_policy("topk:k=2"), **settings) == cost.of_set(1) + cost.of_pair(2, 2)
        True
    """
    few = _expected(cost, model, policy, transform, runs=_RUNS, stop=stop)
    if few * _BRIEF <= _LIMIT:
        return few
    return _expected(cost, model, policy, transform, runs=_MORE_RUNS, stop=stop)


def _expected(
    cost: FlowCost, model: ListedModel, policy: Policy, transform: Transform, *, runs: int, stop: bool
) -> float:
    levels: dict[Hashable, _Level] = {}
    clocked: bool = getattr(policy, "clocked", False)
    start = first_board(model, transform)
    for before, after in sampled_steps(_ShownCodes(policy, model), policy, start, runs=runs, stop=stop):
        shown, chosen = (_masks(x) for x in (~before.masked, before.masked & ~after.masked))
        for mask, taken in zip(shown, chosen, strict=True):
            level = levels.setdefault(before.step if clocked else mask.bit_count(), _Level())
            level.sets.append(mask)
            level.pairs.append((mask, taken))
    each = [(_of_level(cost, level), sorted(set(level.sets))) for level in levels.values()]
    cost.foresee(dict(sorted((mask, work / len(sets)) for work, sets in each for mask in sets)))
    return sum(work for work, _ in each)


def _of_level(cost: FlowCost, level: _Level) -> float:
    """Return the nanoseconds of the sets and pairs of a level, by the mean of a few."""
    few = list(dict.fromkeys(level.sets))[:_TRIED]
    each = np.mean([cost.of_set(_states(cost.pmf, mask)) for mask in few])
    pairs = list(dict.fromkeys(level.pairs))[:_TRIED]
    moves = np.mean([cost.of_pair(_states(cost.pmf, m | taken), taken.bit_count()) for m, taken in pairs])
    return float(least_number(level.sets) * each + least_number(level.pairs) * moves)


def _states(pmf: JointPMF, mask: int) -> int:
    return pmf.groups([i for i in range(pmf.n) if mask >> i & 1]).count


def _masks(rows: np.ndarray) -> list[int]:
    octets = np.packbits(rows, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in octets]  # of any number of positions
