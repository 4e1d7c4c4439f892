"""Certified brackets of ``L*_T`` for any number of positions, with partitions.

Statements, proofs, what is certified of floats and what was measured: ``docs/brackets.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from time import monotonic
from typing import Any

import numpy as np

from theory.bounds.brackets.clock import Clock
from theory.bounds.brackets.columns import Columns, reduced, split
from theory.bounds.partitions.partition import Partition
from theory.distributions.pmf import JointPMF
from theory.limits import CostError
from theory.validation import InputError, positive_int

__all__ = ["Bracket", "bracket_bounds"]

_PROGRAMME = 16  # representatives of which the programme takes seconds
_TABLES = 24  # representatives whose sets fit into the memory
_MEMORY = 4 << 30
_SECONDS = 60.0
_ROUNDING = (
    2.0**-52
)  # in place of a loss that is computed as zero or less: zero would say that it is exactly so


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """Bounds of ``L*_T`` for T = 1, ..., n, in bits.

    Attributes:
        lower: Certified lower bounds: their float error is subtracted.
        upper: Losses of ``partitions``, each off by at most ``error``.
        partitions: One ordered partition for each T.
        exact: Whether nothing was left open: then the partition is optimal up to ``error``.
        error: A proven bound on the error of ``upper`` (0 where it is zero), and on how much less than an exact one
            ``L*_T`` may be.
    """

    lower: tuple[float, ...]
    upper: tuple[float, ...]
    partitions: tuple[Partition, ...]
    exact: tuple[bool, ...]
    error: float


def bracket_bounds(
    pmf: JointPMF | Sequence[tuple[Fraction, JointPMF]],
    *,
    seconds: float = _SECONDS,
    memory: int = _MEMORY,
    seed: int = 0,
    work: float | None = None,
    programme: int = _PROGRAMME,
    tables: int = _TABLES,
    threads: int = 2,
    say: Callable[[str], None] | None = None,
    now: Callable[[], float] = monotonic,
) -> Bracket:
    """Return a bracket of ``L*_T`` for every T, with partitions that attain its upper ends.

    Args:
        pmf: A joint pmf, or (weight, pmf) pairs of equal length: contexts, with one partition for all of them.
        seconds: About how long to search. What is open then stays open; the bracket is valid at any time. The first
            search on a machine compiles its loops, some 20 seconds that do not count.
        memory: Bytes that the search may take.
        seed: Of the random orders of the upper bounds.
        work: In place of seconds, the number of tokens to look at: the same result on every machine.
        programme: Up to so many columns that differ the programme over all sets is run.
        tables: Up to so many, a search over all sets of them comes before the branch and bound.
        threads: Of the branch and bound, 1 or 2; always 1 with ``work``.
        say: Called with a line on the progress from time to time.
        now: Gives the time; ``time.process_time`` counts what the processor spends here alone.

    Example:
        >>> rows = [(a, a, b, b, c, c) * 5 for a in range(2) for b in range(2) for c in range(2)]
        >>> found = bracket_bounds(JointPMF.uniform(rows))
        >>> found.lower[1] <= 0 <= found.upper[1] < 1e-9, found.exact[1], found.partitions[1][0]
        (True, True, (0, 2, 4))
    """
    parts = [(Fraction(1), pmf)] if isinstance(pmf, JointPMF) else [(w, p) for w, p in pmf if w]
    if len({part.n for _, part in parts}) != 1:
        raise InputError("one partition does not fit contexts of different lengths.")
    if not seconds > 0:
        raise InputError(f"seconds must be a positive number, got {seconds}.")
    positive_int(memory, "memory")
    positive_int(threads, "threads", at_most=2)
    columns = reduced(parts)
    if columns.count <= programme:
        with suppress(CostError):  # too many outcomes for all sets
            return _by_programme(parts, columns)
    from theory.bounds.brackets.search import compile_search, search_all

    if say is not None and not compile_search.cache_info().currsize:
        say("preparing the search")
    compile_search()
    losses, lower, exact, labels, error, ordered = search_all(
        columns,
        Clock(seconds, work, say, now),
        memory=memory,
        seed=seed,
        threads=threads if work is None else 1,
        tables=tables,
    )
    if say is not None:
        say("")  # what follows is not this search
    return _priced(_bracket(ordered, losses, lower, exact, labels, error), parts)


def _priced(found: Bracket, parts: Sequence[tuple[Fraction, JointPMF]]) -> Bracket:
    """Return the bracket with the loss of each partition that may not be the best: it may have been split."""
    if all(found.exact):
        return found
    from theory.bounds.brackets.kernels import make_listed, make_room, start
    from theory.bounds.brackets.open_entropies import gains, loss

    listed = make_listed(reduced(parts, merge=False))
    room, prices = make_room(listed), np.zeros(len(found.upper))
    joint = gains(listed, room, 0, start(listed, room), prices)
    upper, partitions = list(found.upper), list(found.partitions)
    for t, exact in enumerate(found.exact):
        for tried in (partitions[t], split(partitions[t - 1], t + 1)) if not exact else ():
            labels = np.zeros(len(prices), dtype=np.int64)
            for block, positions in enumerate(tried):
                labels[list(positions)] = block
            bits = float(loss(listed, room, labels, t + 1, joint, inf, prices))
            if bits < upper[t]:
                upper[t], partitions[t] = max(bits, found.lower[t], _ROUNDING), tried
    return replace(found, upper=tuple(upper), partitions=tuple(partitions))


def _by_programme(parts: Sequence[tuple[Fraction, JointPMF]], columns: Columns) -> Bracket:
    n = columns.n
    if not columns.count:
        partitions = tuple(columns.partition([], blocks) for blocks in range(1, n + 1))
        nothing = (0.0,) * n
        return Bracket(lower=nothing, upper=nothing, partitions=partitions, exact=(True,) * n, error=0.0)
    from theory.bounds.brackets.programme import run_programme

    found = run_programme(parts, columns)
    apart = found.separating  # one at a time: nothing is lost, exactly
    losses, labels = [*found.losses[: len(apart)], 0.0], list(found.labels[: len(apart) + 1])
    labels[-1][:] = len(apart)
    labels[-1][list(apart)] = range(len(apart))
    lower = [max(loss - 2 * found.error, 0.0) for loss in losses]
    return _bracket(columns, losses, lower, [True] * len(losses), labels, found.error)


def _bracket(
    columns: Columns,
    losses: Sequence[float],
    lower: Sequence[float],
    exact: Sequence[bool],
    labels: Sequence[Any],
    error: float,
) -> Bracket:
    """Return the bracket of all T = 1..n from that of the first ones, the last of which loses nothing."""
    n = columns.n
    given = [min(t, len(losses)) for t in range(1, n + 1)]
    partitions: list[Partition] = []
    uppers: list[float] = []
    best = 0
    for blocks, t in enumerate(given, start=1):
        none = t == len(losses)  # loses nothing, exactly
        best = t - 1 if none or losses[t - 1] < losses[best] or not partitions else best
        uppers.append(losses[best] if none or losses[best] > 0 else _ROUNDING)
        chain = [label if label < best else blocks - 1 for label in labels[best]]
        partitions.append(
            columns.partition(chain, blocks) if best < blocks else columns.partition(labels[best], blocks)
        )
    lows, least = [0.0] * n, -inf
    for at in range(n - 1, -1, -1):  # L*_T does not increase in T
        least = max(least, lower[given[at] - 1])
        lows[at] = max(least, 0.0)
    sure = tuple(exact[t - 1] for t in given)
    return Bracket(
        lower=tuple(lows), upper=tuple(uppers), partitions=tuple(partitions), exact=sure, error=error
    )
