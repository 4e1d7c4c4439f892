"""Results of ``parabounds bounds`` and ``schedule`` as dictionaries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from functools import partial
from math import inf, log2, nextafter
from typing import Any

from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.contexts import bounds_by_context
from theory.bounds.partitions.partition import check_partition, equal_blocks
from theory.bounds.partitions.step_bounds import (
    optimal_bounds,
    optimal_partition_counts,
    require_partitions,
    step_bound,
)
from theory.commands.answer import NamedTask, with_exact
from theory.commands.bounds_listed import long_bounds, long_schedule
from theory.commands.bounds_parametric import large_bounds, large_schedule
from theory.commands.bounds_structured import structured_bounds, structured_schedule
from theory.commands.verdict import verdict
from theory.decoding.tasks.route import Parametric, entropy_route
from theory.distributions.contexts import expectation
from theory.distributions.distribution import context_pmfs, occurring
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import require_table, subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import require_all
from theory.validation import InputError, positive_int

__all__ = [
    "bounds_answer",
    "parse_partition",
    "schedule_answer",
]

# entries that are means over contexts of sums of entropies
_MEANS = {
    "entropy",
    "total_correlation",
    "dual_total_correlation",
    "optimal_bound_by_context",
    "partition_bound",
}


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
    samples: int = 2000,
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
    other = adaptive or randomized or count

    def blocks(n: int) -> tuple[tuple[int, ...], ...] | None:
        return None if partition is None else _blocks(partition, n)

    def parametric(large: Parametric) -> dict[str, Any]:
        if other:
            raise InputError(
                "adaptive, randomized and counted optima need a distribution that can be listed; use a smaller n."
            )
        return large_bounds(task, large, blocks(large.n), samples=samples, seed=seed)

    answer = entropy_route(
        task,
        listed=lambda: _listed_bounds(task, partition, adaptive=adaptive, randomized=randomized, count=count),
        outcomes=lambda parts: with_exact(
            long_bounds(task.name, task.n, parts, blocks(parts[0][1].n), seconds=seconds, seed=seed, say=say)
        ),
        structured=lambda structure: with_exact(
            structured_bounds(task, structure, blocks(structure.n), other=other)
        ),
        parametric=parametric,
        other=other,
    )
    least = answer.get("optimal_bound")
    # the value belongs to the sizes shown; other sizes may lose less by at most the error
    error = 0.0 if "optimal_sizes" in answer else answer.get("errors", {}).get("optimal_bound", 0.0)
    return answer | ({"verdict": verdict(least, error)} if least else {})


def _blocks(partition: str, n: int) -> tuple[tuple[int, ...], ...]:
    if not partition.startswith("equal:"):
        return parse_partition(partition)
    return equal_blocks(n, positive_int(partition.removeprefix("equal:"), "the size of the equal blocks"))


def _listed_bounds(
    task: NamedTask, partition: str | None, *, adaptive: bool, randomized: bool, count: bool
) -> dict[str, Any]:
    contexts = occurring(task.contexts())
    parts = context_pmfs(contexts)
    answer: dict[str, Any] = {"task": task.name, "n": task.n}
    same_length = len({pmf.n for _, pmf in parts}) == 1
    optima: dict[str, Any] = {}  # first, so that the most expensive ones are refused before other work
    errors: dict[str, float] = {}
    pmfs = [pmf for _, pmf in parts]
    checks: list[Callable[[], object]] = [partial(require_table, *pmfs)]
    if randomized and same_length:
        from theory.optima.mixtures.optimal import require_mixtures

        checks.append(partial(require_mixtures, parts))
    if not adaptive:
        require_all(*checks, later=[partial(require_partitions, pmfs[0].n)])
    else:
        from theory.optima.adaptive.contexts import average_bounds
        from theory.optima.adaptive.state_graph import state_graphs
        from theory.optima.adaptive.step_cap import adaptive_error

        graphs = state_graphs(pmfs, *checks)
        weights = [weight for weight, _ in parts]
        optima["adaptive_bound"] = list(average_bounds(list(zip(weights, graphs, strict=True))))
        errors |= _errors(["adaptive_bound"], _mean_error(parts, [adaptive_error(pmf) for _, pmf in parts]))
    if randomized:
        optima |= _randomized(parts) if same_length else {"randomized_bound": None, "randomized_gap": None}
    tables = [(weight, subset_entropies(pmf)) for weight, pmf in parts]
    answer["entropy"] = expectation([(w, _joint(t)) for w, t in tables])
    answer["total_correlation"] = expectation([(w, _total_correlation(t)) for w, t in tables])
    answer["dual_total_correlation"] = expectation([(w, _dual(t)) for w, t in tables])
    if same_length:
        mean = tables[0][1] if len(tables) == 1 else subset_entropies(parts)
        best = optimal_bounds(mean)
        answer["optimal_bound"] = list(best.values)
        answer["optimal_partitions"] = [[list(block) for block in p] for p in best.partitions]
        errors |= _errors(["optimal_bound"], best.error)
        if count:
            answer["optimal_partition_counts"] = list(optimal_partition_counts(mean))
    else:
        answer["optimal_bound"] = answer["optimal_partitions"] = None
    if len(contexts) > 1:
        answer["optimal_bound_by_context"] = list(bounds_by_context(contexts))
    if partition is not None:
        blocks = _blocks(partition, parts[0][1].n)
        if not same_length:
            raise InputError("one partition does not fit contexts of different lengths.")
        check_partition(blocks, parts[0][1].n)
        answer["partition_bound"] = expectation([(w, step_bound(t, blocks)) for w, t in tables])
    own = [0.0 if table.is_exact else table.bound_error for _, table in tables]
    errors |= _errors(_MEANS & answer.keys(), own[0] if len(own) == 1 else _mean_error(parts, own))
    answer |= optima | ({"errors": errors} if errors else {})
    return with_exact(answer)


def _errors(keys: Iterable[str], error: float) -> dict[str, float]:
    return dict.fromkeys(sorted(keys), error) if error else {}


def _mean_error(parts: Sequence[tuple[Fraction, JointPMF]], errors: Sequence[float]) -> float:
    """Return a bound on the error of the mean over contexts of bounds with these errors."""
    if not any(errors):
        return 0.0
    # a mean adds a rounding of each part, of values of at most n log2 N bits
    size = max(pmf.n * log2(max(len(pmf), 2)) for _, pmf in parts)
    inherited = sum(float(weight) * error for (weight, _), error in zip(parts, errors, strict=True))
    return 1.001 * inherited + (len(parts) + 3) * size * 2.0**-52


def _randomized(parts: Sequence[tuple[Fraction, JointPMF]]) -> dict[str, Any]:
    from theory.optima.mixtures.optimal import optimal_mixtures

    best = optimal_mixtures(parts[0][1] if len(parts) == 1 else parts)
    # exact forms of other mixtures have weights of 48 bits and are not shown
    bounds = [b.kl if b.is_optimal else float(b.kl) for b in best]
    return {"randomized_bound": bounds, "randomized_gap": [b.gap for b in best]}


def schedule_answer(task: NamedTask, *, samples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order, averaged over contexts.

    Distributions too long to list are answered through their structure (:mod:`theory.decoding.structured`) where the
    task has one.
    """
    own: dict[str, Any] = {"samples": samples, "seed": seed}
    return entropy_route(
        task,
        listed=lambda: _listed_schedule(task),
        outcomes=lambda parts: long_schedule(task.name, task.n, parts, **own),
        structured=lambda structure: structured_schedule(task, structure),
        parametric=lambda large: large_schedule(task, large, **own),
    )


