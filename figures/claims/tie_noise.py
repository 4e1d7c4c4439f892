"""The erratum on the noise of a model, which is to break ties and to change nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import permutations, product
from typing import Any

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed
from theory.bounds.accuracy.one_step import exactly_one
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import closed_form, evaluate

__all__ = ["ENTRIES", "skewed_noise"]

Row = Mapping[Any, Fraction]  # noise of the tokens at one position
Noise = tuple[Fraction, Sequence[Row]]  # a probability, and a row for each position


def one_greedy_step(pmf: JointPMF, noises: Iterable[Noise]) -> Fraction:
    """Return the accuracy of one step that takes the largest sum of probability and noise at each position.

    Args:
        pmf: The distribution of the answers.
        noises: All values of the noise with their probabilities; a sum may not tie.
    """
    singles = [pmf.marginal([i]) for i in range(pmf.n)]
    accuracy = Fraction(0)
    for chance, rows in noises:
        word: list[Any] = []
        for single, row in zip(singles, rows, strict=True):
            sums = {v: Fraction(single.probability((v,))) + row.get(v, 0) for (v,) in single.outcomes}
            (token,) = [v for v, value in sums.items() if value == max(sums.values())]
            word.append(token)
        accuracy += chance * (pmf.probability(tuple(word)) > 0)
    return accuracy


def skewed_noise() -> Fraction:
    """Return the greedy accuracy on Shuffle, n = k = 2, with noise of mean zero that is not symmetric.

    Item 0 at the first place and item 1 at the second have noise 1 with probability 9/10 and -9 with 1/10.

    Example:
        >>> skewed_noise()
        Fraction(41, 50)
    """
    values = {Fraction(1): Fraction(9, 10), Fraction(-9): Fraction(1, 10)}
    assert sum(value * chance for value, chance in values.items()) == 0
    noises = [(values[a] * values[b], ({0: a}, {1: b})) for a, b in product(values, repeat=2)]
    return one_greedy_step(listed("shuffle", 2), noises)


def _exchangeable(n: int) -> Iterable[Noise]:
    """Yield noise in which the ranks of the tokens are equally likely, independently at each position."""
    ranks = list(permutations(range(n)))
    for rows in product(ranks, repeat=n):
        centred = [{v: Fraction(2 * r - n + 1, 2) for v, r in enumerate(row)} for row in rows]
        yield Fraction(1, len(ranks) ** n), centred


def zero_mean_noise() -> Evidence:
    """Compare noises of mean zero with what ties at random and no noise give."""
    found = Evidence()
    shuffle = closed_form("shuffle", "accuracy topk")
    skewed = skewed_noise()
    shared = one_greedy_step(
        listed("shuffle", 2), [(Fraction(1, 2), [{0: Fraction(s)}] * 2) for s in (1, -1)]
    )
    odds = {s: Fraction(1, 2) * s / (1 + Fraction(1, 2) * s) for s in (Fraction(2), Fraction(1, 2))}
    mixed = exactly_one([sum(odds.values(), Fraction(0)) / 2] * 3)
    plain = evaluate(closed_form("replace_random", "accuracy one step tau=1"), n=3)
    found.number("greedy Shuffle, n = k = 2: Eq. (5)", evaluate(shuffle, n=2, k=2))
    found.number("greedy Shuffle, n = k = 2: noise 1 or -9 with mean zero", skewed)
    found.number("greedy Shuffle, n = k = 2: noise 1 or -1, the same at both places", shared)
    found.number("sampling Replace Random, n = k = 3: no noise", plain)
    found.number("sampling Replace Random, n = k = 3: log odds plus or minus ln 2", mixed)
    found.stated(
        "greedy Shuffle: skewed noise of mean zero gives Eq. (5)", skewed == evaluate(shuffle, n=2, k=2)
    )
    found.stated(
        "greedy Shuffle: noise shared by the positions gives Eq. (5)", shared == evaluate(shuffle, n=2, k=2)
    )
    found.stated("sampling Replace Random: noise of mean zero changes nothing", mixed == plain)
    found.condition(
        "greedy Shuffle, n = k = 2 and 3: independent and exchangeable noise gives Eq. (5)",
        all(
            one_greedy_step(listed("shuffle", n), _exchangeable(n)) == evaluate(shuffle, n=n, k=n)
            for n in (2, 3)
        ),
    )
    return found


ENTRIES = (
    Claim(
        id="zero-mean-noise",
        page="errata",
        title="Noise of mean zero",
        claim="A trained model is the ideal one with noise of mean zero, so that greedy decoding breaks ties "
        "as sampling does and the formulas hold.",
        place="Section 4.2",
        test="Exact accuracy with three noises of mean zero, by following all their values.",
        evidence=zero_mean_noise,
        verdict="holds under a condition",
        refuted=(
            "greedy Shuffle: skewed noise of mean zero gives Eq. (5)",
            "greedy Shuffle: noise shared by the positions gives Eq. (5)",
            "sampling Replace Random: noise of mean zero changes nothing",
        ),
        condition="Greedy: noise that is independent across positions and exchangeable across tied tokens "
        "(and smaller than the gaps between others). Sampling: no noise on tokens of different probability. With "
        "noise 1 (9/10) or -9 (1/10) on A at place 1 and on B at place 2, Shuffle of two is right with probability "
        "41/50, not 1/2.",
        numbers={
            "greedy Shuffle, n = k = 2: Eq. (5)": "1/2",
            "greedy Shuffle, n = k = 2: noise 1 or -9 with mean zero": "41/50",
            "greedy Shuffle, n = k = 2: noise 1 or -1, the same at both places": "0",
            "sampling Replace Random, n = k = 3: no noise": "4/9",
            "sampling Replace Random, n = k = 3: log odds plus or minus ln 2": "3549/8000",
        },
    ),
)
