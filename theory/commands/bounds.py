"""Results of ``parabounds bounds`` and ``schedule`` as dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from theory.bounds.partitions.contexts import table_losses
from theory.bounds.partitions.long import (
    bracketed_losses,
    chain_losses,
    chain_schedule,
    structured_losses,
    structured_schedule,
)
from theory.bounds.partitions.partition import equal_blocks
from theory.bounds.schedules.wainwright import table_schedule
from theory.commands.answer import NamedTask, with_exact
from theory.commands.verdict import bracket_verdict, verdict
from theory.decoding.structured.markov import approximate_accuracy
from theory.decoding.tasks.route import entropy_route
from theory.distributions.contexts import Entries
from theory.distributions.distribution import context_pmfs, occurring
from theory.distributions.parametric.markov import MarkovDistribution
from theory.sampling.task_estimates import (
    USUAL,
    estimated_losses,
    estimated_schedule,
    random_order_schedule,
)
from theory.validation import InputError, positive_int

__all__ = ["bounds_answer", "parse_partition", "schedule_answer"]


def parse_partition(text: str) -> tuple[tuple[int, ...], ...]:
    """Return the ordered partition written as ``0,1|2,3``.

    Example:
        >>> parse_partition("0,1|2")
        ((0, 1), (2,))
    """
    try:
        return tuple(tuple(int(i) for i in block.split(",")) for block in text.split("|"))
    except ValueError:
        raise InputError(f'partition must look like "0,1|2,3", got {text!r}.') from None


def bounds_answer(
    task: NamedTask,
    partition: str | None = None,
    *,
    adaptive: bool = False,
    randomized: bool = False,
    count: bool = False,
    samples: int = USUAL,
    seed: int = 0,
    seconds: float = 60.0,
    say: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return entropies and lower bounds of a task, averaged over its contexts.

    Args:
        task: The task.
        partition: An ordered partition to price, as ``0,1|2,3``, or ``equal:k``: k positions at a time from the left.
        adaptive: Also ``V_T``, the least KL of policies that look at the tokens, with at most T steps on every path.
        randomized: Also the least KL of mixtures of T-step partitions, with the proven gap to the optimum.
        count: Also the number of optimal partitions for each T.
        samples: How many to draw if a parametric distribution (:mod:`theory.distributions.parametric`) is too large for
            exact numbers.
        seed: Their seed.
        seconds: For brackets of ``L*_T`` (:mod:`theory.bounds.brackets`), where a listed distribution has too many
            positions for all sets of them.
        say: Called with a line on their progress.

    Distributions too long to list are answered through their structure (:mod:`theory.decoding.structured`) where the
    task has one.
    """
    blocks = partial(_blocks, partition)

    def listed() -> Entries:
        contexts, optima = occurring(task.contexts()), Entries()
        if adaptive or randomized:  # first, so that the most expensive ones are refused before other work
            from theory.optima.adaptive.contexts import optimum_losses

            optima = optimum_losses(context_pmfs(contexts), adaptive=adaptive, randomized=randomized)
        return table_losses(contexts, blocks(contexts[0].distribution.n), count=count) | optima

    def chain(large: MarkovDistribution) -> Entries:
        given = blocks(large.n)
        accuracy = approximate_accuracy(large, given) if given else None
        more = {"partition_accuracy": (accuracy.value, accuracy.error)} if accuracy else Entries()
        return chain_losses(large, given) | more

    own: dict[str, Any] = {"samples": samples, "seed": seed}
    search: dict[str, Any] = {"seconds": seconds, "seed": seed, "say": say}
    answer = entropy_route(
        task,
        listed=lambda: _shown(task, listed()),
        outcomes=lambda parts: _shown(task, bracketed_losses(parts, blocks(parts[0][1].n), **search)),
        structured=lambda found: _shown(
            task, structured_losses(found, blocks(found.n)), always="optimal_bound"
        ),
        chain=lambda large: _shown(task, chain(large), arithmetic="float64"),
        sampled=lambda large: _estimates(task, estimated_losses(large, blocks(large.n), **own), **own),
        other=adaptive or randomized or count,
    )
    text = _verdict(answer)
    return answer | {"verdict": text} if text else answer


def _blocks(partition: str | None, n: int) -> tuple[tuple[int, ...], ...] | None:
    if partition is None or not partition.startswith("equal:"):
        return None if partition is None else parse_partition(partition)
    return equal_blocks(n, positive_int(partition.removeprefix("equal:"), "the size of the equal blocks"))


def _verdict(answer: dict[str, Any]) -> str | None:
    errors = answer.get("errors", {})
    if brackets := answer.get("optimal_bounds"):
        return bracket_verdict(brackets, errors.get("optimal_bounds", 0.0))
    if least := answer.get("optimal_bound"):
        # the value belongs to the sizes shown; other sizes may lose less by at most the error
        return verdict(least, 0.0 if "optimal_sizes" in answer else errors.get("optimal_bound", 0.0))
    if answer.get("arithmetic") != "estimate":
        return None
    lost = answer["total_correlation"]
    return f"one step loses about {lost['estimate']:.3g} bits, at least {lost['low']:.3g} (95 %)."


def schedule_answer(task: NamedTask, *, samples: int | None = None, seed: int = 0) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order, averaged over contexts.

    What is too large for exact numbers is sampled, 2000 times unless ``samples`` says otherwise; random orders of long
    lists less often where that would take too long.

    Distributions too long to list are answered through their structure (:mod:`theory.decoding.structured`) where the
    task has one.
    """
    own: dict[str, Any] = {"samples": USUAL if samples is None else samples, "seed": seed}

    def in_random_order(parts: Any) -> dict[str, Any]:
        found, count = random_order_schedule(parts, samples=samples, seed=seed)
        return _estimates(task, found, samples=count, seed=seed)

    return entropy_route(
        task,
        listed=lambda: _shown(task, table_schedule(context_pmfs(task.contexts()))),
        outcomes=in_random_order,
        structured=lambda found: _shown(task, structured_schedule(found), always="expected_kl"),
        chain=lambda large: _shown(task, chain_schedule(large), arithmetic="float64"),
        sampled=lambda large: _estimates(task, estimated_schedule(large, **own), **own),
    )


def _shown(task: NamedTask, found: Entries, *, always: str = "", **labels: Any) -> dict[str, Any]:
    """Return numbers with their exact forms and errors, those of ``always`` also if they are zero."""
    answer = {"task": task.name, "n": task.n, **labels}
    answer |= {name: _lists(value) for name, (value, _) in found.items()}
    errors = {name: e for name, (x, e) in found.items() if e or (name == always and x is not None)}
    return with_exact(answer | ({"errors": errors} if errors else {}))


def _estimates(task: NamedTask, found: Mapping[str, Any], **own: Any) -> dict[str, Any]:
    entries = {name: (value, 0.0) for name, value in found.items()}  # their intervals say how sure they are
    return _shown(task, entries, arithmetic="estimate", **own)


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, (tuple, list)) else value
