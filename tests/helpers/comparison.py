"""Comparison of numbers of the product with those of the reference."""

from math import inf

import pytest

from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.numbers.lognumber import LogNumber


def same(number, form) -> bool:
    """An exact number of the product equals a form of the reference: the same coefficient at every prime."""
    if form is None:
        return number == inf
    return isinstance(number, LogNumber) and number.terms == form


def close(number, form) -> bool:
    """A float of the product is near a form of the reference."""
    return isinstance(number, float) and number == pytest.approx(ref.to_float(form), abs=ROUNDING)


def members(n: int, mask: int) -> list[int]:
    return [i for i in range(n) if mask >> i & 1]
