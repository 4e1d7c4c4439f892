"""A comparison of policies as a reader sees it."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from parabounds.numbers import number, share, with_error, with_unit

__all__ = ["cell", "compare_view"]

_BELOW = (
    "below the optimum: random choices mix output distributions, the temperature is not 1, or the rule looks at drawn "
    "tokens or masks again; the optimum is that of policies that do none of this."
)
_SHOWN = ("accuracy", "kl", "path_kl", "steps")
_OWN = ("errors", "samples", "seed", "sampled")  # of some rows
_ROUNDING = 1e-9  # bits or steps: a smaller gap is none


def compare_view(answer: Mapping[str, Any], title: str) -> dict[str, Any]:
    """Return what a reader sees of a comparison: the best first in the headline, a row a policy."""
    rows = answer["policies"]
    several = len({row["temperature"] for row in rows}) > 1
    best = max(rows, key=lambda row: (_middle(row["accuracy"]), -_middle(row["steps"])))
    optimal = [row for row in rows if _is_optimal(row)]
    at = f" at temperature {number(best['temperature'])}" if several else ""
    reached = f"{share(best['accuracy'])} in {with_unit(best['steps'], 'steps')}"
    said = f"{best['policy']}{at} is the most accurate ({reached})"
    if answer["vertices"]:
        names = ", ".join(dict.fromkeys(row["policy"] for row in optimal))
        said += (
            f"; no policy that looks at the tokens beats {names}"
            if names
            else "; all cost more than the optimum"
        )
    bracketed = any("optimum" in row for row in rows)  # then distances are intervals
    heads = (
        "accuracy",
        "KL, bits",
        "path KL, bits",
        "steps, calls",
        *(("optimum at these steps, bits",) if bracketed else ()),
        "bits above the optimum",
        "steps above it, calls",
    )
    texts: list[tuple[str, ...]] = []
    for row in rows:
        tau = (number(row["temperature"]),) if several else ()
        cells = [cell(row[key], key) for key in _SHOWN]
        optimum = (_gap(row.get("optimum")),) if bracketed else ()
        texts.append(
            (row["policy"], *tau, *cells, *optimum, _gap(row["bits_above"]), _gap(row["steps_above"]))
        )
        if sampled := row.get("sampled"):
            cells = [cell(sampled[key], key) if key in sampled else "" for key in _SHOWN]
            texts.append((f"{row['policy']}, sampled", *tau, *cells, *("" for _ in optimum), "", ""))
    below = any((gap := row["bits_above"]) is not None and _most(gap) < -_ROUNDING for row in rows)
    return {
        "title": title,
        "headline": f"{said}.",
        "columns": ("policy", *(("temperature",) if several else ()), *heads),
        "rows": texts,
        "values": [{key: value for key, value in row.items() if key not in _OWN} for row in rows],
        "notes": [_BELOW] if below else [],
        "forms": [(f"KL of {row['policy']}", row["kl"]) for row in rows],
    }


def cell(value: Any, key: str) -> str:
    """Return an entry of a decode without its unit, an estimate with its standard error.

    Example:
        >>> cell(2, "steps"), cell(0.375, "accuracy"), cell(None, "kl")
        ('2', '37.5 %', '-')
    """
    return with_error(value, "probability" if key == "accuracy" else "")


def _middle(value: Any) -> float:
    return float(value["estimate"] if isinstance(value, dict) else value)


def _is_optimal(row: Mapping[str, Any]) -> bool:
    gaps = row["bits_above"], row["steps_above"]
    return all(gap is not None and gap != inf and _most(gap) <= _ROUNDING for gap in gaps)


def _most(gap: Any) -> float:
    return float(gap["upper"] if isinstance(gap, dict) else gap)


def _gap(value: Any) -> str:
    if isinstance(value, dict):
        return " to ".join(dict.fromkeys(_gap(value[end]) for end in ("lower", "upper")))
    return "0" if value is not None and abs(float(value)) <= _ROUNDING else number(value, 3)
