"""Rounds that decode a Markov chain of any order without loss.

Theorem 2 of Wen, Liang, Lu (arXiv 2608.25505): order m, n positions, at most ``m (ceil(log2(n / m)) + 1)`` rounds.
Given m neighbours in a row, the positions before and after are independent, so all segments between such *separators*
are decoded in parallel. :func:`separator_blocks` lists the blocks: each stage reveals the middle m positions of every
segment longer than m, one position of each separator per round; the rest, at most m positions each, goes one per round
at the end.

**Proof.** Two positions of a block lie in different segments, so blocks cost nothing. A segment of length l
becomes two of at most ``(l - m + 1) / 2``: ``l + m - 1`` is halved. After ``k = ceil(log2(n / m))`` stages it
is at most ``n / 2^k + (m - 1) / 2^k <= 2 m - 1``, so no segment is longer than m. Each stage and the end take
at most m rounds.
"""

from __future__ import annotations

from itertools import zip_longest
from math import ceil

from theory.validation import positive_int

__all__ = ["markov_rounds", "separator_blocks"]


def markov_rounds(n: int, order: int) -> int:
    """Return ``m (ceil(log2(n / m)) + 1)`` for n >= m, else n.

    Example:
        >>> markov_rounds(8, 1), markov_rounds(8, 2), markov_rounds(3, 5)
        (4, 6, 3)
    """
    size, m = positive_int(n, "n"), positive_int(order, "order")
    if size <= m:
        return size
    halvings = (ceil(size / m) - 1).bit_length()  # ceil(log2(n / m)), in whole numbers
    return m * (halvings + 1)


def separator_blocks(n: int, order: int) -> tuple[tuple[int, ...], ...]:
    """Return at most :func:`markov_rounds` blocks that decode every Markov chain of the order without loss.

    Example:
        >>> separator_blocks(7, 1)
        ((3,), (1, 5), (0, 2, 4, 6))
        >>> separator_blocks(8, 2)
        ((3,), (4,), (0, 5), (1, 6), (2, 7))
    """
    size, m = positive_int(n, "n"), positive_int(order, "order")
    segments, blocks = [range(size)], list[tuple[int, ...]]()
    while any(len(segment) > m for segment in segments):
        middles, halves = list[range](), list[range]()
        for segment in segments:
            if len(segment) <= m:
                halves.append(segment)
                continue
            cut = (len(segment) - m) // 2
            middles.append(segment[cut : cut + m])
            halves += [part for part in (segment[:cut], segment[cut + m :]) if part]
        blocks += list(zip(*middles, strict=True))
        segments = halves
    rests = zip_longest(*segments)
    return (*blocks, *(tuple(i for i in rest if i is not None) for rest in rests))
