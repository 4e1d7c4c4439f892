"""Answers as objects, with tables, LaTeX and plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from parabounds.notebook import frame, table
from parabounds.numbers import latex, latex_name
from parabounds.views import Sheet, view_of
from theory.commands.answer import joined
from theory.commands.bounds import bounds_answer, parse_partition, schedule_answer
from theory.commands.decode import decode_answer
from theory.commands.frontier import full_frontier
from theory.commands.policy import policy_answer
from theory.commands.rule_points import registry_points
from theory.commands.rules import realised_answer
from theory.decoding.tasks.float_task import as_floats
from theory.distributions.distribution import context_pmfs
from theory.policies.given import PolicyLike, as_policy
from theory.validation import InputError, positive_int

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "Bounds",
    "DecodeResult",
    "Result",
    "ask_audit",
    "ask_bounds",
    "ask_decode",
    "ask_estimate",
    "ask_frontier",
    "ask_policy",
    "ask_schedule",
    "noted",
]

SHOWN_ROWS = 12


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """One answer. Its entries, the keys of the command's ``--json``, are attributes and items.

    Attributes:
        kind: ``bounds``, ``decode``, ...
        answer: The dictionary that the command prints with ``--json``, with exact numbers.
        source: What was asked about.
    """

    kind: str
    answer: Mapping[str, Any]
    source: Any = None

    def __getattr__(self, key: str) -> Any:
        """Return an entry of the answer."""
        if not key.startswith("_") and key in self.answer:
            return self.answer[key]
        raise AttributeError(f"{self.kind} has no {key!r}; it has {', '.join(self.answer)}")

    def __getitem__(self, key: str) -> Any:
        """Return an entry of the answer."""
        return self.answer[key]

    def __dir__(self) -> list[str]:
        """Return the entries with the methods."""
        return [*super().__dir__(), *self.answer]

    @property
    def view(self) -> Sheet:
        """The answer as a headline, facts and rows."""
        return view_of(self.kind, self.answer)

    def __repr__(self) -> str:
        """Return one line."""
        return f"{self.kind.capitalize()}({self.view.title}: {self.view.headline})"

    def _repr_html_(self) -> str:
        return table(self.view, SHOWN_ROWS)

    def _repr_latex_(self) -> str | None:
        lines = [rf"{latex_name(name)} &= {latex(value)}" for name, value in self.view.exact()]
        body = r" \\ ".join(lines[:SHOWN_ROWS])
        return rf"$$\begin{{aligned}}{body}\end{{aligned}}$$" if lines else None

    def to_dataframe(self) -> Any:
        """Return the rows as a pandas data frame, exact numbers as they are.

        Raises:
            InputError: Without pandas: ``pip install 'parabounds[notebook]'``.
        """
        return frame(self.view.values)

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the answer and return the Axes.

        Args:
            ax: Where to draw; by default a new figure.
        """
        from parabounds.plots import plot

        return plot(self.kind, self.answer, ax)


class Bounds(Result):
    """Bounds of a task."""

    def at(self, steps: int) -> Any:
        """Return ``L*_T``, the least loss of T = ``steps`` fixed blocks, in bits; of many positions its bracket."""
        bounds = self.answer.get("optimal_bound") or self.answer.get("optimal_bounds")
        if bounds is None:
            raise InputError("no bound by steps is known here; contexts differ in length, or n is too large.")
        if positive_int(steps, "steps") > len(bounds):
            raise InputError(
                f"steps must be between 1 and {len(bounds)}, the number of positions, got {steps}."
            )
        return bounds[steps - 1]


