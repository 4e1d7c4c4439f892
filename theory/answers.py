"""The answers of ``python -m theory``: dictionaries with the keys that machines read."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import inf, log2, nextafter
from typing import Any, Protocol

from theory._checks import InputError, positive_int
from theory.bounds import check_partition, optimal_bounds, optimal_partition_counts, step_bound
from theory.entropy_table import EntropyTable
from theory.expectation import HasContexts, bounds_by_context, decode_contexts, expectation
from theory.large.answers import (
    equal_blocks,
    listed_or_structured,
    structure_of,
    structured_bounds,
    structured_schedule,
)
from theory.large.closed import closed_law
from theory.large.decode import NotKnownError
from theory.large.decode_estimate import check_states, sampled_decode
from theory.large.gaps import Gaps
from theory.law import context_pmfs
from theory.limits import CostError
from theory.lognumber import LogNumber, ratio_text
from theory.pmf import JointPMF
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.structured.answers import large_bounds, large_law, large_schedule
from theory.structured.decode_answers import Structured, large_decode
from theory.subsets import subset_entropies
from theory.task_steps import steps_law_answer
from theory.temper import settings_of

__all__ = [
    "NamedTask",
    "bounds_answer",
    "decode_answer",
    "frontier_answer",
    "parse_partition",
    "schedule_answer",
]


class NamedTask(HasContexts, Protocol):
    """A task with a name and a size."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def n(self) -> int:
        """Its size."""
        ...


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
) -> dict[str, Any]:
    """Return entropies and lower bounds of a task, averaged over its contexts.

    Args:
        task: The task.
        partition: An ordered partition to price, as ``0,1|2,3``, or ``equal:k``: k positions at a time from the left.
        adaptive: Also ``V_T``, the least KL of policies that look at the tokens, with at most T steps on every path.
        randomized: Also the least KL of mixtures of T-step partitions, with the proven gap to the optimum.
        count: Also the number of optimal partitions for each T.
        samples: How many to draw where a law given by parameters (:mod:`theory.structured`) is too large for exact
            numbers.
        seed: Their seed.

    Laws too long to list are answered through their structure (:mod:`theory.large`) where the task has one.
    """
    if (large := _parametrised(task)) is not None:
        if adaptive or randomized or count:
            raise InputError(
                "adaptive, randomized and counted optima need a law that can be listed; use a smaller n."
            )
        blocks = None if partition is None else _blocks(partition, large.n)
        return large_bounds(task, large, blocks, samples=samples, seed=seed)
    other = adaptive or randomized or count
    return listed_or_structured(
        task,
        lambda: _listed_bounds(task, partition, adaptive=adaptive, randomized=randomized, count=count),
        lambda structure: _with_exact(
            structured_bounds(
                task, structure, None if partition is None else _blocks(partition, structure.n), other=other
            )
        ),
        other=other,
    )


def _parametrised(task: NamedTask) -> Structured | None:
    """Return the large law given by parameters; a task with known subset entropies needs none, and lists nothing."""
    return None if structure_of(task) is not None else large_law(task)


def _blocks(partition: str, n: int) -> tuple[tuple[int, ...], ...]:
    if not partition.startswith("equal:"):
        return parse_partition(partition)
    return equal_blocks(n, positive_int(partition.removeprefix("equal:"), "the size of the equal blocks"))


def _listed_bounds(
    task: NamedTask, partition: str | None, *, adaptive: bool, randomized: bool, count: bool
) -> dict[str, Any]:
    contexts = task.contexts()
    parts = context_pmfs(contexts)
    answer: dict[str, Any] = {"task": task.name, "n": task.n}
    same_length = len({pmf.n for _, pmf in parts}) == 1
    optima: dict[str, Any] = {}  # first, as they cost most: they refuse before any other work
    if adaptive:
        from theory.adaptive import average_bounds
        from theory.adaptive.cap import adaptive_error

        optima["adaptive_bound"] = list(average_bounds(parts))
        if error := sum(float(weight) * adaptive_error(pmf) for weight, pmf in parts):
            # a mean adds a rounding of each part, of values of at most n log2 N bits
            size = max(pmf.n * log2(max(len(pmf), 2)) for _, pmf in parts)
            optima["errors"] = {"adaptive_bound": 1.001 * error + (len(parts) + 3) * size * 2.0**-52}
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
        if count:
            answer["optimal_partition_counts"] = list(optimal_partition_counts(mean))
    else:
        answer["optimal_bound"] = answer["optimal_partitions"] = None
    if len(contexts) > 1:
        by_context = bounds_by_context(contexts)
        answer["optimal_bound_by_context"] = None if by_context is None else list(by_context)
    if partition is not None:
        blocks = _blocks(partition, parts[0][1].n)
        if not same_length:
            raise InputError("one partition does not fit contexts of different lengths.")
        check_partition(blocks, parts[0][1].n)
        answer["partition_bound"] = expectation([(w, step_bound(t, blocks)) for w, t in tables])
    answer |= optima
    if not all(table.is_exact for _, table in tables):
        answer["error"] = max(
            table.bound_error for _, table in tables
        )  # bits, of every float above but the optima
    return _with_exact(answer)


def _randomized(parts: Sequence[tuple[Fraction, JointPMF]]) -> dict[str, Any]:
    from theory.mixtures import optimal_mixtures

    best = optimal_mixtures(parts[0][1] if len(parts) == 1 else parts)
    # an exact form is worth showing only of an exact optimum: others have weights of 48 bits
    bounds = [b.kl if b.is_optimal else float(b.kl) for b in best]
    return {"randomized_bound": bounds, "randomized_gap": [b.gap for b in best]}


