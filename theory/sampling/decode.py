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

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
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
from theory.distributions.sampled_list import SampledContexts
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

__all__ = ["SAMPLES", "decode_closed", "decode_task", "sampled_beside"]

SAMPLES = 2000  # runs of each kind, unless a number is given

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
    task: Any, policy: Policy | Process, *, samples: int | None = None, seed: int = 0, **switches: Any
) -> ExpectedDecode | SampledDecode:
    """Return the decode of a task by any rule, exact where one is known and not too costly, else from samples.

    Args:
        task: A task.
        policy: A policy or a rule with memory.
        samples: How many runs of each kind, if runs are sampled; by default 2,000, or 200 or 20 where more would take
            too long. Where it is given and entries are
            known without runs, ``beside`` of a sampled decode has what the runs say of them.
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
    own: dict[str, Any] = {"seed": seed, "beside": samples is not None}
    if (large := parametric_only(task)) is not None:
        return _affordable(
            samples, lambda count: sampled_decode(large, policy, samples=count, **own, **switches)
        )
    structure = structure_of(task)
    try:
        if structure is not None and closed_distribution(task) is not None:
            _check_states(structure.n, policy, switches)
        return decode_contexts(task, policy, **switches)
    except (NotKnownError, CostError) as error:
        too_costly = isinstance(error, CostError)
        contexts = sampled_route(task, too_costly=too_costly)
        if contexts is None:
            raise
        found = _affordable(
            samples,
            lambda count: decode_closed(contexts, structure, policy, samples=count, **own, **switches),
        )
        reason = {"accuracy": f"sampled: {error.advice}"} if isinstance(error, CostError) else {}
        return replace(found, n=task.n, notes={**reason, **found.notes})


def _affordable(samples: int | None, decoded: Callable[[int], SampledDecode]) -> SampledDecode:
    """Return a decode from so many samples, or where none are asked for from as many as the limit allows."""
    for count in (SAMPLES, SAMPLES // 10) if samples is None else ():
        with suppress(CostError):
            return decoded(count)
    return decoded(SAMPLES // 100 if samples is None else samples)


def sampled_beside(
    task: Any, policy: Policy | Process, *, samples: int, seed: int = 0, **switches: Any
) -> SampledDecode | None:
    """Return what sampled runs say of a task whose decode is known without them; ``None`` if there is no way to sample.

    Args:
        task: A task.
        policy: A policy or a rule with memory.
        samples: How many runs of each kind.
        seed: Their seed.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    Raises:
        CostError: If the samples would take too long.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> found = sampled_beside(make_task("shuffle", 4), parse_policy("topk:k=2"), samples=100)
        >>> found.entries["accuracy"][1]["estimate"]  # 3/8 exactly
        0.44
    """
    try:
        contexts = sampled_route(task, too_costly=True)
    except CostError:
        return None
    return (
        None
        if contexts is None
        else decode_closed(contexts, None, policy, samples=samples, seed=seed, **switches)
    )


def decode_closed(
    distribution: SampledDistribution | SampledContexts,
    structure: Structure | None,
    rule: Policy | Process,
    *,
    off_support: str = "marginal",
    samples: int = SAMPLES,
    seed: int = 0,
    beside: bool = False,
    **switches: Any,
) -> SampledDecode:
    """Return the decode of a distribution by sampled runs, with what its structure and its symmetry tell.

    Args:
        distribution: The distribution, by the closed form of its conditionals, or the weighted ones of contexts.
        structure: Its subset entropies, if known.
        rule: A policy or a rule with memory.
        off_support: As in :func:`theory.decoding.decoder.decode`.
        samples: How many runs of each kind.
        seed: The seed of all randomness.
        beside: As in :func:`theory.sampling.sampled_decode.sampled_decode`.
        **switches: As in :class:`theory.distributions.tempering.Transform`.
    """
    transform = Transform(**switches)
    contexts = distribution if isinstance(distribution, Sequence) else [(Fraction(1), distribution)]
    return sampled_decode(
        contexts,
        rule,
        samples=check_samples(samples),
        seed=seed,
        off_support=off_support,
        parts=_exact(structure, rule, transform),
        constant=len(contexts) == 1 and _constant(contexts[0][1], rule, transform),
        beside=beside,
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
