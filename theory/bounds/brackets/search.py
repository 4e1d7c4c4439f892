"""Upper bounds by descent, then lower bounds by branch and bound, T by T, within a clock."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.bounds.brackets.clock import Clock
from theory.bounds.brackets.columns import Columns, reduced
from theory.bounds.brackets.descent import best_cuts, descend, greedy_order
from theory.bounds.brackets.kernels import Listed, Room, make_listed, make_room, start
from theory.bounds.brackets.open_entropies import gains, loss
from theory.bounds.brackets.open_nodes import STOPPED, expand
from theory.bounds.brackets.packing import nearest_outcomes, packing_table
from theory.bounds.brackets.set_search import TABLE_BYTES, Found, search_sets
from theory.bounds.brackets.tree import Problem, Tree, halves, make_tree
from theory.distributions.pmf import JointPMF

__all__ = ["LOOKED_AT", "search_all"]

_WEIGHTS = (0.0, 1.0, 3.0, 10.0)  # of the scores of greedy orders
_NOISE = (0.05, 0.2, 0.5)
_UPPER, _READY = 0.2, 0.25  # parts of the clock that upper bounds and the packing may end at
_MORE = 0.05  # for the packing, at least
_SOONER = 0.1  # upper bounds before a search over all sets
_NODE_BYTES = 40
_MOST_NODES = 60_000_000
_CHUNK = 2e7  # tokens looked at between two looks at the clock
_SPLIT = 64  # open nodes from which two threads share them
LOOKED_AT = 1e9  # tokens: beyond, representatives are ranked by their entropy instead of their loss
_TRIES = 5  # random orders for each representative, at most
_PATIENCE = 20  # rounds of random changes without a better partition


def search_all(columns: Columns, clock: Clock, *, memory: int, seed: int, threads: int, tables: int) -> Any:
    """Return losses, certified lower bounds, which are exact, labels for T = 1, 2, ..., the error, and the columns.

    The last loss is zero: as many blocks as there are positions in some set that distinguishes all outcomes, and one.
    """
    by_sets = columns.count <= tables and TABLE_BYTES << columns.count <= memory // 2
    upper = _Uppers(columns, clock, np.random.default_rng(seed), _SOONER if by_sets else _UPPER)
    upper.search()
    columns, losses, labels = upper.columns, upper.losses, upper.labels
    margin = columns.margin(upper.singles_sum)
    slack = 2 * margin
    top = len(losses)
    lower, exact = [0.0] * top, [False] * top
    lower[0], exact[0] = max(losses[0] - margin, 0.0), True
    losses[-1], exact[-1] = 0.0, True
    steps = 2
    if by_sets and top > 2:
        found = Found(losses, labels, lower, exact)
        steps = search_sets(upper.listed, upper.room, clock, found, slack=slack, margin=margin)
    if steps == top:
        return losses, lower, exact, labels, slack + margin, columns
    ready = max(_READY, clock.part() + _MORE)
    packing, step = packing_table(upper.listed, upper.room, upper.joint, lambda: clock.part() > ready)
    nearest = nearest_outcomes(upper.listed, columns.cells)
    for blocks in range(steps, top):
        clock.tell(_searching(blocks, top))
        problem = Problem(
            blocks=blocks,
            joint=upper.joint,
            error=columns.entropy_error,
            slack=slack,
            fewer=lower[blocks - 2],
            nearest=nearest,
            alike=bool(np.all(columns.weights == columns.weights[0])),
            packing=packing,
            packing_step=step,
        )
        spent = clock.part()
        share = (1 - spent) * (0.5 if blocks < top - 1 else 1.0)
        nodes = int(max(min(memory // 2 // _NODE_BYTES, _MOST_NODES), 4 * columns.count + 8))
        tree = make_tree(nodes, columns.count, upper.joint, losses[blocks - 1], labels[blocks - 1])
        trees = _grow(
            upper.listed, upper.room, problem, tree, clock, spent + share, threads, _searching(blocks, top)
        )
        best = min(trees, key=lambda one: float(one.best[0]))
        if best.best[0] < losses[blocks - 1]:
            losses[blocks - 1], labels[blocks - 1] = float(best.best[0]), best.labels.copy()
        least = min([losses[blocks - 1] - slack, *(float(one.keys[0]) for one in trees if one.sizes[1])])
        exact[blocks - 1] = least >= losses[blocks - 1] - slack
        lower[blocks - 1] = max(least - margin, 0.0)
    return losses, lower, exact, labels, slack + margin, columns


def _searching(blocks: int, top: int) -> str:
    return f"lower bound of {blocks} of {top - 1} steps"


def _grow(
    listed: Listed,
    room: Room,
    problem: Problem,
    tree: Tree,
    clock: Clock,
    until: float,
    threads: int,
    text: str,
) -> list[Tree]:
    """Expand a tree until it is closed, full or the clock says so; with two threads, in two halves."""
    chunk = _CHUNK if clock.work is None else clock.work / 50
    trees, rooms = [tree], [room]
    with ThreadPoolExecutor(threads) as pool:
        while clock.part() < until:
            if threads == 2 and len(trees) == 1 and tree.sizes[1] >= _SPLIT:
                trees, rooms = list(halves(tree)), [room, make_room(listed)]
            runs = [
                pool.submit(expand, listed, own, problem, one, chunk)
                for one, own in zip(trees, rooms, strict=True)
            ]
            clock.used += chunk
            states = [run.result() for run in runs]
            clock.tell(text)
            best = min(trees, key=lambda one: float(one.best[0]))
            for one in trees:
                one.best[0] = best.best[0]
                one.labels[:] = best.labels
            if STOPPED not in states:
                break
    return trees


@cache
def compile_search() -> None:
    """Compile the loops, so that this does not count against a clock; some 20 seconds where nothing was kept."""
    rows = [(a, b, c, a ^ b, b ^ c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    columns = reduced([(Fraction(1), JointPMF.uniform(rows))])
    for tables in (0, 5):
        search_all(columns, Clock(1.0, 1e4), memory=1 << 20, seed=0, threads=1, tables=tables)


class _Uppers:
    """The best partitions found so far."""

    def __init__(self, columns: Columns, clock: Clock, rng: np.random.Generator, until: float) -> None:
        self.clock, self.rng, self.until = clock, rng, until
        self._set(columns)
        singles, joint = self._root()
        few = columns.count * columns.codes.size <= LOOKED_AT
        alone = [self._first(i, singles, joint) for i in range(columns.count)] if few else -singles
        self._set(columns.ordered(np.argsort(alone)[::-1].tolist()))  # columns that may come first are last
        self.singles, self.joint = self._root()
        self.singles_sum = float(self.singles @ self.columns.copies)
        self.losses: list[float] = []
        self.labels: list[NDArray[np.int64]] = []

    def _set(self, columns: Columns) -> None:
        self.columns = columns
        self.listed = make_listed(columns)
        self.room = make_room(self.listed)

    def _root(self) -> tuple[NDArray[np.float64], float]:
        singles = np.zeros(self.columns.count)
        joint = gains(self.listed, self.room, 0, start(self.listed, self.room), singles)
        return singles, joint

    def _first(self, i: int, singles: NDArray[np.float64], joint: float) -> float:
        labels = np.ones(self.columns.count, dtype=np.int64)
        labels[i] = 0
        return loss(self.listed, self.room, labels, 2, joint, np.inf, np.zeros_like(singles))

    def search(self) -> None:
        """Try greedy orders, then descend from the best cuts."""
        r = self.columns.count
        order, table = np.zeros(r, dtype=np.int64), np.zeros((r + 1, r))
        for weight in _WEIGHTS:
            self._take(order, table, weight, np.zeros(r))
        half = self.clock.part() + (self.until - self.clock.part()) * 0.3
        tries = 0
        while self.clock.part() < half and tries < _TRIES * r:
            weight = float(self.rng.choice(_WEIGHTS))
            noise = self.rng.choice(_NOISE) * self.rng.standard_normal(r)
            self._take(order, table, weight, noise)
            tries += 1
        first = len(self.losses)
        for blocks in range(2, first):
            if self.losses[blocks - 2] < self.losses[blocks - 1]:
                self.losses[blocks - 1], self.labels[blocks - 1] = (
                    self.losses[blocks - 2],
                    self.labels[blocks - 2],
                )
            self._descend(blocks, self.labels[blocks - 1].copy(), self.losses[blocks - 1])
        quiet = 0
        while self.clock.part() < self.until and quiet < _PATIENCE:
            before = sum(self.losses)
            for blocks in range(2, first):
                self._shake(blocks)
            quiet = 0 if sum(self.losses) < before else quiet + 1

    def _take(self, order: Any, table: Any, weight: float, noise: Any) -> None:
        size = greedy_order(self.listed, self.room, weight, noise, self.singles, order, table)
        self._spend(size + 1, self.columns.codes.size)
        if not self.losses:
            self.losses, self.labels = [np.inf] * (size + 1), [order] * (size + 1)
        del self.losses[size + 1 :], self.labels[size + 1 :]  # fewer positions distinguish all outcomes
        cuts = best_cuts(order, table[: size + 1], self.columns.copies, self.joint, len(self.losses))
        for t, (bits, labels) in enumerate(zip(cuts.losses, cuts.labels, strict=True)):
            if bits < self.losses[t]:
                self.losses[t], self.labels[t] = bits, labels
        if len(self.losses) == size + 1:
            self.losses[-1] = 0.0

    def _descend(self, blocks: int, labels: NDArray[np.int64], value: float) -> None:
        order = self.rng.permutation(self.columns.count)
        while True:
            before = value
            most = max(int(4 * _CHUNK // max(self.columns.codes.size, 1)), 1)
            value, tried = descend(self.listed, self.room, labels, blocks, self.joint, value, order, most)
            self._spend(tried, self.columns.codes.size / 4)
            if value < self.losses[blocks - 1] - 1e-12:
                self.losses[blocks - 1], self.labels[blocks - 1] = float(value), labels.copy()
            if tried < most or value >= before or self.clock.part() > self.until:
                return

    def _shake(self, blocks: int) -> None:
        if self.clock.part() > self.until:
            return
        labels = self.labels[blocks - 1].copy()
        for i in self.rng.choice(len(labels), size=min(3, len(labels)), replace=False):
            labels[i] = self.rng.integers(blocks)
        chosen = np.flatnonzero(labels < blocks - 1)
        if len(chosen):
            labels[self.rng.choice(chosen)] = self.rng.integers(blocks)
        prices = np.zeros(len(labels))
        value = loss(self.listed, self.room, labels, blocks, self.joint, np.inf, prices)
        self._descend(blocks, labels, value)

    def _spend(self, evaluations: float, size: float) -> None:
        self.clock.used += evaluations * size
        self.clock.tell("good partitions")
