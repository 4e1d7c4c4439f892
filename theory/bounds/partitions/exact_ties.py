"""Exact losses of partitions that floats cannot tell apart.

A partition of a revealed set costs ``sum_t sum_{i in S_t} (h(S_<t u i) - h(S_<t))``, an integer combination of entries
of the table. A cost is stored as a *key*, a tuple that grows block by block, so that most ties are found without any
arithmetic of logarithms.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import fsum
from typing import Any, Protocol

from flint import arb, ctx
from numpy.typing import NDArray

from theory.information.subsets.table import EntropyTable
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import sum_error

_PRECISIONS = 128, 640  # bits of intervals: differences of weights below 2^200 rarely need more

__all__ = ["Key", "PartitionCosts", "partition_costs"]

Key = tuple[int, ...]


class PartitionCosts(Protocol):
    """Costs of partitions as keys; equal keys mean equal costs."""

    def nothing(self) -> Key:
        """Return the cost of the empty partition."""
        ...

    def joint(self, target: int) -> Key:
        """Return ``H(target)``, the least possible cost of revealing ``target``."""
        ...

    def extend(self, key: Key, source: int, target: int) -> Key:
        """Return the cost after one more block, from ``source`` to ``target``."""
        ...

    def compare(self, left: Key, right: Key) -> int:
        """Return -1, 0 or 1, the exact order of two costs."""
        ...

    def equal(self, left: Key, right: Key) -> bool:
        """Return whether two costs are equal, exactly."""
        ...

    def require(self, keys: Iterable[Key]) -> None:
        """Raise if building the numbers of these keys would take too long."""
        ...

    def excess(self, key: Key) -> LogNumber:
        """Return the cost minus ``H(Y)``."""
        ...


def partition_costs(table: EntropyTable) -> PartitionCosts:
    """Return the exact costs of partitions for an exact table."""
    vectors = table.vectors if table.few_weights else None
    return _Vectors(table, *vectors) if vectors is not None else _OnDemand(table)


class _Vectors:
    """Keys are coefficients over primes: equal costs have equal keys."""

    def __init__(self, table: EntropyTable, primes: tuple[int, ...], vectors: NDArray[Any]) -> None:
        assert table.rows is not None
        self.n, self.denominator, self.primes, self.vectors = table.n, table.rows.denominator, primes, vectors

    def nothing(self) -> Key:
        return (0,) * len(self.primes)

    def joint(self, target: int) -> Key:
        return tuple(self.vectors[target].tolist())

    def extend(self, key: Key, source: int, target: int) -> Key:
        block = [1 << i for i in range(self.n) if (target ^ source) >> i & 1]
        step = self.vectors[[source | bit for bit in block]].sum(axis=0) - len(block) * self.vectors[source]
        return tuple(a + b for a, b in zip(key, step.tolist(), strict=True))

    def compare(self, left: Key, right: Key) -> int:
        return 0 if left == right else self._number([a - b for a, b in zip(left, right, strict=True)]).sign()

    def equal(self, left: Key, right: Key) -> bool:
        return left == right

    def require(self, keys: Iterable[Key]) -> None:
        del keys  # vectors exist already

    def excess(self, key: Key) -> LogNumber:
        return self._number([a - b for a, b in zip(key, self.vectors[-1].tolist(), strict=True)])

    def _number(self, values: list[int]) -> LogNumber:
        live = [(p, v) for p, v in zip(self.primes, values, strict=True) if v]
        return LogNumber.over_primes([p for p, _ in live], [v for _, v in live], self.denominator)


class _OnDemand:
    """Keys count how often each entropy is used; sets with equal cells count as one.

    Entry c of a key counts the c-th different marginal found, up to the order of its cells; missing entries are zero.
    Different keys can still mean equal costs: floats decide within their proven error, then intervals, which need no
    factors; remaining ties are decided by exact numbers, once for each pair.
    """

    def __init__(self, table: EntropyTable) -> None:
        self.table = table
        self.members: list[int] = []  # a set for each class
        self._classes: dict[tuple[Any, ...], int] = {}
        self._class_of: dict[int, int] = {}
        self._order: dict[Key, int] = {}
        self._balls: dict[tuple[int, int], arb] = {}
        self._built: set[int] = set()  # sets whose exact entropies were built

    def nothing(self) -> Key:
        return ()

    def joint(self, target: int) -> Key:
        return self._add((), {target: 1})

    def extend(self, key: Key, source: int, target: int) -> Key:
        block = [1 << i for i in range(self.table.n) if (target ^ source) >> i & 1]
        return self._add(key, {**{source | bit: 1 for bit in block}, source: -len(block)})

    def compare(self, left: Key, right: Key) -> int:
        if left == right:
            return 0
        difference = self._minus(left, right)
        if difference not in self._order:
            self._order[difference] = self._sign(difference)
        return self._order[difference]

    def equal(self, left: Key, right: Key) -> bool:
        return self.compare(left, right) == 0

    def require(self, keys: Iterable[Key]) -> None:
        used = {c for key in keys for c, count in enumerate(key) if count}
        self.table.require_exact(self.members[c] for c in used)

    def excess(self, key: Key) -> LogNumber:
        return self._number(self._add(key, {len(self.table.h) - 1: -1}))

    def _sign(self, key: Key) -> int:
        shares = [count * float(self.table.h[self.members[c]]) for c, count in enumerate(key)]
        uses, value = sum(map(abs, key)), fsum(shares)
        if abs(value) > sum_error(uses + 2, self.table.error, sum(map(abs, shares))):
            return 1 if value > 0 else -1
        for precision in _PRECISIONS:
            balls = (count * self._ball(self.members[c], precision) for c, count in enumerate(key) if count)
            with ctx.workprec(precision):
                total = sum(balls, arb(0))
            if total > 0 or total < 0:
                return 1 if total > 0 else -1
        new = {self.members[c] for c, count in enumerate(key) if count} - self._built
        if new:
            self._built |= new
            self.table.require_exact(self._built)
        return self._number(key).sign()

    def _ball(self, mask: int, precision: int) -> arb:
        if (mask, precision) not in self._balls:
            self._balls[mask, precision] = self.table.interval(mask, precision)
        return self._balls[mask, precision]

    def _number(self, key: Key) -> LogNumber:
        return self.table.combination({self.members[c]: count for c, count in enumerate(key)})

    def _minus(self, left: Key, right: Key) -> Key:
        size = max(len(left), len(right))
        padded = (left + (0,) * (size - len(left)), right + (0,) * (size - len(right)))
        return _trimmed([a - b for a, b in zip(*padded, strict=True)])

    def _add(self, key: Key, counts: dict[int, int]) -> Key:
        classes = {mask: self._class(mask) for mask in counts if mask}  # the empty set has entropy zero
        total = list(key) + [0] * (len(self.members) - len(key))
        for mask, c in classes.items():
            total[c] += counts[mask]
        return _trimmed(total)

    def _class(self, mask: int) -> int:
        if mask not in self._class_of:
            cells = self.table.cells(mask)
            if cells not in self._classes:
                self._classes[cells] = len(self.members)
                self.members.append(mask)
            self._class_of[mask] = self._classes[cells]
        return self._class_of[mask]


def _trimmed(counts: list[int]) -> Key:
    while counts and not counts[-1]:
        counts.pop()
    return tuple(counts)