@dataclass(frozen=True, eq=False, repr=False)
class DecodeResult(Result):
    """What a policy gives.

    Attributes:
        policy_object: The policy.
        switches: Those that are not the default.
    """

    policy_object: Any = None
    switches: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def wrong(self, top: int = 5) -> list[tuple[tuple[Any, ...], Any]]:
        """Return the most probable impossible answers with their probabilities, the mean over contexts.

        Example:
            >>> from parabounds import pmf
            >>> pmf([("New", "York"), ("Mexico", "City")]).decode("topk:k=2").wrong()
            [(('Mexico', 'York'), Fraction(1, 4)), (('New', 'City'), Fraction(1, 4))]
        """
        from theory.decoding.output import output_distribution

        found: dict[tuple[Any, ...], Any] = {}
        for weight, pmf in context_pmfs(self.source.contexts()):
            possible = set(pmf.outcomes)
            for answer, q in output_distribution(pmf, self.policy_object, **self.switches).items():
                if answer not in possible and q:
                    found[answer] = found.get(answer, 0) + weight * q
        return sorted(found.items(), key=lambda pair: (-pair[1], str(pair[0])))[:top]


def ask_audit(
    rules: Sequence[str], masked: int, steps: int | None = None, made: Any = None, **switches: Any
) -> Result:
    """Return what the settings of rules do; those of several are under ``settings``."""
    answer, *others = [realised_answer(rule, masked, steps, made, **switches) for rule in rules]
    return Result("audit", {"settings": [answer, *others]} if others else answer)


def ask_bounds(task: Any, partition: str | None = None, *, float: bool = False, **options: Any) -> Bounds:
    """Return bounds with their verdict; ``float`` asks for rounded numbers, as for files of floats."""
    answer = bounds_answer(as_floats(task, wanted=float), partition, **options)
    return Bounds("bounds", noted(answer, task), task)


def ask_decode(task: Any, policy: PolicyLike, **switches: Any) -> DecodeResult:
    """Return a decode."""
    rule = as_policy(policy)
    answer = noted(decode_answer(as_floats(task), rule, **switches), task)
    own = {key: value for key, value in switches.items() if key not in ("samples", "seed")}
    return DecodeResult("decode", answer, task, rule, own)


def ask_schedule(task: Any, *, float: bool = False, **options: Any) -> Result:
    """Return the best block sizes in random order."""
    return Result("schedule", noted(schedule_answer(as_floats(task, wanted=float), **options), task), task)


def ask_frontier(
    task: Any,
    *,
    within: str | None = None,
    entropy: str | None = None,
    rules: bool = False,
    seconds: float = 60.0,
    say: Callable[[str], None] | None = None,
    report: Callable[[int, int], None] | None = None,
    **runs: Any,
) -> Result:
    """Return the frontier, with the best fixed blocks beside it and what else was asked for.

    Args:
        task: A task.
        within: Epsilon, bits, see :func:`theory.commands.frontier.asked_answer`.
        entropy: h, bits, as there.
        rules: Whether the registered rules are shown as points; they are with ``samples``, and
            where nothing is known of the optimum.
        seconds: For brackets of the best fixed blocks of many positions.
        say: Called with a line on their progress.
        report: Called with how many of how many rules are done.
        **runs: ``samples`` and ``seed`` of the rules that are sampled.
    """
    rounded = as_floats(task)
    answer = full_frontier(
        rounded,
        bounds=cache(partial(bounds_answer, rounded, seconds=seconds, say=say)),
        points=partial(registry_points, partial(decode_answer, rounded), report=report, **runs),
        rules=rules or runs.get("samples") is not None,
        within=within,
        entropy=entropy,
    )
    return Result("frontier", noted(answer, task), task)


def ask_policy(task: Any, steps: int | None = None) -> Result:
    """Return the best policy."""
    rounded = as_floats(task)
    return Result("policy", noted(policy_answer(rounded, steps), task), task)


def ask_estimate(
    seen: Any, partition: str | None = None, *, policies: Sequence[str] = (), seed: int = 0
) -> Result:
    """Return estimates from samples."""
    from theory.bounds.partitions.partition import check_partition
    from theory.commands.estimate import estimate_answer

    blocks = None if partition is None else check_partition(parse_partition(partition), seen.n)
    return Result("estimate", estimate_answer(seen, blocks, policies=policies, seed=seed))


def noted(answer: dict[str, Any], task: Any) -> dict[str, Any]:
    """Return an answer with the note of a task, such as how the numbers of its file were read."""
    note = getattr(task, "note", "")  # of a file, on how its numbers were taken
    return joined(answer, {"notes": {"task": note}}) if note else answer