def _listed_schedule(task: NamedTask) -> dict[str, Any]:
    from theory.bounds.schedules.wainwright import best_wainwright_bounds

    curve = information_curve(subset_entropies(context_pmfs(task.contexts())))
    best = optimal_sizes(curve)
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "information_curve": list(curve.z)}
    answer |= {"optimal_sizes": [list(sizes) for sizes in best.sizes], "expected_kl": list(best.values)}
    if not curve.is_exact:
        answer["errors"] = {"information_curve": curve.error_of(4), "expected_kl": best.error}
    bounds = best_wainwright_bounds(curve.floats(), curve.n)
    answer["wainwright_bound"] = [b and nextafter(b.value + b.error, inf) for b in bounds]
    return with_exact(answer)


def _joint(table: EntropyTable) -> Any:
    full = (1 << table.n) - 1
    return table.exact(full) if table.is_exact else float(table.h[full])


def _total_correlation(table: EntropyTable) -> Any:
    return step_bound(table, [range(table.n)])


def _dual(table: EntropyTable) -> Any:
    # D = H - sum_i (H - H(without i))
    full = (1 << table.n) - 1
    others = [full ^ (1 << i) for i in range(table.n)]
    if table.is_exact:
        total = table.exact(full) * (1 - table.n)
        return sum((table.exact(mask) for mask in others), total)
    return float(table.h[others].sum() - (table.n - 1) * table.h[full])
