"""What a task offers, and the route by which a question about it is answered.

A task has contexts and may offer more; each question takes the first route that is open to it.

| offer | where it is read | what it answers |
|---|---|---|
| outcomes that can be listed | ``contexts()`` | everything, within the limits |
| lumped chain | ``chain()`` | exact decodes by rules that lump |
| entropy structure | ``structure()`` of the task or its chain | bounds, schedules, exact decodes by some rules |
| parametric distribution | the only context | bounds, schedules and decodes, by formulas or samples |
| closed form of the conditionals | ``closed_distribution()``, the structure, or the only context | sampled decodes |

- :func:`entropy_route` for bounds and schedules.
- :func:`exact_route` for exact decodes, averaged over contexts by :func:`theory.decoding.tasks.decode.decode_contexts`.
- :func:`sampled_route` for decodes where these are not known or take too long.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Literal, TypeVar

from theory.distributions.closed.bernoulli_walk import WalkDistribution
from theory.distributions.closed.hidden_place import PlaceDistribution
from theory.distributions.closed.one_hot_blocks import BlocksDistribution
from theory.distributions.contexts import chain_of
from theory.distributions.distribution import SampledDistribution, context_pmfs, occurring
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.sampled_list import SampledContexts, sampled_contexts
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies, Structure
from theory.limits import CostError
from theory.validation import InputError

__all__ = [
    "LISTED_LIMIT",
    "Parametric",
    "closed_distribution",
    "entropy_route",
    "exact_route",
    "large_distribution",
    "parametric_only",
    "sampled_route",
    "structure_of",
]

Parametric = MarkovDistribution | HMMDistribution | GrammarDistribution
_Answer = TypeVar("_Answer")

LISTED_LIMIT = 16  # positions above which a structure is used, if there is one
_POSITIONS = 18  # of a parametric distribution: up to here 2^n subset entropies and 3^n blocks take seconds
_OUTCOMES = 1 << 18
_LUMPED_FROM = 8  # positions; up to 5040 outcomes are decoded in seconds without lumping
_STRUCTURED_FROM = 13  # positions; shorter distributions are listed, which gives kl in every case


# -- what a task offers ----------------------------------------------------------------------------------------


def structure_of(task: Any) -> Structure | None:
    """Return the subset entropies of a task or of its lumped chain, if known.

    Example:
        >>> from synthetic import make_task
        >>> structure_of(make_task("shuffle", 1000)).n, structure_of(make_task("tree", 3))
        (1000, None)
    """
    for source in (task, chain_of(task)):
        found: Callable[[], Structure] | None = getattr(source, "structure", None)
        if found is not None:
            return found()
    return None


def large_distribution(task: Any) -> Parametric | None:
    """Return the parametric distribution of a task that is too large to list, else ``None``."""
    contexts = task.contexts()
    distribution = contexts[0].distribution
    if len(contexts) != 1 or not isinstance(distribution, Parametric):
        return None
    small = distribution.n <= _POSITIONS and distribution.support_size() <= _OUTCOMES
    return None if small else distribution


def parametric_only(task: Any) -> Parametric | None:
    """Return the large parametric distribution of a task without known subset entropies."""
    return None if structure_of(task) is not None else large_distribution(task)


def closed_distribution(task: Any) -> SampledDistribution | None:
    """Return the distribution of a task by the closed form of its conditionals, ``None`` if none is known.

    A task with several contexts has one distribution here: given the named position its output is a single outcome,
    and with tokens named by position these distributions are equal.

    Raises:
        CostError: If the task is too long even for one state.

    Example:
        >>> from synthetic import make_task
        >>> closed_distribution(make_task("bernoulli_walk", 100)), closed_distribution(make_task("tree", 100))
        (WalkDistribution(n=100), None)
    """
    for source in (task, chain_of(task)):
        found = getattr(source, "closed_distribution", None)
        if found is not None:
            return found()
    structure = structure_of(task)
    if isinstance(structure, Gaps):
        n, kind = structure.n, structure.kind
        return WalkDistribution(n) if kind == "walk" else PlaceDistribution(n, kind)
    if isinstance(structure, Copies):
        return BlocksDistribution(block=structure.block.n, copies=structure.copies)
    try:
        contexts = task.contexts()
    except CostError:  # only a list
        return None
    distribution = contexts[0].distribution
    return distribution if len(contexts) == 1 and hasattr(distribution, "largest_surprise") else None


# -- the routes ------------------------------------------------------------------------------------------------


def entropy_route(
    task: Any,
    *,
    listed: Callable[[], _Answer],
    outcomes: Callable[[list[tuple[Fraction, JointPMF]]], _Answer],
    structured: Callable[[Structure], _Answer],
    chain: Callable[[MarkovDistribution], _Answer],
    sampled: Callable[[HMMDistribution | GrammarDistribution], _Answer],
    other: bool = False,
) -> _Answer:
    """Return the answer to a question about subset entropies, by the first route that is open.

    Args:
        task: A task.
        listed: Answers by all sets of positions.
        outcomes: Answers by the outcomes, where sets of positions are too many.
        structured: Answers by the entropy structure.
        chain: Answers by the formulas of a Markov chain too large to list.
        sampled: Answers by samples of another parametric distribution too large to list.
        other: Whether numbers are wanted that only ``listed`` gives: then what is too costly says so.
    """
    structure = structure_of(task)
    large = large_distribution(task) if structure is None else None
    long = structure is not None and structure.n > LISTED_LIMIT
    if other and (long or large is not None):
        raise InputError(
            "adaptive, randomized and counted optima need a distribution that can be listed; "
            "leave the option out, or use a smaller n."
        )
    if isinstance(large, MarkovDistribution):
        return chain(large)
    if large is not None:
        return sampled(large)
    if structure is not None and long:
        return structured(structure)
    try:
        return listed()
    except CostError:
        if other:
            raise
        if structure is not None:
            return structured(structure)
        return outcomes(context_pmfs(task.contexts()))  # which raises the same if outcomes cannot be listed


def exact_route(
    task: Any, *, lumps: bool, lumped: bool | None = None
) -> tuple[Literal["lumped", "structured", "listed"], Any]:
    """Return what an exact decode follows, and the lumped chain or the structure for it.

    Args:
        task: A task.
        lumps: Whether the rule and its switches can be lumped.
        lumped: Whether to follow the chain or the structure; by default where listing the outcomes would take long.
    """
    chain = chain_of(task)
    if chain is not None:
        use = lumps and chain.n >= _LUMPED_FROM if lumped is None else lumped
        return ("lumped", chain) if use else ("listed", None)
    structure = None if lumped is False else structure_of(task)
    use = structure is not None and (lumped or structure.n >= _STRUCTURED_FROM)
    return ("structured", structure) if use else ("listed", None)


def sampled_route(task: Any, *, too_costly: bool) -> SampledContexts | None:
    """Return the weighted distributions whose runs are sampled where no exact decode is known; ``None`` without one.

    Args:
        task: A task.
        too_costly: Whether an exact decode is known and takes too long; then the outcomes of listed distributions are
            sampled, too.

    Raises:
        CostError: If the task is too long for one state, or its outcomes cannot be listed.
    """
    if (found := closed_distribution(task)) is not None:
        return [(Fraction(1), found)]
    return sampled_contexts(occurring(task.contexts())) if too_costly else None
