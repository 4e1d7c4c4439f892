"""The exact decoder, the output distribution of an unmasking rule with the ideal model.

The ideal model returns ``p_i = P(y_i | revealed)`` at every masked position. One step: the policy picks a set A
from the marginals; each token of A is drawn independently from its tempered marginal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from theory.decoding.call_distribution import StepDistribution
from theory.decoding.forward import PolicyRun
from theory.decoding.lookahead import require_runs
from theory.decoding.process import ProcessRun
from theory.decoding.result import OFF_SUPPORT, Decode, ValidSet
from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.policies.as_process import SampledConfidence
from theory.policies.given import PolicyLike, as_policy
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.process import Process
from theory.policies.rules.fixed_order import Dilated, FlooredRounds
from theory.validation import choice

__all__ = ["as_process", "decode", "decode_together", "step_distribution"]


def decode(
    pmf: PMFLike,
    policy: PolicyLike,
    *,
    off_support: str = "marginal",
    valid: ValidSet = None,
    **switches: Any,
) -> Decode:
    """Return the exact result of decoding ``pmf`` with ``policy`` and the ideal model.

    Args:
        pmf: The target, or what :func:`theory.distributions.given.as_pmf` makes it of.
        policy: An unmasking policy, a rule with memory, or its specification.
        off_support: What the ideal model returns after an impossible token: the one-position ``marginal``s, the
            ``uniform`` distribution on the alphabet, or ``stop``. For policies it changes ``steps`` only, for rules
            that mask again everything.
        valid: The outcomes counted as correct, a part of the support (which is the default).
        **switches: ``temperature``, ``greedy_ties``, ``top_p``, ``top_k``, ``nucleus``, ``scored`` as in
            :class:`theory.distributions.tempering.Transform`. Exact pmfs give exact results at temperature 0 and 1,
            and at 1/m where :func:`theory.distributions.tempering.stays_rational`; all else floats with ``errors``.

    Raises:
        InputError: For switches out of range, or a rule that makes no progress.
        CostError: If the states would not fit in memory, or the decode would take more than about a minute.

    Example:
        >>> cities = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]
        >>> result = decode(cities, "topk:k=2,by=random")
        >>> result.accuracy, result.kl
        (Fraction(1, 2), LogNumber('log2(2)'))
    """
    return decode_together(
        [as_pmf(pmf)], as_policy(policy), off_support=off_support, valid=valid, **switches
    )[0]


def decode_together(
    pmfs: Sequence[JointPMF],
    policy: Policy | Process,
    *,
    off_support: str = "marginal",
    valid: ValidSet = None,
    **switches: Any,
) -> list[Decode]:
    """Return :func:`decode` of several distributions, which keep to the limit of one all together."""
    transform = Transform(**switches)
    choice(off_support, "off_support", OFF_SUPPORT)
    process, budget = as_process(policy, transform), None
    runs: list[PolicyRun | ProcessRun] = []
    for pmf in pmfs:
        if process is not None:
            run = ProcessRun(pmf, process, transform, off_support, budget)
        else:
            assert not isinstance(policy, Process)
            run = PolicyRun(pmf, policy, transform, off_support, budget)
        runs.append(run)
        budget = run.budget
    require_runs(runs)
    results: list[Decode] = []
    while runs:  # what a run remembers goes with it
        run = runs.pop(0)
        run.run()
        results.append(run.result(valid))
    return results


def step_distribution(
    pmf: PMFLike, policy: PolicyLike, *, off_support: str = "marginal", **switches: Any
) -> StepDistribution:
    """Return the exact distribution of the number of model calls of a decode.

    ``steps`` and ``steps_under_data`` of a decode are its means, under the decoder's own runs (Q) and along
    trajectories driven by P; the two distributions differ (arXiv 2608.25505, Remark 1). ``P(R <= r)`` is the share of
    runs within a budget of r calls, and ``max R`` is the depth of the rule.

    Args:
        pmf: The target.
        policy: An unmasking policy, or a rule with memory.
        off_support: As in :func:`decode`; with ``stop`` a run ends with the impossible token.
        **switches: As in :func:`decode`. Exact pmfs give exact distributions at temperature 0, 1 and 1/m where
            :func:`theory.distributions.tempering.stays_rational`.

    Example:
        >>> cities = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]
        >>> distribution = step_distribution(cities, "threshold:gamma=0.4")
        >>> distribution.runs, distribution.data
        ({1: Fraction(1, 1)}, {1: Fraction(1, 1)})
    """
    return decode(pmf, policy, off_support=off_support, **switches).step_distribution


def as_process(policy: Policy | Process, transform: Transform) -> Process | None:
    """Return the rule as a rule with memory if it must be run as one; ``None`` for a policy without memory."""
    if isinstance(policy, Process):
        return policy
    if isinstance(policy, Dilated) and policy.floor:
        return FlooredRounds(policy)
    # greedy tokens are the most probable ones, so max and sampled confidence agree
    sampled = isinstance(policy, RankedPolicy) and policy.confidence == "sampled" and transform.temperature
    return SampledConfidence(policy) if sampled and isinstance(policy, RankedPolicy) else None
