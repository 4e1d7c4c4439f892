"""Measure the brackets of docs/brackets.md on seeded distributions: ``python benchmarks/brackets.py``.

It writes the section "Measured" of the page, with ``--only NAME`` the row of one distribution. ``--seconds 5`` is a
quick look and writes nothing. ``--cpu`` counts seconds of the processor, for a machine that is shared.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import numpy as np

from theory.bounds.brackets.bracket import Bracket, bracket_bounds
from theory.distributions.pmf import JointPMF

PAGE = Path(__file__).parent.parent / "docs" / "brackets.md"
HEAD = "## Measured\n"
COLUMNS = 10


def _distinct(rows: np.ndarray) -> JointPMF:
    return JointPMF.uniform(map(tuple, np.unique(rows, axis=0).tolist()))


def random_rows(m: int, n: int, tokens: int, seed: int) -> JointPMF:
    """Independent uniform tokens."""
    return _distinct(np.random.default_rng(seed).integers(0, tokens, (m, n)))


def copied(m: int, n: int, tokens: int, copies: int, seed: int) -> JointPMF:
    """Independent columns, each of which stands several times under other names."""
    rows = np.random.default_rng(seed).integers(0, tokens, (m, n))
    return _distinct(np.concatenate([(rows * 7 + k) % 31 for k in range(copies)], axis=1))


def chain(m: int, n: int, tokens: int, concentration: float, seed: int) -> JointPMF:
    """A Markov chain with Dirichlet rows."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.dirichlet([concentration] * tokens, size=tokens), axis=1)
    columns = [rng.integers(0, tokens, m)]
    for _ in range(n - 1):
        columns.append((edges[columns[-1]] < rng.random(m)[:, None]).sum(axis=1).clip(0, tokens - 1))
    return _distinct(np.stack(columns, axis=1))


def bigrams(m: int, n: int, words: int, seed: int) -> JointPMF:
    """A chain like text: after each word the others follow by Zipf's law, in an order of its own."""
    rng = np.random.default_rng(seed)
    zipf = 1 / np.arange(1, words + 1)
    edges = np.cumsum(zipf / zipf.sum())
    after = np.stack([rng.permutation(words) for _ in range(words)])
    columns = [np.searchsorted(edges, rng.random(m)).clip(0, words - 1)]
    for _ in range(n - 1):
        columns.append(after[columns[-1], np.searchsorted(edges, rng.random(m)).clip(0, words - 1)])
    return _distinct(np.stack(columns, axis=1))


def phrases(m: int, n: int, length: int, count: int, words: int, seed: int) -> JointPMF:
    """Phrases side by side, each drawn by Zipf's law from a list of its own; so are the words of the phrases."""
    rng = np.random.default_rng(seed)
    zipf, of_words = 1 / np.arange(1, count + 1), 1 / np.arange(1, words + 1)
    lists = [rng.choice(words, p=of_words / of_words.sum(), size=(count, length)) for _ in range(n // length)]
    return _distinct(
        np.concatenate([one[rng.choice(count, p=zipf / zipf.sum(), size=m)] for one in lists], axis=1)
    )


CASES: dict[str, tuple[str, Callable[[], JointPMF]]] = {
    "copies": ("16 random columns of 3 tokens, 6 copies of each", lambda: copied(500, 16, 3, 6, 0)),
    "bigrams": ("text-like chain, 200 words", lambda: bigrams(1000, 40, 200, 0)),
    "phrases": ("phrases of 5 words by Zipf's law", lambda: phrases(2000, 100, 5, 400, 5000, 0)),
    "chain": ("Markov chain of 8 tokens", lambda: chain(1000, 24, 8, 0.3, 0)),
    "chain5": ("Markov chain of 5 tokens", lambda: chain(1000, 24, 5, 0.3, 0)),
    "binary": ("random bits", lambda: random_rows(200, 30, 2, 0)),
    "long": ("text-like chain, 1,000 words", lambda: bigrams(100_000, 200, 1000, 0)),
}


def measure(name: str, seconds: float, threads: int, *, cpu: bool) -> list[str]:
    """Return the row of a distribution."""
    text, make = CASES[name]
    pmf = make()
    begin, spent = perf_counter(), process_time()
    found = bracket_bounds(pmf, seconds=seconds, threads=threads, now=process_time if cpu else perf_counter)
    took, used = perf_counter() - begin, process_time() - spent
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    size = f"{len(pmf):,} x {pmf.n}"
    return [
        text,
        size,
        *_entries(found),
        f"{took:.0f} ({used:.0f}{', limit' if cpu else ''})",
        f"{memory:.1f}",
    ]


def _entries(found: Bracket) -> list[str]:
    cells = []
    for t in range(1, COLUMNS):
        if t < len(found.upper):
            low, high = found.lower[t], found.upper[t]
            sure = f"{high:.4g}" if high > 1e-9 else "<1e-9"
            cells.append("0" if high == 0 else f"**{sure}**" if found.exact[t] else f"{low:.3f}..{high:.3f}")
    return cells


def page(rows: list[list[str]], seconds: float, threads: int) -> str:
    """Return the section."""
    names = [
        "distribution",
        "outcomes x n",
        *(f"T={t + 1}" for t in range(1, COLUMNS)),
        "seconds (CPU)",
        "GiB",
    ]
    lines = [
        f"{HEAD}\n",
        "By `python benchmarks/brackets.py`, which writes this section: seeded distributions, equal ",
        f"weights, `seconds={seconds:g}, threads={threads}`.\nBold is exact, `lower..upper` a bracket, 0 exactly ",
        "zero; T = 1 is always exact. Seconds are of the clock, in brackets of the\nprocessor, which other ",
        'jobs shared ("limit": these were counted, with `--cpu`); GiB is the peak of the process ',
        "so far,\nthe distribution as Python objects included.\n",
        f"{os.cpu_count()} cores, ",
        f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}.\n\n",
        f"| {' | '.join(names)} |\n| {' | '.join(['---'] * 2 + ['---:'] * (len(names) - 2))} |\n",
        *map(_line, rows),
    ]
    return "".join(lines)


def _line(row: list[str]) -> str:
    return f"| {' | '.join(row)} |\n"


def main(argv: list[str] | None = None) -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", choices=CASES)
    parser.add_argument("--cpu", action="store_true")
    args = parser.parse_args(argv)
    bracket_bounds(random_rows(30, 20, 2, 0), seconds=1)  # compiled before the clock starts
    rows = []
    for name in [args.only] if args.only else CASES:
        rows.append(measure(name, args.seconds, args.threads, cpu=args.cpu))
        print(" | ".join(rows[-1]), flush=True)
    if args.seconds == parser.get_default("seconds"):
        text = PAGE.read_text(encoding="utf-8")
        kept, _, rest = text.partition(HEAD)
        section, mark, after = rest.partition("\n## ")
        if args.only:
            start = f"| {CASES[args.only][0]} |"
            lines = [_line(rows[0]) if line.startswith(start) else line for line in section.splitlines(True)]
            section = HEAD + "".join(lines)
        else:
            section = page(rows, args.seconds, args.threads)
        PAGE.write_text(kept + section + mark + after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
