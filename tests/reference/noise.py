"""Slow reference of uniform and masked diffusion: every clean and noisy sequence listed, in Fractions.

A pmf is a dict from outcome to Fraction. Noise is a dict from symbol to its share. Nothing here imports the product.
"""

from collections.abc import Hashable, Iterable
from fractions import Fraction
from itertools import pairwise, product
from math import prod
from typing import Any

Sequence = tuple[Hashable, ...]
Distribution = dict[Any, Fraction]


def kept_or_replaced(noise: Distribution, signal: Fraction, noisy: Hashable, clean: Hashable) -> Fraction:
    return signal * (noisy == clean) + (1 - signal) * noise.get(noisy, Fraction(0))


def likelihood(noise: Distribution, signal: Fraction, noisy: Sequence, clean: Sequence) -> Fraction:
    return prod(kept_or_replaced(noise, signal, x, y) for x, y in zip(noisy, clean, strict=True))


def normalised(values: Distribution) -> Distribution:
    total = sum(values.values())
    return {v: p / total for v, p in values.items() if p}


def posterior(
    pmf: Distribution, noise: Distribution, signal: Fraction, noisy: Sequence, i: int
) -> Distribution:
    """P(y_i | x), by Bayes over whole sequences."""
    found: Distribution = {}
    for y, p in pmf.items():
        found[y[i]] = found.get(y[i], Fraction(0)) + p * likelihood(noise, signal, noisy, y)
    return normalised(found)


def left_out(
    pmf: Distribution, noise: Distribution, signal: Fraction, noisy: Sequence, i: int
) -> Distribution:
    """P(y_i | x without x_i): the joint distribution of y_i and x, summed over x_i."""
    found: Distribution = {}
    for y, p in pmf.items():
        for x in noise:
            mass = p * likelihood(noise, signal, (*noisy[:i], x, *noisy[i + 1 :]), y)
            found[y[i]] = found.get(y[i], Fraction(0)) + mass
    return normalised(found)


def true_transition(
    pmf: Distribution, noise: Distribution, a: Fraction, b: Fraction, noisy: Sequence, i: int
) -> Distribution:
    """P(z_i | x) for z at signal b and x at signal a, from the joint distribution of y, z and x."""
    found: Distribution = {}
    for y, p in pmf.items():
        for z in product(noise, repeat=len(noisy)):
            mass = p * likelihood(noise, b, z, y) * likelihood(noise, a / b, noisy, z)
            found[z[i]] = found.get(z[i], Fraction(0)) + mass
    return normalised(found)


def released_transition(
    prediction: Distribution, vocabulary: Iterable[Hashable], a: Fraction, b: Fraction, x: Hashable
) -> Distribution:
    """The posterior as written in s-sahoo/duo, trainer_base.py, for a predicted distribution of the clean token."""
    symbols = list(vocabulary)
    k = len(symbols)
    below = a * k * prediction.get(x, Fraction(0)) + 1 - a
    return {
        z: (
            a * k * prediction.get(z, Fraction(0)) * (z == x)
            + (a / b - a) * (z == x)
            + (b - a) * prediction.get(z, Fraction(0))
            + (1 - a / b) * (1 - b) / k
        )
        / below
        for z in symbols
    }


def output(transition: Any, noise: Distribution, n: int, signals: list[Fraction]) -> Distribution:
    """The distribution of the last sequence; ``transition(a, b, x, i)`` is that of one position."""
    mass = {x: prod(noise[v] for v in x) for x in product(noise, repeat=n)}
    for a, b in pairwise(signals):
        after: Distribution = {}
        for x, p in mass.items():
            rows = [list(transition(a, b, x, i).items()) for i in range(n)]
            for choice in product(*rows):
                z = tuple(v for v, _ in choice)
                after[z] = after.get(z, Fraction(0)) + p * prod(q for _, q in choice)
        mass = {x: p for x, p in after.items() if p}
    return mass
