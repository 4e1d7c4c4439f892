"""Claims on what a divergence says about accuracy."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise, permutations
from math import factorial

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed
from theory.bounds.accuracy.divergence import accuracy_floor, forward_kl
from theory.bounds.accuracy.one_step import (
    exactly_one,
    exactly_one_floor,
    largest_rectangle,
    permanent,
    permanent_floor,
)
from theory.decoding.decoder import decode
from theory.information.measures import total_correlation
from theory.policies import parse_policy

__all__ = ["ENTRIES"]


def inevitable_loss() -> Evidence:
    """Look for product distributions that are always right, and what they lose."""
    found = Evidence()
    n = 4
    point = [[int(i == v) for v in range(n)] for i in range(n)]
    uniform = [[Fraction(1, n)] * n] * n
    shuffle, replace = listed("shuffle", n), listed("replace_random", n)
    found.number("Shuffle, n = 4: one step of the ideal model", permanent(uniform))
    found.number("Shuffle, n = 4: one step that always writes one order", permanent(point))
    found.number("its KL", forward_kl(shuffle, {tuple(range(n)): Fraction(1)}))
    found.number("Replace Random, n = 4: one step of the ideal model", exactly_one([Fraction(1, n)] * n))
    found.number("Replace Random, n = 4: one step that always replaces the first", exactly_one([1, 0, 0, 0]))
    greedy = decode(listed("remove_random", 5), parse_policy("topk:k=4"), temperature=0)
    found.number("Remove Random, n = 5: greedy, one step", Fraction(greedy.accuracy))
    found.suggested(
        "every one-step decoder with C > 0 is sometimes wrong",
        permanent(point) < 1 and exactly_one([1, 0, 0, 0]) < 1 and greedy.accuracy < 1,
    )
    rectangles = {
        "Shuffle": largest_rectangle(shuffle).size,
        "Replace Random": largest_rectangle(replace).size,
    }
    for name, size in rectangles.items():
        found.number(f"{name}, n = 4: answers of a one-step decoder that is never wrong", size)
    found.condition(
        "with two or more answers it is sometimes wrong", all(size == 1 for size in rectangles.values())
    )
    for name, pmf in (("Shuffle", shuffle), ("Replace Random", replace)):
        ideal = decode(pmf, parse_policy("topk:k=4,by=random"))
        found.condition(
            f"{name}: with the true one-token distributions the accuracy is 2^-C",
            ideal.accuracy == accuracy_floor(total_correlation(pmf)),
        )
    found.also(
        "126 doubly stochastic matrices of order 3: accuracy >= n!/n^n, equal only for the uniform one",
        all(
            (value := permanent(matrix)) >= permanent_floor(3)
            and (value == permanent_floor(3)) == all(a == Fraction(1, 3) for row in matrix for a in row)
            for matrix in _doubly_stochastic(3, 4)
        ),
    )
    found.also(
        "165 choices of Q(new item) that sum to 1: accuracy >= (1 - 1/n)^(n-1), equal only for 1/n each",
        all(
            (value := exactly_one(a)) >= exactly_one_floor(n)
            and (value == exactly_one_floor(n)) == (set(a) == {Fraction(1, n)})
            for a in _shares(n, 8)
        ),
    )
    return found


def _shares(parts: int, total: int) -> Iterator[list[Fraction]]:
    """Yield all lists of multiples of 1/total that sum to one."""
    for cuts in combinations(range(total + parts - 1), parts - 1):
        ends = [-1, *cuts, total + parts - 1]
        yield [Fraction(b - a - 1, total) for a, b in pairwise(ends)]


def _doubly_stochastic(n: int, total: int) -> Iterator[list[list[Fraction]]]:
    """Yield mixtures of the permutation matrices with weights that are multiples of 1/total."""
    orders = list(permutations(range(n)))
    for weights in _shares(factorial(n), total):
        matrix = [[Fraction(0)] * n for _ in range(n)]
        for order, weight in zip(orders, weights, strict=True):
            for i, v in enumerate(order):
                matrix[i][v] += weight
        yield matrix


ENTRIES = (
    Claim(
        id="inevitable-loss",
        title="Strong dependence makes parallel decoding inaccurate",
        claim='Parallel decoding ignores dependencies, "inevitably degrading generation quality" when they '
        "are strong.",
        place="Abstract",
        test="Read with accuracy as the quality, which the paper does not say. Accuracy of product "
        "distributions: point masses, greedy decoding, all doubly stochastic ones on a grid; the largest rectangle "
        "inside the valid answers.",
        evidence=inevitable_loss,
        verdict="suggested; holds under a condition",
        refuted=("every one-step decoder with C > 0 is sometimes wrong",),
        condition="With the divergence as the quality it is Theorem 1. With accuracy the decoder must be able "
        "to give more than one answer, or follow the true one-token distributions (then its accuracy is 2^-C "
        "here). C bounds the divergence of every one-step decoder; for accuracy that gives a floor, 2^-KL, and no "
        "ceiling: a point mass is always right, and so is greedy Remove Random.",
        numbers={
            "Shuffle, n = 4: one step of the ideal model": "3/32",
            "Shuffle, n = 4: one step that always writes one order": "1",
            "its KL": "inf",
            "Replace Random, n = 4: one step of the ideal model": "27/64",
            "Replace Random, n = 4: one step that always replaces the first": "1",
            "Remove Random, n = 5: greedy, one step": "1",
            "Shuffle, n = 4: answers of a one-step decoder that is never wrong": "1",
            "Replace Random, n = 4: answers of a one-step decoder that is never wrong": "1",
        },
    ),
)
