r"""Forward through the states of :mod:`theory.decoding.structured.one_hot_topk`, in integers or in float64.

At level R the layers N = B, .., 1 hold, for each m, the masses of ``(n_1, .., n_k)``; a step that hits l blocks goes
to layer N - l and adds to the counts; layer 0 is the start of level R - 1, with n_1 as its N. There is no cycle: each
layer is final when it is its turn.

**Integers.** A layer is one polynomial; ``n_1, .., n_k`` are the digits of the exponent to base B + 1. The hit of a
block multiplies by a rational of denominator ``R^k`` (R under the data), the choice of hits by one of denominator
``d(N)``. With ``U(N) = prod_{i <= N} R^k d(i)`` the masses of layer N times ``U(B) / U(N)`` are integers: the factor
of a step is ``U(N) / U(N - l)``, and all masses of a layer have the same denominator.

**Floats.** All terms are positive. A path makes at most ``(b - 1) B`` hits; each costs the rounding of its factor, of
one product and of at most A additions into a cell, A the number of outcomes of all m; entering a level costs one
addition. The relative error is at most ``(b B (A + 4) + 300) 2^-53``, 300 for the sums over a layer; that of the
expected numbers of hits, and of a positive combination of them, ``(b B (A + 4) + B A + b k + 600) 2^-53``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import comb, factorial, lcm
from operator import mul
from typing import Any, Protocol

import numpy as np
from flint import fmpq, fmpz_poly
from numpy.typing import NDArray

from theory.decoding.structured.one_hot_moves import Hits, hits_of_step, outcomes_of

__all__ = ["Window", "forward"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """Blocks that compete in steps of k.

    Attributes:
        blocks: Number of blocks B.
        length: Their length b.
        k: Positions a step.
        lowest: Ties to the lowest index; else at random.
    """

    blocks: int
    length: int
    k: int
    lowest: bool

    @property
    def counts(self) -> int:
        """How many counts n_1, .., n_k matter: a block with one position left is sure."""
        return max(1, min(self.k, self.length - 2))

    @property
    def states(self) -> int:
        """Number of states: levels, counts and m."""
        return (self.length - 1) * comb(self.blocks + self.counts, self.counts + 1) * self.k

    @property
    def words(self) -> int:
        """Length of the integers, at the end, in words of 64 bits."""
        chances = 0 if self.lowest else self.length * (self.k - 1) * (self.blocks * self.length).bit_length()
        return 1 + self.blocks * (self.k * factorial(self.length).bit_length() + chances) // 64

    @property
    def floats(self) -> int:
        """Number of cells of all layers: boxes around the counts."""
        return (self.length - 1) * sum(c**self.counts for c in range(1, self.blocks + 1)) * self.k

    @cached_property
    def outcomes(self) -> int:
        """Outcomes of a step on a level: at random, partitions of m with parts of two kinds; the mean over m."""
        if self.lowest:
            return 2
        ways = [1] + [0] * self.k
        for part in range(1, min(self.k, self.length) + 1):
            for _ in ("live", "sure"):
                for total in range(part, self.k + 1):
                    ways[total] += ways[total - part]
        return sum(ways[1:]) // self.k + 1

    @property
    def _additions(self) -> int:
        """At least A, the number of outcomes of all m."""
        return self.k * self.outcomes

    @property
    def mass_roundings(self) -> int:
        """Roundings of the mass that stays in the support, in units of 2^-53."""
        return self.length * self.blocks * (self._additions + 4) + 300

    @property
    def hits_roundings(self) -> int:
        """The same of a positive combination of the expected numbers of hits."""
        return self.mass_roundings + self.blocks * self._additions + self.length * self.k + 300

    def steps(self, level: int, number: int) -> dict[int, list[tuple[Hits, fmpq]]]:
        """Return the hits on N blocks of a level by the number m of positions to take."""
        return {m: hits_of_step(number, level, m, lowest=self.lowest) for m in range(1, self.k + 1)}

    def after(self, level: int, number: int, take: int, sure: int) -> int:
        """Return m after a step that takes ``take``: what is left of it, or a new step."""
        return max(take - level * number, 0) or self.k - sure % self.k


class _Masses(Protocol):
    """Layers of masses of one kind of number."""

    def unit(self) -> Any: ...
    def add(self, old: Any, layer: int, new: Any, factor: Any, live: Hits) -> Any: ...
    def slices(self, last: Any) -> list[Any]: ...
    def enter(self, old: Any, layer: int, part: Any, factor: Any) -> Any: ...
    def total(self, layer: Any) -> Any: ...


@dataclass(frozen=True)
class _Integers:
    """Polynomials; a slice holds the digits n_2, .., n_k of one n_1."""

    blocks: int
    counts: int

    @cached_property
    def _digits(self) -> list[int]:
        return [(self.blocks + 1) ** (self.counts - j) for j in range(self.counts + 1)]

    def unit(self) -> fmpz_poly:
        return fmpz_poly([1])

    def add(self, old: Any, layer: int, new: Any, factor: Any, live: Hits) -> Any:  # noqa: ARG002
        shifted = (new * factor).left_shift(sum(self._digits[j] * count for j, count in live))
        return shifted if old is None else old + shifted

    def slices(self, last: Any) -> list[Any]:
        size = self._digits[1]
        return [last.right_shift(i * size).truncate(size) for i in range(self.blocks + 1)]

    def enter(self, old: Any, layer: int, part: Any, factor: Any) -> Any:  # noqa: ARG002
        new = part.inflate(self.blocks + 1) * factor  # n_{j+1} becomes n_j, and n_k is 0
        return new if old is None else old + new

    def total(self, layer: Any) -> Any:
        return layer(1)


@dataclass(frozen=True)
class _Floats:
    """Boxes: layer N holds counts up to B - N on each axis; a slice has the axes n_2, .., n_k."""

    blocks: int
    counts: int

    def unit(self) -> NDArray[np.float64]:
        return np.ones((1,) * (self.counts - 1))

    def _box(self, old: Any, layer: int) -> NDArray[np.float64]:
        return np.zeros((self.blocks - layer + 1,) * self.counts) if old is None else old

    def add(self, old: Any, layer: int, new: Any, factor: Any, live: Hits) -> Any:
        box, shifts = self._box(old, layer), dict(live)
        box[
            tuple(slice(shifts.get(j, 0), shifts.get(j, 0) + len(new)) for j in range(1, self.counts + 1))
        ] += factor * new
        return box

    def slices(self, last: Any) -> list[Any]:
        return list(last)

    def enter(self, old: Any, layer: int, part: Any, factor: Any) -> Any:
        box = self._box(old, layer)
        kept = part[(slice(0, len(box)),) * (self.counts - 1)]
        box[(*(slice(0, size) for size in kept.shape), 0)] += factor * kept
        return box

    def total(self, layer: Any) -> Any:
        return float(np.sum(layer))


def forward(
    window: Window, *, data: bool, exact: bool
) -> tuple[fmpq | float, dict[tuple[int, int], fmpq | float]]:
    """Return the mass that stays in the support, and the expected number of hits of j at level R by (R, j).

    Args:
        window: The blocks and the rule.
        data: Tokens follow the data; else they are drawn from the marginals.
        exact: Integers; else float64.

    Example:
        >>> mass, hits = forward(Window(blocks=1, length=3, k=2, lowest=True), data=True, exact=True)
        >>> mass, hits[3, 2]
        (1, 1)
        >>> forward(Window(blocks=1, length=3, k=2, lowest=True), data=False, exact=True)[0]
        8/9
    """
    masses: _Masses = (
        _Integers(window.blocks, window.counts) if exact else _Floats(window.blocks, window.counts)
    )
    start: dict[int, dict[int, Any]] = {window.blocks: {window.k: masses.unit()}}
    hits: dict[tuple[int, int], Any] = {}
    scale: Any = 1
    for level in range(window.length, 1, -1):
        start, scale = _level(window, masses, level, start, scale, hits, data=data, exact=exact)
    rest = sum(masses.total(part) for parts in start.values() for part in parts.values())
    return (fmpq(int(rest), scale) if exact else float(rest)), hits


def _level(
    window: Window,
    masses: _Masses,
    level: int,
    start: Mapping[int, Mapping[int, Any]],
    scale: Any,
    hits: dict[tuple[int, int], Any],
    *,
    data: bool,
    exact: bool,
) -> tuple[dict[int, dict[int, Any]], Any]:
    """Take all blocks of one level; return the start of the next one and its denominator."""
    layers: dict[int, dict[int, Any]] = {}
    steps = {number: window.steps(level, number) for number in range(1, max(start) + 1)}
    units = _units(steps, level if data else level**window.k) if exact else [1] * (max(start) + 1)
    scale *= units[-1]
    for number in range(max(start), -1, -1):
        here = layers.setdefault(number, {})
        for m, part in start.get(number, {}).items():
            here[m] = masses.enter(here.get(m), number, part, units[-1] // units[number])
        if number == 0:
            break
        for m, mass in layers.pop(number).items():
            reach = masses.total(mass)
            if not reach:
                continue
            for choice, chance in steps[number][m]:
                for j, count in choice:
                    share = chance * count
                    seen = (
                        reach * share * fmpq(units[number], scale)
                        if exact
                        else reach * (int(share.p) / int(share.q))
                    )
                    hits[level, j] = hits.get((level, j), 0) + seen
                used = sum(count for _, count in choice)
                for outcome in outcomes_of(choice, level):
                    factor = chance * (outcome.data if data else outcome.own)
                    ratio = units[number] // units[number - used]
                    factor = _whole(factor * ratio) if exact else int(factor.p) / int(factor.q)
                    target = layers.setdefault(number - used, {})
                    after = window.after(level, number, m, outcome.sure)
                    target[after] = masses.add(target.get(after), number - used, mass, factor, outcome.live)
    following: dict[int, dict[int, Any]] = {}
    for m, mass in layers.get(0, {}).items():
        for number, part in enumerate(masses.slices(mass)):
            if not masses.total(part):
                continue
            following.setdefault(number, {})[m] = part
    return following, scale


def _units(steps: Mapping[int, Mapping[int, Sequence[tuple[Hits, fmpq]]]], base: int) -> list[int]:
    """Return ``U(0), .., U(B)``."""
    choices = (lcm(*(int(p.q) for found in of.values() for _, p in found)) for of in steps.values())
    return list(accumulate((base * d for d in choices), mul, initial=1))


def _whole(value: fmpq) -> int:
    assert value.q == 1, value
    return int(value.p)
