"""Answers as a headline, facts with units, and rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from parabounds.audit_view import audit_view, audits_view
from parabounds.bench_view import bench_view
from parabounds.bounds_view import bounds_view
from parabounds.compare_view import compare_view
from parabounds.estimate_view import estimate_view
from parabounds.frontier_view import frontier_view
from parabounds.lists_view import rules_view, tasks_view
from parabounds.numbers import number, share, with_unit
from theory.numbers.lognumber import LogNumber
from theory.validation import shortened

__all__ = ["Sheet", "view_of"]

Answer = Mapping[str, Any]
_ROUNDING = 1e-9  # of a quotient of floats times its divisor


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is shown of an answer.

    Attributes:
        title: What was asked about.
        headline: The answer in one sentence.
        facts: (name, value, unit) of single numbers.
        columns: Heads of the rows, with units.
        rows: Texts.
        values: The rows as numbers, by name, for data frames and CSV.
        forms: (name, exact number).
        notes: Lines below.
        folded: Whether a long table is cut.
    """

    title: str
    headline: str
    facts: list[tuple[str, Any, str]] = field(default_factory=list[tuple[str, Any, str]])
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    values: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    forms: list[tuple[str, Any]] = field(default_factory=list[tuple[str, Any]])
    notes: list[str] = field(default_factory=list[str])
    folded: bool = True

    def exact(self) -> list[tuple[str, Any]]:
        """Return the names and values of all exact numbers."""
        found = [
            (name, value) for name, value, unit in self.facts if unit
        ] + self.forms  # counts need no form
        return [(name, value) for name, value in found if isinstance(value, (Fraction, LogNumber, int))]


def view_of(kind: str, answer: Answer) -> Sheet:
    """Return the view of an answer."""
    return _VIEWS[kind](answer)


def _title(answer: Answer) -> str:
    name = Path(str(answer["task"])).name
    count = _positions(answer)
    other = f" ({count} positions)" if count and count != answer["n"] else ""
    return f"{name}, n = {answer['n']}{other}"


def _positions(answer: Answer) -> int:
    """Return the number of positions of an answer where it follows from its entries, else 0."""
    for key in ("optimal_bound", "optimal_bounds", "expected_kl"):
        if answer.get(key):
            return len(answer[key])
    for row in answer.get("policies", ()):
        if "decisions" in row:  # of a best policy; every position is revealed by one
            return 1 + max(i for decision in row["decisions"] for i in decision["block"])
    for row in [answer, *answer.get("policies", ())]:
        if row.get("tokens_per_step") and not isinstance(row["steps"], dict):
            length = float(row["tokens_per_step"]) * float(row["steps"])
            return round(length) if abs(length - round(length)) < _ROUNDING else 0  # lengths differ
    return 0


def _notes(answer: Answer) -> list[str]:
    notes: list[str] = []
    for key, text in answer.get("notes", {}).items():
        name = {"kl": "KL divergence", "path_kl": "KL along the path"}.get(key, key.replace("_", " "))
        said = str(text).replace("path_kl", "the KL along the path")
        notes.append(said if key in ("task", "vertices") else f"{name}: {said}")
    rows = [answer, *answer.get("rules", ()), *(answer.get("policies", ()))]
    if samples := sorted({row["samples"] for row in rows if row.get("samples")}):
        seed = next(row["seed"] for row in rows if "seed" in row)
        counts = (
            f"{samples[0]} samples" if len(samples) == 1 else f"{samples[0]} to {samples[-1]} samples each"
        )
        notes.append(
            f"estimates from {counts}, seed {seed}: +- is the standard error, intervals hold with 95 %"
        )
    return notes


def _bounds(answer: Answer) -> Sheet:
    return Sheet(title=_title(answer), notes=_notes(answer), **bounds_view(answer))


def _decode(answer: Answer) -> Sheet:
    kl = answer["kl"]
    switches = [f"temperature {number(answer['temperature'])}"] if answer["temperature"] != 1 else []
    switches += [
        f"{key} {answer[key]}" for key in ("greedy_ties", "off_support", "top_p", "top_k") if key in answer
    ]
    facts = [(name, answer[key], unit) for key, (name, unit) in _QUANTITIES.items()]
    sampled = answer.get("sampled", {})
    facts += [
        (f"{_QUANTITIES[key][0]}, sampled", value, _QUANTITIES[key][1]) for key, value in sampled.items()
    ]
    calls = answer.get("steps_distribution") or []
    said = "KL not known" if kl is None else f"KL {with_unit(kl, 'bits')}"
    return Sheet(
        title=", ".join([_title(answer), answer["policy"], *switches]),
        headline=f"accuracy {share(answer['accuracy'])}, {said}, {with_unit(answer['steps'], 'steps')}.",
        facts=facts,
        columns=("model calls", "probability"),
        rows=[(str(r), share(p)) for r, p in calls] if len(calls) > 1 else [],
        values=[{key: answer[key] for key in _DECODED}],
        notes=_notes(answer),
    )


