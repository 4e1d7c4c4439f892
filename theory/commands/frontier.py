"""Result of ``parabounds frontier``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from math import prod
from typing import Any

from theory.bounds.accuracy.diversity import most_accurate, most_accurate_of_any
from theory.bounds.accuracy.diversity_bracket import bracket_accuracy
from theory.commands.answer import NamedTask, exact_text, joined
from theory.commands.frontier_brackets import depth_entry, frontier_brackets
from theory.decoding.tasks.route import parametric_only, structure_of
from theory.distributions.distribution import HasContexts, context_pmfs
from theory.distributions.pmf import JointPMF
from theory.information.curves.gap_structures import Gaps
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import Frontier
from theory.optima.adaptive.state_graph import state_graphs
from theory.validation import InputError, exact_fraction

__all__ = ["asked_answer", "frontier_answer", "frontier_or_brackets", "full_frontier"]

_MOST_BITS = 10**9  # more than any listed distribution has


def frontier_answer(task: NamedTask) -> dict[str, Any]:
    """Return the exact lower hull of (expected steps, KL) over all adaptive policies, and the serial depth.

    Steps are expected along runs driven by the data; ``steps_of_runs`` are those of the decoder's own runs.
    """
    from theory.optima.adaptive.contexts import average_depth, average_frontier

    if parametric_only(task) is not None:
        raise CostError(
            f"the frontier needs a distribution that can be listed, and {task.name} is too large; use bounds "
            "(best fixed blocks), decode (any rule, sampled), or a smaller -n."
        )
    parts = context_pmfs(task.contexts())
    graphs = list(zip([weight for weight, _ in parts], state_graphs([pmf for _, pmf in parts]), strict=True))
    front = average_frontier(graphs)
    vertices = front.vertices
    depth = average_depth(graphs)
    answer: dict[str, Any] = {"task": task.name, "n": task.n}
    answer["vertices"] = [
        {"steps": v.steps_under_data, "kl": v.kl, "steps_of_runs": v.steps} for v in vertices
    ]
    answer["serial_depth"] = {"expected": depth.expected, "worst_case": depth.worst_case}
    structure = structure_of(task)
    if isinstance(structure, Gaps) and structure.kind == "walk":
        from theory.bounds.rounds.bernoulli_walk import walk_rounds

        # a lower bound at any n
        answer["serial_depth"] = {**answer["serial_depth"], "at_least": walk_rounds(structure.n)}
    if errors := _errors(front, depth.error):
        answer["errors"] = errors
    exact_vertices = [{key: exact_text(value) for key, value in v.items()} for v in answer["vertices"]]
    if all(isinstance(v.kl, LogNumber) for v in vertices):
        rounds = answer["serial_depth"].items()
        exact_depth = {name: exact_text(value) for name, value in rounds if name != "worst_case"}
        answer["exact"] = {"vertices": exact_vertices, "serial_depth": exact_depth}
    return answer


def _errors(front: Frontier, depth: float) -> dict[str, Any]:
    """Return bounds on the errors of floats: the expected serial depth, and of the curve in KL at any steps."""
    found: dict[str, Any] = {"serial_depth": depth} if depth else {}
    if front.error:
        runs = max(v.steps_error for v in front.vertices)
        found["vertices"] = {"kl": front.error, "steps_of_runs": runs}
    return found


def frontier_or_brackets(task: NamedTask, bounds: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the frontier, or brackets of it where it is too costly.

    Args:
        task: A task.
        bounds: Gives the result of ``bounds``.
    """
    try:
        return frontier_answer(task)
    except CostError as refused:
        return frontier_brackets(task, bounds(), refused)


