"""``log2 P(y)`` of one sequence in ball arithmetic.

A ball (:mod:`theory.numbers.balls`) has an exponent of any size, so that nothing underflows. The sums are
those of the forward algorithm and of inside charts, over the exact parameters, but without the scaling that floats
need: dividing by a sum doubles the radius at each step. A product of balls takes about 0.2 microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb

from theory.distributions.parametric.grammar_rules import Rules
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.messages import step
from theory.numbers.balls import BALLS, ball_precision, to_ball

__all__ = ["MOST", "grammar_bits", "grammar_products", "hmm_bits", "hmm_products"]

MOST = 5_000_000  # products of one sequence: a few seconds


def hmm_products(distribution: HMMDistribution) -> int:
    """Return how many products :func:`hmm_bits` takes."""
    return distribution.n * len(distribution.initial) ** 2


def hmm_bits(distribution: HMMDistribution, answer: Sequence[int]) -> arb:
    """Return ``log2 P(y)`` of a possible sequence by the forward algorithm, as a ball.

    Example:
        >>> sure = HMMDistribution(n=2, initial=["1/4", "3/4"], transition=[[1, 0], [0, 1]], emission=None)
        >>> hmm_bits(sure, [0, 0]).contains(-2)
        True
    """
    with ball_precision():
        shows = np.eye(len(distribution.initial), dtype=int)
        if distribution.emission is not None:
            shows = np.array(distribution.emission, dtype=object)
        parts = np.array(distribution.initial, dtype=object), np.array(distribution.transition, dtype=object)
        message, moves, shows = map(BALLS.converted, (*parts, shows))
        message = message * shows[:, answer[0]]
        for i, token in enumerate(answer[1:], start=1):
            message = (message @ step(moves, i)) * shows[:, token]
        return message.sum().log() / arb(2).log()


def grammar_products(rules: Rules, n: int) -> int:
    """Return how many products :func:`grammar_bits` takes."""
    return n * (n * n - 1) // 6 * 2 * len(rules.binary)


def grammar_bits(rules: Rules, top: str, words: Sequence[str]) -> arb:
    """Return ``log2 P(y)`` of a sentence, given its length, by inside charts, as a ball.

    Args:
        rules: The rules.
        top: The start symbol.
        words: The words of a sentence of the grammar.

    Example:
        >>> from theory.distributions.parametric.grammar_rules import read_rules
        >>> grammar_bits(read_rules({"S": {"S S": "1/2", "x": "1/4", "y": "1/4"}}), "S", ["x", "y"]).contains(-2)
        True
    """
    with ball_precision():
        free = {a: to_ball(sum(shown.values())) for a, shown in rules.words.items() if shown}
        here = [
            {a: to_ball(shown[word]) for a, shown in rules.words.items() if shown.get(word)} for word in words
        ]
        whole = _yielded(rules, [free], len(words))[top]  # the same for all places
        return (_yielded(rules, here, len(words))[top] / whole).log() / arb(2).log()


def _yielded(rules: Rules, words: list[dict[str, Any]], n: int) -> dict[str, Any]:
    """Return the probability that each symbol yields n words.

    Args:
        rules: The rules.
        words: The probability that a symbol yields the word of each place; one entry if it is the same everywhere.
        n: Their number.
    """
    chances = [(rule, to_ball(rule.probability)) for rule in rules.binary if rule.probability]
    charts = [words]  # by width less one, by first place
    for width in range(2, n + 1):
        spans: list[dict[str, Any]] = []
        for i in range(min(len(words), n - width + 1)):
            span: dict[str, Any] = {}
            for u in range(1, width):
                left, right = charts[u - 1][i], charts[width - u - 1][(i + u) % len(words)]
                for rule, chance in chances:
                    if rule.left in left and rule.right in right:
                        term = left[rule.left] * right[rule.right] * chance
                        span[rule.head] = span.get(rule.head, 0) + term
            spans.append(span)
        charts.append(spans)
    return charts[-1][0]
