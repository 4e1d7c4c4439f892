"""The page ``report.html``, made from ``report.json`` and the files beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from fractions import Fraction
from importlib import resources
from pathlib import Path
from textwrap import dedent
from typing import Any

from figures.drawing.tooltips import inline_svg
from figures.engine.check import DECIDING, KINDS
from theory.files import csv_rows

__all__ = ["render", "show"]

_NUMBER = re.compile(r"-?(\d+(\.\d+)?(e[+-]?\d+)?|\d+/\d+|inf)")


def render(report: dict[str, Any], folder: Path) -> str:
    """Return the page.

    Args:
        report: The content of `report.json`.
        folder: The folder of the figures' files.
    """
    sections = [_section(facts, report, folder) for facts in report["figures"]]
    earlier = sum(not facts["from_this_run"] for facts in report["figures"])
    return _template().render(
        **{**report, "figures": sections}, earlier=earlier, kinds=KINDS, deciding=DECIDING
    )


def show(value: Any) -> str:
    """Return a number for display, with six digits; a fraction with its value.

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


def _section(facts: dict[str, Any], report: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the section of one figure."""
    image, table = ((folder / f"{facts['name']}.{ending}").read_bytes() for ending in ("svg", "csv"))
    shown = facts["table"] is None or facts["verdict"] is not None
    header, *lines = (row for _, row in csv_rows(table.decode("utf-8")))
    numbers = [
        all(_NUMBER.fullmatch(text) or not text for text in column) for column in zip(*lines, strict=True)
    ]
    return {
        **facts,
        "about": _blocks(facts["about"]),
        "differences": _differences(facts["made_with"], report),
        "image": inline_svg(image.decode("utf-8"), facts["name"]) if shown else None,
        "data": _data_address("text/csv", table),
        "columns": list(zip(header, numbers or [False] * len(header), strict=True)),
        "rows": [[(_cell(text), number) for text, number in zip(line, numbers, strict=True)] for line in lines],
        "groups": [
            _group(kind, facts) for kind in KINDS if facts["counts"][kind]["total"]
        ],
    }  # fmt: skip


def _cell(text: str) -> str:
    """Return a field of a table for display; short numbers are unchanged."""
    return f"{float(text):.6g}" if re.fullmatch(r"-?\d+\.\d{6,}|-?[\d.]+e[+-]?\d+", text) else show(text)


def _differences(made_with: dict[str, Any], report: dict[str, Any]) -> list[str]:
    """Return the differences between the run that made a figure and this one."""
    before, now = _listed(made_with), _listed(report)
    names = [*before, *(name for name in now if name not in before)]
    return [
        f"{name} {before.get(name, 'none')}, now {now.get(name, 'none')}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _listed(made_with: dict[str, Any]) -> dict[str, Any]:
    return {**made_with["run"], "source code": made_with["source_code"], **made_with["versions"]}


def _group(kind: str, facts: dict[str, Any]) -> dict[str, Any]:
    words = ("as expected", "not as expected") if kind in DECIDING else ("agrees", "differs")
    checks = [check for check in facts["checks"] if check["kind"] == kind]
    listed = [
        {
            "name": check["name"],
            "value": show(check["value"]),
            "expected": show(check["expected"]),
            "interval": check["interval"] and " to ".join(f"{end:.3f}" for end in check["interval"]),
            "p_value": "" if check["p_value"] is None else f"{check['p_value']:.2g}",
            "detail": check["detail"],
            "passed": check["passed"],
            "word": words[0] if check["passed"] else words[1],
        }
        for check in sorted(checks, key=lambda check: bool(check["passed"]))  # failures first
    ]
    return {
        **facts["groups"][kind],
        **facts["counts"][kind],
        "kind": kind,
        "decides": kind in DECIDING,
        "intervals": any(check["interval"] for check in listed),
        "p_values": any(check["p_value"] for check in listed),
        "details": any(check["detail"] for check in listed),
        "checks": listed,
    }


def _blocks(text: str) -> list[dict[str, Any]]:
    """Split a docstring into blocks: lists ("- " starts an item), indented verbatim lines, and text.

    Each block is a list of items, and an item a list of pieces that alternate between text and code.
    """
    blocks: list[dict[str, Any]] = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if all(line.startswith("    ") for line in block.splitlines()):
            blocks.append({"kind": "lines", "items": [[dedent(block)]]})
            continue
        items = re.split(r"^- ", block, flags=re.MULTILINE)
        pieces: Sequence[list[str]] = [" ".join(item.split()).split("`") for item in items if item.strip()]
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
