r"""Choice of the exact algorithm for a rule on a distribution too long to list.

Distributions with exchangeable masked positions are decoded by :mod:`theory.decoding.lumped`. For the others, with n
positions:

| rule | Insert, Remove Random | Bernoulli walk | one-hot blocks |
|---|---|---|---|
| left to right, any count | interval, O(n) states | fixed blocks, no entropies | the same |
| confidence, margin, entropy: threshold | interval, O(n) states | confidence only | yes |
| the same: factor | interval | confidence, f <= 3/2 | not known |
| the same: top-k, 1 < k < n | interval | not known | not known |
| random top-k, 1 < k < n | interval and number masked, O(n^2 / k) states | not known | not known |

Not known: the rule compares positions of different gaps (or blocks), so the next gap depends on the values of all of
them, and the state is a multiset of gaps, of which there are more than any power of n. Random top-k mixes over all
splits of k positions among the gaps. Its expected divergence needs mean subset entropies only and is always known:
:func:`theory.information.curves.structures.expected_kl_of`. The command samples the unknown cases
(:mod:`theory.commands.decode_structured`).

**One token per step** (top-1): every draw is from a true conditional, so at temperature 1 the distribution is P:
accuracy 1, KL 0, n steps, whatever the distribution.

**Threshold on a walk**, by confidence. From the last revealed value a binomial of r bits has its largest probability
``c_r``, ``c_1 = c_2 = 1/2 > c_3 = c_4 > ...``. If ``c_1`` passes, the first R places pass, R even or n: blocks of R
from the left without gaps; off the support the marginals given X are those of the start, so only the first R
positions ever pass and the rest go one at a time. If ``c_1`` fails, one token per step: the best are the next place and
the one after it (1/2 each). The second leaves a gap of one place, sure or again 1/2. Sure places pass together, but
each step makes at most one place sure; so every step reveals one, n steps, and no draw is wrong. The same holds for
``factor`` with ``f <= 3/2``: a second place would need ``3 (1 - 1/2) < f``.

**Threshold on one-hot blocks** of length b by confidence, margin or entropy: scores fall with the number m masked in a
block without its one, down to m = 2. If m = b passes everything goes at once. Else one token per step until a block is
known, then its sure rest in one step (if sure places pass): steps add over the blocks, ``(b+3)/2 - 1/b`` each as for
Replace Random.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import comb

from theory.decoding.exchangeable import exchangeable_size
from theory.decoding.lumped import LumpedDecode
from theory.decoding.structured.hidden_place import decode_interval
from theory.decoding.structured.hidden_place_random import decode_random
from theory.decoding.structured.left_to_right import decode_serial, sizes_from_left
from theory.distributions.tempering import GREEDY_TIES, check_temperature
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies, Structure
from theory.numbers.lognumber import LogNumber
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.prefix import EntropyPrefix
from theory.policies.rules.factor import Factor
from theory.policies.rules.topk import TopK
from theory.validation import InputError, choice, shortened

__all__ = ["NotKnownError", "decode_structured"]

_SCORES = ("confidence", "margin", "entropy")  # of the marginal alone


class NotKnownError(InputError):
    """No polynomial algorithm is known; the message says what is known instead."""


def decode_structured(
    structure: Structure, policy: Policy, *, temperature: object = 1, greedy_ties: str = "random"
) -> LumpedDecode:
    """Return the exact decode of a distribution that has polynomially many states for this rule.

    Off the support the ``marginal`` convention holds.

    Args:
        structure: The structure of the distribution: :class:`~theory.information.curves.gap_structures.Gaps` or
            :class:`~theory.information.curves.structures.Copies`.
        policy: A ranked policy.
        temperature: tau >= 0; results are exact for 0 and 1, and 1/m with m small; else floats with ``errors``.
        greedy_ties: Equal tokens at temperature 0.

    Raises:
        NotKnownError: If no polynomial algorithm is known.

    Example:
        >>> from theory.policies import parse_policy
        >>> result = decode_structured(Gaps(1001, "insert"), parse_policy("topk:k=2,by=left_to_right"))
        >>> round(float(result.accuracy), 9), result.steps
        (0.333999334, Fraction(501, 1))
        >>> decode_structured(Gaps(9, "walk"), parse_policy("threshold:gamma=0.4")).accuracy
        Fraction(81, 256)
    """
    tau = check_temperature(temperature)
    choice(greedy_ties, "greedy_ties", GREEDY_TIES)
    if not isinstance(policy, RankedPolicy) or not policy.lumps or not isinstance(structure, (Gaps, Copies)):
        raise NotKnownError(f"{policy} is not known on a distribution too long to list; use a smaller n.")
    if getattr(policy, "confidence", "max") != "max":
        raise NotKnownError(
            "confidence=sampled is not known on a distribution too long to list; use a smaller n."
        )
    if policy.by == "random" and policy.ties == "lowest":  # the lowest index first
        policy = replace(policy, by="left_to_right")
    n = structure.n
    if policy.by == "left_to_right":
        if isinstance(structure, Gaps) and structure.kind != "walk":
            return decode_interval(structure, policy, tau, greedy_ties)
        if isinstance(policy, EntropyPrefix):  # its blocks follow from the entropies
            raise NotKnownError(_unknown(structure, policy, tau))
        return decode_serial(structure, sizes_from_left(n, policy), tau, greedy_ties)
    if policy.block is None and policy.by in _SCORES and isinstance(structure, Gaps):
        if structure.kind != "walk":
            return decode_interval(structure, policy, tau, greedy_ties)
        found = _walk(structure, policy, tau)
        if found is not None:
            return found
    if policy.block is None and policy.by in _SCORES and isinstance(structure, Copies):
        found = _one_hot(structure, policy, tau, greedy_ties)
        if found is not None:
            return found
    if policy.name == "topk" and policy.ties != "all":
        sizes = sizes_from_left(n, policy)
        if len(sizes) == 1:
            return _at_once(structure, tau, greedy_ties)
        if len(sizes) == n and tau == 1:
            return _without_loss(n, Fraction(n))
        by_chance = policy.by == "random" and policy.block is None and tau == 1
        if by_chance and isinstance(structure, Gaps) and structure.kind != "walk":
            return decode_random(structure, sizes)
    in_order = isinstance(structure, Copies) or structure.kind == "walk"
    if in_order and policy.name == "topk" and policy.by == "random" and policy.ties == "all":  # whole blocks
        return decode_serial(structure, sizes_from_left(n, policy), tau, greedy_ties)
    raise NotKnownError(_unknown(structure, policy, tau))


def _unknown(structure: Gaps | Copies, policy: RankedPolicy, tau: Fraction) -> str:
    """Return a message on what is known."""
    if isinstance(structure, Copies):
        distribution, known = "one-hot blocks", _KNOWN["one-hot"]
    else:
        distribution, known = (
            f"{structure.kind} distributions",
            _KNOWN.get(structure.kind, _KNOWN["interval"]),
        )
    return (
        f"no polynomial decode of {shortened(str(policy), 80)} at temperature {float(tau):g} is "
        f"known for {distribution} "
        f"of {structure.n} positions; known are left_to_right rules, {known}, and the expected KL of random order "
        "(python -m theory schedule); python -m theory decode samples the others."
    )


_KNOWN = {
    "interval": "without blocks random topk and all rules by confidence",
    "walk": "at temperature 1 thresholds and factor f <= 3/2 by confidence",
    "one-hot": "at temperature 1 thresholds by confidence, margin or entropy",
}


def _without_loss(n: int, steps: Fraction) -> LumpedDecode:
    zero = LogNumber()
    return LumpedDecode(accuracy=Fraction(1), kl=zero, path_kl=zero, steps=steps, steps_under_data=steps, n=n)


def _at_once(structure: Gaps | Copies, tau: Fraction, greedy_ties: str) -> LumpedDecode:
    if isinstance(structure, Gaps) and structure.kind != "walk":
        policy = TopK(k=structure.n, by="left_to_right")
        return decode_interval(structure, policy, tau, greedy_ties)
    return decode_serial(structure, (structure.n,), tau, greedy_ties)


def _walk(structure: Gaps, policy: RankedPolicy, tau: Fraction) -> LumpedDecode | None:
    if policy.by != "confidence" or policy.ties == "all" or tau != 1:
        return None
    n = structure.n
    if isinstance(policy, Factor):
        factor, strict = Fraction(policy.f), bool(policy.strict)
        single = factor <= Fraction(3, 2) if strict else factor < Fraction(3, 2)
        return _without_loss(n, Fraction(n)) if single or n == 1 else None
    if policy.name != "threshold":
        return None
    size = _passing(n, policy)
    if size <= 1:
        return _without_loss(n, Fraction(n))
    sizes = [size] * (n // size) + [n % size] * (n % size > 0)
    result = decode_serial(structure, sizes, tau, "random")
    block = Fraction(decode_serial(Gaps(size, "walk"), [size], tau, "random").accuracy)
    steps, reach = Fraction(0), Fraction(1)
    for done in range(size, n, size):  # after a loss in this block the rest goes one at a time
        steps += reach + reach * (1 - block) * (n - done)
        reach *= block
    return replace(result, steps=steps + reach)


def _passing(n: int, policy: RankedPolicy) -> int:
    """Return how many places from the start have a confidence above the threshold."""
    size = 0
    while size < n:
        r = size + 1
        best = Fraction(comb(r, r // 2), 2**r)
        copies = int(1 / best)
        row = (*(best,) * copies, 1 - copies * best)  # the confidence reads the largest probability only
        if exchangeable_size(2, policy, row, 2) == 1:  # two equal positions pass together or not at all
            break
        size += 1
    return size


def _one_hot(
    distribution: Copies, policy: RankedPolicy, tau: Fraction, greedy_ties: str
) -> LumpedDecode | None:
    b = distribution.block.n
    first = (Fraction(b - 1, b), Fraction(1, b))
    size = exchangeable_size(distribution.n, policy, first, distribution.n)
    if size == distribution.n:
        return _at_once(distribution, tau, greedy_ties)
    if policy.name != "threshold" or policy.ties == "all" or tau != 1:
        return None
    if (
        exchangeable_size(distribution.n, policy, (Fraction(1), Fraction(0)), 2) == 1
    ):  # not even sure places pass
        return _without_loss(distribution.n, Fraction(distribution.n))
    return _without_loss(distribution.n, distribution.copies * (Fraction(b + 3, 2) - Fraction(1, b)))
