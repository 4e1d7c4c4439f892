"""Decode of a task, exact or sampled.

Of a sampled decode, exact at temperature 1 without truncation are ``path_kl`` of a fixed ordered partition (Theorem 1
of arXiv 2510.04767; it is the KL divergence too) and of blocks of fixed sizes in random order (mean subset entropies,
:func:`theory.information.curves.structures.expected_kl_of`); always exact are the steps of schedules. All else is an
estimate (:mod:`theory.sampling.sampled_decode`).

**Q is constant on the support**, so that ``kl = -log2 accuracy``, if distribution and decoder are symmetric under a
group that acts transitively on the support:

- one-hot blocks and Replace Random under the permutations of the positions of a block, for rules that see positions
  through their marginals alone, whatever happens to a marginal;
- orders (Shuffle) under renamings of the items, parity and the repeated bit under addition of a code word, for rules
  that see tokens through their probabilities alone, if tokens of equal probability are treated alike.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from theory.decoding.structured.dispatch import NotKnownError
from theory.decoding.tasks.decode import ExpectedDecode, decode_contexts, not_lumped
from theory.decoding.tasks.route import (
    LISTED_LIMIT,
    closed_distribution,
    parametric_only,
    sampled_route,
    structure_of,
)
from theory.distributions.distribution import SampledDistribution
from theory.distributions.tempering import Transform
from theory.information.curves.structures import Structure, expected_kl_of
from theory.limits import CostError
from theory.policies.as_process import as_process
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.process import Process
from theory.policies.rules.entropy_bounded import EntropyBounded
from theory.policies.rules.entropy_sum import EntropySum
from theory.policies.rules.factor import Factor
from theory.policies.rules.frechet import Frechet
from theory.policies.rules.scheduled import DLLM, Dream, LLaDA, MaskGIT
from theory.policies.rules.sizes import Sizes
from theory.policies.rules.threshold import Threshold
from theory.policies.rules.topk import TopK
from theory.sampling.fixed_schedules import fixed_schedule
from theory.sampling.intervals import check_samples
from theory.sampling.sampled_decode import SampledDecode, sampled_decode

__all__ = ["decode_closed", "decode_task"]

# rules whose choice depends on marginals and scores, never on a place
_PLACELESS = (
    TopK,
    Threshold,
    Factor,
    Sizes,
    LLaDA,
    Dream,
    DLLM,
    MaskGIT,
    EntropyBounded,
    EntropySum,
    Frechet,
)


def decode_task(
    task: Any, policy: Policy | Process, *, samples: int = 2000, seed: int = 0, **switches: Any
) -> ExpectedDecode | SampledDecode:
    """Return the decode of a task by any rule, exact where one is known and not too costly, else from samples.

    Args:
        task: A task.
        policy: A policy or a rule with memory.
        samples: How many runs of each kind, if runs are sampled.
        seed: Their seed.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    Raises:
        NotKnownError: If no exact decode is known, nor a distribution to sample.
        CostError: If the samples would take too long, or nothing else is known of a decode that would.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> decode_task(make_task("shuffle", 4), parse_policy("topk:k=2")).accuracy
        Fraction(3, 8)
        >>> found = decode_task(make_task("bernoulli_walk", 40), parse_policy("topk:k=2,by=random"), samples=50)
        >>> [found.entries[key][0] for key in ("accuracy", "path_kl")], found.entries["steps"]
        (['estimate', 'exact'], ('exact', 20))
    """
    own: dict[str, Any] = {"samples": samples, "seed": seed}
    if (large := parametric_only(task)) is not None:
        return sampled_decode(large, policy, **own, **switches)
    structure = structure_of(task)
    try:
        if structure is not None and closed_distribution(task) is not None:
            _check_states(structure.n, policy, switches)
        return decode_contexts(task, policy, **switches)
    except (NotKnownError, CostError) as error:
        too_costly = isinstance(error, CostError)
        distribution = sampled_route(task, too_costly=too_costly)
        if distribution is None:
            raise
        found = decode_closed(distribution, structure, policy, **own, **switches)
        reason = {"accuracy": f"sampled: {error.advice}"} if isinstance(error, CostError) else {}
        return replace(found, n=task.n, notes={**reason, **found.notes})


def decode_closed(
    distribution: SampledDistribution,
    structure: Structure | None,
    rule: Policy | Process,
    *,
    off_support: str = "marginal",
    samples: int = 2000,
    seed: int = 0,
    **switches: Any,
) -> SampledDecode:
    """Return the decode of a distribution by sampled runs, with what its structure and its symmetry tell.

    Args:
        distribution: The distribution, by the closed form of its conditionals.
        structure: Its subset entropies, if known.
        rule: A policy or a rule with memory.
        off_support: As in :func:`theory.decoding.decoder.decode`.
        samples: How many runs of each kind.
        seed: The seed of all randomness.
        **switches: As in :class:`theory.distributions.tempering.Transform`.
    """
    transform = Transform(**switches)
    return sampled_decode(
        distribution,
        rule,
        samples=check_samples(samples),
        seed=seed,
        off_support=off_support,
        parts=_exact(structure, rule, transform),
        constant=_constant(distribution, rule, transform),
        **switches,
    )


def _check_states(n: int, rule: Policy | Process, switches: dict[str, Any]) -> None:
    """Raise if a decode by listing would have too many states, before its own limits do after minutes.

    Raises:
        NotKnownError: Above 16 positions, for rules and switches that no lumped chain follows, unless the rule has
            fixed blocks.
    """
    obstacle = not_lumped(rule, switches)
    if n <= LISTED_LIMIT or obstacle is None:
        return
    known = fixed_schedule(rule, n)
    if known is None or known.partition is None:
        raise NotKnownError(f"a decode of {n} positions does not support {obstacle}; list a smaller n.")


def _exact(
    structure: Structure | None, rule: Policy | Process, transform: Transform
) -> dict[str, tuple[str, Any]]:
    """Return the divergences that follow from subset entropies."""
    if structure is None or transform.temperature != 1 or transform.truncates:
        return {}
    known = fixed_schedule(rule, structure.n)
    if known is None or as_process(rule, transform) is not None:
        return {}
    if known.partition is not None:
        bits = structure.bound(known.partition)
        return {"kl": ("exact", bits), "path_kl": ("exact", bits)}
    if known.random:
        with suppress(CostError):
            return {"path_kl": ("exact", expected_kl_of(structure, known.sizes))}
    return {}


def _constant(distribution: SampledDistribution, rule: Policy | Process, transform: Transform) -> bool:
    """Return whether Q is known to be constant on the support."""
    if type(rule) not in _PLACELESS or not isinstance(rule, RankedPolicy) or getattr(rule, "spaced", 0):
        return False
    if getattr(distribution, "position_symmetric", False):
        return rule.by != "left_to_right" and rule.ties != "lowest" and rule.block is None
    equal = transform.temperature > 0 or transform.greedy_ties == "random"
    return (
        getattr(distribution, "token_symmetric", False)
        and equal
        and transform.top_p is None
        and transform.top_k is None
    )
