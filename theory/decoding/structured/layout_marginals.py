"""Marginals of each item of a layout given any revealed items, along each outcome."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import Any

import numpy as np
from flint import fmpq

from theory.distributions.pmf import JointPMF
from theory.validation import InputError

__all__ = ["Falling", "LayoutMarginals"]

_ITEMS = 12  # the states are the subsets of the items
Falling = tuple[fmpq, ...]  # the probabilities of a marginal, the largest first


class LayoutMarginals:
    """The marginal of every unknown item, given what an outcome y shows at the known ones.

    Args:
        pmf: An exact distribution of at most 12 items.

    Raises:
        InputError: For a float pmf, or more items.

    Attributes:
        kinds: The different marginals, each as its probabilities in falling order.
        whole: Whether they may only be used with all items in one block; see
            :class:`~theory.decoding.structured.layout_cells.CellMarginals`.
        products: Sums over steps in random order that were computed before; see
            :mod:`theory.decoding.structured.layout_random`.
    """

    whole = False
    products: dict[Any, Any]

    def __init__(self, pmf: JointPMF) -> None:
        if not pmf.is_exact:
            raise InputError("a layout is decoded exactly; give exact probabilities.")
        if pmf.n > _ITEMS:
            raise InputError(f"a layout is decoded exactly for up to {_ITEMS} items, got {pmf.n}.")
        self.pmf, self.kinds, self.products = pmf, list[Falling](), {}
        self._number: dict[Falling, int] = {}
        self._known: dict[frozenset[tuple[int, int]], tuple[dict[int, fmpq], int]] = {}
        self._closed: dict[tuple[int, int], int] = {}
        # (known, y) -> for each item (probability of y_i, kind of its marginal); 0 and -1 where known
        self._rows = [self._given(known) for known in range(1 << pmf.n)]

    def kind(self, known: int, y: int) -> list[int]:
        """Return for each item the place of its marginal in ``kinds``, given y at the known items (a bit mask)."""
        return self._rows[known][1][y]

    def chances(self, known: int, y: int, temperature: int) -> list[fmpq]:
        """Return for each item the probability that one token of it is drawn as in y.

        At temperature 0: one over the number of most probable values if ``y_i`` is one of them, else 0.
        """
        chances, kinds = self._rows[known][0][y], self._rows[known][1][y]
        if temperature:
            return chances
        best = [self.kinds[kind] if kind >= 0 else () for kind in kinds]
        return [
            fmpq(1, b.count(b[0])) if b and p == b[0] else fmpq(0) for p, b in zip(chances, best, strict=True)
        ]

    def weight(self, known: int, y: int) -> fmpq:
        """Return the probability of what y shows at the known items (a bit mask)."""
        if not known:
            return fmpq(1)
        last = known.bit_length() - 1
        rest = known ^ 1 << last
        return self.weight(rest, y) * self.chances(rest, y, 1)[last]

    def closed(self, known: int, y: int) -> int:
        """Return the known items and those that they determine, given y at the known ones (bit masks)."""
        key = (known, y)
        if key not in self._closed:
            sure = (
                i for i, kind in enumerate(self.kind(known, y)) if kind >= 0 and len(self.kinds[kind]) == 1
            )
            self._closed[key] = known | sum(1 << i for i in sure)
        return self._closed[key]

    def canonical(self, known: int, y: int) -> int:  # noqa: ARG002
        """Return a set of known items that stands for all those that a symmetry maps to it; here the set itself."""
        return known

    @cached_property
    def classes(self) -> list[int]:
        """For each outcome the first one with the same probabilities and marginals in all states: one run for all."""
        first: dict[tuple[object, ...], int] = {}
        found: list[int] = []
        for y in range(len(self.pmf)):
            key = tuple(
                (str(p), kind)
                for chances, kinds in self._rows
                for p, kind in zip(chances[y], kinds[y], strict=True)
                if kind >= 0
            )
            found.append(first.setdefault(key, y))
        return found

    def _given(self, known: int) -> tuple[list[list[fmpq]], list[list[int]]]:
        codes, weights = self.pmf.codes, [int(w) for w in self.pmf.weights.tolist()]
        columns = [i for i in range(self.pmf.n) if known >> i & 1]
        group = [0] * len(codes)
        if columns:
            group = np.unique(codes[:, columns], axis=0, return_inverse=True)[1].reshape(-1).tolist()
        chances = [[fmpq(0)] * self.pmf.n for _ in codes]
        kinds = [[-1] * self.pmf.n for _ in codes]
        for i in (i for i in range(self.pmf.n) if not known >> i & 1):
            column = codes[:, i].tolist()
            counts = defaultdict[int, dict[int, int]](dict)
            for g, code, weight in zip(group, column, weights, strict=True):
                counts[g][code] = counts[g].get(code, 0) + weight
            marginal = {g: self._marginal(row) for g, row in counts.items()}
            for y, (g, code) in enumerate(zip(group, column, strict=True)):
                probabilities, kinds[y][i] = marginal[g]
                chances[y][i] = probabilities[code]
        return chances, kinds

    def _marginal(self, counts: dict[int, int]) -> tuple[dict[int, fmpq], int]:
        key = frozenset(counts.items())
        if key not in self._known:
            total = sum(counts.values())
            found = {code: fmpq(count, total) for code, count in counts.items()}
            falling = tuple(sorted(found.values(), reverse=True))
            if falling not in self._number:
                self._number[falling] = len(self.kinds)
                self.kinds.append(falling)
            self._known[key] = found, self._number[falling]
        return self._known[key]
