"""Tokens per call and accuracy that the settings of a decoder really give.

Released samplers turn "T steps" into block sizes by their own rounding; some calls decode nothing, others twice as
much. The sizes of rules that do not read the marginals follow from the settings alone; those of other rules depend on
the task, and are expectations over the decoder's runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq

from theory.decoding.call_distribution import StepDistribution
from theory.decoding.process import process_masked
from theory.decoding.tasks.decode import decode_contexts
from theory.distributions.distribution import HasContexts, occurring
from theory.distributions.tempering import Transform
from theory.limits import Budget
from theory.numbers.arithmetic import EXACT, FLOAT64, Number
from theory.numbers.balls import BALLS, ball_precision, with_errors
from theory.numbers.rationals import to_fmpq
from theory.policies.as_process import run_as
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.rules.ancestral import Ancestral
from theory.policies.rules.fixed_order import Bisection, Dilated
from theory.policies.rules.p2 import P2
from theory.policies.rules.rcr import RCR
from theory.policies.rules.remdm_llada import ReMDMLLaDA
from theory.policies.rules.scheduled import Scheduled
from theory.policies.rules.sizes import Sizes
from theory.policies.rules.topk import TopK
from theory.policies.view import View

__all__ = ["Realised", "loop_calls", "lumped_form", "realised", "realised_calls", "realised_on"]

_READ, _LIMIT = 5e-7, 5  # seconds of a marginal read; at most, n = 3,000 one at a time
_BITS = 10**5  # of an exact expected number of calls; longer ones are floats with an error
_BLIND = (TopK, Sizes, Bisection, Dilated)  # their numbers do not depend on the marginals


@dataclass(frozen=True, kw_only=True)
class Realised:
    """Tokens per model call.

    Attributes:
        sizes: (Expected) number of tokens decoded in each call up to the last token; zeros are calls that decode
            nothing.
        calls: Number of model calls up to the last token, as :attr:`theory.decoding.result.Decode.steps` counts them;
            expected, where runs differ. Released loops may make more, see :func:`loop_calls`.
        errors: Proven bounds on the errors of floats: ``tokens_per_call`` for each of ``sizes``, ``model_calls``.
    """

    sizes: tuple[Number, ...]
    calls: Number
    errors: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)


def realised(policy: Policy | Process, masked: int) -> Realised | None:
    """Return the sizes that follow from the settings alone; ``None`` if they depend on the task.

    Example:
        >>> from theory.policies import parse_policy
        >>> realised(parse_policy("dream:steps=5"), 10).sizes
        (1, 2, 2, 2, 3)
    """
    if isinstance(policy, Scheduled):
        block = masked if policy.block is None else min(policy.block, masked)
        groups = [min(block, masked - start) for start in range(0, masked, block)]
        found = [size for group in groups for size in policy.sizes(group)]
        while not found[-1]:  # all positions are decoded
            found.pop()
        return Realised(sizes=tuple(found), calls=len(found))
    if isinstance(policy, Ancestral) and policy.block is None:
        waits, sizes = [Fraction(1)], []  # the chance that a position is still masked before each step
        for step in range(policy.steps):
            share = policy.probability(step)
            sizes.append(masked * waits[-1] * share)
            waits.append(waits[-1] * (1 - share))
        calls, errors = _expected_calls(waits, masked)
        return Realised(sizes=tuple(sizes), calls=calls, errors=errors)
    if isinstance(policy, _BLIND) and not (isinstance(policy, Dilated) and policy.floor):
        sizes = _followed(policy, masked)
        return Realised(sizes=sizes, calls=len(sizes))
    return None


def _expected_calls(waits: list[Fraction], n: int) -> tuple[Number, Mapping[str, float]]:
    """Return ``sum_t 1 - (1 - w_t)^n``: a call is made unless all n positions, independent of each other, are done."""
    exact = n * sum(w.denominator.bit_length() for w in waits) <= _BITS
    with ball_precision():
        number = (EXACT if exact else BALLS).const
        calls = sum((1 - number(1 - w) ** n for w in waits), number(0))
        values, errors = with_errors({"model_calls": calls})
    return values["model_calls"], errors


def loop_calls(policy: Policy | Process, masked: int) -> int | None:
    """Return the calls of the released loop, also after the last token; ``None`` if it ends there.

    LLaDA, Dream, ancestral sampling and the released remasking rules make T calls for each block whether or not
    anything is masked.

    Example:
        >>> from theory.policies import parse_policy
        >>> rule = parse_policy("llada:steps=6")
        >>> realised(rule, 4).calls, loop_calls(rule, 4)
        (4, 6)
    """
    block = getattr(policy, "block", None) or masked
    groups = [min(block, masked - start) for start in range(0, masked, block)]
    if isinstance(policy, Scheduled):
        return sum(len(policy.sizes(group)) for group in groups)
    if isinstance(policy, (Ancestral, RCR, P2)):
        return policy.steps * len(groups)
    if isinstance(policy, ReMDMLLaDA):
        return len(policy.order(block)) * len(groups)
    return None


def realised_calls(policy: Policy | Process, masked: int) -> StepDistribution | None:
    """Return the distribution of the model calls where it follows from the settings alone.

    Example:
        >>> from theory.policies import parse_policy
        >>> realised_calls(parse_policy("topk:k=2"), 5).runs
        {3: Fraction(1, 1)}
    """
    known = realised(policy, masked)
    if known is None or isinstance(policy, Ancestral):  # its runs may end early
        return None
    sure = {int(known.calls): Fraction(1)}
    return StepDistribution(runs=sure, data=sure)


def _followed(policy: Policy, n: int) -> tuple[int, ...]:
    """Return the numbers of a policy that do not depend on the marginals, from a run on fair bits."""
    masked, sizes = np.ones((1, n), dtype=bool), []
    probs, order = np.full((1, n, 2), 0.5), np.arange(n)[None, :] / n
    while masked.any():
        budget = Budget(f"following {len(sizes)} calls", "use fewer positions", limit=_LIMIT)
        budget.require((len(sizes) + 1) * n, _READ)
        chosen = policy.plan(View(probs, masked, FLOAT64)).sample(order) & masked
        sizes.append(int(chosen.sum()))
        masked &= ~chosen
    return tuple(sizes)


def realised_on(task: HasContexts, policy: Policy | Process, **switches: Any) -> Realised:
    """Return the expected number of tokens per call on a task with the ideal model.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> realised_on(make_task("replace_random", 4), parse_policy("threshold:gamma=0.7")).sizes
        (Fraction(4, 1),)
    """
    settings = {key: value for key, value in switches.items() if key != "off_support"}
    transform, off_support = Transform(**settings), switches.get("off_support", "marginal")
    process = run_as(policy, transform)
    contexts = occurring(task.contexts())
    runs = [
        (c.weight, process_masked(c.distribution.pmf(), process, transform, off_support)) for c in contexts
    ]
    calls = max(len(masked) for _, (masked, _) in runs)
    with ball_precision():
        before = [
            sum((to_fmpq(weight) * masked[t] for weight, (masked, _) in runs if t < len(masked)), fmpq(0))
            for t in range(calls)
        ]
        drops = [now - later for now, later in zip(before, [*before[1:], fmpq(0)], strict=True)]
    sizes, off = with_errors({str(t): drop for t, drop in enumerate(drops)})
    done = decode_contexts(task, policy, **switches)
    errors = {"tokens_per_call": max(off.values())} if off and all(proven for _, (_, proven) in runs) else {}
    errors |= {"model_calls": done.errors["steps"]} if "steps" in done.errors else {}
    return Realised(sizes=tuple(sizes.values()), calls=done.steps, errors=errors)


def lumped_form(policy: Policy | Process, n: int) -> Policy | Process:
    """Return a policy of the same distribution for lumped chains; the policy itself if there is none.

    A schedule without blocks takes known sizes; its idle calls only count.
    """
    if not isinstance(policy, Scheduled) or policy.block is not None or policy.confidence == "sampled":
        return policy
    if not policy.rational:
        return policy
    sizes = [size for size in policy.sizes(n) if size]
    return Sizes(sizes="+".join(map(str, sizes)), by=policy.by, ties=policy.ties)