_QUANTITIES = {
    "accuracy": ("accuracy", "probability"),
    "kl": ("KL divergence", "bits"),
    "path_kl": ("KL along the path", "bits"),
    "steps": ("steps", "model calls"),
    "steps_under_data": ("steps under data", "model calls"),
    "tokens_per_step": ("tokens per step", "tokens a call"),
}
_DECODED = ("policy", "temperature", *_QUANTITIES)


def _schedule(answer: Answer) -> Sheet:
    sizes = [shortened(",".join(map(str, s)), 54) for s in answer["optimal_sizes"]]
    pairs = list(zip(answer["expected_kl"], sizes, answer["information_curve"], strict=True))
    free = next(
        (t for t, (bits, *_) in enumerate(pairs, 1) if not isinstance(bits, dict) and bits == 0), len(pairs)
    )
    least = f"{free} of {with_unit(len(pairs), 'steps')} lose nothing"
    if free == len(pairs) > 1:
        least = f"every step saved below {free} costs something"
    return Sheet(
        title=f"{_title(answer)}, random order",
        headline=f"one step loses {with_unit(pairs[0][0], 'bits')}; {least}.",
        columns=("steps", "expected loss, bits", "best block sizes"),
        rows=[(str(t), number(bits), s) for t, (bits, s, _) in enumerate(pairs, 1)],
        values=[
            {"steps": t, "expected_kl": bits, "sizes": s, "information_curve": z}
            for t, (bits, s, z) in enumerate(pairs, 1)
        ],
        forms=[(f"E L_{t}", bits) for t, (bits, *_) in enumerate(pairs, 1)],
        notes=_notes(answer),
    )


def _frontier(answer: Answer) -> Sheet:
    found = frontier_view(answer, _title(answer))
    return Sheet(notes=[*found.pop("notes"), *_notes(answer)], **found)


def _policy(answer: Answer) -> Sheet:
    decisions = [d | {"context": p["context"]} for p in answer["policies"] for d in p["decisions"]]
    several = len(answer["policies"]) > 1
    rows = []
    for d in decisions:
        seen = ", ".join(f"{i}: {token}" for i, token in d["revealed"].items()) or "nothing"
        row = (
            str(d["step"]),
            seen,
            ",".join(map(str, d["block"])),
            share(d["probability"]),
            number(d["cost"]),
        )
        rows.append((d["context"], *row) if several else row)
    return Sheet(
        title=f"{_title(answer)}, at most {answer['max_steps']} steps",
        headline=f"the best policy has accuracy {share(answer['accuracy'])}, "
        f"KL {with_unit(answer['kl'], 'bits')}, {with_unit(answer['steps'], 'steps')}.",
        facts=[
            ("KL divergence", answer["kl"], "bits"),
            ("accuracy", answer["accuracy"], "probability"),
            ("steps", answer["steps"], "model calls"),
        ],
        columns=(*(("context",) if several else ()), "step", "seen", "reveals", "probability", "cost, bits"),
        rows=rows,
        values=decisions,
        notes=_notes(answer),
    )


def _estimate(answer: Answer) -> Sheet:
    return Sheet(**estimate_view(answer))


def _audit(answer: Answer) -> Sheet:
    return Sheet(**(audits_view(answer) if "settings" in answer else audit_view(answer)))


def _compare(answer: Answer) -> Sheet:
    found = compare_view(answer, _title(answer))
    return Sheet(notes=[*_notes(answer), *found.pop("notes")], **found)


_VIEWS: dict[str, Callable[[Answer], Sheet]] = {
    "audit": _audit,
    "bench": lambda answer: Sheet(**bench_view(answer)),
    "bounds": _bounds,
    "compare": _compare,
    "decode": _decode,
    "estimate": _estimate,
    "frontier": _frontier,
    "policy": _policy,
    "rules": lambda answer: Sheet(**rules_view(answer)),
    "schedule": _schedule,
    "tasks": lambda answer: Sheet(**tasks_view(answer)),
}
