r"""Top-k on one-hot blocks: a window of counts for scores of the marginals, a polynomial for random order.

A block without its one and r >= 2 hidden positions has the marginal (1 - 1/r, 1/r) at each of them: confidence 1 - 1/r,
margin 1 - 2/r, entropy h(1/r), all better the larger r is. Sure positions (the block has its one, or r = 1) are best of
all. The three scores therefore choose alike: sure positions first, then blocks of the largest r.

**State.** With p sure positions hidden, steps of k take only those while ``p >= k``; then ``p mod k`` of them and
``m = k - p mod k`` others. Sure draws lose nothing, so p counts modulo k only. A step with ``m <= N R`` for the N
blocks of the largest level R moves each block it hits to R - 1, .., R - k; with ``m > N R`` it takes them whole and
goes on at R - 1. As the largest level goes first, at level R all others are at R - 1, .., R - k: the state is
``(N; n_1, .., n_k; m)``, ``N + sum n_j <= B`` blocks, some ``b k C(B + k + 1, k + 1)`` states. Blocks of one level are
exchangeable, with ties to the lowest index too. The moves: :mod:`theory.decoding.structured.one_hot_moves`. The
number of steps is known, so that nothing off the support changes a result.

**kl.** With ties at random the rule commutes with all permutations inside the blocks, which act transitively on the
support: Q is constant there, ``kl = -log2 accuracy`` (:mod:`theory.decoding.lumped`). Without random choices ``kl =
path_kl``. ``path_kl = sum_{R, j} G(R, j) (j h(1/R) - H(j, R))``: G the expected number of hits of j on blocks at R
under the data, ``H(j, R) = (j/R) log2 R - (1 - j/R) log2(1 - j/R)`` the entropy of j positions (blocks are
independent).

Random order in few steps: :mod:`theory.decoding.structured.one_hot_random`. Groups (``block=``) of whole blocks are
decoded one after the other: accuracies multiply. Within a single block all hidden positions look alike, whatever the
score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import inf, log, log2
from typing import Any

from flint import fmpq

from theory.decoding.lumped import LumpedDecode
from theory.decoding.structured.left_to_right import decode_serial, sizes_from_left
from theory.decoding.structured.one_hot_random import decode_one_hot_random, random_is_known
from theory.decoding.structured.one_hot_window import Window, forward
from theory.information.curves.structures import Copies
from theory.information.measures import Bits
from theory.limits import CostError, require_operations
from theory.numbers.arithmetic import Number, to_fraction
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import gamma
from theory.policies.rules.topk import TopK

__all__ = ["decode_one_hot_topk"]

ONE = Fraction(1)
_EXACT = 2 * 10**9  # states, outcomes and words of 64 bits: some ten seconds
_FLOATS = 10**10  # products of floats: a minute
_COMBINING = 8  # roundings where groups are combined
_LEAST = 2.0**-900  # underflow loses less than 10^10 * 2^-1074 in all: nothing beside this


def decode_one_hot_topk(
    law: Copies, policy: TopK, tau: Fraction = ONE, greedy_ties: str = "random"
) -> LumpedDecode | None:
    """Return the decode of top-k; ``None`` where it is not known.

    Exact where that takes seconds; float64 beyond, with the error proved in
    :mod:`theory.decoding.structured.one_hot_window` in ``errors``.

    Example:
        >>> from theory.information.curves.structures import Exchangeable
        >>> bits = Exchangeable(2, lambda j: [(Fraction(2 - j), Fraction(2))])  # 01 or 10
        >>> found = decode_one_hot_topk(Copies(bits, 3), TopK(k=3))  # 12/20 / 4 + 8/20
        >>> found.accuracy, found.steps
        (Fraction(11, 20), Fraction(2, 1))
    """
    if policy.by == "left_to_right" or (policy.by == "random" and policy.ties == "lowest"):
        return decode_serial(law, sizes_from_left(law.n, policy), tau, greedy_ties)
    b = law.block.n
    length = law.n if policy.block is None else min(policy.block, law.n)
    if length == b:
        return _one_by_one(law, policy, tau, greedy_ties)
    if length % b or policy.ties == "all" or tau != 1:
        return None
    full, rest = divmod(law.n, length)
    groups = [length] * full + [rest] * (rest > 0)
    accuracy: Number = ONE
    losses: list[tuple[int, Bits]] = []
    steps, mass, hits = Fraction(0), 0, 0  # roundings of the accuracy, and of path_kl
    for group in set(groups):
        sizes, times = sizes_from_left(group, replace(policy, block=None)), groups.count(group)
        found = _group(replace(law, copies=group // b), policy, sizes)
        if found is None:
            return None
        accuracy = accuracy * found[0] ** times
        losses.append((times, found[1]))
        steps += len(sizes) * times
        mass += found[2] * times + _COMBINING  # a power, a product and a conversion
        hits = max(hits, found[3])
    if isinstance(accuracy, float) and accuracy < _LEAST:
        raise CostError(f"the accuracy of {policy} is below the range of float64 here; use a smaller n.")
    path_kl = _sum(losses)
    errors: dict[str, float] = {}
    if isinstance(accuracy, float):
        errors["accuracy"] = _off(accuracy, mass)
    if isinstance(path_kl, float):
        errors["path_kl"] = _off(path_kl, hits + _COMBINING * len(losses))
    return _result(law, policy, accuracy, path_kl, steps, errors)


def _off(value: float, roundings: int) -> float:
    """Return a bound on the error of ``value = true (1 + t)``, ``|t| <= g = gamma_k``: ``|value| g / (1 - g)``."""
    relative = gamma(roundings)
    return abs(value) * relative / (1 - relative) * (1 + 2.0**-50)


def _result(
    law: Copies,
    policy: TopK,
    accuracy: Number,
    path_kl: Bits,
    steps: Fraction,
    errors: Mapping[str, float],
) -> LumpedDecode:
    kl, off = path_kl, errors.get("path_kl")
    if policy.ties == "random":
        kl = inf if accuracy == 0 else -_log2(accuracy)
        off = None
        if isinstance(kl, float) and "accuracy" in errors and kl != inf:
            # |log2(1 + x)| <= |x| / (1 - |x|) log2 e; the logarithm itself within 8 units
            x = errors["accuracy"] / accuracy
            off = x / (1 - x) / log(2) * (1 + 2.0**-50) + 8 * 2.0**-53 * abs(kl)
    return LumpedDecode(
        accuracy=accuracy,
        kl=kl,
        path_kl=path_kl,
        steps=steps,
        steps_under_data=steps,
        n=law.n,
        errors={**errors} | ({} if off is None else {"kl": off}),
    )


def _log2(value: Number) -> Bits:
    return LogNumber.log2(value) if isinstance(value, Fraction) else log2(value)


def _one_by_one(law: Copies, policy: TopK, tau: Fraction, greedy_ties: str) -> LumpedDecode:
    """Decode block after block: the hidden positions of one all look alike, so only their number counts."""
    sizes = sizes_from_left(law.n, policy)
    found = decode_serial(law, sizes, tau, greedy_ties)
    errors = {key: off for key, off in found.errors.items() if key in ("accuracy", "path_kl")}
    return _result(law, policy, found.accuracy, found.path_kl, Fraction(len(sizes)), errors)


def _group(law: Copies, policy: TopK, sizes: Sequence[int]) -> tuple[Number, Bits, int, int] | None:
    """Return accuracy and ``path_kl`` of blocks that compete, and the roundings of both if they are floats."""
    b, k, lowest = law.block.n, sizes[0], policy.ties == "lowest"
    fixed = len(sizes) == 1 or law.copies == 1 or (lowest and all(size % b == 0 for size in sizes))
    if fixed or len(sizes) == law.n:  # known sets, or as good as known, or no loss
        found = decode_serial(law, sizes, ONE, "random")
        return found.accuracy, found.path_kl, 0, 0
    if policy.by == "random":
        found = decode_one_hot_random(law, sizes) if random_is_known(law, sizes) else None
        return None if found is None else (found.accuracy, found.path_kl, 0, 0)
    if any(size != k for size in sizes[:-1]):
        return None  # p modulo k says too little
    window = Window(blocks=law.copies, length=b, k=k, lowest=lowest)
    exact = window.states * window.outcomes * window.words <= _EXACT
    what = f"top-{k} among {law.copies} blocks of {b}"
    if not exact:
        remedy = "use a smaller k, or schedule for the expected KL of random order"
        cost = min(window.floats * window.outcomes, 10**300)
        require_operations(cost, what, limit=_FLOATS, remedy=remedy)
    own, _ = forward(window, data=False, exact=exact)
    _, hits = forward(window, data=True, exact=exact)
    accuracy = to_fraction(own) if exact else float(own)
    if isinstance(accuracy, float) and accuracy < _LEAST:
        raise CostError(f"the accuracy of {what} is below the range of float64 here; use a smaller n.")
    return accuracy, _path_kl(hits, exact), window.mass_roundings, window.hits_roundings


def _path_kl(hits: Mapping[tuple[int, int], fmpq | float], exact: bool) -> Bits:
    terms = [(count, _loss(*hit)) for hit, count in hits.items()]
    return _sum(terms if exact else [(count, float(lost)) for count, lost in terms])


def _sum(terms: Sequence[tuple[Any, Bits]]) -> Bits:
    exact = [(count, value) for count, value in terms if isinstance(value, LogNumber)]
    if len(exact) == len(terms):
        return LogNumber.combination(exact)
    return float(sum(float(count) * float(value) for count, value in terms))


def _loss(hidden: int, j: int) -> LogNumber:
    """Return the total correlation of j of the hidden positions of a block without its one."""
    one, none = fmpq(1, hidden), fmpq(hidden - 1, hidden)
    drawn, rest = fmpq(j, hidden), fmpq(hidden - j, hidden)
    terms = [(-j * one, one), (-j * none, none), (drawn, one)]
    return LogNumber.weighted_sum(terms + [(rest, rest)] * (rest != 0))
