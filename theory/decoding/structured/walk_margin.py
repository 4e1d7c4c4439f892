r"""Top-k by margin on a Bernoulli walk: even places first, then what they make sure, coins last.

The margin of a binomial of r fair bits is 0 for odd r (two equal modes) and ``c_r / (r/2 + 1)`` for even r,
``c_r = C(r, r/2) / 2^r``, strictly falling. So a step takes the even places beyond the frontier in order, and between
two of them stays a gap of one place: sure (margin 1) if they differ by 0 or 2, else a fair coin (margin 0). Sure gaps
go first, coins and odd places last. A step of z positions takes ``min(z, s)`` of s sure gaps and the next even places.

State: E even places revealed, s sure gaps hidden. ``2E`` places up to the frontier are revealed, sure or coins, so the
number of coins is ``2E - s - revealed``. Which sure gaps are taken changes no law. When the even places run out,
``need`` positions come from c coins and the odd places beyond the frontier, all of margin 0: a random part, or the
coins first (ties to the lowest). After that all that is hidden is independent given the revealed: nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from math import comb

from flint import fmpq

from theory.decoding.structured.walk_paths import Group, loss, next_ends
from theory.limits import require_operations

__all__ = ["margin_group"]

_STATES = 4 * 10**6  # products of long integers: some ten seconds
_Counts = dict[tuple[int, int], tuple[int, int]]


@dataclass
class _Account:
    """What the steps so far have lost under the data, and whether ties mattered."""

    places: dict[int, fmpq] = field(default_factory=dict[int, fmpq])
    joint: fmpq = field(default_factory=fmpq)
    mixed: bool = False

    def add(self, r: int, count: fmpq) -> None:
        self.places[r] = self.places.get(r, fmpq(0)) + count


def margin_group(sizes: Sequence[int], *, lowest: bool) -> Group:
    """Return the exact decode of positions beyond a revealed value in steps of these sizes.

    Example:
        >>> margin_group([2, 1], lowest=False)  # places 1 and 2, 3/4, or 2 and 3, 5/8
        Group(accuracy=11/16, path_kl=LogNumber('5/4 log2(2) - 3/8 log2(3)'), mixed=True)
    """
    length, most = sum(sizes), max(sizes)
    evens, bits = length // 2, most + 1  # t even places at once: 2^(2 + 4 + ... + 2t) divides 2^(bits t)
    work = length * length * most // 16 + most**4
    remedy = "use a smaller k"
    require_operations(work, f"steps of {most} positions of a walk", limit=_STATES, remedy=remedy)
    masses: _Counts = {(0, 0): (1, 1)}  # over 2^(bits E) by own draws, 2^E under the data
    account, accuracy, revealed = _Account(), fmpq(0), 0
    visits: dict[int, int] = {}  # steps that take t even places, over 2^evens
    for size in sizes:
        after: _Counts = {}
        for (done, sure), (own, data) in masses.items():
            take, left = max(size - sure, 0), evens - done
            if take > left:
                share, reach = fmpq(own, 2 ** (bits * done)), fmpq(data, 2**done)
                coins = 2 * done - sure - revealed
                accuracy += share * _last(left, length % 2, take - left, coins, lowest, reach, account)
                continue
            visits[take] = visits.get(take, 0) + (data << (evens - done))
            rest = sure - min(size, sure)
            for new, (by_own, by_data) in enumerate(_evens(take, bits)):
                key = (done + take, rest + new)
                if key[0] == evens:
                    accuracy += fmpq(own * by_own, 2 ** (bits * evens))
                    continue
                before = after.get(key, (0, 0))
                after[key] = (before[0] + own * by_own, before[1] + data * by_data)
        masses, revealed = after, revealed + size
    for take, count in visits.items():
        share = fmpq(count, 2**evens)
        account.joint += share * take * 3 / 2  # an increment of two bits holds 3/2 bits
        for j in range(1, take + 1):
            account.add(2 * j, share)
    path_kl = loss(account.places, account.joint)
    return Group(accuracy=accuracy, path_kl=path_kl, mixed=account.mixed)


@cache
def _evens(take: int, bits: int) -> tuple[tuple[int, int], ...]:
    """Return by the number of sure gaps the weights of the next even places: drawn and under the data."""
    reach: list[list[int]] = [[1]]  # by the number of sure gaps, then by value
    for j in range(1, take + 1):
        width = 2 * j + 1
        longer = [[0] * width for _ in range(j + 1)]
        for number, ends in enumerate(reach):
            for more, jumps in ((0, (1,)), (1, (0, 2))):
                extended = next_ends(ends, 2 * j, jumps)
                longer[number + more] = [a + b for a, b in zip(longer[number + more], extended, strict=True)]
        reach = longer
    spare = take * (bits - take - 1)
    return tuple((sum(ends) << spare, comb(take, number)) for number, ends in enumerate(reach))


def _last(left: int, end: int, need: int, coins: int, lowest: bool, reach: fmpq, account: _Account) -> fmpq:
    """Return the accuracy of the step that takes the last even places and ``need`` of margin zero.

    Args:
        left: Even places left.
        end: 1 if a place follows the last even one.
        need: Positions of margin zero to take.
        coins: Coins among them; the others are the ``left + end`` odd places beyond the frontier.
        lowest: Whether ties go to the lowest index.
        reach: The probability of this step under the data.
        account: Gets the loss.
    """
    odd = left + end
    if lowest:
        number = max(need - coins, 0)
        chances = {number: fmpq(1)}
        each = [fmpq(int(i < number)) for i in range(odd)]
        weights = _odd_paths(left, end, number)
    else:
        ways = comb(coins + odd, need)
        span = range(max(need - coins, 0), min(odd, need) + 1)
        chances = {h: fmpq(comb(coins, need - h), ways) for h in span}  # of one set of h odd places
        each = [fmpq(need, coins + odd)] * odd
        weights = _odd_paths(left, end, None)
        account.mixed |= left > 0 and need < coins + odd
    for i in range(odd):
        account.add(2 * i + 1, reach * each[i])
        account.joint += (
            reach * each[i] * (fmpq(1, 2) if i < left else 1)
        )  # it splits two bits, or is a new one
    for j in range(1, left + 1):
        account.add(2 * j, reach)
    account.joint += reach * left * fmpq(3, 2)
    return sum((chance * weights[h] for h, chance in chances.items()), fmpq(0))


@cache
def _odd_paths(left: int, end: int, first: int | None) -> tuple[fmpq, ...]:
    """Return by h the probability that the even places and h odd ones are drawn as a walk, summed over their sets.

    Args:
        left: Even places.
        end: 1 if an odd place follows them.
        first: Take only the first that many odd places, instead of every set.
    """
    odd = left + end
    reach: list[list[int]] = [[1]]  # by h, then by value
    for i in range(odd):
        r, even = 2 * i + 1, i < left
        longer = [[0] * (r + 1 + even) for _ in range(len(reach) + 1)]
        for h, ends in enumerate(reach):
            for taken in (False, True) if first is None else (i < first,):
                if taken:
                    new = next_ends(ends, r, (0, 1))
                    new = next_ends(new, r + 1, (0, 1)) if even else new
                else:  # over the same power of two
                    new = [w << r for w in (next_ends(ends, r + 1, (0, 1, 2)) if even else (*ends, 0))]
                longer[h + taken] = [a + b for a, b in zip(longer[h + taken], new, strict=True)]
        reach = longer
    top = 2 * left + end
    return tuple(fmpq(sum(ends), 2 ** (top * (top + 1) // 2)) for ends in reach)
