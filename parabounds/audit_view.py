"""What settings really do, as a reader sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parabounds.numbers import number, share, with_unit
from theory.validation import shortened

__all__ = ["audit_view", "audits_view"]

Answer = Mapping[str, Any]
_BY_ENTRY = ("exact", "errors", "notes")


def audit_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of one rule: a row a model call."""
    facts = _facts(answer)
    sizes = answer["tokens_per_call"]
    notes = list(answer.get("notes", {}).values())
    if "padded_masked" in answer:
        longer = answer["padded_masked"]
        facts += [(f"{name}, padded", value, unit) for name, value, unit in _facts(answer, "padded_")]
        notes.append(
            f"the block length does not divide {answer['masked']}: here the last block is shorter. Released code "
            f"refuses such a length (LLaDA, Fast-dLLM) or pads it to {longer} positions (SDAR, LLaDA2): the lines "
            "with 'padded', in which padding takes places but loses nothing."
        )
    return {
        "title": f"{answer['rule']}, {answer['masked']} masked positions",
        "headline": f"{_said(answer)}.",
        "facts": facts,
        "columns": ("model call", "tokens"),
        "rows": [(str(call), number(size)) for call, size in enumerate(sizes, start=1)],
        "values": _values([answer]),
        "notes": notes,
    }


def audits_view(answer: Answer) -> dict[str, Any]:
    """Return what a reader sees of several rules side by side."""
    settings: Sequence[Answer] = answer["settings"]
    with_task = "accuracy" in settings[0]
    if with_task:
        best = max(settings, key=lambda one: float(one["accuracy"]))
        said = f"{best['rule']} is the most accurate ({share(best['accuracy'])}, {_calls(best)})"
    else:
        said = "; ".join(f"{one['rule']} makes {_calls(one)}" for one in settings)
    heads = ["rule", "tokens of each call", "model calls", "tokens a call", "idle calls", "calls after"]
    heads += ["accuracy", "KL, bits"] if with_task else []
    padded = any("padded_masked" in one for one in settings)
    heads += ["padded to, positions", "its model calls"] if padded else []
    heads += ["its accuracy"] if padded and with_task else []
    rows: list[tuple[str, ...]] = []
    for one in settings:
        row = [one["rule"], shortened(",".join(map(number, one["tokens_per_call"])), 54)]
        row += [number(one["model_calls"]), number(one["masked"] / one["model_calls"])]
        row += [number(one["idle_calls"]), number(one.get("calls_after"))]
        row += [share(one["accuracy"]), number(one["kl"])] if with_task else []
        row += [number(one.get("padded_masked")), number(one.get("padded_model_calls"))] if padded else []
        row += [share(one.get("padded_accuracy"))] if padded and with_task else []
        rows.append(tuple(row))
    return {
        "title": f"{settings[0]['masked']} masked positions",
        "headline": f"{said}.",
        "columns": tuple(heads),
        "rows": rows,
        "values": _values(settings),
        "notes": list(dict.fromkeys(note for one in settings for note in one.get("notes", {}).values())),
    }


def _values(settings: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return a row a rule; the tokens of its calls are one text."""
    keys = [key for key in dict.fromkeys(key for one in settings for key in one) if key not in _BY_ENTRY]
    rows = [{key: one.get(key) for key in keys} for one in settings]
    for row in rows:
        for key in ("tokens_per_call", "padded_tokens_per_call"):
            if row.get(key) is not None:
                row[key] = "+".join(map(number, row[key]))
    return rows


def _facts(answer: Answer, prefix: str = "") -> list[tuple[str, Any, str]]:
    facts = [
        ("model calls", answer[f"{prefix}model_calls"], "calls"),
        ("idle calls", answer[f"{prefix}idle_calls"], "calls"),
        ("tokens a call", answer[f"{prefix}masked"] / answer[f"{prefix}model_calls"], "tokens"),
    ]
    if f"{prefix}calls_after" in answer:
        facts.append(("calls after the last token", answer[f"{prefix}calls_after"], "calls"))
    if f"{prefix}accuracy" in answer:
        facts.append(("accuracy of a perfect model", answer[f"{prefix}accuracy"], "probability"))
        facts.append(("its KL divergence", answer[f"{prefix}kl"], "bits"))
    return facts


def _said(answer: Answer) -> str:
    calls, sizes = answer["model_calls"], answer["tokens_per_call"]
    said = f"{_calls(answer)} for {with_unit(answer['masked'], 'tokens')}"
    if idle := answer["idle_calls"]:
        said += f", {idle} of them idle"
    if len(set(map(float, sizes))) == 1:
        said += f", {number(sizes[0])} each" if float(calls) == len(sizes) else ""
    elif min(map(float, sizes)) != max(map(float, sizes)):
        most = max(range(len(sizes)), key=lambda call: float(sizes[call]))
        said += f", at most {number(sizes[most])} in one"
    if "accuracy" in answer:
        said += f": a perfect model is right {share(answer['accuracy'])} of the time"
    return said


def _calls(answer: Answer) -> str:
    return with_unit(answer["model_calls"], "model calls")