def schedule_answer(task: NamedTask, *, samples: int = 2000, seed: int = 0) -> dict[str, Any]:
    """Return the information curve and the best block sizes in random order, averaged over contexts.

    Laws too long to list are answered through their structure (:mod:`theory.large`) where the task has one.
    """
    if (large := _parametrised(task)) is not None:
        return large_schedule(task, large, samples=samples, seed=seed)
    return listed_or_structured(
        task, lambda: _listed_schedule(task), lambda structure: structured_schedule(task, structure)
    )


def _listed_schedule(task: NamedTask) -> dict[str, Any]:
    from theory.partition_bound import best_partition_bounds
    from theory.random_order import information_curve, optimal_sizes

    curve = information_curve(subset_entropies(context_pmfs(task.contexts())))
    best = optimal_sizes(curve)
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "information_curve": list(curve.z)}
    answer |= {"optimal_sizes": [list(sizes) for sizes in best.sizes], "expected_kl": list(best.values)}
    if not curve.is_exact:
        answer["error"] = max(curve.error_of(2 * curve.n + 1), best.error)  # bits, of every float above
    bounds = best_partition_bounds(curve.floats(), curve.n)
    answer["partition_bound"] = [b and nextafter(b.value + b.error, inf) for b in bounds]
    return _with_exact(answer)


def frontier_answer(task: NamedTask) -> dict[str, Any]:
    """Return the exact lower hull of (expected steps, KL) over all adaptive policies, and the serial depth.

    Steps are expected along runs driven by the data; ``steps_of_runs`` are those of the decoder's own runs.
    """
    from theory.adaptive import average_depth, average_frontier, state_graph

    if _parametrised(task) is not None:
        raise InputError(
            f"the frontier needs a law that can be listed, and {task.name} is too large; use bounds (best fixed "
            "blocks), decode (any rule, sampled), or a smaller -n."
        )
    graphs = [(weight, state_graph(pmf)) for weight, pmf in context_pmfs(task.contexts())]
    vertices = average_frontier(graphs).vertices
    depth = average_depth(graphs)
    answer: dict[str, Any] = {"task": task.name, "n": task.n}
    answer["vertices"] = [
        {"steps": v.steps_under_data, "kl": v.kl, "steps_of_runs": v.steps} for v in vertices
    ]
    answer["serial_depth"] = {"expected": depth.expected, "worst_case": depth.worst_case}
    structure = structure_of(task)
    if isinstance(structure, Gaps) and structure.kind == "walk":
        from theory.walk_rounds import walk_rounds

        # below the expected one at any n
        answer["serial_depth"] = {**answer["serial_depth"], "at_least": walk_rounds(structure.n)}
    answer |= {"errors": {"serial_depth": depth.error}} if depth.error else {}  # of the expected one
    exact_vertices = [{key: _text(value) for key, value in v.items()} for v in answer["vertices"]]
    if all(isinstance(v.kl, LogNumber) for v in vertices):
        rounds = answer["serial_depth"].items()
        exact_depth = {name: _text(value) for name, value in rounds if name != "worst_case"}
        answer["exact"] = {"vertices": exact_vertices, "serial_depth": exact_depth}
    return answer


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


def decode_answer(
    task: NamedTask, policy: Policy | Process, *, samples: int = 2000, seed: int = 0, **switches: Any
) -> dict[str, Any]:
    """Return the exact decode of a task: accuracy, kl, path_kl, steps and the rationals behind them.

    Laws too large to list are decoded by samples (:mod:`theory.structured.decode_answers`,
    :mod:`theory.large.decode_estimate`), and the answer says so.
    """
    if (large := _parametrised(task)) is not None:
        return large_decode(task, large, policy, samples=samples, seed=seed, **switches)
    structure = structure_of(task)
    try:
        if structure is not None and closed_law(task) is not None:
            check_states(structure.n, policy, switches)
        result = decode_contexts(task, policy, **switches)
    except (NotKnownError, CostError):
        law = closed_law(task)
        if law is None:
            raise
        own: dict[str, Any] = {"samples": samples, "seed": seed}
        return _with_exact(sampled_decode(task, law, structure, policy, **own, **switches))
    answer: dict[str, Any] = {
        "task": task.name,
        "n": task.n,
        "policy": str(policy),
        **settings_of(switches),
        "accuracy": result.accuracy,
        "kl": result.kl,
        "path_kl": result.path_kl,
        "steps": result.steps,
        "steps_under_data": result.steps_under_data,
        "tokens_per_step": result.tokens_per_step,
    }
    found = steps_law_answer(task, policy, **switches)
    errors = {**result.errors, **found.pop("errors", {})}
    return _with_exact(answer | ({"errors": errors} if errors else {}) | found)


def _with_exact(answer: dict[str, Any]) -> dict[str, Any]:
    """Add the exact forms as text, where there are any."""
    exact: dict[str, Any] = {}
    for key, value in answer.items():
        if (
            isinstance(value, list)
            and value
            and all(isinstance(item, (LogNumber, Fraction)) for item in value)
        ):
            exact[key] = [_text(item) for item in value]
        elif isinstance(value, (LogNumber, Fraction)):
            exact[key] = _text(value)
        elif key.startswith("steps_law") and value and all(isinstance(p, Fraction) for _, p in value):
            exact[key] = [[calls, _text(p)] for calls, p in value]
    return {**answer, "exact": exact} if exact else answer


def _text(value: Any) -> str:
    return ratio_text(value) if isinstance(value, Fraction) else str(value)
