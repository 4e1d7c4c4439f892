"""Tasks as weighted contexts: every quantity is the expectation over the contexts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Protocol

from theory._checks import InputError
from theory.arithmetic import Number
from theory.bounds import OptimalBounds, optimal_bounds
from theory.correlation import Bits
from theory.decoder import decode
from theory.law import Context
from theory.lumped import Chain, decode_lumped
from theory.policies.policy import Policy
from theory.subsets import subset_entropies

__all__ = ["ExpectedDecode", "bounds_by_context", "decode_contexts", "expectation"]


class HasContexts(Protocol):
    """A task, as far as theory needs it."""

    def contexts(self) -> Sequence[Context]:
        """Return the weighted contexts."""
        ...

    def chain(self) -> Chain | None:
        """Return a lumped chain, the same in every context, if there is one."""
        ...


@dataclass(frozen=True, kw_only=True)
class ExpectedDecode:
    """The expectation of :class:`theory.decoder.Decode` over the contexts of a task."""

    accuracy: Number
    kl: Bits | None
    path_kl: Bits
    steps: Number
    steps_under_data: Number
    length: Number

    @property
    def tokens_per_step(self) -> Number:
        """Expected length over expected steps."""
        return self.length / self.steps


def expectation(pairs: Sequence[tuple[Fraction, Any]]) -> Any:
    """Return ``sum w v``; infinite as soon as one value is, ``None`` if one is missing."""
    if any(value is None for _, value in pairs):
        return None
    if any(value == inf for _, value in pairs):
        return inf
    if any(isinstance(value, float) for _, value in pairs):
        return float(sum(float(weight) * float(value) for weight, value in pairs))
    first, *rest = [value * weight for weight, value in pairs]
    return sum(rest, first)


def decode_contexts(
    task: HasContexts, policy: Policy, *, lumped: bool | None = None, **switches: Any
) -> ExpectedDecode:
    """Return the exact decode of a task, averaged over its contexts.

    Args:
        task: A task.
        policy: An unmasking policy.
        lumped: Use the lumped chain; by default only where a context has too many outcomes to list cheaply.
        **switches: ``temperature``, ``greedy_ties``, ``off_support`` as in :func:`theory.decoder.decode`.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> decode_contexts(make_task("shuffle", 16), parse_policy("topk:k=2,by=random")).accuracy
        Fraction(6435, 32768)
    """
    chain = task.chain()
    if lumped is None:
        lumped = (
            chain is not None
            and chain.n > _LISTED_LIMIT
            and switches.get("off_support", "marginal") == "marginal"
        )
    if lumped and chain is not None:
        if switches.pop("off_support", "marginal") != "marginal":
            raise InputError("a lumped decode knows off_support=marginal only; list a smaller n.")
        results: list[tuple[Fraction, Any]] = [(Fraction(1), decode_lumped(chain, policy, **switches))]
    else:
        results = [(c.weight, decode(c.law.pmf(), policy, **switches)) for c in task.contexts()]
    names = ("accuracy", "kl", "path_kl", "steps", "steps_under_data")
    means = {name: expectation([(w, getattr(r, name)) for w, r in results]) for name in names}
    return ExpectedDecode(length=expectation([(w, Fraction(r.n)) for w, r in results]), **means)


def bounds_by_context(contexts: Sequence[Context]) -> tuple[Bits, ...] | None:
    """Return ``L*_T`` with the partition chosen for each context (Theorem 3): the mean of the minima.

    ``None`` when the contexts differ in length.
    """
    bounds: list[tuple[Fraction, OptimalBounds]] = []
    for context in contexts:
        bounds.append((context.weight, optimal_bounds(subset_entropies(context.law.pmf()))))
    if len({len(b.values) for _, b in bounds}) > 1:
        return None
    return tuple(expectation([(w, b.values[t]) for w, b in bounds]) for t in range(len(bounds[0][1].values)))


_LISTED_LIMIT = 7  # up to 5040 outcomes are decoded in seconds without lumping
