r"""Top-k on a Bernoulli walk: what each score takes, and the chain of confidence with random ties.

From the last revealed value, the place r further on is a binomial of r fair bits; places before it are revealed or in
gaps. The number of positions a step is known, so what happens off the support changes no result.

- **entropy** ``eta(r)`` grows strictly: ``H(S_r + X) > H(S_r + X | X) = eta(r)``, as X and ``S_r + X`` are dependent.
  So the k best are the next k: left to right, without ties.
- **confidence** ``c_r = C(r, r // 2) / 2^r``: ``C(2j, j) = 2 C(2j-1, j-1)`` gives ``c_{2j} = c_{2j-1}``, and
  ``c_{2j+1} / c_{2j} = (2j+1) / (2j+2) < 1``. The best are the next places, in pairs of equals (1, 2), (3, 4), ...
  Ties to the lowest, or an even number: left to right; ties all: the same with odd numbers made even.
- An odd number s with random ties, more than s left: the last is place s or s + 1, evenly. The second leaves a *gap* of
  one place: sure if its neighbours differ by 0 or 2, else a fair coin, each with probability 1/2 under the data. A sure
  gap goes first. A coin ties with places 1 and 2 of the frontier: three or more take all of them, two take two of the
  three. So a step that follows has at most one gap: the state is (places to the right, no gap / sure / coin). Steps of
  one position draw from true conditionals and lose nothing whatever they choose.
- **margin**: :mod:`theory.decoding.structured.walk_margin`.

With random gaps the law is a mixture over the choices: ``kl`` is ``None``, ``path_kl`` and accuracy are exact. Groups
(``block=``) start from a revealed value and end with all revealed: their results multiply, or add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from flint import fmpq

from theory.decoding.exchangeable import size_of_alike
from theory.decoding.lumped import LumpedDecode
from theory.decoding.structured.left_to_right import decode_serial, sizes_from_left
from theory.decoding.structured.walk_margin import margin_group
from theory.decoding.structured.walk_paths import Group, loss, next_ends
from theory.information.curves.gap_structures import Gaps
from theory.limits import require_operations
from theory.numbers.arithmetic import to_fraction
from theory.numbers.lognumber import LogNumber
from theory.policies.rules.topk import TopK

__all__ = ["decode_walk_topk"]

_BITS = 2**37  # as for a block of theory.decoding.structured.left_to_right


def decode_walk_topk(law: Gaps, policy: TopK, tau: Fraction, greedy_ties: str) -> LumpedDecode | None:
    """Return the exact decode of a walk by confidence, margin or entropy; ``None`` where it is not known.

    Example:
        >>> found = decode_walk_topk(Gaps(1000, "walk"), TopK(k=2), Fraction(1), "random")
        >>> found.path_kl  # half a bit a pair: left to right
        LogNumber('250 log2(2)')
        >>> odd = decode_walk_topk(Gaps(4, "walk"), TopK(k=3), Fraction(1), "random")
        >>> odd.accuracy, odd.kl, odd.path_kl
        (Fraction(71, 128), None, LogNumber('33/16 log2(2) - 9/16 log2(3)'))
    """
    groups = _groups(law.n, policy)
    in_order = policy.by == "entropy" or (policy.by == "confidence" and policy.ties == "lowest")
    if in_order or (policy.by == "confidence" and policy.ties == "random" and not any(map(_splits, groups))):
        return decode_serial(law, [size for group in groups for size in group], tau, greedy_ties)
    if policy.by == "confidence" and policy.ties == "all" and policy.block is None:
        return decode_serial(law, _even(law.n, policy), tau, greedy_ties)
    if policy.by not in ("confidence", "margin") or policy.ties == "all" or tau != 1:
        return None
    known: dict[tuple[int, ...], Group] = {}
    for group in set(groups):
        if policy.by == "margin":
            known[group] = margin_group(group, lowest=policy.ties == "lowest")
        else:
            known[group] = _confidence_group(group)
    accuracy, path_kl = fmpq(1), LogNumber()
    for group in set(groups):
        times = groups.count(group)
        accuracy *= known[group].accuracy ** times
        path_kl = path_kl + known[group].path_kl * times
    steps = Fraction(sum(map(len, groups)))
    return LumpedDecode(
        accuracy=to_fraction(accuracy),
        kl=None if any(group.mixed for group in known.values()) else path_kl,
        path_kl=path_kl,
        steps=steps,
        steps_under_data=steps,
        n=law.n,
    )


def _groups(n: int, policy: TopK) -> list[tuple[int, ...]]:
    """Return the numbers of positions of the steps, for each group that competes."""
    length = n if policy.block is None else min(policy.block, n)
    usual = replace(policy, block=None, ties="random")
    full, rest = divmod(n, length)
    return [sizes_from_left(length, usual)] * full + [sizes_from_left(rest, usual)] * (rest > 0)


def _splits(sizes: tuple[int, ...]) -> bool:
    """Return whether some step from the left takes one of two equals (and not by single positions)."""
    left = sum(sizes)
    for size in sizes:
        if size % 2 and size < left:
            return True
        left -= size
    return False


def _even(n: int, policy: TopK) -> list[int]:
    """Return the sizes when both of two equals are taken."""
    sizes, left = [], n
    while left:
        size = size_of_alike(n, replace(policy, ties="random"), (Fraction(1),), left)
        sizes.append(size + (size % 2 if size < left else 0))
        left -= sizes[-1]
    return sizes


_State = tuple[int, str]  # places to the right of the last revealed value; the gap: "", "sure" or "coin"
_Choice = tuple[
    fmpq, tuple[int, ...], bool
]  # its probability, the places drawn, whether an old gap stays hidden


def _confidence_group(sizes: Sequence[int]) -> Group:
    """Decode by confidence with random ties: forward over the steps, at most three states each."""
    most = max(sizes)
    remedy = "use a smaller block"
    require_operations(most**4 // 2, f"a step of {most} positions of a walk", limit=_BITS, remedy=remedy)
    known: dict[tuple[int, ...], tuple[fmpq, fmpq, fmpq]] = {}
    masses: dict[_State, tuple[fmpq, fmpq]] = {(sum(sizes), ""): (fmpq(1), fmpq(1))}
    places: dict[int, fmpq] = {}
    joint, mixed, left = fmpq(0), False, sum(sizes)
    for size in sizes:
        if size == 1 < left:  # and so are all that follow: nothing is lost any more
            break
        left -= size
        after: dict[_State, tuple[fmpq, fmpq]] = {}
        for state, (own, data) in masses.items():
            choices = _choices(*state, size)
            mixed |= len(choices) > 1
            for chance, drawn, hidden in choices:
                for r in drawn:
                    places[r] = places.get(r, fmpq(0)) + data * chance
                skips = _skips(drawn)
                joint += data * chance * (len(drawn) + fmpq(int(skips), 2))
                if drawn not in known:
                    known[drawn] = _path(drawn)
                sure, coin, whole = known[drawn]
                right = state[0] - (drawn[-1] if drawn else 0)
                moves = [("sure", sure, fmpq(1, 2)), ("coin", coin, fmpq(1, 2))]
                if not skips:
                    moves = [("coin" if hidden else "", whole, fmpq(1))]
                for gap, by_own, by_data in moves:
                    before = after.get((right, gap), (fmpq(0), fmpq(0)))
                    after[right, gap] = (
                        before[0] + own * chance * by_own,
                        before[1] + data * chance * by_data,
                    )
        masses = after
    accuracy = sum((own for own, _ in masses.values()), fmpq(0))
    return Group(accuracy=accuracy, path_kl=loss(places, joint), mixed=mixed)


def _choices(right: int, gap: str, size: int) -> list[_Choice]:
    """Return what a step of ``size`` positions may take."""
    if not gap:
        return _from_frontier(right, size, fmpq(1))
    if gap == "sure" or size > min(right, 2):  # the gap goes first, or with both of its equals
        return _from_frontier(right, size - 1, fmpq(1))
    third = fmpq(1, 3)  # two of the three equals: the gap, place 1, place 2
    return [(third, (1,), False), (third, (2,), False), (third, (1, 2), True)]


def _from_frontier(right: int, size: int, chance: fmpq) -> list[_Choice]:
    first = tuple(range(1, size + 1))
    if size % 2 == 0 or size == right:
        return [(chance, first, False)]
    return [(chance / 2, first, False), (chance / 2, (*first[:-1], size + 1), False)]


def _skips(drawn: tuple[int, ...]) -> bool:
    """Return whether the draw leaves a gap before its last place."""
    return bool(drawn) and drawn[-1] > len(drawn)


def _path(drawn: tuple[int, ...]) -> tuple[fmpq, fmpq, fmpq]:
    """Return the probability that the draws are a walk that makes the gap sure, or a coin, or in all."""
    ends, scale = [1], 2 ** sum(drawn)
    if not _skips(drawn):
        for r in drawn:
            ends = next_ends(ends, r, (0, 1))
        whole = fmpq(sum(ends), scale)
        return fmpq(0), fmpq(0), whole
    for r in drawn[:-1]:
        ends = next_ends(ends, r, (0, 1))
    sure = fmpq(sum(next_ends(ends, drawn[-1], (0, 2))), scale)
    coin = fmpq(sum(next_ends(ends, drawn[-1], (1,))), scale)
    return sure, coin, sure + coin
