"""Write ``docs/performance.md`` and its plot from the rows of ``peers.py``.

Run ``python benchmarks/peers.py --json rows.json && python benchmarks/performance_page.py rows.json``.
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

from figures.style import COLOURS, STYLE, new_figure

DOCS = Path(__file__).parent.parent / "docs"
INTRO = """# Performance

Measured side by side in one run by

```sh
python -m pip install -e '.[bench]'
python benchmarks/peers.py --json rows.json && python benchmarks/performance_page.py rows.json
```

Results are compared before times. A time is the median of the runs, on one thread; a ratio is to this library in the
same run. Libraries that read samples get the support once each, which is exact here because the law is uniform; runs
that would take minutes are left out. `numpy unique` is what one writes without a library.

![Time against the number of items, for each library](images/performance.png)

"""
BOUNDS = """
## What the work is

| quantity | work | form |
| --- | --- | --- |
| total correlation, N outcomes | n + 1 groupings of N rows | sort of packed integer keys |
| all subset entropies, sparse | the supports of all parent sets, not `2^n N` rows | each set from one larger |
| all subset entropies, dense | `prod (A_i + 1)` cells, a logarithm each | matrix products, by slices |
| `L*_T` for all T | `3^n` pairs (set, next block): a sum and a minimum for each T | compiled, or numpy |
| exact law of a policy | one multiplication per (state, chosen set, next state) | rationals for exact pmfs |
"""


def page(rows: list[dict[str, Any]]) -> str:
    """Return the page as Markdown."""
    lines = [
        INTRO,
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, ",
    ]
    lines.append(
        ", ".join(f"{name} {_version(name)}" for name in ("numpy", "numba", "dit", "lea", "pyitlib")) + ".\n"
    )
    for title, wanted in (("Shuffle of n items, beside other libraries", True), ("Dense binary laws", False)):
        lines.append(f"\n## {title}\n\n| law | quantity | library | seconds | ratio | same result |\n")
        lines.append("| --- | --- | --- | ---: | ---: | --- |\n")
        for row in rows:
            if row["task"].startswith("shuffle") is wanted:
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
    return "".join([*lines, BOUNDS])


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
        axes[0].set_ylabel("seconds")
        handles, labels = axes[-1].get_legend_handles_labels()
        drawing.legend(handles, labels, loc="outside right upper")
        drawing.savefig(path, metadata={"Software": None})


def main(argv: list[str] | None = None) -> int:
    """Write the page and the plot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path, help="the file that peers.py --json wrote")
    args = parser.parse_args(argv)
    rows = json.loads(args.rows.read_text(encoding="utf-8"))
    (DOCS / "performance.md").write_text(page(rows), encoding="utf-8")
    plot(rows, DOCS / "images" / "performance.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