def full_frontier(
    task: NamedTask,
    *,
    bounds: Callable[[], dict[str, Any]],
    points: Callable[[list[dict[str, Any]]], tuple[list[dict[str, Any]], list[dict[str, str]]]],
    rules: bool = False,
    within: str | None = None,
    entropy: str | None = None,
) -> dict[str, Any]:
    """Return the frontier, or brackets of it, with the best fixed blocks beside it and what else was asked for.

    Args:
        task: A task, rounded as for ``bounds``.
        bounds: Gives the result of ``bounds``.
        points: Gives the registered rules as points beside the vertices, and those that are left out, as
            :func:`theory.commands.rule_points.registry_points` does.
        rules: Whether these are shown; they are where not even brackets are known.
        within: Epsilon, bits, as of :func:`asked_answer`.
        entropy: h, bits, as there.

    Raises:
        CostError: If not even one rule can be placed.
    """
    asked = asked_answer(task, within=within, entropy=entropy, bounds=bounds)
    refused: CostError | None = None
    answer: dict[str, Any] = {"task": task.name, "n": task.n, "vertices": [], "serial_depth": None}
    try:
        answer = frontier_or_brackets(task, bounds)
    except CostError as error:
        refused = error
        why = f"the optimum of all policies is not known here: {error.advice}"
        answer["notes"] = {"vertices": why}
    answer = joined(answer, asked) | _fixed_blocks(bounds)
    if rules or refused is not None:
        found, left_out = points(answer["vertices"])
        if refused is not None and not found and not answer["optimal_bound"]:
            raise refused  # nothing is known
        answer |= {"rules": found, "rules_left_out": left_out}
    return answer


def _fixed_blocks(bounds: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """Return ``L*_T``, or brackets of it, without the estimates of what is too large for both."""
    try:
        found = bounds()
    except CostError:
        return {"optimal_bound": None}
    brackets = found.get("optimal_bounds")
    return {"optimal_bound": found.get("optimal_bound")} | ({"optimal_bounds": brackets} if brackets else {})


def asked_answer(
    task: NamedTask,
    *,
    within: str | None,
    entropy: str | None,
    bounds: Callable[[], dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the requested entries, with their ``exact`` forms and ``errors``.

    Args:
        task: A task with one context.
        within: Epsilon, bits: ``depth_within`` holds the fewest steps, ``expected`` and ``worst_case``.
        entropy: h, bits: ``diversity`` has the ``accuracy`` of a one-step decoder of entropy h or more, the ``ceiling``
            of all such, and ``of_any_distribution``, that of any decoder.
        bounds: Gives the result of ``bounds``, for brackets where the optimum is too costly; without it that is raised.

    Example:
        >>> from synthetic import make_task
        >>> asked_answer(make_task("shuffle", 3), within="1", entropy=None)["depth_within"]["worst_case"]
        2
    """
    if within is None and entropy is None:
        return {}
    answer = dict[str, Any]()
    _require_one(task)
    if within is not None:
        epsilon = _bits(within, "epsilon")
        try:
            answer = _within(task, epsilon)
        except CostError as refused:
            if bounds is None:
                raise
            answer = depth_entry(task, bounds(), epsilon, refused)
    return joined(answer, _diversity(task, _bits(entropy, "entropy"))) if entropy is not None else answer


def _within(task: HasContexts, epsilon: Fraction) -> dict[str, Any]:
    depth = depth_within(_only_pmf(task), epsilon)
    shown = {"epsilon": epsilon, "expected": depth.expected, "worst_case": depth.worst_case}
    answer: dict[str, Any] = {"depth_within": shown}
    if isinstance(depth.expected, Fraction):
        answer["exact"] = {"depth_within": {"expected": exact_text(depth.expected)}}
    elif depth.error:
        answer["errors"] = {"depth_within": depth.error}
    return answer


def _diversity(task: HasContexts, least: Fraction) -> dict[str, Any]:
    pmf, notes = _only_pmf(task), dict[str, str]()
    total = prod(map(len, pmf.alphabets))
    try:
        point = most_accurate(pmf, least)
        ends = point.accuracy, point.ceiling
    except CostError as refused:
        ends = bracket_accuracy(pmf, least)
        notes = {"diversity": f"a wide bracket: {refused.advice}"}
    of_any = most_accurate_of_any(len(pmf), total, least)[1]
    shown = {"entropy": least, "accuracy": ends[0], "ceiling": ends[1], "of_any_distribution": of_any}
    return {"diversity": shown} | ({"notes": notes} if notes else {})


def _bits(text: str, name: str) -> Fraction:
    value = exact_fraction(text, name)
    if value > _MOST_BITS:
        raise InputError(f"{name} must be at most {_MOST_BITS} bits, got {text}.")
    return value


def _require_one(task: HasContexts) -> None:
    if (count := len(task.contexts())) > 1:
        raise InputError(
            f"--within and --entropy need a task with one context, got {count}; ask about one of them."
        )


def _only_pmf(task: HasContexts) -> JointPMF:
    return task.contexts()[0].distribution.pmf()
