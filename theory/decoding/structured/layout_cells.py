"""Marginals of the cells of a grid, with the symmetries of the grid.

For an outcome y, ``N_i,v(K)`` is the weight of all outcomes that agree with y on K and show v at cell i: a sum over the
supersets of K of the weight of the outcomes whose set of agreement with y is that superset. So 2^n sums cost n 2^n
additions. A permutation of the cells that, with some renaming of the tokens, maps the distribution and y to themselves
leaves all of it unchanged; the states of an orbit are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory.decoding.structured.layout_marginals import Falling, LayoutMarginals
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

__all__ = ["CellMarginals"]

_CELLS, _BASE = 16, 8  # cells, and more than the tokens of a cell


class CellMarginals(LayoutMarginals):
    """Marginals of up to 16 cells along each outcome.

    Args:
        pmf: An exact distribution; all cells have the same tokens.
        permutations: Permutations of the cells, as ``new[i] = old[permutation[i]]``; those that are symmetries are
            used, the others ignored.
        whole: Whether the layout has all cells in one block. Then the symmetries join states and outcomes; else only
            renamed tokens do, since cells of different blocks differ.

    Raises:
        InputError: For a float pmf, or more cells.
    """

    def __init__(
        self, pmf: JointPMF, permutations: Sequence[tuple[int, ...]] = (), *, whole: bool = True
    ) -> None:
        if not pmf.is_exact or pmf.n > _CELLS:
            raise InputError(
                f"cells are decoded exactly for exact pmfs of up to {_CELLS} cells, got {pmf.n}."
            )
        self.pmf, self.whole, self.kinds = pmf, whole, list[Falling]()
        self.products = {}
        self._number: dict[Falling, int] = {}
        self._closed: dict[tuple[int, int], int] = {}
        self._permutations = list(permutations) if whole else [tuple(range(pmf.n))]
        tokens = list(dict.fromkeys(token for outcome in pmf.outcomes for token in outcome))
        place = {token: number for number, token in enumerate(tokens)}
        self._grids = np.array([[place[token] for token in outcome] for outcome in pmf.outcomes])
        self._weights = np.array([int(w) for w in pmf.weights.tolist()], dtype=np.int64)
        self._listed = sorted(zip(_codes(self._grids), self._weights.tolist(), strict=True))
        self._kept: dict[tuple[tuple[int, ...], tuple[int, ...]], bool] = {}
        self._outcome, self._counts = -1, np.zeros((0, 0, 0), dtype=np.int64)
        self._orbits: dict[int, NDArray[np.int64]] = {}
        self._state: dict[int, tuple[list[fmpq], list[int]]] = {}

    def kind(self, known: int, y: int) -> list[int]:
        """Return for each cell the place of its marginal in ``kinds``, -1 where known."""
        return self._given_y(known, y)[1]

    def chances(self, known: int, y: int, temperature: int) -> list[fmpq]:
        """Return for each cell the probability that it is drawn as in y; see :class:`LayoutMarginals`."""
        chances, kinds = self._given_y(known, y)
        if temperature:
            return chances
        best = [self.kinds[kind] if kind >= 0 else () for kind in kinds]
        return [
            fmpq(1, b.count(b[0])) if b and p == b[0] else fmpq(0) for p, b in zip(chances, best, strict=True)
        ]

    def canonical(self, known: int, y: int) -> int:
        """Return the smallest set that a symmetry maps the known cells to."""
        if not self.whole:
            return known
        if y not in self._orbits:
            masks = np.arange(1 << self.pmf.n, dtype=np.int64)
            least = masks.copy()
            for permutation in self._symmetries(y):
                moved = np.zeros_like(masks)
                for i, source in enumerate(permutation):
                    moved |= (masks >> source & 1) << i
                np.minimum(least, moved, out=least)
            self._orbits[y] = least
        return int(self._orbits[y][known])

    @cached_property
    def classes(self) -> list[int]:
        """For each outcome the first one that a symmetry maps to it."""
        firsts: dict[int, dict[bytes, list[tuple[int, ...]]]] = {}
        found: list[int] = []
        for y in range(len(self._grids)):
            form = _renamed(self._grids[y]).tobytes()
            same = next(
                (
                    first
                    for first, forms in firsts.items()
                    if any(self._maps(first, y, permutation) for permutation in forms.get(form, ()))
                ),
                y,
            )
            if same == y:
                firsts[y] = self._forms(y)
            found.append(same)
        return found

    def _forms(self, y: int) -> dict[bytes, list[tuple[int, ...]]]:
        """The permutations by the grid that they make of y, up to renaming."""
        forms: dict[bytes, list[tuple[int, ...]]] = {}
        for permutation in self._permutations:
            forms.setdefault(_renamed(self._grids[y][list(permutation)]).tobytes(), []).append(permutation)
        return forms

    def _symmetries(self, y: int) -> list[tuple[int, ...]]:
        alike = self._forms(y).get(_renamed(self._grids[y]).tobytes(), [])
        return [permutation for permutation in alike if self._maps(y, y, permutation)]

    def _maps(self, start: int, end: int, permutation: tuple[int, ...]) -> bool:
        """Whether a permutation, which maps one outcome to the other up to names, keeps the distribution."""
        names = np.full(self._grids.max() + 1, -1)
        names[self._grids[start][list(permutation)]] = self._grids[end]
        key = (permutation, tuple(names.tolist()))
        if key not in self._kept:
            images = _codes(names[self._grids[:, list(permutation)]])
            self._kept[key] = (
                bool((names >= 0).all())
                and sorted(zip(images, self._weights.tolist(), strict=True)) == self._listed
            )
        return self._kept[key]

    def _given_y(self, known: int, y: int) -> tuple[list[fmpq], list[int]]:
        if y != self._outcome:
            self._counts, self._outcome, self._state = self._agreeing(y), y, {}
        if known not in self._state:
            chances, kinds = [fmpq(0)] * self.pmf.n, [-1] * self.pmf.n
            for i in (i for i in range(self.pmf.n) if not known >> i & 1):
                row = [int(count) for count in self._counts[known, i]]
                total = sum(row)
                chances[i] = fmpq(row[int(self._grids[y, i])], total)
                falling = tuple(sorted((fmpq(count, total) for count in row if count), reverse=True))
                if falling not in self._number:
                    self._number[falling] = len(self.kinds)
                    self.kinds.append(falling)
                kinds[i] = self._number[falling]
            self._state[known] = (chances, kinds)
        return self._state[known]

    def _agreeing(self, y: int) -> NDArray[np.int64]:
        """``N_i,v(K)``, shape (2^n, n, V)."""
        n, values = self.pmf.n, int(self._grids.max()) + 1
        agreement = ((self._grids == self._grids[y]) << np.arange(n)).sum(axis=1)
        counts = np.zeros((1 << n, n, values), dtype=np.int64)
        for i in range(n):
            np.add.at(counts[:, i], (agreement, self._grids[:, i]), self._weights)
        for i in range(n):
            halves = counts.reshape(1 << (n - 1 - i), 2, 1 << i, n, values)
            halves[:, 0] += halves[:, 1]
        return counts


def _renamed(grid: NDArray[np.int64]) -> NDArray[np.int64]:
    """The grid with its tokens renamed 0, 1, .. in the order in which they appear."""
    names: dict[int, int] = {}
    return np.array([names.setdefault(token, len(names)) for token in grid.tolist()])


def _codes(grids: NDArray[np.int64]) -> list[int]:
    return (grids @ _BASE ** np.arange(grids.shape[1], dtype=np.int64)).tolist()
