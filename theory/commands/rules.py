"""Results of ``parabounds rules`` and ``realised`` as dictionaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from theory.commands.answer import with_exact
from theory.decoding.tasks.block_padding import PaddedTask, padding
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import Realised, loop_calls, lumped_form, realised, realised_on
from theory.distributions.distribution import HasContexts
from theory.limits import CostError
from theory.policies.policy import Policy, parse_policy, registered_policies
from theory.policies.process import Process
from theory.validation import InputError, positive_int

__all__ = ["realised_answer", "rules_answer", "rules_table", "with_steps"]


def rules_answer() -> list[dict[str, Any]]:
    """Return one dictionary per registered rule: name, example, formula, source, release, switches, cost, kind."""
    return [
        {
            "name": name,
            "example": cls.example,
            "formula": cls.formula,
            "source": cls.source,
            "release": cls.release,
            "switches": [f.name for f in fields(cls)],
            "cost": cls.cost,
            "kind": _kind(cls),
        }
        for name, cls in registered_policies().items()
    ]


def rules_table() -> str:
    """Return the rules as a Markdown table, as in ``docs/rules.md``."""
    lines = ["| rule | takes | source | release | switches | kind | work per step |", "|---" * 7 + "|"]
    for row in rules_answer():
        switches = ", ".join(f"`{name}`" for name in row["switches"])
        formula = row["formula"].replace("|", "\\|")
        cells = [
            f"`{row['example']}`",
            formula,
            row["source"],
            row["release"],
            switches,
            row["kind"],
            row["cost"],
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _kind(cls: Any) -> str:
    if issubclass(cls, Process):
        return "rule with memory"
    return "policy with a clock" if cls.clocked else "policy"


def with_steps(spec: str, steps: int | None) -> str:
    """Return the specification with the number of steps added.

    Raises:
        InputError: If the rule takes none, or has its own.

    Example:
        >>> with_steps("dream:eps=1e-3", 10)
        'dream:eps=1e-3,steps=10'
    """
    if steps is None:
        return spec
    name, _, rest = spec.strip().partition(":")
    if name in registered_policies():
        if "steps" not in {f.name for f in fields(registered_policies()[name])}:
            raise InputError(f"policy {name!r} takes no number of steps; leave --steps out.")
    elif rest.partition(":")[0].isidentifier():  # a user's rule, module:attribute
        attribute, _, rest = rest.partition(":")
        name = f"{name}:{attribute}"
    if any(part.partition("=")[0].strip() == "steps" for part in rest.split(",")):
        raise InputError(
            f"policy {spec!r} has its own number of steps; leave --steps out, or steps= in the rule."
        )
    return f"{name}:{rest},steps={steps}" if rest else f"{name}:steps={steps}"


def realised_answer(
    rule: str,
    masked: int,
    steps: int | None = None,
    task: Callable[[int | None], HasContexts] | None = None,
    **switches: Any,
) -> dict[str, Any]:
    """Return what a decoder's settings really do.

    Args:
        rule: A policy specification.
        masked: Number of masked positions.
        steps: T, if the rule has it and the specification does not.
        task: Makes the task of a size, for the accuracy of a perfect model. Without it the sizes of the rule must
            follow from the settings alone.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    A rule whose block length does not divide ``masked`` also gets the entries ``padded_...``: those of a sequence
    filled up to whole blocks (:mod:`theory.decoding.tasks.block_padding`).

    Example:
        >>> realised_answer("dream:eps=1e-3", 10, 5)["tokens_per_call"]
        [1, 2, 2, 2, 3]
        >>> found = realised_answer("topk:k=2,block=4", 5)
        >>> found["model_calls"], found["padded_masked"], found["padded_model_calls"]
        (3, 8, 4)
    """
    masked = positive_int(masked, "masked", at_most=10**5)
    policy = parse_policy(with_steps(rule, steps))
    made = None if task is None else _of_length(task, masked)
    answer: dict[str, Any] = {"rule": str(policy), "masked": masked}
    answer |= _entries(policy, masked, made, switches)
    notes: dict[str, str] = {}
    if more := padding(policy, masked):
        answer["padded_masked"] = masked + more
        try:
            filled = _padded(policy, masked + more, made, more, switches)
        except CostError as error:  # what was asked for is known
            filled, notes["padded_masked"] = {}, f"not computed: {error}"
        errors = answer.get("errors", {}) | filled.pop("errors", {})
        answer |= filled | ({"errors": errors} if errors else {})
    if note := getattr(made, "note", ""):  # how the numbers of a file were read
        notes["accuracy"] = note
    return with_exact(answer | ({"notes": notes} if notes else {}))


def _padded(
    policy: Policy | Process, masked: int, task: HasContexts | None, more: int, switches: dict[str, Any]
) -> dict[str, Any]:
    """Return the entries of a sequence with ``more`` positions of padding, all but ``errors`` named so."""
    filled = _entries(policy, masked, None if task is None else PaddedTask(task, more), switches)
    errors = {f"padded_{key}": error for key, error in filled.pop("errors", {}).items()}
    return {f"padded_{key}": value for key, value in filled.items()} | ({"errors": errors} if errors else {})


def _entries(
    policy: Policy | Process, masked: int, task: HasContexts | None, switches: dict[str, Any]
) -> dict[str, Any]:
    """Return the calls of a rule on so many positions, and with a task what a perfect model does."""
    alone = realised(policy, masked)
    if task is None:
        if alone is None:
            raise InputError(f"how many tokens {policy} decodes depends on the task; name one with --task.")
        return _sizes(alone, loop_calls(policy, masked))
    result = decode_contexts(task, lumped_form(policy, masked), **switches)
    found = alone or realised_on(task, policy, **switches)
    answer: dict[str, Any] = _sizes(found, loop_calls(policy, masked))
    answer |= {"accuracy": result.accuracy, "kl": result.kl}
    errors = {key: result.errors[key] for key in ("accuracy", "kl") if key in result.errors}
    errors |= answer.get("errors", {})
    return answer | ({"errors": errors} if errors else {})


def _sizes(found: Realised, loop: int | None) -> dict[str, Any]:
    """Return the entries of the calls; ``loop`` is the number of calls of the released loop, if it makes more."""
    idle = sum(size == 0 for size in found.sizes)
    entries = {"tokens_per_call": list(found.sizes), "model_calls": found.calls, "idle_calls": idle}
    errors = dict(found.errors)
    if loop is not None:
        entries["calls_after"] = loop - found.calls
        errors |= {"calls_after": errors["model_calls"]} if "model_calls" in errors else {}
    return entries | ({"errors": errors} if errors else {})


def _of_length(task: Callable[[int | None], HasContexts], masked: int) -> HasContexts:
    """Return the task whose outcomes have ``masked`` positions; insertions and removals shift the size by one."""
    refused: list[InputError] = []
    sizes = (masked, masked - 1, masked + 1, None)  # None for a task of fixed size
    for n in sizes:
        if n is None and len(refused) < len(sizes) - 1:
            break
        try:
            made = task(n)
        except InputError as error:
            refused.append(error)
            continue
        if all(context.distribution.n == masked for context in made.contexts()):
            return made
    if len(refused) == len(sizes):  # the task itself is wrong, not its length
        raise refused[0]
    raise InputError(f"the task has no size at which {masked} positions are masked; change --masked.")
