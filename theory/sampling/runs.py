"""Sampled runs of any unmasking rule on a parametric distribution.

*Own runs* draw tokens from the ideal marginals; the share of possible outcomes estimates the accuracy, the number of
model calls the steps.

*Teacher forcing.* Draw ``y ~ P`` and run the rule along y: its sets are chosen from the exact marginals as usual, the
tokens are those of y. With w the random choices of the rule, ``Q_w(y) = prod_t prod_{i in S_t} q_i(y_i | y_{S_<t})`` is
the probability that it draws y on this path, and

    ``E_P E_w [ log2 P(y) - log2 Q_w(y) ] = path_kl``

*Proof:* ``log2 P(y)`` is the sum of ``log2 P(y_S | y_C)`` over the steps. The mean of the differences is unbiased.
For a rule without random choices ``Q_w = Q`` and it is the KL divergence of the output distribution.

*A bounded form.* Given the path so far the set and y_i are independent, so that ``-log2 q_i(y_i)`` may be replaced by
its mean ``c_i = sum_v p_i(v) log2 1/q_i(v)``. At temperature tau > 0 without truncation
``c_i = H(p_i) / tau + log2 sum_v p_i(v)^(1/tau)`` lies in ``[0, max(1, 1/tau) log2 V]``: the last term is at most 0 for
tau <= 1, and at most ``(1 - 1/tau) log2 V`` above. So ``log2 P(y) + sum_i c_i`` lies between ``-R``, R the largest
surprise, and ``n max(1, 1/tau) log2 V``; the empirical Bernstein inequality gives an interval of guaranteed coverage.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.result import OFF_SUPPORT
from theory.decoding.sampled_chance import SampleChance
from theory.distributions.distribution import Distribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.batched_model import DistributionModel, row_operations
from theory.distributions.parametric.leave_one_out import LeavesOut
from theory.distributions.tempering import Transform
from theory.limits import Budget
from theory.numbers.arithmetic import FLOAT64, Array
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.sampling.sampler import Sampler
from theory.sampling.teacher_forcing import DataChance, NoPathError
from theory.validation import choice, positive_int

__all__ = ["Followed", "Runs", "follow_data", "sample_runs"]

_CELLS = 1 << 20  # float64 numbers of the marginals of one batch, to fit the cache
_LIMIT, _QUESTION = 600, 1e-9  # seconds at most; of an operation of a question to the model
_CALL, _ASKING_CALL = 1.5e-4, 5e-4  # seconds of a call for a batch of any size; of a rule that asks
_PLACE, _ASKING_PLACE = 6e-8, 2.5e-7  # the same of each position of a row


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """The decoder's own runs.

    Attributes:
        tokens: Token ids, shape (m, n); -1 where a run was stopped off the support.
        steps: Model calls, shape (m,).
    """

    tokens: NDArray[np.int64]
    steps: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Followed:
    """Runs driven by the data, one for each ``y ~ P``.

    Attributes:
        log_p: ``log2 P(y)``, shape (m,).
        log_q: ``log2 Q_w(y)``, shape (m,); ``-inf`` where the rule never draws y on this path.
        expected: ``sum_i c_i``, shape (m,), which replaces ``-log2 Q_w`` in the bounded form.
        steps: Model calls, shape (m,).
        tilted: Whether tokens were not drawn from the model's marginals; then ``expected`` has no known bound.
        certain: Whether no choice of a set was random on these runs.
    """

    log_p: NDArray[np.float64]
    log_q: NDArray[np.float64]
    expected: NDArray[np.float64]
    steps: NDArray[np.int64]
    tilted: bool
    certain: bool


def sample_runs(
    distribution: Distribution,
    rule: Policy | Process,
    *,
    samples: int,
    rng: np.random.Generator,
    off_support: str = "marginal",
    calls: int | None = None,
    of: int | None = None,
    **switches: Any,
) -> Runs:
    """Return runs of the ideal model decoded by a rule.

    Args:
        distribution: The target.
        rule: An unmasking policy, or a rule with memory.
        samples: How many.
        rng: Source of all randomness.
        off_support: What the model returns after impossible tokens, see :func:`theory.decoding.decoder.decode`.
        calls: The number of model calls of a run, if known, for the estimate of the cost; by default n.
        of: How many samples are drawn in all, from other contexts too: together they keep to the limit.
        **switches: As in :class:`theory.distributions.tempering.Transform`.

    Raises:
        InputError: For switches out of range, or a rule that makes no progress.
        CostError: If the questions to the model are too many.

    Example:
        >>> from theory.policies import parse_policy
        >>> from theory.distributions.parametric.markov import MarkovDistribution
        >>> distribution = MarkovDistribution(n=60, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> rule, rng = parse_policy("threshold:gamma=0.9"), np.random.default_rng(0)
        >>> runs = sample_runs(distribution, rule, samples=5, rng=rng)
        >>> distribution.contains(runs.tokens).all(), runs.steps.tolist()
        (np.True_, [2, 2, 2, 2, 2])
    """
    loop = _Loop(distribution, rule, Transform(**switches), off_support, samples, calls, of)
    chance = SampleChance(rng.random)
    ends = [loop.run_batch(chance, {}, size) for size in loop.batches()]
    return Runs(
        tokens=np.concatenate([tokens for tokens, _, _ in ends]),
        steps=np.concatenate([steps for _, steps, _ in ends]),
    )


def follow_data(
    distribution: Distribution,
    rule: Policy | Process,
    *,
    samples: int,
    rng: np.random.Generator,
    calls: int | None = None,
    of: int | None = None,
    **switches: Any,
) -> Followed:
    """Return runs of a rule along ``y ~ P``, with the probability that it draws y.

    Args:
        distribution: The target.
        rule: A policy, or a rule with memory that reveals what it draws and masks nothing again.
        samples: How many.
        rng: Source of all randomness.
        calls: As in :func:`sample_runs`.
        of: As in :func:`sample_runs`.
        **switches: As in :class:`theory.distributions.tempering.Transform`.

    Raises:
        NoPathError: For rules that look at drawn tokens, or mask again.
        InputError: For switches out of range, or a temperature at which probabilities underflow.
        CostError: If the questions to the model are too many.

    Example:
        >>> from theory.policies import parse_policy
        >>> from theory.distributions.parametric.markov import MarkovDistribution
        >>> distribution = MarkovDistribution(n=60, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> done = follow_data(distribution, parse_policy("topk:k=2"), samples=3, rng=np.random.default_rng(0))
        >>> done.log_p.tolist(), done.log_q.tolist(), done.steps.tolist()
        ([-1.0, -1.0, -1.0], [-2.0, -2.0, -2.0], [30, 30, 30])
    """
    loop = _Loop(distribution, rule, Transform(**switches), "marginal", samples, calls, of)
    chance = DataChance(rng)
    parts: list[tuple[NDArray[np.float64], Array, Mapping[str, Array]]] = []
    for size in loop.batches():
        data = distribution.sample(rng, size)
        weights = {"data": data, "decoder": np.zeros(size), "expected": np.zeros(size)}
        tokens, steps, ends = loop.run_batch(chance, weights, size)
        if not np.array_equal(tokens, data):
            raise NoPathError("it ends before everything is revealed")
        parts.append((distribution.log_prob(data), steps, ends))
    return Followed(
        log_p=np.concatenate([log_p for log_p, _, _ in parts]),
        log_q=np.concatenate([ends["decoder"] for _, _, ends in parts]),
        expected=np.concatenate([ends["expected"] for _, _, ends in parts]),
        steps=np.concatenate([steps for _, steps, _ in parts]),
        tilted=chance.tilted,
        certain=chance.certain,
    )


class _Loop(Sampler):
    """Batches of runs of one rule from the fully masked state."""

    def __init__(
        self,
        distribution: Distribution,
        rule: Policy | Process,
        transform: Transform,
        off_support: str,
        samples: int,
        calls: int | None,
        of: int | None,
    ) -> None:
        super().__init__(rule, transform, distribution.n)
        self.distribution, self.off_support = distribution, choice(off_support, "off_support", OFF_SUPPORT)
        self.model = DistributionModel(distribution, off_support)
        self.samples, self.calls = positive_int(samples, "samples"), calls or distribution.n
        self.all = of or samples

    @property
    def _asks(self) -> bool:
        return bool(getattr(self.rule, "asks", isinstance(self.rule, Process)))  # a user's rule may

    def batches(self) -> list[int]:
        """Return sizes of batches that fit in memory, with the other states that a rule asks about."""
        row = self.distribution.n * len(self.distribution.tokens)
        asks = self._asks
        if getattr(self.rule, "doubts", False) and isinstance(self.distribution, LeavesOut):
            asks = False  # one pass for all its states
        most = max(1, _CELLS // (row * self.distribution.n if asks else row))
        return [most] * (self.samples // most) + ([self.samples % most] if self.samples % most else [])

    def run_batch(
        self, chance: SampleChance, weights: Mapping[str, Array], size: int
    ) -> tuple[Array, Array, Mapping[str, Array]]:
        """Return the tokens, the model calls and the weights at the end of each row."""
        asked = self.model.asked
        # a single step of a rule that asks about many states may take long
        self.model.watch = lambda: self._check_cost((self.model.asked - asked) / size)
        tokens = np.full((size, self.distribution.n), MASK)
        start = RunBatch(
            tokens=tokens,
            probs=self.model.marginals(tokens),
            memory={},
            weights=weights,
            numbers=FLOAT64,
            transform=self.transform,
            model=self.model,
            step=0,
        )
        return self.run(start, chance)

    def asked(self, batch: RunBatch, rows: Array) -> RunBatch:  # noqa: ARG002
        """Return the batch with the marginals of the distribution."""
        self.model.watch = None  # the first step is done
        return replace(batch, probs=self.model.marginals(batch.tokens))

    def stopped(self, batch: RunBatch) -> Array | None:
        """Return the rows off the support, where runs end there."""
        return self.model.impossible(batch.tokens, batch.probs) if self.off_support == "stop" else None

    def idle(self, batch: RunBatch) -> int:
        """Return how many calls of a schedule take nothing from now on."""
        return batch.idle_calls(self.rule)

    def _check_cost(self, questions: float) -> None:
        """Raise if all model calls would take too long, estimated from those of the first step."""
        call, place = (_ASKING_CALL, _ASKING_PLACE) if self._asks else (_CALL, _PLACE)
        own = call / max(self.batches()) + place * self.distribution.n
        sample = self.calls * (questions * row_operations(self.distribution) * _QUESTION + own)
        what = f"decoding {self.all} samples of {self.distribution.n} positions by {self.rule}"
        budget = Budget(what, "use a smaller n", limit=_LIMIT)
        if (most := int(budget.allowed / sample)) > 1:
            budget.remedy = f"use fewer --samples, at most {most}, or a smaller n"
        budget.require(self.all, sample)
