r"""One step of top-k among one-hot blocks of R hidden positions: which are hit, and what becomes of them.

A hit of j positions on a block with R of them hidden and no one yet draws each as one with probability 1/R. In the
support the draws have no one (the block stays undetermined with R - j hidden), or exactly one (its rest is sure):

    drawn: ((R-1)/R)^j and (j/R) ((R-1)/R)^(j-1),    under the data: (R-j)/R and j/R.

With R - j = 1 hidden and no one yet the last is sure to be it, and with j = R no one is impossible.

A step takes m of the N R hidden positions of N such blocks: with ties to the lowest index whole blocks and a part of
one; at random, hits (j_1, .., j_l) with the multivariate hypergeometric probability
``N! / ((N-l)! prod_j c_j!) prod_i C(R, j_i) / C(N R, m)``, c_j the number of hits of size j.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import comb, factorial, prod

from flint import fmpq

__all__ = ["Hits", "Outcome", "hits_of_step", "outcomes_of"]

Hits = tuple[tuple[int, int], ...]  # pairs (j, number of blocks hit at j positions)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What hits may leave.

    Attributes:
        live: Pairs (j, number of blocks still undetermined after a hit of j).
        sure: Hidden positions that have become sure.
        own: Its probability when the tokens are drawn.
        data: Its probability when they follow the data.
    """

    live: Hits
    sure: int
    own: fmpq
    data: fmpq


def hits_of_step(blocks: int, hidden: int, take: int, *, lowest: bool) -> list[tuple[Hits, fmpq]]:
    """Return which hits a step makes, with probabilities; all positions if ``take`` is as large as their number.

    Example:
        >>> hits_of_step(3, 2, 2, lowest=False)  # one block twice, or two blocks once
        [(((2, 1),), 1/5), (((1, 2),), 4/5)]
        >>> hits_of_step(3, 2, 3, lowest=True)  # one block, and a half
        [(((2, 1), (1, 1)), 1)]
    """
    if take >= blocks * hidden:
        return [(((hidden, blocks),), fmpq(1))]
    if lowest:
        whole, part = divmod(take, hidden)
        sizes = Counter([hidden] * whole + [part] * (part > 0))
        return [(tuple(sizes.items()), fmpq(1))]
    found: list[tuple[Hits, fmpq]] = []
    for sizes in _partitions(take, hidden, blocks):
        counts = Counter(sizes)
        ways = prod(range(blocks - len(sizes) + 1, blocks + 1)) * prod(comb(hidden, j) for j in sizes)
        same = prod(factorial(c) for c in counts.values())
        found.append((tuple(counts.items()), fmpq(ways // same, comb(blocks * hidden, take))))
    return found


def outcomes_of(hits: Hits, hidden: int) -> list[Outcome]:
    """Return what hits on blocks with ``hidden`` positions leave inside the support.

    Example:
        >>> for outcome in outcomes_of(((2, 1),), 4):
        ...     print(outcome.live, outcome.sure, outcome.own, outcome.data)
        () 2 3/8 1/2
        ((2, 1),) 0 9/16 1/2
    """
    found: list[Outcome] = []
    for alive in product(*(range(count + 1) for _, count in hits)):
        own = data = fmpq(1)
        sure = 0
        for (j, count), live in zip(hits, alive, strict=True):
            (stay, stay_data), (go, go_data) = _hit(j, hidden)
            ways, gone = comb(count, live), count - live
            own *= ways * stay**live * go**gone
            data *= ways * stay_data**live * go_data**gone
            sure += gone * (hidden - j)
        if data != 0:
            live = tuple((j, c) for (j, _), c in zip(hits, alive, strict=True) if c)
            found.append(Outcome(live=live, sure=sure, own=own, data=data))
    return found


def _hit(j: int, hidden: int) -> tuple[tuple[fmpq, fmpq], tuple[fmpq, fmpq]]:
    """Return the probabilities to stay undetermined and to be determined: drawn, and under the data."""
    zero = fmpq(hidden - 1, hidden)
    stay, stay_data = zero**j, fmpq(hidden - j, hidden)
    go, go_data = fmpq(j, hidden) * zero ** (j - 1), fmpq(j, hidden)
    if j == hidden:
        stay = fmpq(0)
    elif j == hidden - 1:  # one place left: sure in any case
        stay, go, stay_data, go_data = fmpq(0), stay + go, fmpq(0), fmpq(1)
    return (stay, stay_data), (go, go_data)


def _partitions(total: int, largest: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Yield the partitions of ``total`` into at most ``parts`` parts of at most ``largest``, parts falling."""
    if total == 0:
        yield ()
        return
    if parts == 0:
        return
    for first in range(min(total, largest), 0, -1):
        for rest in _partitions(total - first, first, parts - 1):
            yield (first, *rest)
