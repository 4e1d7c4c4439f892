r"""Exact decodes of Bernoulli walks and one-hot blocks from the left.

The sizes do not depend on the tokens, so the revealed sets are fixed: ``kl = path_kl``, at temperature 1 ``L_T``
(Theorem 1 of arXiv 2510.04767), and steps are the number of blocks on and off the support.

- **Walk**: given the last revealed value, r places further on it has grown by a binomial of r fair bits. The draws of a
  block of s are a walk with probability ``a(s) = sum over paths of prod_r q_r(y_r)``, by a recursion over (r, y_r); the
  next block starts afresh. Accuracy: the product of ``a`` over the blocks.
- **One-hot blocks**: independent of each other; inside one the state is whether its one has been drawn. With m masked
  and no one yet, each position is one with probability 1/m; in the support draws of t of them have no one
  (if t < m) or exactly one.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from math import comb
from typing import Any

from flint import fmpq

from theory.decoding.exchangeable import exchangeable_size
from theory.decoding.path_divergence import path_divergence
from theory.decoding.result import LumpedDecode
from theory.distributions.tempering import numbers_of_powers, tempered
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies
from theory.limits import Budget
from theory.numbers.arithmetic import ProvenNumbers
from theory.numbers.balls import ball_precision, with_errors
from theory.policies.policy import Policy

__all__ = ["blocks_from_left", "decode_serial", "sizes_from_left"]

_BIT, _LIMIT = 5e-11, 7  # seconds of a bit multiplied for a block of a walk; at most, s = 700
Draws = list[tuple[Any, Any]]  # (expected number of true tokens drawn with probability q, q)


def sizes_from_left(n: int, policy: Policy) -> tuple[int, ...]:
    """Return the block sizes of a policy whose number of positions depends on the number left alone.

    Example:
        >>> from theory.policies import parse_policy
        >>> sizes_from_left(7, parse_policy("topk:k=3,by=left_to_right"))
        (3, 3, 1)
    """
    sizes: list[int] = []
    left = n
    while left:
        sizes.append(exchangeable_size(n, policy, (Fraction(1),), left))
        left -= sizes[-1]
    return tuple(sizes)


def blocks_from_left(sizes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Return the blocks of these sizes, for example ``((0, 1), (2,))``."""
    return tuple(tuple(range(end - size, end)) for end, size in zip(accumulate(sizes), sizes, strict=True))


def decode_serial(
    structure: Gaps | Copies, sizes: Sequence[int], tau: Fraction, greedy_ties: str
) -> LumpedDecode:
    """Return the decode of a walk or of one-hot blocks in blocks of these sizes from the left.

    Exact for temperature 0 and 1, and 1/m with m small; else floats with errors.
    """
    largest = structure.block.n.bit_length() if isinstance(structure, Copies) else max(sizes)
    with ball_precision():
        return _decoded(structure, sizes, tau, greedy_ties, numbers_of_powers(tau, largest))


def _decoded(
    structure: Gaps | Copies, sizes: Sequence[int], tau: Fraction, greedy_ties: str, numbers: ProvenNumbers
) -> LumpedDecode:
    if isinstance(structure, Copies):
        accuracy, draws = _one_hot(structure, sizes, tau, greedy_ties, numbers)
    else:
        accuracy, draws = _walk(sizes, tau, greedy_ties, numbers)
    if tau == 1:
        path_kl: Any = structure.bound(blocks_from_left(sizes))
    else:
        path_kl = path_divergence(draws, structure.mean({structure.n: Fraction(1)}), numbers)
    steps = Fraction(len(sizes))
    values, errors = with_errors({"accuracy": accuracy, "kl": path_kl, "path_kl": path_kl})
    return LumpedDecode(**values, steps=steps, steps_under_data=steps, n=structure.n, errors=errors)


