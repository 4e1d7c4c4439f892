"""Table 1, the total correlation of the list operations.

For each operation: an example, C(Y|X) in closed form with its limit, its value at two lengths, and the accuracy
of one parallel step with the ideal model at temperature 1. The closed forms are compared, as exact numbers, with the
definition applied to the listed distribution at every small n.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, new_figure
from figures.engine.check import Check, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

_LONG = 10  # letters of a formula in one line

# Notation for the table; values come from the closed forms.
TASKS = {
    "copy": ("Copy", "A B C → A B C"),
    "reverse": ("Reverse", "A B C → C B A"),
    "sort": ("Sort", "B C A → A B C"),
    "replace_index": ("Replace Index", "A B C, F, 1 → A F C"),
    "insert_index": ("Insert Index", "A B C, F, 1 → A F B C"),
    "remove_index": ("Remove Index", "A B C, 1 → A C"),
    "replace_random": ("Replace Random", "A B C, F → A F C"),
    "insert_random": ("Insert Random", "A B C, F → A B F C"),
    "remove_random": ("Remove Random", "A B C → A C"),
    "shuffle": ("Shuffle", "A B C → B C A"),
    "shuffle_strict": ("Shuffle, identity excluded", "A B C → B C A"),
}


def measured(*, task: str, n: int) -> dict[str, str]:
    """Return the total correlation and the one-step accuracy from the listed distribution, by definition."""
    from synthetic import make_task
    from theory.decoding.decoder import decode
    from theory.distributions.contexts import expectation
    from theory.distributions.distribution import context_pmfs
    from theory.information.measures import total_correlation
    from theory.policies import parse_policy

    pmfs = context_pmfs(make_task(task, n).contexts())
    c = expectation([(weight, total_correlation(pmf)) for weight, pmf in pmfs])
    once = [(weight, decode(pmf, parse_policy(f"topk:k={pmf.n}")).accuracy) for weight, pmf in pmfs]
    return {"total_correlation": str(c), "accuracy": str(expectation(once))}


def closed(*, task: str, sizes: list[int]) -> dict[str, Any]:
    """Return the closed form of the total correlation as LaTeX, with its limit and values."""
    from theory.information.closed_forms import closed_form, evaluate

    form = closed_form(task, "total_correlation")
    values = [evaluate(form, n=n) for n in sizes]
    return {
        "latex": _in_bits(form.expression),
        "limit": None if form.limit is None else _in_bits(form.limit),
        "bits": [float(value) for value in values],
    }


def _in_bits(expression: Any) -> str:
    """Return an entropy as LaTeX in base-2 logarithms."""
    import sympy

    natural = expression * sympy.log(2)
    if natural.is_rational and natural != 0:  # r / log(2) = r log2(e)
        return (r"\log_2 e") if natural == 1 else sympy.latex(natural) + r"\log_2 e"
    terms: tuple[Any, ...] = sympy.Add.make_args(natural)  # pyright: ignore[reportArgumentType]
    text = " + ".join(
        sympy.latex(term, fold_short_frac=False, long_frac_ratio=1) for term in sorted(terms, key=_negative)
    )
    return (
        text.replace("+ -", "- ").replace(r"\log", r"\,\log_2").replace(r"\left", "").replace(r"\right", "")
    )


def _negative(term: Any) -> bool:
    return bool(term.could_extract_minus_sign())


def cells(settings: Settings) -> list[Cell]:
    """Return the closed form of each task and the definition at each length."""
    forms = [Cell(function=closed, kwargs={"task": task, "sizes": settings["shown"]}) for task in TASKS]
    return [*forms, *(Cell(function=measured, kwargs=kwargs) for kwargs in _small(settings))]


def _small(settings: Settings) -> list[dict[str, Any]]:
    return [{"task": task, "n": n} for task in TASKS for n in range(2, settings["largest"] + 1)]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row per task and length, each with the closed form."""
    forms = dict(zip(TASKS, results[: len(TASKS)], strict=True))
    rows: list[Row] = []
    for where, result in zip(_small(settings), results[len(TASKS) :], strict=True):
        form = forms[where["task"]]
        rows.append({**where, **result, "closed_form": form["latex"], "limit": form["limit"]})
        rows[-1] |= {f"bits_n{n}": bits for n, bits in zip(settings["shown"], form["bits"], strict=True)}
    return rows


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the table."""
    drawing, ((ax,),) = new_figure(width=9.2, height=5.2)
    ax.set_axis_off()
    shown = settings["shown"]
    accuracy_n = min(settings["largest"], 4)
    header = [
        "operation",
        "example",
        "C(Y|X), bits",
        "limit",
        *(f"n = {n}" for n in shown),
        f"one-step accuracy,\nn = {accuracy_n}",
    ]
    body: list[list[str]] = []
    for task, (title, example) in TASKS.items():
        row = next(r for r in rows if r["task"] == task and r["n"] == accuracy_n)
        limit = "" if row["limit"] is None else f"${row['limit']}$  "
        values = [f"{row[f'bits_n{n}']:.4g}" for n in shown]
        body.append([title, example, broken(row["closed_form"]), limit, *values, row["accuracy"]])
    table = ax.table([header, *body], loc="center", cellLoc="left", edges="horizontal")
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.auto_set_column_width(range(len(header)))
    table.scale(1, 2.05)
    lines = [max(text.count("\n") for text in line) for line in [header, *body]]
    for (line, _), cell in table.get_celld().items():
        cell.set_edgecolor("#bbbbbb")
        cell.set_height(cell.get_height() * (1 + 0.5 * lines[line]))
        if line == 0:
            cell.set_text_props(weight="bold", color=COLOURS["blue"])
    return drawing


def broken(formula: str) -> str:
    r"""Return a LaTeX formula as math text, in several lines where it is long.

    Lines end before a plus or minus, not inside braces or inner brackets.

    Example:
        >>> broken("n - 1")
        '$n - 1$'
        >>> broken("a b c d e f g h i j k - l(m - n)")
        '$a b c d e f g h i j k$\n${} - l(m - n)$'
    """
    lines, braces, brackets, start = [""], 0, 0, 0
    for match in re.finditer(r"[{}()]| [+-] ", formula):
        sign = match[0]
        braces += (sign == "{") - (sign == "}")
        brackets += (sign == "(") - (sign == ")")
        shown = re.sub(r"\\[a-z]+|[{}_^\\, ]", "", lines[-1] + formula[start : match.start()])
        if len(sign) == 3 and not braces and brackets <= 1 and len(shown) > _LONG:
            lines[-1] += formula[start : match.start()]
            lines.append("{}")
            start = match.start()
    lines[-1] += formula[start:]
    return "\n".join(f"${line}$" for line in lines)


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check closed form against definition, for both columns, at every length."""
    from theory.information.closed_forms import closed_form, closed_forms, evaluate

    known = {(form.task, form.quantity) for form in closed_forms()}
    out: list[Check] = []
    for row in rows:
        task, n = row["task"], row["n"]
        form = evaluate(closed_form(task, "total_correlation"), n=n)
        out.append(exact_check(f"C of {task}, n={n}", row["total_correlation"], str(form)))
        once = next((q for q in ("accuracy one step", "accuracy one step tau=1") if (task, q) in known), None)
        # a single outcome is always right
        accuracy = Fraction(1) if once is None else evaluate(closed_form(task, once), n=n)
        out.append(exact_check(f"one-step accuracy of {task}, n={n}", row["accuracy"], str(accuracy)))
    return out


FIGURE = Figure(
    name="table1",
    title="Total correlation of list operations",
    paper="Table 1",
    about=__doc__,
    seconds=10,
    settings={"largest": 6, "shown": [4, 16]},
    fast={"largest": 4},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    groups={"exact": ("Definition against closed form", "Equality, no tolerance.")},
)
