"""Distribution over the tokens of a layout, for samplers that read all positions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from theory.decoding.structured.layout import Layout
from theory.distributions.distribution import MASK, Distribution
from theory.distributions.outcomes import Token
from theory.distributions.pmf import JointPMF
from theory.numbers.arithmetic import Array
from theory.validation import InputError

__all__ = ["LaidOut"]


@dataclass(frozen=True, eq=False)
class LaidOut:
    """An answer of m items written as L tokens; every token of an item shows its value, all others are certain.

    Attributes:
        items: The distribution of the items.
        layout: Where they are written.

    Example:
        >>> from theory.distributions.distribution import ListedDistribution
        >>> pair = ListedDistribution(JointPMF.uniform([("a", "b"), ("b", "a")]))
        >>> written = LaidOut(pair, Layout(places=((0, 1), (3,)), length=4))
        >>> written.conditional(np.array([[0, MASK, MASK, MASK]]))[0, 3].tolist()
        [0.0, 1.0, 0.0]
    """

    items: Distribution
    layout: Layout

    def __post_init__(self) -> None:
        if len(self.layout.places) != self.items.n:
            raise InputError(
                f"the layout has {len(self.layout.places)} items, the distribution {self.items.n}."
            )

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.layout.length

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens of the items, and one for all that is certain."""
        return (*self.items.tokens, "format")

    @cached_property
    def _item(self) -> NDArray[np.int64]:
        """For each position its item, or -1."""
        found = np.full(self.n, -1)
        for i, places in enumerate(self.layout.places):
            found[list(places)] = i
        return found

    def _read(self, written: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The items of each row, masked where no token is revealed, and whether the row is impossible."""
        size = len(self.items.tokens)
        items = np.full((len(written), self.items.n), MASK)
        wrong = (written[:, self._item < 0] >= 0) & (written[:, self._item < 0] != size)
        bad = wrong.any(axis=1)
        for i, places in enumerate(self.layout.places):
            shown = written[:, list(places)]
            items[:, i] = shown.max(axis=1)
            bad |= ((shown != MASK) & (shown != items[:, i : i + 1])).any(axis=1) | (items[:, i] >= size)
        return items, bad | (written < MASK).any(axis=1)

    def conditional(self, revealed: Array) -> Array:
        """Return the ideal marginals, shape (B, L, V + 1)."""
        written = np.asarray(revealed)
        items, bad = self._read(written)
        items[bad] = MASK
        marginals = np.asarray(self.items.conditional(items), dtype=np.float64)
        size = len(self.items.tokens)
        found = np.zeros((len(written), self.n, size + 1))
        inside = self._item >= 0
        found[:, inside, :size] = marginals[:, self._item[inside]]
        found[:, ~inside, size] = 1
        return found

    def contains(self, answers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return whether each row is a possible answer."""
        items, bad = self._read(np.asarray(answers))
        bad = bad | (np.asarray(answers) == MASK).any(axis=1)
        items[bad] = 0
        return ~bad & self.items.contains(items)

    def log_prob(self, answers: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return ``log2 P(y)`` of each row."""
        items, _ = self._read(np.asarray(answers))
        return np.where(self.contains(answers), self.items.log_prob(np.maximum(items, 0)), -np.inf)

    def sample(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        """Return independent answers."""
        drawn = self.items.sample(rng, size)
        found = np.full((size, self.n), len(self.items.tokens))
        found[:, self._item >= 0] = drawn[:, self._item[self._item >= 0]]
        return found

    def pmf(self) -> JointPMF:
        """Return the exact pmf over all positions."""
        return JointPMF.from_mapping(
            {
                tuple("format" if i < 0 else outcome[i] for i in self._item.tolist()): chance
                for outcome, chance in self.items.pmf()
            }
        )
