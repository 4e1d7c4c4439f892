"""Checks of Figure 2 against closed forms, exact intervals and published points."""

from __future__ import annotations

from typing import Any

from figures.engine.check import Check, binomial_check, exact_check, model_check, published_check
from figures.engine.figure import Row, Settings

__all__ = ["checks"]

# the distributions within the range of tie-breaks; in panel e only the non-strict rule
TIE_LAWS = {"b": ("exact", "exact_lowest"), "d": ("exact", "exact_lowest"), "e": ("exact_non_strict",)}


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check exact distributions against closed forms, and samples and published points against exact distributions."""
    exact = {_key(row): row for row in rows if row["source"] == "exact"}
    out: list[Check] = []
    for row in rows:
        if row["source"].startswith("curve"):
            out.append(exact_check(_name(row), row["accuracy"], _closed_form(row)))
            continue
        truth, name = exact[_key(row)], _name(row)
        if row["source"] == "exact":
            out.append(exact_check(name, row["accuracy"], _closed_form(row)))
        elif row["source"] == "tie_range":
            distributions = [
                r["accuracy"] for r in rows if r["source"] in TIE_LAWS[row["panel"]] and _key(r) == _key(row)
            ]
            inside = all(row["low"] <= accuracy <= row["high"] for accuracy in distributions)
            out.append(
                exact_check(f"{name}: every tie rule lies in the range of all tie-breaks", inside, True)
            )
        elif row["source"] == "ideal":
            out.append(binomial_check(name, row["successes"], row["trials"], truth["accuracy"]))
        elif row["source"] == "model" and row["temperature"] == 1:
            out.append(model_check(name, row["successes"], row["trials"], truth["accuracy"]))
        elif row["source"] == "published":
            percent = 100 * row["successes"] / row["trials"]
            out.append(published_check(name, percent, row["trials"], truth["accuracy"]))
    return out


def _key(row: Row) -> tuple[Any, ...]:
    return row["panel"], row["task"], row["policy"], row["n"]


def _name(row: Row) -> str:
    policy = row["policy"] or f"{row['source']} gamma={row['gamma']}"
    return f"{row['panel']} {row['task']} {policy} n={row['n']} tau={row['temperature']}"


def _closed_form(row: Row) -> Any:
    """Return the accuracy by its closed form (sympy is imported here)."""
    from theory.information.closed_forms import closed_form, evaluate

    kind = "topk" if row["gamma"] is None else "threshold"
    # the accuracy of Shuffle does not depend on the temperature, since its marginals are uniform
    suffix = f" tau={row['temperature']}" if row["task"] == "replace_random" else ""
    suffix += " strict=false" if row["source"] == "curve_non_strict" else ""
    values: dict[str, Any] = {"n": row["n"]}
    if kind == "topk":
        values["k"] = row["n"] if row["k"] == "n" else int(row["k"])
    else:
        values["gamma"] = row["gamma"]
    return evaluate(closed_form(row["task"], f"accuracy {kind}{suffix}"), **values)
