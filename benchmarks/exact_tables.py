"""Time of exact entropy tables beside that of float tables.

Prints the section of ``docs/performance.md``, measured. Forms of the table of all subset entropies, each from the pmf
to its end: floats; exact, nothing read; exact with every entry as an integer row over primes, by compiled code and by
numpy; exact with every entry read as a number; and with the terms of all these numbers.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from itertools import permutations, product
from math import prod
from typing import Any

import numpy as np
from growth import median_time

from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.prime_rows_builder import prime_rows
from theory.information.subsets.table import EntropyTable

__all__ = ["exact_rows", "exact_section"]

# positions, tokens, outcomes (None: all), largest weight
LAWS = (
    (8, 2, None, 10),
    (10, 2, None, 10),
    (12, 2, None, 10),
    (12, 2, 500, 20),
    (12, 2, None, 1000),
    (14, 2, None, 5),
    (6, 4, None, 50),
    (8, 3, 2000, 30),
    (8, 8, 20000, 100),
    (16, 2, None, 10),
)
FORMS = ("floats", "exact", "rows", "numbers", "rows by numpy", "terms")
TITLE = "Exact tables of weighted distributions"
TEXT = """
Integer weights drawn from 1 up to the one named. *Exact*: the table, nothing read. *Rows*: every entry as an integer
row over primes. *Numbers*: every entry read by `table.exact`. Seconds from the pmf to the end, median CPU time, in
brackets the ratio to the floats of the same run; compiled code and the sieve of primes are loaded before. *Rows by
numpy*: what a process without numba does, and one that has not loaded it (half a second) with fewer than 50,000 cells.
*Terms*: every coefficient of every number is a rational of its own too; that is the time of so much output.

"""


def distribution(n: int, tokens: int, count: int | None, top: int) -> JointPMF:
    """Return a distribution with weights drawn from 1..top on all words, or on ``count`` of them."""
    rng = np.random.default_rng(5)
    words = list(product(range(tokens), repeat=n)) if count is None else []
    if count is not None:
        places = rng.choice(tokens**n, count, replace=False)
        words = [tuple(int(p) // tokens**i % tokens for i in range(n)) for p in sorted(places)]
    return JointPMF.from_weights(words, rng.integers(1, top + 1, len(words)).tolist())


def _name(n: int, tokens: int, count: int | None, top: int) -> str:
    place = f"{n} bits" if tokens == 2 else f"{n} positions of {tokens} tokens"
    return f"{place}, {tokens**n if count is None else count} outcomes, weights 1..{top}"


def _build(pmf: JointPMF, form: str) -> EntropyTable:
    table = subset_entropies(pmf, exact=form != "floats")
    if form == "rows":
        assert table.rows is not None
    if form == "rows by numpy":
        assert prime_rows(pmf, table.masses[0], compiled=False) is not None
    if form in ("numbers", "terms"):
        numbers = [table.exact(mask) for mask in range(1 << pmf.n)]
        if form == "terms":
            assert sum(map(bool, numbers)) > 0
    return table


def exact_rows(repeats: int, *, fast: bool) -> list[dict[str, Any]]:
    """Return a row (distribution, seconds by form, terms in all) for each distribution, and for permutations."""
    distributions = [
        (_name(*parts), distribution(*parts)) for parts in LAWS if prod(parts[:2]) <= (20 if fast else 64)
    ]
    size = 5 if fast else 8
    distributions.append((f"shuffle n={size}, uniform", JointPMF.uniform(permutations(range(size)))))
    _ = _build(distribution(12, 2, None, 2), "rows")  # load the compiled code
    rows: list[dict[str, Any]] = []
    for name, pmf in distributions:
        table = _build(pmf, "rows")
        floats = subset_entropies(pmf, exact=False)
        numbers = [float(table.exact(mask)) for mask in range(0, 1 << pmf.n, max(1, (1 << pmf.n) // 64))]
        shown = floats.h[:: max(1, (1 << pmf.n) // 64)]
        agrees = bool(np.all(np.abs(shown - np.array(numbers)) <= floats.error + table.error))
        forms = [form for form in FORMS if form != "rows by numpy" or pmf.n < 14]  # larger ones are refused
        seconds = {form: median_time(partial(_build, pmf, form), repeats)[0] for form in forms}
        assert table.rows is not None
        terms = len(table.rows.values)
        rows.append(
            {"task": "exact", "distribution": name, "seconds": seconds, "terms": terms, "agrees": agrees}
        )
    return rows


def exact_section(rows: list[dict[str, Any]]) -> str:
    """Return the section of the page."""
    mine = [row for row in rows if row["task"] == "exact"]
    if not mine:
        return ""
    lines = [
        f"\n## {TITLE}\n{TEXT}",
        f"| distribution | {' | '.join(FORMS)} | terms in all | same result |\n",
    ]
    lines.append(f"| --- |{' ---: |' * (len(FORMS) + 1)} --- |\n")
    for row in mine:
        floats = row["seconds"]["floats"]
        cells = [f"{floats:.2e}"]
        found = [row["seconds"].get(form) for form in FORMS[1:]]
        cells += [f"{taken:.2e} ({taken / floats:.1f})" if taken else "-" for taken in found]
        same = "yes" if row["agrees"] else "**no**"
        lines.append(f"| {row['distribution']} | {' | '.join(cells)} | {row['terms']} | {same} |\n")
    return "".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Measure and print the section."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--fast", action="store_true", help="small distributions only")
    parser.add_argument("--repeats", type=int, default=5, help="runs of each (default 5)")
    args = parser.parse_args(argv)
    print(exact_section(exact_rows(args.repeats, fast=args.fast)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
