"""Look-ahead choice among a few drawn sets of positions (Info-gain)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, combinations
from math import comb
from typing import Any, ClassVar

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.distributions.distribution import like
from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import EXACT, TIE_TOLERANCE, Array
from theory.numbers.balls import ball_key
from theory.policies.as_process import gathered, unmasked
from theory.policies.plan import SetDistribution
from theory.policies.policy import RankedPolicy, register
from theory.policies.process import Chance
from theory.policies.ranked import Ranked
from theory.policies.rules.plackett_luce import set_distribution
from theory.policies.run_batch import RunBatch
from theory.policies.view import View
from theory.validation import InputError, bounded, choice, exact_fraction, positive_int

__all__ = ["InfoGain", "WinnerPlan"]

_ACTIONS = 1000  # sets of k positions: each is a state that the model is asked about


@register("info_gain")
@dataclass(frozen=True, kw_only=True)
class InfoGain(RankedPolicy):
    """Take the candidate set with the largest ``J = -sum of H over the set - mean of H over what then stays masked``.

    Candidates are sets of k positions of the block: the k most confident ones, and ``candidates - 1`` sets drawn at
    random, each without replacement with probabilities proportional to ``exp(c / temp)`` (the Gumbel trick). Of equally
    good sets the first is taken, where the most confident set comes first. c is the probability of the token drawn at a
    position, H the entropy of a marginal in nats. The mean is over all blocks, in the state with the drawn tokens of
    the set filled in. ``variant=lookum`` leaves the first term out. With ``threshold``, those of the k most confident
    positions that reach it are taken without a look ahead.

    Here the model is asked about all sets of k positions, so that the distribution of the chosen set is computed, not
    sampled: with F(J) the probability that one drawn set is not better than J, ``F(J)^(candidates - 1)`` is that of
    none being better. It is irrational: results are floats with their errors. Values of J within 1e-9 count as equal.

    Source: arXiv 2602.18176; ``generate_candidates`` and ``score_candidates`` in ``dllm/pipelines/info_gain/core.py``
    of yks23/dllm (4cf34a50), the authors' fork. Usual values: k = 1, candidates = 8, temp = 0.1 or 0.2, no threshold
    or 0.8. ``InfoGainSampler`` of yks23/Information-Gain-Sampler (0ae2da8c) uses its threshold differently: a block
    is decoded at once if all of its positions reach it. At tau > 0 the code draws tokens anew for every candidate; here
    they are drawn once. The paper has the sum of the entropies that stay; the code and this rule have their mean. As in
    ``lopa``, a step counts as one call, of a batch.

    Attributes:
        k: Positions per step; all, when fewer are left.
        candidates: Number of candidate sets, the most confident one included.
        temp: Temperature of the draws.
        variant: ``info_gain`` or ``lookum``.
        threshold: Confidence from which positions are taken without a look ahead; ``None`` for never.

    Example:
        >>> str(InfoGain(k=1, candidates=4))
        'info_gain:candidates=4'
    """

    example: ClassVar[str] = "info_gain:candidates=8"
    source: ClassVar[str] = "Info-Gain, arXiv 2602.18176"
    release: ClassVar[str] = "default: yks23/dllm 4cf34a50 (LLaDA sampler) at temperature 0 with k per step"
    formula: ClassVar[str] = "of the k best and 7 drawn sets the one with least sum H + mean H left"
    cost: ClassVar[str] = "C(n, k) model calls, one batch"
    rational: ClassVar[bool] = False
    asks: ClassVar[bool] = True
    k: int = 1
    candidates: int = 8
    temp: Fraction = Fraction(1, 10)
    variant: str = "info_gain"
    threshold: Fraction | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.by != "confidence" or self.confidence == "sampled":
            raise InputError("info_gain reads the confidence of drawn tokens; leave by and confidence out.")
        choice(self.ties, "ties", ("random", "lowest"))
        choice(self.variant, "variant", ("info_gain", "lookum"))
        object.__setattr__(self, "k", positive_int(self.k, "k"))
        object.__setattr__(self, "candidates", positive_int(self.candidates, "candidates", at_most=10**6))
        object.__setattr__(self, "temp", exact_fraction(self.temp, "temp"))
        if self.temp <= 0:
            raise InputError(
                f"temp must be positive, got {self.temp}; candidates=1 takes the most confident."
            )
        if self.threshold is not None:
            object.__setattr__(self, "threshold", bounded(self.threshold, "threshold", 0, 1))

    def start(self, batch: RunBatch) -> RunBatch:
        """Return the batch: there is no memory."""
        return batch

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        """Draw the tokens, then the most confident set, then the winner."""
        xp = batch.numbers.xp
        batch, drawn = chance.propose(batch, batch.view().within_blocks(self.block).candidates)
        batch = batch.remember(drawn=drawn)
        view = batch.view().within_blocks(self.block)
        score = gathered(view.probs, drawn, batch)
        k = min(self.k, 1 << 31)
        take = xp.where(view.left < k, view.left, xp.zeros_like(view.left) + k)
        batch, base = chance.choose(batch, Ranked(view, score, take, self.ties))
        batch, chosen = chance.choose(batch.remember(base=base), self._plan(batch.remember(base=base)))
        return batch.write(chosen, batch.memory["drawn"]).forget("drawn", "base")

    def finished(self, batch: RunBatch) -> Array:
        """Return the rows without masks."""
        return unmasked(batch)

    def _plan(self, batch: RunBatch) -> WinnerPlan:
        xp, numbers = batch.numbers.xp, batch.numbers
        view = batch.view().within_blocks(self.block)
        drawn, base = batch.memory["drawn"], batch.memory["base"]
        n = drawn.shape[1]
        reals, kind = view.reals
        logs = gathered(reals, drawn, batch) / kind.const(self.temp)
        sure = xp.zeros_like(base)
        if self.threshold is not None:
            confidence = gathered(view.probs, drawn, batch)
            bar = numbers.const(self.threshold) - numbers.tolerance
            sure = base & xp.astype(confidence >= bar, xp.bool)
        certain = xp.any(sure, axis=1) | (view.left <= self.k)
        base = xp.where(xp.any(sure, axis=1)[:, None], sure, base)
        if self.candidates == 1 or bool(xp.all(certain)):
            return WinnerPlan(view, base, logs, certain | True, [], base, 0)
        if comb(n, self.k) > _ACTIONS:
            raise InputError(
                f"info_gain asks the model about every set of {self.k} of {n} positions, at most {_ACTIONS}; "
                "use a smaller k or fewer positions."
            )
        actions = list(combinations(range(n), self.k))
        values = self._values(batch, view, actions)
        return WinnerPlan(view, base, logs, certain, actions, values, self.candidates - 1)

    def _values(self, batch: RunBatch, view: View, actions: Sequence[tuple[int, ...]]) -> Array:
        """Return J of every set, floats, shape (B, A)."""
        xp = batch.numbers.xp
        members = like(
            np.array([[i in action for i in range(batch.tokens.shape[1])] for action in actions]),
            batch.tokens,
        )
        members = xp.astype(members, xp.bool)[None, :, :] & view.candidates[:, None, :]
        tokens, model = view.asked()
        states = xp.where(members, batch.memory["drawn"][:, None, :], tokens[:, None, :])
        left = states == MASK
        entropies = _entropies(batch.transform.scores_read(model.ask(states), batch.numbers), xp)
        number = xp.sum(xp.astype(left, xp.int64), axis=2)
        rest = xp.sum(xp.where(left, entropies, xp.zeros_like(entropies)), axis=2)
        value = -rest / xp.where(number > 0, number, xp.ones_like(number))
        if self.variant == "lookum":
            return value
        now = _entropies(view.probs, xp)[:, None, :]
        return value - xp.sum(xp.where(members, now, xp.zeros_like(now)), axis=2)


@dataclass(frozen=True, eq=False)
class WinnerPlan:
    """The best of some sets drawn independently, and a first one.

    Attributes:
        view: The batch.
        base: The first set, bool, shape (B, n).
        logs: Logarithms of the weights that sets are drawn by, balls or floats, shape (B, n).
        certain: Rows that take the first set, bool, shape (B,).
        actions: The sets.
        values: What they are compared by, floats, shape (B, len(actions)).
        draws: How many are drawn.
    """

    view: View
    base: Array
    logs: Array
    certain: Array
    actions: Sequence[tuple[int, ...]]
    values: Array
    draws: int

    def distribution(self) -> tuple[NDArray[np.int64], list[SetDistribution]]:
        """Return the distribution of the winner of each row."""
        return np.arange(len(self.base)), [self._row(b) for b in range(len(self.base))]

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of positions per row: the same for every set."""
        return np.asarray(self.base).sum(axis=1)

    def sample(self, uniforms: Array) -> Array:
        """Return a winner per row; the first uniform number of a row decides."""
        n, rows = self.base.shape[1], list[list[bool]]()
        known: dict[Any, SetDistribution] = {}
        for b, u in enumerate(uniforms[:, 0].tolist()):
            key = (*self.base[b].tolist(), *map(ball_key, self.logs[b].tolist()), *self.values[b].tolist())
            if key not in known:
                known[key] = self._row(b)
            ends = accumulate(float(p) for _, p in known[key])
            chosen = next(
                (s for (s, _), end in zip(known[key], ends, strict=True) if u < end), known[key][-1][0]
            )
            rows.append([bool(chosen >> i & 1) for i in range(n)])
        return self.view.numbers.xp.astype(like(np.array(rows), self.base), self.view.numbers.xp.bool)

    def _row(self, b: int) -> SetDistribution:
        base = sum(1 << i for i, inside in enumerate(self.base[b].tolist()) if inside)
        if bool(self.certain[b]):
            return ((base, fmpq(1)),)
        competes = self.view.candidates[b].tolist()
        logs = {i: log for i, log in enumerate(self.logs[b].tolist()) if competes[i]}
        value = {
            sum(1 << i for i in a): v for a, v in zip(self.actions, self.values[b].tolist(), strict=True)
        }
        drawn = set_distribution(logs, base.bit_count())
        levels: list[list[tuple[int, Any]]] = []  # sets of equal value with their chances, the worst first
        for chosen, p in sorted(drawn, key=lambda entry: value[entry[0]]):
            if not levels or value[chosen] - value[levels[-1][-1][0]] > TIE_TOLERANCE:
                levels.append([])
            levels[-1].append((chosen, p))
        first = next(j for j, level in enumerate(levels) if any(chosen == base for chosen, _ in level))
        masses = [sum(p for _, p in level) for level in levels]
        no_better = [mass**self.draws for mass in accumulate(masses)]  # no drawn set is above the level
        out = [(base, no_better[first])]
        for j in range(first + 1, len(levels)):
            best = no_better[j] - no_better[j - 1]
            out += [(chosen, best * p / masses[j]) for chosen, p in levels[j]]
        return tuple(out)


def _entropies(probs: Array, xp: Any) -> Array:
    """Return entropies in nats as floats, along the last axis."""
    probs = EXACT.floats(probs)
    return -xp.sum(probs * xp.log(xp.where(probs > 0, probs, xp.ones_like(probs))), axis=-1)
