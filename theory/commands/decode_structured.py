"""Result of ``decode`` from closed-form conditionals, sampled where not exact.

Exact at temperature 1 without truncation are ``path_kl`` of a fixed ordered partition (Theorem 1 of arXiv 2510.04767;
it is the KL divergence too) and of blocks of fixed sizes in random order (mean subset entropies,
:func:`theory.information.curves.structures.expected_kl_of`); always exact are the steps of schedules. All else is an
estimate (:mod:`theory.commands.decode_sampled`).

**Q is constant on the support**, so that ``kl = -log2 accuracy``, if distribution and decoder are symmetric under a
group that acts transitively on the support:

- one-hot blocks and Replace Random under the permutations of the positions of a block, for rules that see positions
  through their marginals alone, whatever happens to a marginal;
- orders (Shuffle) under renamings of the items, parity and the repeated bit under addition of a code word, for rules
  that see tokens through their probabilities alone, if tokens of equal probability are treated alike.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Protocol

from theory.commands.decode_sampled import large_decode
from theory.decoding.structured.dispatch import NotKnownError
from theory.decoding.tasks.decode import not_lumped
from theory.decoding.tasks.route import LISTED_LIMIT
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

__all__ = ["check_states", "sampled_decode"]

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


class Named(Protocol):
    """A task with a name."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def n(self) -> int:
        """Its size, which need not be the number of positions."""
        ...


def sampled_decode(
    task: Named,
    distribution: SampledDistribution,
    structure: Structure | None,
    rule: Policy | Process,
    *,
    samples: int,
    seed: int,
    off_support: str = "marginal",
    **switches: Any,
) -> dict[str, Any]:
    """Return the decode of a distribution in closed form by any rule, exact if possible, else estimates.

    Args:
        task: Gives the name.
        distribution: The distribution in closed form.
        structure: Its subset entropies, if known.
        rule: A policy or a rule with memory.
        samples: How many runs of each kind.
        seed: The seed of all randomness.
        off_support: As in :func:`theory.decoding.decoder.decode`.
        **switches: As in :class:`theory.distributions.tempering.Transform`.

    Raises:
        CostError: If the samples would take too long.

    Example:
        >>> from types import SimpleNamespace
        >>> from theory.information.curves.gap_structures import Gaps
        >>> from theory.distributions.closed.bernoulli_walk import WalkDistribution
        >>> found = sampled_decode(
        ...     SimpleNamespace(name="walk", n=40),
        ...     WalkDistribution(40),
        ...     Gaps(40, "walk"),
        ...     TopK(k=2, by="random"),
        ...     samples=50,
        ...     seed=0,
        ... )
        >>> found["arithmetic"]["accuracy"], found["arithmetic"]["path_kl"], found["steps"]
        ('estimate', 'exact', 20)
    """
    check_samples(samples)
    transform = Transform(**switches)
    answer = large_decode(
        task,
        distribution,
        rule,
        samples=samples,
        seed=seed,
        off_support=off_support,
        parts=_exact(structure, rule, transform),
        constant=_constant(distribution, rule, transform),
        **switches,
    )
    return answer | {"n": task.n}


def check_states(n: int, rule: Policy | Process, switches: dict[str, Any]) -> None:
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
