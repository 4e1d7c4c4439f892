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
    if "padded_model_calls" in answer:
        facts += [(f"{name}, padded", value, unit) for name, value, unit in _facts(answer, "padded_")]
        notes.append(_padding_note(answer["masked"]))
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
        best = max(settings, key=lambda one: (float(one["accuracy"]), -float(one["model_calls"])))
        said = f"{best['rule']} is the most accurate ({share(best['accuracy'])}, {_calls(best)})"
    else:
        said = "; ".join(f"{one['rule']} makes {_calls(one)}" for one in settings)
    notes = [note for one in settings for note in one.get("notes", {}).values()]
    notes += [_padding_note(one["masked"]) for one in settings if "padded_model_calls" in one]
    columns = [_column(one) for one in settings]
    names = list(dict.fromkeys(name for column in columns for name in column))
    return {
        "title": f"{settings[0]['masked']} masked positions",
        "headline": f"{said}.",
        "columns": ("", *(one["rule"] for one in settings)),
        "rows": [(name, *(column.get(name, "-") for column in columns)) for name in names],
        "values": _values(settings),
        "notes": list(dict.fromkeys(notes)),
    }


def _padding_note(masked: int) -> str:
    return (
        f"the block length does not divide {masked}, so the last block is shorter here. Released code refuses such a "
        "length (LLaDA, Fast-dLLM) or fills the last block with padding (SDAR, LLaDA2), which takes places in the "
        "steps but loses nothing: the lines with 'padded'."
    )


def _column(answer: Answer) -> dict[str, str]:
    """Return the texts of one rule by the name of the quantity."""
    found = {"tokens of each call": shortened(",".join(map(number, answer["tokens_per_call"])), 32)}
    found |= {name: with_unit(value, unit) for name, value, unit in _facts(answer)}
    if "padded_model_calls" in answer:
        found["padded to"] = with_unit(answer["padded_masked"], "positions")
        found |= {
            f"{name}, padded": with_unit(value, unit) for name, value, unit in _facts(answer, "padded_")
        }
    return found


def _values(settings: Sequence[Answer]) -> list[dict[str, Any]]:
    """Return a row a rule; the tokens of its calls are one text."""
    keys = [key for key in dict.fromkeys(key for one in settings for key in one) if key not in _BY_ENTRY]
    rows = [{key: one.get(key) for key in keys} for one in settings]
    for row in rows:
        for key in ("tokens_per_call", "padded_tokens_per_call"):
            sizes = row.get(key)
            row |= {key: "+".join(map(number, sizes))} if sizes is not None else {}
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
    idle = f" ({answer['idle_calls']} idle)" if answer["idle_calls"] else ""
    said = f"{_calls(answer)}{idle} for {with_unit(answer['masked'], 'tokens')}"
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
