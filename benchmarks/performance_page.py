"""Measurements for ``docs/performance.md``, and the page with its plots.

``peers.py --json FILE`` writes the rows without a page, ``performance_page.py FILE [FILE ...]`` the page without
measuring; ``peers.py --sections`` measures a part.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from exact_tables import exact_section
from peers import measure

from figures.drawing.style import COLOURS, STYLE, new_figure

DOCS = Path(__file__).parent.parent / "docs"
INTRO = """# Performance

Measured side by side, each section in one run, by

```sh
python -m pip install -e '.[bench]'
OMP_NUM_THREADS=1 python benchmarks/performance_page.py
```

Results are compared before times. A time is the median CPU time of at least five runs, on one thread; a ratio is to
this library in the same run. Libraries that read samples get the support once each, which is exact here because the
distribution is uniform; those that would take a quarter of an hour are skipped. `numpy unique` is plain numpy without a
library.

![Time against the number of items, for each library](images/performance.png)

"""
BOUNDS = """
## How it grows

![CPU seconds against n and against the number of outcomes, with work bounds](images/growth.png)

Dashed: the least number of operations of the algorithm, times the time of one operation on this machine, measured in
the same run (`benchmarks/growth.py`): a logarithm and a product for each cell of a dense table, a sum and a minimum for
each step of the programme of `L*_T`, one pass over a key and a weight for each row that is grouped. The table uses
compiled code from 16 bits on, and below that numpy's logarithm, which is slow on x86 without AVX-512. The programme
writes single numbers to scattered places, where the bound counts whole vectors; up to 10 positions it runs in numpy.
Sparse tables take about a hundred times as long as one pass over their rows, because grouping sorts the rows.

"""
WORK = """
## What the work is

| quantity | work | form |
| --- | --- | --- |
| total correlation, N outcomes | n + 1 groupings of N rows | sort of packed integer keys |
| all subset entropies, sparse | the supports of all parent sets, not `2^n N` rows | each set from one larger |
| all subset entropies, dense | `prod (A_i + 1)` cells, a logarithm each | matrix products, or compiled code |
| all subset entropies, exact | the same cells, two or three primes each | a sieve, and sums over primes |
| `L*_T` for all T | `3^n` pairs (set, next block): a sum and a minimum for each T | compiled, or numpy |
| exact distribution of a policy | one multiplication per (state, chosen set, next state) | rationals for exact pmfs |
"""


def page(rows: list[dict[str, Any]]) -> str:
    """Return the page as Markdown."""
    lines = [
        INTRO,
        f"Machine: {os.cpu_count()} cores, {platform.machine()} {_vectors()}, Python {platform.python_version()}, ",
    ]
    lines.append(
        ", ".join(f"{name} {_version(name)}" for name in ("numpy", "numba", "dit", "lea", "pyitlib")) + ".\n"
    )
    for title, wanted in (
        ("Shuffle of n items, beside other libraries", True),
        ("Dense binary distributions", False),
    ):
        lines.append(
            f"\n## {title}\n\n| distribution | quantity | library | seconds | ratio | same result |\n"
        )
        lines.append("| --- | --- | --- | ---: | ---: | --- |\n")
        for row in rows:
            if row["task"] not in ("growth", "exact") and row["task"].startswith("shuffle") is wanted:
                same = "yes" if row["agrees"] else "**no**"
                cells = (
                    row["task"],
                    row["quantity"],
                    row["library"],
                    f"{row['seconds']:.3g}",
                    f"{row['ratio']:.3g}",
                    same,
                )
                lines.append(f"| {' | '.join(cells)} |\n")
    lines += [exact_section(rows), BOUNDS, *_growth_table(rows), WORK]
    return "".join(lines)


def _growth_table(rows: list[dict[str, Any]]) -> list[str]:
    lines = ["| quantity | size | seconds | operations | bound, seconds | time / bound |\n"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |\n")
    for row in _growth(rows):
        size = f"{row['x']} bits" if row["panel"] == "positions" else f"{row['x']} outcomes"
        numbers = f"{row['seconds']:.3g} | {row['operations']:.2e} | {row['bound']:.3g}"
        lines.append(f"| {row['series']} | {size} | {numbers} | {row['seconds'] / row['bound']:.2g} |\n")
    return lines


def _growth(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["task"] == "growth"]


def _vectors() -> str:
    """Return whether numpy has vector logarithms here (on x86)."""
    from numpy._core._multiarray_umath import __cpu_features__ as features

    return "with AVX-512" if features.get("AVX512_SKX") else "without AVX-512"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _size(row: dict[str, Any]) -> int:
    return int(row["task"].rpartition("=")[2])


def plot(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds against n, one line a library, one panel a quantity."""
    import matplotlib

    marks = {
        "parabounds": ("black", "o"),
        "parabounds, exact form": ("green", "D"),
        "numpy unique": ("sky", "s"),
    }
    marks |= {"pyitlib": ("vermillion", "^"), "lea": ("purple", "v"), "dit": ("orange", "P")}
    rows = [row for row in rows if row["task"] not in ("growth", "exact")]
    sizes = sorted({_size(r) for r in rows if r["task"].startswith("shuffle")})
    quantities = list(dict.fromkeys(r["quantity"] for r in rows if r["task"].startswith("shuffle")))
    with matplotlib.rc_context(STYLE):
        drawing, (axes,) = new_figure(1, len(quantities), width=8, height=3.2, sharey=True)
        for ax, quantity in zip(axes, quantities, strict=True):
            for library, (colour, marker) in marks.items():
                mine = [r for r in rows if r["quantity"] == quantity and r["library"] == library]
                places, seconds = [_size(r) for r in mine], [r["seconds"] for r in mine]
                ax.plot(places, seconds, color=COLOURS[colour], marker=marker, markersize=4, label=library)
            ax.set(title=quantity.removesuffix(", sum"), xlabel="items n", yscale="log")
            ax.set_xticks(sizes)
        axes[0].set_ylabel("CPU seconds")
        handles, labels = axes[-1].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside right upper")
        drawing.savefig(path, metadata={"Software": None})


