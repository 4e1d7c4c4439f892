"""Pmfs that floats hold exactly: weights over a power of two. Float results then have an exact truth."""

from fractions import Fraction
from itertools import product

from hypothesis import strategies as st

from theory.distributions.pmf import JointPMF


def dyadic(shape, largest: int = 3):
    """Random distributions as dictionaries; the first outcome takes what is missing to the power of two."""
    words = list(product(*map(range, shape)))
    weights = st.lists(st.integers(0, largest), min_size=len(words), max_size=len(words)).filter(any)

    def filled(values):
        total = 1 << (sum(values) - 1).bit_length()
        values[next(j for j, v in enumerate(values) if v)] += total - sum(values)
        return {y: Fraction(v, total) for y, v in zip(words, values, strict=True) if v}

    return weights.map(filled)


def both(distribution):
    """The exact pmf and the float pmf of a distribution."""
    return JointPMF.from_mapping(distribution), JointPMF.from_mapping(
        {y: float(p) for y, p in distribution.items()}
    )
