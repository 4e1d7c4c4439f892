"""The report of a run: `report.html`, one page that needs nothing else, and `report.json`, for programs.

Neither holds a time or a path, so that the same run writes the same bytes.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from importlib import metadata, resources
from pathlib import Path
from textwrap import dedent
from typing import Any

from figures.cache import file_digest, versions
from figures.check import DECIDING, KINDS, Check, Kind, tally
from figures.data import columns
from figures.figure import RunSettings
from figures.run import FigureResult
from theory.files import write_atomically

__all__ = ["KIND_TITLES", "show", "summary", "write_report"]

KIND_TITLES: dict[Kind, str] = {
    "exact": "Exact value against closed form",
    "ideal": "Samples of the ideal model against the exact law",
    "model": "Trained model against the exact value",
    "published": "Published value against the exact value",
}
_KIND_RULES: dict[Kind, str] = {
    "exact": "Equality, no tolerance.",
    "ideal": "Exact binomial tests; a correct run fails any of them at most once in a million.",
    "model": "The 95 % sampling interval comes within the tolerance of the exact value.",
    "published": "The exact value lies in the published point's own 95 % interval. Counted; decides nothing.",
}


def summary(results: Sequence[FigureResult]) -> dict[str, Any]:
    """Return the verdict of a run and the counts of its checks by kind."""
    checks = [check for result in results for check in result.checks]
    counts = {kind: dict(zip(("passed", "total"), tally(checks, kind), strict=True)) for kind in KINDS}
    return {"passed": all(result.passed for result in results), "counts": counts}


def write_report(results: Sequence[FigureResult], *, run: RunSettings, out: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` into a folder and return their paths."""
    facts = {"summary": summary(results), "run": _run_facts(run), "versions": _all_versions()}
    listed = [_figure_facts(result) for result in results]
    page, data = out / "report.html", out / "report.json"
    write_atomically(data, json.dumps({**facts, "figures": listed}, indent=1, allow_nan=False) + "\n")
    sections = [_section(result, facts) for result, facts in zip(results, listed, strict=True)]
    write_atomically(
        page, _template().render(**facts, figures=sections, deciding=DECIDING, titles=KIND_TITLES)
    )
    return page, data


def show(value: Any) -> str:
    """Return a number for a reader: six digits, and a fraction beside its value.

    Example:
        >>> show(0.123456789), show("5/16"), show(None), show(2.5e-9)
        ('0.123457', '5/16 = 0.3125', '', '2.5e-09')
    """
    if value is None:
        return ""
    if isinstance(value, str) and re.fullmatch(r"-?\d+/\d+", value):
        decimal = float(Fraction(value))
        sign = "=" if Fraction(f"{decimal:.6g}") == Fraction(value) else "≈"
        short = value if len(value) <= 16 else ""
        return f"{short} {sign} {decimal:.6g}".strip()
    if isinstance(value, Fraction) and value.denominator > 1:
        return show(str(value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _run_facts(run: RunSettings) -> dict[str, Any]:
    weights = "shipped" if run.weights is None else f"trained again, sha256 {file_digest(Path(run.weights))}"
    return {"settings": "fast" if run.fast else "full", **run.shared(), "weights": weights}


def _all_versions() -> dict[str, str]:
    try:
        own = metadata.version("parabounds")
    except metadata.PackageNotFoundError:
        own = "not installed"
    return {"parabounds": own, **versions(), "matplotlib": metadata.version("matplotlib")}


def _figure_facts(result: FigureResult) -> dict[str, Any]:
    figure = result.figure
    return {
        "name": figure.name,
        "title": figure.title,
        "paper": figure.paper,
        **summary([result]),
        "settings": {name: result.settings[name] for name in figure.settings},
        "files": [path.name for path in result.files.values()],
        "checks": [_check_facts(check) for check in result.checks],
    }


def _check_facts(check: Check) -> dict[str, Any]:
    facts = asdict(check)
    del facts["figure"]
    for key in ("value", "expected"):
        if isinstance(facts[key], float) and not math.isfinite(facts[key]):
            facts[key] = str(facts[key])  # "inf": JSON has no number for it
    return facts


def _section(result: FigureResult, facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the page shows of one figure."""
    names = columns(result.rows)
    return {
        **facts,
        "about": _blocks(result.figure.about or ""),
        "image": _data_address("image/svg+xml", result.files["svg"].read_bytes()),
        "table": _data_address("text/csv", result.files["csv"].read_bytes()),
        "columns": names,
        "rows": [[_table_cell(row.get(name)) for name in names] for row in result.rows],
        "groups": [_group(kind, result.checks) for kind in KINDS if tally(result.checks, kind)[1]],
    }


def _group(kind: Kind, checks: Sequence[Check]) -> dict[str, Any]:
    passed, total = tally(checks, kind)
    words = ("agrees", "differs") if kind not in DECIDING else ("holds", "fails")
    listed = [
        {
            "name": check.name,
            "value": show(check.value),
            "expected": show(check.expected),
            "interval": check.interval and " to ".join(f"{end:.3f}" for end in check.interval),
            "p_value": "" if check.p_value is None else f"{check.p_value:.2g}",
            "detail": check.detail,
            "passed": check.passed,
            "word": words[0] if check.passed else words[1],
        }
        for check in sorted(checks, key=lambda check: bool(check.passed))  # what fails comes first
        if check.kind == kind
    ]
    return {
        "kind": kind,
        "title": KIND_TITLES[kind],
        "rule": _KIND_RULES[kind],
        "passed": passed,
        "total": total,
        "decides": kind in DECIDING,
        "intervals": any(check["interval"] for check in listed),
        "p_values": any(check["p_value"] for check in listed),
        "details": any(check["detail"] for check in listed),
        "checks": listed,
    }


def _table_cell(value: Any) -> dict[str, Any]:
    return {
        "text": show(value),
        "number": isinstance(value, (int, float, Fraction)) and not isinstance(value, bool),
    }


def _blocks(text: str) -> list[dict[str, Any]]:
    """Split a docstring into blocks: lists ("- " starts an item), indented lines that stay as they are, text.

    Each block is a list of items, and an item a list of pieces, which are code and text by turns.
    """
    blocks: list[dict[str, Any]] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if all(line.startswith("    ") for line in block.splitlines()):
            blocks.append({"kind": "lines", "items": [[dedent(block)]]})
            continue
        items = re.split(r"^- ", block, flags=re.MULTILINE)
        pieces = [" ".join(item.split()).split("`") for item in items if item.strip()]
        blocks.append({"kind": "list" if block.startswith("- ") else "text", "items": pieces})
    return blocks


def _data_address(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = (resources.files("figures") / "templates" / "report.html").read_text(encoding="utf-8")
    return environment.from_string(text)
