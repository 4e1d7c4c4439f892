"""Results as tables on a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from theory.commands.terminal import terminal
from theory.validation import shortened

__all__ = ["print_answer", "print_rows"]


_UNSHOWN = (
    "task",
    "n",
    "rule",
    "masked",
    "errors",
    "exact",
    "optimal_partitions",
    "optimal_sizes",
    "position_entropies",
    "policies",
    "rules",
    "rules_left_out",
    "verdict",
)
_LINES = (("notes", "task"),)  # a line below the table
_BRACKETS = ("optimal_bounds", "adaptive_bounds")
_ROWS = 20  # longer lists of bounds end with the first zero
_MOST = 2000  # rows of any list
_WIDTH = 80  # characters of a partition; --json prints all
_LONGEST = 240  # characters of an exact form; --json prints all
_DIGITS = 40  # of a fraction, or of a number in another form
_INDEX = {"information_curve": "j", "mean_entropy_standard_error": "j", "tokens_per_call": "call"}


def print_answer(answer: dict[str, Any], title: str) -> None:
    """Print the numbers of a result, one per row, with their exact forms.

    Args:
        answer: A dictionary as ``--json`` prints it.
        title: The title of the table.
    """
    from rich.table import Table

    exact = answer.get("exact", {})
    kinds = answer.get("arithmetic", {}) if isinstance(answer.get("arithmetic"), dict) else {}
    table = Table(title=title, title_justify="left")
    for column in ("quantity", "value", "form"):
        table.add_column(column, overflow="fold")
    for key, value in answer.items():
        if key in _UNSHOWN or value is kinds:
            continue
        if isinstance(value, dict) and "estimate" in value:
            kind = f"estimate, 95 % {value['interval']}" if "interval" in value else "estimate"
            table.add_row(key, _interval(value), kind)
        elif isinstance(value, dict):
            for name, item in value.items():
                if (key, name) in _LINES:
                    continue
                shown = _interval(item) if isinstance(item, dict) else _number(item)
                table.add_row(f"{key} {name}", shown, _short(exact.get(key, {}).get(name, "")))
        elif isinstance(value, list) and key.startswith("steps_distribution"):
            table.add_row(key, _distribution(value), _short(_distribution(exact.get(key, []))))
        elif isinstance(value, list):
            for t, item in enumerate(value, start=1):
                if t > _MOST:
                    table.add_row("...", "", f"{len(value)} entries; --json prints all")
                    break
                _add_item(table, answer, key, t, item)
                if key == "optimal_bound" and item == 0 and len(value) > _ROWS:
                    break  # so are all that follow
                if key in _BRACKETS and isinstance(item, dict) and item["upper"] == 0:
                    break
        else:
            kind = "" if value is None else ", ".join(filter(None, [kinds.get(key), _off_by(answer, key)]))
            table.add_row(key, _number(value), _short(exact.get(key, kind)))
    console = terminal()
    console.print(table)
    for key, name in _LINES:
        if line := answer.get(key, {}).get(name):
            console.print(f"note: {line}", soft_wrap=True, markup=False, highlight=False)


def _add_item(table: Any, answer: dict[str, Any], key: str, t: int, item: Any) -> None:
    """Add one entry of a list; entry t of a bound is that of T = t steps."""
    exact = answer.get("exact", {}).get(key)
    if key in _BRACKETS:
        ends = _number(item["upper"]) if item["exact"] else _interval(item)
        sure = _off_by(answer, key) if item["upper"] else ""  # nothing is lost: that is exact
        form = sure if item["exact"] else "certified"
        table.add_row(f"{key}[T={t}]{_blocks_of(answer, t)}", ends, form)
        return
    if isinstance(item, dict):
        texts = [f"{name} = {_number(value)}" for name, value in item.items()]
        table.add_row(f"{key}[{t}]", ", ".join(texts), _short(exact[t - 1]["kl"]) if exact else "")
        return
    note = ""
    if key == "optimal_bound":
        note = _blocks_of(answer, t)
    if key == "expected_kl":
        note = "  sizes " + shortened(",".join(map(str, answer["optimal_sizes"][t - 1])), _WIDTH)
    index = _INDEX.get(key, "T")
    form = _short(exact[t - 1]) if exact else _off_by(answer, key)
    table.add_row(f"{key}[{index}={t}]{note}", _number(item), form)


def _blocks_of(answer: dict[str, Any], t: int) -> str:
    """Return a best partition into t blocks, or its start."""
    if not answer.get("optimal_partitions"):
        return ""
    text = "|".join(",".join(map(str, block)) for block in answer["optimal_partitions"][t - 1])
    return "  " + shortened(text, _WIDTH)


def _off_by(answer: dict[str, Any], key: str) -> str:
    """Return the proven error of a float as text, or an empty text."""
    error = answer.get("errors", {}).get(key)
    # 5 % more, so that two digits are never below the bound
    return "" if error is None else f"off by at most {1.05 * error:.1e}"


def _short(text: str) -> str:
    """Return an exact form, or its start.

    Example:
        >>> _short("1/" + "3" * 100)
        '1/33333333333333333333333333333333333333... (102 characters; --json prints all)'
    """
    width = _DIGITS if re.fullmatch(r"-?\d+(/\d+)?", text) else _LONGEST
    if number := re.search(rf"\d{{{_DIGITS + 1}}}", text):
        width = min(width, number.start() + _DIGITS)
    return text if len(text) <= width else f"{text[:width]}... ({len(text)} characters; --json prints all)"


def _distribution(pairs: Sequence[Sequence[Any]]) -> str:
    """Return a distribution of whole numbers in one line.

    Example:
        >>> _distribution([[2, 0.25], [3, 0.75]]), _distribution([[2, "1/4"]])
        ('2: 0.25, 3: 0.75', '2: 1/4')
    """
    return shortened(", ".join(f"{calls}: {_number(p)}" for calls, p in pairs), _LONGEST)


def _interval(value: dict[str, Any]) -> str:
    if "lower" in value:
        return f"{value['lower']:.6g} .. {value['upper']:.6g}"
    error = f" ± {value['standard_error']:.2g}" if "standard_error" in value else ""
    return f"{value['estimate']:.5g}{error}  ({value['low']:.5g} .. {value['high']:.5g})"


def _number(value: Any) -> str:
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    near = float(value)
    # a probability below the range of floats is not zero
    return _digits_of(value) if near == 0 and isinstance(value, Fraction) and value else f"{near:.9g}"


def _digits_of(value: Fraction) -> str:
    """Return the leading digits of a rational of any size.

    Example:
        >>> _digits_of(Fraction(1, 3 * 10**433))
        '3.33333333e-434'
    """
    from flint import arb, fmpq

    return arb(fmpq(value.numerator, value.denominator)).str(9, radius=False)


def print_rows(rows: Sequence[dict[str, Any]], title: str) -> None:
    """Print dictionaries of the same keys as the rows of a table."""
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for key in rows[0]:
        table.add_column(key.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*map(_cell, row.values()))
    terminal().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return _interval(value) if isinstance(value, dict) else _number(value)
