"""Errata on the oracle of Appendix G.2, the best threshold of each sample."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import product

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed
from theory.decoding.decoder import decode
from theory.decoding.result import Decode
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy

__all__ = ["ENTRIES"]

THRESHOLDS = ("1/2", "3/5", "7/10", "4/5", "9/10", "1")
FIVE = {"00012": "1/5", "20000": "3/10", "01000": "1/5", "20002": "1/5", "21100": "1/10"}
THREE = {"110": "29/100", "101": "28/100", "011": "28/100", "000": "15/100"}


def least_threshold() -> Evidence:
    """Compare the steps of the lowest threshold that is right with those of higher ones, greedy."""
    found = Evidence()
    five = JointPMF.from_mapping({_word(a): Fraction(p) for a, p in FIVE.items()})
    eight = JointPMF.from_mapping(
        {_word(a + b): Fraction(p) * Fraction(q) for (a, p), (b, q) in product(FIVE.items(), THREE.items())}
    )
    small = {gamma: _greedy(five, gamma) for gamma in ("3/5", "7/10")}
    for gamma, result in small.items():
        found.number(f"five positions, gamma = {gamma}: steps", Fraction(result.steps))
    results = {gamma: _greedy(eight, gamma) for gamma in THRESHOLDS}
    for gamma, result in results.items():
        found.number(f"eight positions, gamma = {gamma}: accuracy", Fraction(result.accuracy))
        found.number(f"eight positions, gamma = {gamma}: steps", Fraction(result.steps))
    right = [gamma for gamma in THRESHOLDS if results[gamma].accuracy == 1]
    found.suggested(
        "eight positions: the lowest of the six thresholds that is right takes the fewest steps of those that are",
        results[right[0]].steps == min(results[gamma].steps for gamma in right),
    )
    found.suggested(
        "five positions: gamma = 3/5 takes no more steps than 7/10", small["3/5"].steps <= small["7/10"].steps
    )
    found.also("five positions: both give the same answer", _same([small["3/5"], small["7/10"]]))
    found.also("eight positions: all that are right give the same answer", _same([results[g] for g in right]))
    return found


def _word(digits: str) -> tuple[int, ...]:
    return tuple(int(digit) for digit in digits)


def _greedy(pmf: JointPMF, gamma: str) -> Decode:
    return decode(pmf, parse_policy(f"threshold:gamma={gamma}"), temperature=0)


def _same(results: Sequence[Decode]) -> bool:
    return all(result.distribution == results[0].distribution for result in results)


def oracle_bound() -> Evidence:
    """Compare the fewest steps of a threshold that is right with those of fixed sizes, greedy Replace Random."""
    found = Evidence()
    replace = listed("replace_random", 5)
    thresholds = {gamma: _greedy(replace, gamma) for gamma in THRESHOLDS}
    fewest = min(Fraction(result.steps) for result in thresholds.values() if result.accuracy == 1)
    sizes = decode(replace, parse_policy("llada:steps=3"), temperature=0)
    found.number("fewest steps of a threshold that is right", fewest)
    found.number("sizes 2, 2, 1 (LLaDA, three steps): accuracy", Fraction(sizes.accuracy))
    found.number("sizes 2, 2, 1: steps", Fraction(sizes.steps))
    found.suggested("no rule that is right takes fewer steps than the oracle", fewest <= sizes.steps)
    return found


ENTRIES = (
    Claim(
        id="least-threshold",
        page="errata",
        title="The lowest threshold and the fewest steps",
        claim="The lowest threshold that gives the right answer takes the fewest steps.",
        place="Appendix G.2",
        test="Greedy threshold decoding, compared by > as in the text, of a distribution of eight positions: "
        "two independent parts, of five and of three. Part one alone at two thresholds.",
        evidence=least_threshold,
        verdict="suggested; fails",
        refuted=(
            "eight positions: the lowest of the six thresholds that is right takes the fewest steps of those that are",
            "five positions: gamma = 3/5 takes no more steps than 7/10",
        ),
        condition="A higher threshold can decode another token first, after which more are certain. Part one "
        "is 00012 (1/5), 20000 (3/10), 01000 (1/5), 20002 (1/5), 21100 (1/10); part two 110 (29/100), 101 and 011 "
        "(28/100 each), 000 (15/100). On both gamma = 0.6 takes 6 steps and 0.7 takes 5, with the same answer; at "
        "0.5 the answer is wrong. An oracle should therefore count steps, as ours does.",
        numbers={
            "five positions, gamma = 3/5: steps": "3",
            "five positions, gamma = 7/10: steps": "2",
            "eight positions, gamma = 1/2: accuracy": "0",
            "eight positions, gamma = 1/2: steps": "1",
            "eight positions, gamma = 3/5: accuracy": "1",
            "eight positions, gamma = 3/5: steps": "6",
            "eight positions, gamma = 7/10: accuracy": "1",
            "eight positions, gamma = 7/10: steps": "5",
            "eight positions, gamma = 4/5: accuracy": "1",
            "eight positions, gamma = 4/5: steps": "8",
            "eight positions, gamma = 9/10: accuracy": "1",
            "eight positions, gamma = 9/10: steps": "8",
            "eight positions, gamma = 1: accuracy": "1",
            "eight positions, gamma = 1: steps": "8",
        },
    ),
    Claim(
        id="oracle-bound",
        page="errata",
        title="What the oracle bounds",
        claim="The oracle, the best threshold of each sample, is the best speed at which quality can be kept.",
        place="Appendix G.2 and Figure 7",
        test="Greedy Replace Random, n = 5: six thresholds, and three steps of fixed sizes.",
        evidence=oracle_bound,
        verdict="suggested; fails",
        refuted=("no rule that is right takes fewer steps than the oracle",),
        condition="It is the best among thresholds. LLaDA's sizes 2, 2, 1 are always right here in three "
        "steps, where every threshold that is right takes five.",
        numbers={
            "fewest steps of a threshold that is right": "5",
            "sizes 2, 2, 1 (LLaDA, three steps): accuracy": "1",
            "sizes 2, 2, 1: steps": "3",
        },
    ),
)