def _walk(sizes: Sequence[int], tau: Fraction, greedy_ties: str, numbers: ProvenNumbers) -> tuple[Any, Draws]:
    known = {size: _walk_block(size, tau, greedy_ties, numbers) for size in set(sizes)}
    accuracy = numbers.const(1)
    draws: Draws = []
    for size in sizes:
        accuracy = accuracy * known[size][0]
        draws += known[size][1]
    return accuracy, draws


def _walk_block(size: int, tau: Fraction, greedy_ties: str, numbers: ProvenNumbers) -> tuple[Any, Draws]:
    """Return the probability that ``size`` independent draws are a Bernoulli walk, and the draws."""
    what = f"the accuracy of a block of {size} positions of a walk"
    Budget(what, "use a smaller block", limit=_LIMIT).require(size**4 // 2, _BIT)
    if tau == 1:  # integers over 2^(1 + 2 + ... + size)
        paths = [1]
        for r in range(1, size + 1):
            paths = [
                (a + b) * comb(r, y) for y, (a, b) in enumerate(zip([*paths, 0], [0, *paths], strict=True))
            ]
        return fmpq(sum(paths), 2 ** (size * (size + 1) // 2)), []
    one = numbers.const(1)
    reach, draws = [one], []
    for r in range(1, size + 1):
        p = [fmpq(comb(r, y), 2**r) for y in range(r + 1)]
        q = _tempered(p, tau, greedy_ties, numbers)
        draws += zip(p, q, strict=True)
        reach = [(a + b) * c for a, b, c in zip([*reach, 0], [0, *reach], q, strict=True)]
    return sum(reach, 0 * one), draws


def _one_hot(
    distribution: Copies, sizes: Sequence[int], tau: Fraction, greedy_ties: str, numbers: ProvenNumbers
) -> tuple[Any, Draws]:
    length = distribution.block.n
    one = numbers.const(1)
    own, data = {False: one}, {False: fmpq(1)}  # by whether the present block has had its one
    left, draws = length, []  # masked positions of the present block
    for size in sizes:
        rest = size
        while rest:
            part = min(rest, left)
            own, data, more = _draw(own, data, left, part, tau, greedy_ties, numbers)
            draws += more
            rest, left = rest - part, left - part
            if left == 0:  # the next block is independent of this one
                own, data, left = {False: own[True]}, {False: fmpq(1)}, length
    return own[False], draws


def _draw(
    own: dict[bool, Any],
    data: dict[bool, fmpq],
    left: int,
    part: int,
    tau: Fraction,
    greedy_ties: str,
    numbers: ProvenNumbers,
) -> tuple[dict[bool, Any], dict[bool, fmpq], Draws]:
    """Draw ``part`` of the ``left`` masked positions of a one-hot block."""
    new_own: dict[bool, Any] = {}
    new_data: dict[bool, fmpq] = {}
    draws: Draws = []
    for seen, mass in own.items():
        p = [fmpq(1), fmpq(0)] if seen else [fmpq(left - 1, left), fmpq(1, left)]
        zero, hot = _tempered(p, tau, greedy_ties, numbers)
        draws += [(data[seen] * part * a, b) for a, b in zip(p, (zero, hot), strict=True) if a != 0]
        none, once = zero**part, part * hot * zero ** (part - 1)
        moves = [(True, none, fmpq(1))] if seen else [(True, once, fmpq(part, left))]
        if not seen and part < left:
            moves.append((False, none, fmpq(left - part, left)))
        for after, drawn, true in moves:
            new_own[after] = new_own.get(after, 0 * mass) + mass * drawn
            new_data[after] = new_data.get(after, fmpq(0)) + data[seen] * true
    return new_own, new_data, draws


def _tempered(p: Sequence[fmpq], tau: Fraction, greedy_ties: str, numbers: ProvenNumbers) -> list[Any]:
    return tempered(numbers.array(p), tau, numbers, greedy_ties=greedy_ties).tolist()
