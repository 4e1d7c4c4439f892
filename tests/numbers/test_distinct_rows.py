"""Distinct rows of numpy and torch are those that Python's own sets find."""

import array_api_compat.torch
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from theory.numbers.distinct import distinct_rows

NUMBERS = st.one_of(st.integers(-2, 2), st.integers(-(2**62), 2**62))
ROWS = st.integers(1, 4).flatmap(lambda m: st.lists(st.lists(NUMBERS, min_size=m, max_size=m), min_size=1))
LIBRARIES = pytest.mark.parametrize(
    ("array", "xp"), [(torch.tensor, array_api_compat.torch), (np.array, np)], ids=("torch", "numpy")
)


def assert_distinct(table, xp):
    first, index = distinct_rows(table, xp)
    assert table[first][index].tolist() == table.tolist()
    assert len(first) == len(set(map(tuple, table.tolist())))
    assert index[first].tolist() == list(range(len(first)))


@LIBRARIES
@given(rows=ROWS)
def test_each_row_is_found_once(rows, array, xp):
    for copies in (1, 1 + 3000 // len(rows)):  # numpy takes few rows another way
        assert_distinct(array(rows * copies), xp)


@LIBRARIES
def test_the_widest_range_that_is_packed_and_the_next(array, xp):
    for high in (2**62 - 1, 2**62, 2**63 - 1):
        for wide in (1, 2):
            assert_distinct(array([[high, 5], [0, 5], [high, 5], [1, 5]] * 1000)[:, :wide], xp)


def test_in_numpy_the_first_of_equal_rows_is_named():
    for copies in (1, 3000):
        assert distinct_rows(np.array([[7, 1], [5, 1], [7, 1]] * copies))[0].tolist() == [1, 0]


@LIBRARIES
def test_no_rows_and_no_columns(array, xp):
    assert [len(part) for part in distinct_rows(array([[0]])[:0], xp)] == [0, 0]
    first, index = distinct_rows(array([[0]] * 3)[:, :0], xp)
    assert (len(first), index.tolist()) == (1, [0, 0, 0])
