"""Comparison of run times with other libraries.

Results are compared before times: a library with another result is marked, not ranked. Each time is the median CPU time
of several runs (five by default; more for short ones), all on the same pmf in the same process. ``--sections`` measures
some sections only. The libraries are the ``bench`` extra (``python -m pip install -e '.[bench]'``); missing ones are
skipped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import numpy as np
from exact_tables import exact_rows, exact_section
from growth import growth_rows, median_time

from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.information.subsets.builder import subset_entropies

GROWTH, HOPELESS = 15.0, 150.0  # a factor from n to n + 1; seconds
SECTIONS = ("peers", "growth", "exact")
AGREE = 1e-6  # bits: peers work in float64, some in sums of a million terms


def subsets(n: int) -> list[tuple[int, ...]]:
    """Return the non-empty sets of positions."""
    return [s for size in range(1, n + 1) for s in combinations(range(n), size)]


def numpy_unique(codes: np.ndarray, positions: tuple[int, ...]) -> float:
    """Return an entropy of a uniform pmf by ``numpy.unique`` on rows, without a library."""
    counts = np.unique(codes[:, positions], axis=0, return_counts=True)[1]
    p = counts / len(codes)
    return float(-np.sum(p * np.log2(p)))


def peers(n: int, outcomes: list[tuple[int, ...]]) -> dict[str, Callable[[tuple[int, ...]], float]]:
    """Return for each installed peer a function from a set of positions to its entropy in bits."""
    codes = np.array(outcomes)
    found: dict[str, Callable[[tuple[int, ...]], float]] = {"numpy unique": lambda s: numpy_unique(codes, s)}
    if find_spec("pyitlib"):
        from pyitlib import discrete_random_variable as drv

        rows = codes.T  # samples: the support once each, exact because the pmf is uniform
        found["pyitlib"] = lambda s: float(drv.entropy_joint(rows[list(s)]))
    if find_spec("lea"):
        import lea

        names = [f"y{i}" for i in range(n)]
        parts = lea.vals(*outcomes).as_joint(*names)
        found["lea"] = lambda s: float(lea.joint(*[getattr(parts, names[i]) for i in s]).entropy())
    if find_spec("dit") and n <= 8:  # some 25 s for the table of n = 8, minutes beyond
        import dit

        texts = ["".join(map(str, y)) for y in outcomes]
        distribution = dit.Distribution(texts, [1 / len(texts)] * len(texts))
        found["dit"] = lambda s: float(dit.shannon.entropy(distribution, list(s)))
    return found


def compare(n: int, repeats: int, before: dict[tuple[str, str], float]) -> list[dict[str, Any]]:
    """Return rows (quantity, library, seconds, ratio to ours, agrees) for Shuffle of n items.

    Args:
        n: Number of items.
        repeats: Runs of each.
        before: Seconds at n - 1, by quantity and library; n! and 2^n both grow, so hopeless runs are left out.
    """
    outcomes = list(permutations(range(n)))
    pmf = JointPMF.uniform(outcomes)
    jobs: dict[str, tuple[Callable[[], Any], Callable[[Callable[[tuple[int, ...]], float]], Any]]] = {
        "total correlation": (
            lambda: float(total_correlation(pmf)),
            lambda h: sum(h((i,)) for i in range(n)) - h(tuple(range(n))),
        ),
        "all subset entropies, sum": (
            lambda: float(subset_entropies(pmf, exact=False).h.sum()),
            lambda h: sum(h(s) for s in subsets(n)),
        ),
    }
    rows: list[dict[str, Any]] = []
    libraries = peers(n, outcomes)
    for quantity, (ours, theirs) in jobs.items():
        seconds, truth = median_time(ours, repeats)
        row: dict[str, Any] = {"task": f"shuffle n={n}", "quantity": quantity}
        rows.append({**row, "library": "parabounds", "seconds": seconds, "ratio": 1.0, "agrees": True})
        for name, entropy in libraries.items():
            if before.get((quantity, name), 0.0) * GROWTH > HOPELESS:
                continue
            run = partial(theirs, entropy)
            took, value = median_time(run, repeats)
            before[quantity, name] = took
            agrees = abs(value - truth) < AGREE * max(1.0, abs(truth))
            rows.append({**row, "library": name, "seconds": took, "ratio": took / seconds, "agrees": agrees})
    exact, _ = median_time(lambda: subset_entropies(pmf, exact=True), repeats)
    floats = next(r for r in rows if r["quantity"].startswith("all") and r["library"] == "parabounds")[
        "seconds"
    ]
    row = {
        "task": f"shuffle n={n}",
        "quantity": "all subset entropies, sum",
        "library": "parabounds, exact form",
    }
    rows.append({**row, "seconds": exact, "ratio": exact / floats, "agrees": True})
    return rows


def own(growth: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows for the quantities that no peer computes: those of dense distributions in the measured growth."""
    names = {
        "all subset entropies": "all {sets} subset entropies",
        "L*_T for all T": "L*_T for all T, with partitions",
    }
    return [
        {
            "task": f"{row['x']} binary positions",
            "quantity": names[row["series"]].format(sets=1 << row["x"]),
            "library": "parabounds",
            "seconds": row["seconds"],
            "ratio": 1.0,
            "agrees": True,
        }
        for row in growth
        if row["panel"] == "positions"
    ]


def measure(repeats: int, *, fast: bool, sections: Sequence[str] = SECTIONS) -> list[dict[str, Any]]:
    """Return the rows of the sections: other libraries, growth with n, exact tables."""
    before: dict[tuple[str, str], float] = {}
    rows: list[dict[str, Any]] = []
    for n in () if "peers" not in sections else (5, 6) if fast else (6, 7, 8, 9):
        rows += compare(n, repeats, before)
    if "growth" in sections:
        growth = growth_rows(repeats, fast=fast)
        rows += [*own(growth), *growth]
    return [*rows, *(exact_rows(repeats, fast=fast) if "exact" in sections else [])]


def main(argv: list[str] | None = None) -> int:
    """Run, print a table, and write JSON on request."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--fast", action="store_true", help="small sizes only")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default 5)")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=SECTIONS, help="default: all")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    args = parser.parse_args(argv)
    rows = measure(args.repeats, fast=args.fast, sections=args.sections)
    print(f"{'task':22} {'quantity':34} {'library':24} {'seconds':>10} {'ratio':>8}")
    for row in rows:
        if row["task"] == "exact":
            continue
        if row["task"] == "growth":
            print(
                f"{row['panel']:22} {row['series']:34} {row['x']:<24} {row['seconds']:10.5f} {row['bound']:8.4f}"
            )
            continue
        mark = "" if row["agrees"] else "  differs"
        numbers = f"{row['seconds']:10.5f} {row['ratio']:8.1f}{mark}"
        print(f"{row['task']:22} {row['quantity']:34} {row['library']:24} {numbers}")
    print(exact_section(rows))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
