"""Exact decodes of a task, averaged over its contexts."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from theory.decoding.call_distribution import StepDistribution, mixed
from theory.decoding.decoder import as_process, decode, decode_together
from theory.decoding.lumped import decode_lumped
from theory.decoding.structured.dispatch import NotKnownError, decode_structured
from theory.decoding.tasks.structure import structure_of
from theory.distributions.contexts import HasContexts, chain_of, expectation
from theory.distributions.distribution import Context, occurring
from theory.distributions.grouping import listing
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.information.curves.structures import Structure
from theory.information.measures import Bits
from theory.limits import CostError, allowing
from theory.numbers.arithmetic import Number
from theory.numbers.error_of_means import decode_errors
from theory.policies.checked_calls import is_ours
from theory.policies.given import PolicyLike, as_policy
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import InputError

__all__ = ["ExpectedDecode", "decode_contexts", "not_lumped"]


@dataclass(frozen=True, kw_only=True)
class ExpectedDecode:
    """The expectation of :class:`theory.decoding.decoder.Decode` over the contexts of a task.

    ``errors`` has a proven bound on the error of each float, ``tokens_per_step`` included; none for exact numbers.
    ``step_distribution`` is the distribution of the model calls; ``None`` where the structure of a long distribution
    does not give it.
    """

    accuracy: Number
    kl: Bits | None
    path_kl: Bits | None
    steps: Number
    steps_under_data: Number | None
    length: Number
    errors: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)
    step_distribution: StepDistribution | None = None

    @property
    def tokens_per_step(self) -> Number:
        """Expected length over expected steps."""
        return self.length / self.steps


def decode_contexts(
    task: HasContexts, policy: PolicyLike, *, lumped: bool | None = None, **switches: Any
) -> ExpectedDecode:
    """Return the exact decode of a task, averaged over its contexts.

    Args:
        task: A task; of its methods ``contexts()`` alone is needed.
        policy: An unmasking policy, a rule with memory, or its specification.
        lumped: Use the lumped chain; by default only if a context has too many outcomes to list cheaply, and the
            policy and the switches allow it.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    Example:
        >>> from synthetic import make_task
        >>> decode_contexts(make_task("shuffle", 16), "topk:k=2,by=random").accuracy
        Fraction(6435, 32768)
    """
    policy, chain = as_policy(policy), chain_of(task)
    obstacle = not_lumped(policy, switches)
    structure = _structure(task, chain, lumped)
    if lumped is None:
        lumped = chain is not None and chain.n > _LISTED_LIMIT and obstacle is None
    if lumped and chain is not None:
        if obstacle is not None:
            raise InputError(f"a lumped decode does not support {obstacle}; list a smaller n.")
        assert not isinstance(policy, Process)
        plain = {key: value for key, value in switches.items() if key in ("temperature", "greedy_ties")}
        results: list[tuple[Fraction, Any]] = [(Fraction(1), decode_lumped(chain, policy, **plain))]
    elif structure is not None:
        results = [(Fraction(1), _structured(task, structure, policy, switches, obstacle))]
    else:
        results = _each_context(occurring(task.contexts()), policy, switches)
    names = ("accuracy", "kl", "path_kl", "steps", "steps_under_data")
    means = {name: expectation([(w, getattr(r, name)) for w, r in results]) for name in names}
    length = expectation([(w, Fraction(r.n)) for w, r in results])
    distributions = [
        (w, distribution)
        for w, r in results
        if (distribution := getattr(r, "step_distribution", None)) is not None
    ]
    return ExpectedDecode(
        length=length,
        errors=decode_errors(results, means, length),
        step_distribution=mixed(distributions) if len(distributions) == len(results) else None,
        **means,
    )


def _each_context(
    contexts: Sequence[Context], policy: Policy | Process, switches: dict[str, Any]
) -> list[tuple[Fraction, Any]]:
    """Decode each context; all together keep to the limit.

    Contexts that differ in token names alone are decoded once, if the rule cannot see names.
    """
    pmfs = [context.distribution.pmf() for context in contexts]
    named = isinstance(policy, Process) or _sees_names(policy, switches)
    groups: dict[Hashable, tuple[Fraction, JointPMF]] = {}
    for context, pmf in zip(contexts, pmfs, strict=True):
        key = _up_to_names(pmf), pmf.alphabets if named else None
        groups[key] = groups[key][0] + context.weight if key in groups else context.weight, pmf
    weights, different = zip(*groups.values(), strict=True)
    return list(zip(weights, decode_together(different, policy, **switches), strict=True))


def _sees_names(policy: Policy, switches: dict[str, Any]) -> bool:
    """Return whether a rule may see more than probabilities."""
    if not is_ours(policy) or getattr(policy, "asks", False):
        return True
    return as_process(policy, _transform(switches)) is not None


def _up_to_names(pmf: JointPMF) -> Hashable:
    """Return a key, equal for distributions that differ in token names alone."""
    sizes = tuple(map(len, pmf.alphabets))
    return sizes, pmf.codes.tobytes(), str(pmf.weights.dtype), listing(pmf.weights), pmf.total


def not_lumped(policy: Policy | Process, switches: dict[str, Any]) -> str | None:
    """Return the reason why the decode cannot be lumped, or ``None``."""
    if isinstance(policy, Process) or not getattr(policy, "lumps", False):
        return f"policy {policy}"
    transform = _transform(switches)
    if as_process(policy, transform) is not None:
        return "confidence=sampled"
    if transform.top_p is not None or transform.top_k is not None or transform.scored != "before":
        return "truncation, nor scores read after it"
    off_support = switches.get("off_support", "marginal")
    return None if off_support == "marginal" else f"off_support={off_support}"


def _transform(switches: dict[str, Any]) -> Transform:
    return Transform(**{key: value for key, value in switches.items() if key != "off_support"})


def _structure(task: HasContexts, chain: LumpedChain | None, lumped: bool | None) -> Structure | None:
    """Return the structure of a distribution that has no lumped chain, if it should be used."""
    if chain is not None or lumped is False:
        return None
    structure = structure_of(task)
    return structure if structure is None or lumped or structure.n > _STRUCTURED_FROM else None


def _structured(
    task: HasContexts,
    structure: Structure,
    policy: Policy | Process,
    switches: dict[str, Any],
    obstacle: str | None,
) -> Any:
    """Decode by the structure, or by listing if that is not known and not too costly."""
    try:
        if obstacle is not None or isinstance(policy, Process):
            raise NotKnownError(
                f"a decode of a distribution too long to list does not support {obstacle}; list a smaller n."
            )
        plain = {key: value for key, value in switches.items() if key in ("temperature", "greedy_ties")}
        return decode_structured(structure, policy, **plain)
    except CostError:
        raise
    except InputError as unknown:
        if structure.n > _LISTED_POSITIONS:
            raise
        try:
            (context,) = task.contexts()
            with allowing(_HALF):  # else it is sampled, in seconds
                return decode(context.distribution.pmf(), policy, **switches)
        except CostError:
            raise unknown from None


_HALF = Fraction(1, 2)  # of the limits
_LISTED_LIMIT = 7  # up to 5040 outcomes are decoded in seconds without lumping
_LISTED_POSITIONS = 16  # beyond, listing takes minutes where it ends at all
_STRUCTURED_FROM = 12  # positions; shorter distributions are listed, which gives kl in every case
