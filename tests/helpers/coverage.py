"""How often the intervals of ``estimate`` hold the truth: known distributions, many data sets, and the page of docs.

``python -m tests.helpers.coverage`` measures all of it and writes the table of ``docs/estimates.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import permutations, product
from math import log2, prod
from pathlib import Path

import numpy as np

from theory.commands.estimate import estimate_answer
from theory.sampling.observed import Observed

PAGE = Path(__file__).parent.parent.parent / "docs" / "estimates.md"
RUNS = 100
SIZES = (100, 1000, 10_000)
KEYS = ("entropy", "total_correlation", "dual_total_correlation", "partition_bound", "optimal_bound")
START, END = "<!-- table -->\n", "<!-- end of table -->\n"


@dataclass(frozen=True)
class Case:
    """A distribution: rows of a context and the tokens, with their probabilities."""

    rows: tuple[tuple[int, ...], ...]
    p: tuple[float, ...]

    @property
    def n(self) -> int:
        return len(self.rows[0]) - 1

    @cached_property
    def partition(self) -> tuple[tuple[int, ...], ...]:
        """The first half at once, then the rest."""
        return tuple(range(self.n // 2)), tuple(range(self.n // 2, self.n))

    def sample(self, size: int, rng: np.random.Generator) -> Observed:
        counts = rng.multinomial(size, self.p)
        return Observed(name="t", codes=np.array(self.rows)[counts > 0], counts=counts[counts > 0])

    def entropy(self, positions) -> float:
        """H(y_S | X) by its definition."""
        return self._joint((0, *(i + 1 for i in positions))) - self._joint((0,))

    def _joint(self, columns) -> float:
        masses: dict[tuple[int, ...], float] = {}
        for row, p in zip(self.rows, self.p, strict=True):
            key = tuple(row[j] for j in columns)
            masses[key] = masses.get(key, 0.0) + p
        return -sum(p * log2(p) for p in masses.values() if p)

    def loss(self, partition) -> float:
        """L_T by its definition: the total correlation of each block given those before it."""
        total, before = 0.0, ()
        for block in partition:
            h = self.entropy(before)
            singles = sum(self.entropy((*before, i)) - h for i in block)
            total += singles - (self.entropy((*before, *block)) - h)
            before = (*before, *block)
        return total

    @cached_property
    def truth(self) -> dict[str, float]:
        everything = range(self.n)
        h = self.entropy(everything)
        rest = [h - self.entropy([j for j in everything if j != i]) for i in everything]
        return {
            "entropy": h,
            "total_correlation": self.loss([everything]),
            "dual_total_correlation": h - sum(rest),
            "partition_bound": self.loss(self.partition),
        }


@dataclass(frozen=True)
class FairBits:
    """Independent fair bits, too many to list."""

    n: int
    partition: tuple[tuple[int, ...], ...] = ()

    def sample(self, size: int, rng: np.random.Generator) -> Observed:
        numbers, counts = np.unique(rng.integers(0, 1 << self.n, size), return_counts=True)
        bits = numbers[:, None] >> np.arange(self.n) & 1
        return Observed(name="t", codes=np.pad(bits, ((0, 0), (1, 0))), counts=counts)

    @property
    def truth(self) -> dict[str, float]:
        return {"entropy": self.n, "total_correlation": 0.0, "dual_total_correlation": 0.0}


def _case(rows, p) -> Case:
    p = np.array(p, dtype=float)
    return Case(tuple((0, *row) for row in rows), tuple((p / p.sum()).tolist()))


def _independent(*marginals) -> Case:
    rows = product(*[range(len(m)) for m in marginals])
    return _case(rows, [prod(ps) for ps in product(*marginals)])


def _on_grid(sizes, p, seed) -> Case:
    """The probabilities p on cells of a grid in random order."""
    cells = list(product(*[range(s) for s in sizes]))
    order = np.random.default_rng(seed).permutation(len(cells))[: len(p)]
    return _case([cells[j] for j in order], p)


def _chain() -> Case:
    rows = list(product(range(3), repeat=4))
    step = [[0.7, 0.15, 0.15], [0.15, 0.7, 0.15], [0.15, 0.15, 0.7]]
    return _case(rows, [step[a][b] * step[b][c] * step[c][d] for a, b, c, d in rows])


def _weather() -> Case:
    rows = [(0, 0, 0), (0, 1, 1), (1, 2, 2), (1, 1, 2), (1, 2, 1)]
    return Case(tuple(rows), (0.4, 0.2, 0.2, 0.1, 0.1))


def _cases() -> dict[str, Case | FairBits]:
    rng = np.random.default_rng(5)
    ranks = np.arange(1, 1001, dtype=float)
    bits = list(product(range(2), repeat=3))
    return {
        "independent, 3 x 5 x 2 values": _independent(*[rng.dirichlet([2] * s) for s in (3, 5, 2)]),
        "New York (4 outcomes)": _case([(0, 0), (0, 1), (1, 2), (2, 2)], [1] * 4),
        "independent, 2 fair bits": _independent([0.5] * 2, [0.5] * 2),
        "independent, 4 bits of 0.9": _independent(*[[0.9, 0.1]] * 4),
        "independent, 8 fair bits": _independent(*[[0.5] * 2] * 8),
        "2 bits, nearly independent": _case(product(range(2), repeat=2), [26, 24, 24, 26]),
        "3 bits, parity kept in 9 of 10": _case(bits, [9 if sum(y) % 2 == 0 else 1 for y in bits]),
        "permutations of 4": _case(permutations(range(4)), [1] * 24),
        "Markov chain, 4 x 3 values": _chain(),
        "two contexts": _weather(),
        "5 equal bits, one of them rare": _case([(0,) * 5, (1,) * 5], [997, 3]),
        "random, 64 outcomes": _on_grid((4, 4, 4), rng.dirichlet([0.2] * 64), 2),
        "geometric, ratio 4/5": _on_grid((6, 6, 6), 0.8 ** np.arange(216), 4),
        "Zipf, 512 outcomes": _on_grid((8, 8, 8), 1 / ranks[:512], 3),
        "Zipf squared, 1,000 outcomes": _on_grid((10, 10, 10), ranks**-2, 4),
        "independent, 40 fair bits": FairBits(40),
    }


CASES = _cases()


@dataclass(frozen=True)
class Held:
    """Of ``RUNS`` data sets: how many gave an interval, how many of these held the truth, and their median width."""

    given: int
    held: int
    width: float


def measured(name: str, size: int) -> dict[str, Held]:
    """The coverage of each quantity; of the priced partitions those of two blocks."""
    case = CASES[name]
    found: dict[str, list[tuple[bool, float]]] = {key: [] for key in KEYS}
    for run in range(RUNS):
        seen = case.sample(size, np.random.default_rng([size, run]))
        answer = estimate_answer(seen, case.partition or None, seed=run)
        for key in KEYS:
            value, truth = answer.get(key), case.truth.get(key)
            if key == "optimal_bound" and value is not None:
                value, truth = value[1], case.loss(answer["optimal_partitions"][1])
            if value is not None:
                low, high = value["low"] - 1e-12, value["high"] + 1e-12  # a truth of 0 is rounded
                found[key].append((low <= truth <= high, high - low))
    return {
        key: Held(len(v), sum(h for h, _ in v), float(np.median([w for _, w in v])) if v else 0.0)
        for key, v in found.items()
    }


def row(name: str, size: int, cells: dict[str, Held]) -> str:
    """One row of the table."""
    shown = [f"{c.held} of {c.given}" if c.given else "withheld" for c in cells.values()]
    width = cells["total_correlation"]
    shown.append(f"{width.width:.2g}" if width.given else "-")
    return f"| {name} | {size:,} | {' | '.join(shown)} |\n"


def table() -> str:
    titles = ["distribution", "samples", "H", "TC", "DTC", "L_2 of a partition", "L_2 chosen and priced"]
    head = f"| {' | '.join([*titles, 'width of TC, bits'])} |\n|{' --- |' * 8}\n"
    return head + "".join(row(name, size, measured(name, size)) for name in CASES for size in SIZES)


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(START)
    PAGE.write_text(f"{before}{START}{table()}{END}{rest.split(END)[1]}", encoding="utf-8")
