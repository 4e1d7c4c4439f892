"""Schedules that do not depend on the tokens, and exact scores under them.

Under a fixed ordered partition the output distribution is ``Q(y) = prod_t prod_{i in S_t} P(y_i | y_{S_<t})``, computed
from one exact conditional a block for any sequence, on the support or off it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from theory.bounds.partitions.step_bounds import Partition, check_partition
from theory.distributions.distribution import MASK, Distribution
from theory.distributions.parametric.batched_model import DistributionModel
from theory.numbers.arithmetic import FLOAT64
from theory.policies.policy import RankedPolicy
from theory.policies.rules.fixed_order import Bisection, Dilated
from theory.policies.rules.scheduled import DLLM, Dream, LLaDA, MaskGIT, Scheduled
from theory.policies.rules.sizes import Sizes
from theory.policies.rules.topk import TopK
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["FixedSchedule", "fixed_schedule", "schedule_log_prob"]

# rules whose numbers per step depend on the step and the positions left, never on a score
_COUNTED = (TopK, Sizes, LLaDA, Dream, DLLM, MaskGIT, Dilated, Bisection)
_STEPS = 100_000


@dataclass(frozen=True, kw_only=True)
class FixedSchedule:
    """The schedule of a rule that is known before it starts.

    Attributes:
        steps: Model calls, idle ones included.
        sizes: Number of positions of each call that reveals something.
        partition: The blocks if they are known too; ``None`` if scores or chance choose the positions.
        random: Whether every block is uniformly random among the masked positions.
    """

    steps: int
    sizes: tuple[int, ...]
    partition: Partition | None
    random: bool


def fixed_schedule(rule: object, n: int) -> FixedSchedule | None:
    """Return the schedule of a rule on n positions; ``None`` if its numbers per step depend on the marginals.

    Example:
        >>> from theory.policies import parse_policy
        >>> found = fixed_schedule(parse_policy("topk:k=2,by=left_to_right"), 5)
        >>> found.partition, found.random
        (((0, 1), (2, 3), (4,)), False)
        >>> fixed_schedule(parse_policy("llada:steps=2"), 5)
        FixedSchedule(steps=2, sizes=(3, 2), partition=None, random=True)
        >>> fixed_schedule(parse_policy("threshold:gamma=0.9"), 5)
    """
    if type(rule) not in _COUNTED or not isinstance(rule, RankedPolicy):
        return None
    if isinstance(rule, Dilated) and rule.floor:
        return None  # positions may stay masked
    if isinstance(rule, Dream) and rule.alg_temp is not None:  # the same numbers as without alg_temp
        rule = replace(rule, alg_temp=None, by="confidence", ties="random")
    all_equal = rule.by == "random"  # all scores are equal
    if rule.ties == "all" and not (all_equal or rule.by == "left_to_right"):
        return None  # takes all equal scores
    blocks: list[tuple[int, ...]] = []
    masked, steps = np.ones((1, n), dtype=bool), 0
    while masked.any():
        view = View(np.full((1, n, 2), 0.5), masked, FLOAT64, step=steps)
        if isinstance(rule, Scheduled) and (idle := rule.idle_calls(view)):
            steps += idle
            continue
        chosen = np.asarray(rule.plan(view).sample(np.zeros((1, n)))) & masked
        blocks += [tuple(np.flatnonzero(chosen[0]).tolist())] if chosen.any() else []
        masked, steps = masked & ~chosen, steps + 1
        if steps > _STEPS:
            raise InputError(f"rule {rule} makes no progress: it has not finished after {_STEPS} steps.")
    by_place = rule.by == "left_to_right" or (all_equal and rule.ties != "random")
    return FixedSchedule(
        steps=steps,
        sizes=tuple(map(len, blocks)),
        partition=tuple(blocks) if by_place else None,
        random=all_equal and rule.ties == "random" and rule.block is None,
    )


def schedule_log_prob(
    distribution: Distribution, partition: Sequence[Sequence[int]], ids: ArrayLike
) -> NDArray[np.float64]:
    """Return ``log2 Q(y)`` of each sequence, Q the output distribution of the schedule at temperature 1.

    The ideal model fills in the blocks one after the other, the tokens of a block independently. Its accuracy is the
    mean of ``Q(y) / P(y)`` over ``y ~ P`` (on the support), its KL divergence that of ``log2 P(y) - log2 Q(y)``.

    Args:
        distribution: The target P.
        partition: An ordered partition of the positions.
        ids: Token ids, shape (B, n).

    Returns:
        Bits in float64, shape (B,); ``-inf`` for impossible sequences. Off the support of P the ideal model returns the
        one-position marginals.

    Raises:
        InputError: If the partition misses a position, or an id is no token.

    Example:
        >>> from theory.distributions.parametric.markov import MarkovDistribution
        >>> distribution = MarkovDistribution(n=3, initial=["1/2", "1/2"], transition=[[1, 0], [0, 1]])
        >>> schedule_log_prob(distribution, [[0], [1, 2]], [[0, 0, 0], [0, 0, 1]]).tolist()
        [-1.0, -inf]
        >>> schedule_log_prob(distribution, [[0, 1, 2]], [[0, 0, 0], [0, 0, 1]]).tolist()
        [-3.0, -3.0]
    """
    blocks, rows = check_partition(partition, distribution.n), np.asarray(ids)
    if rows.ndim != 2 or rows.shape[1] != distribution.n or rows.dtype.kind not in "iu":
        raise InputError(
            f"ids must be whole numbers of shape (B, {distribution.n}), got {rows.dtype} {rows.shape}."
        )
    rows = rows.astype(np.int64)
    if rows.size and not 0 <= rows.min() <= rows.max() < len(distribution.tokens):
        raise InputError(
            f"ids must lie in 0..{len(distribution.tokens) - 1}, got {rows.min()}..{rows.max()}."
        )
    model, revealed, total = DistributionModel(distribution), np.full_like(rows, MASK), np.zeros(len(rows))
    most = max(1, (1 << 22) // (distribution.n * len(distribution.tokens)))
    for begin in range(0, len(rows), most):
        part = slice(begin, begin + most)
        for block in blocks:
            at = list(block)
            probs = model.marginals(revealed[part])[:, at]
            with np.errstate(divide="ignore"):  # log2(0) = -inf is the answer
                bits = np.log2(np.take_along_axis(probs, rows[part][:, at, None], axis=2)[:, :, 0])
            total[part] += bits.sum(axis=1)
            revealed[part, at] = rows[part][:, at]
    return total