def plot_growth(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw seconds and work bounds against n and against the number of outcomes, one panel each."""
    import matplotlib
    from matplotlib.ticker import NullFormatter

    panels = {
        "positions": ("dense distribution of n bits", "bits n", {"all subset entropies": ("blue", "o")}),
        "outcomes": ("N random outcomes, 8 positions", "outcomes N", {"all subset entropies": ("blue", "o")}),
    }
    panels["positions"][2]["L*_T for all T"] = ("vermillion", "s")
    panels["outcomes"][2]["total correlation"] = ("green", "^")
    with matplotlib.rc_context(STYLE):
        drawing, (axes,) = new_figure(1, 2, width=8, height=3.4)
        for ax, (panel, (title, label, series)) in zip(axes, panels.items(), strict=True):
            for name, (colour, marker) in series.items():
                mine = [r for r in _growth(rows) if r["panel"] == panel and r["series"] == name]
                x, text = [r["x"] for r in mine], name.replace("L*_T", "$L^*_T$")
                seconds, bound = [r["seconds"] for r in mine], [r["bound"] for r in mine]
                ax.plot(x, seconds, color=COLOURS[colour], marker=marker, markersize=4, label=text)
                ax.plot(x, bound, color=COLOURS[colour], linestyle="--", linewidth=1, label="its work bound")
            ax.set(title=title, xlabel=label, yscale="log", ylabel="CPU seconds")
            ax.legend(loc="upper left")
            low, high = ax.get_ylim()
            ax.set_ylim(low, high * 30)  # room for the legend
        axes[0].set_xticks(sorted({r["x"] for r in _growth(rows) if r["panel"] == "positions"}))
        axes[1].set_xscale("log")
        axes[1].xaxis.set_minor_formatter(NullFormatter())
        drawing.savefig(path, metadata={"Software": None})


def main(argv: list[str] | None = None) -> int:
    """Write the page and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "rows", type=Path, nargs="*", help="what peers.py --json wrote; measured now by default"
    )
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--fast", action="store_true", help="small sizes only")
    args = parser.parse_args(argv)
    rows = [row for file in args.rows for row in json.loads(file.read_text("utf-8"))]
    rows = rows or measure(args.repeats, fast=args.fast)
    (DOCS / "performance.md").write_text(page(rows), encoding="utf-8")
    plot(rows, DOCS / "images" / "performance.png")
    plot_growth(rows, DOCS / "images" / "growth.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
