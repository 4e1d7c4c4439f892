"""Distinct rows are those of torch, in its order."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.runs.distinct_rows import distinct_rows

NUMBERS = st.one_of(st.integers(-2, 2), st.integers(-(2**62), 2**62))


@given(st.integers(1, 4).flatmap(lambda m: st.lists(st.lists(NUMBERS, min_size=m, max_size=m), min_size=1)))
def test_as_torch_finds_them(rows):
    table = torch.tensor(rows)
    distinct, index = distinct_rows(table)
    expected, places = table.unique(dim=0, return_inverse=True)
    assert distinct.tolist() == expected.tolist()
    assert index.tolist() == places.tolist()


def test_the_widest_range_that_is_packed_and_the_next():
    for high in (2**62 - 1, 2**62, 2**63 - 1):
        table = torch.tensor([[high], [0], [high], [1]])
        distinct, index = distinct_rows(table)
        assert distinct.tolist() == [[0], [1], [high]]
        assert index.tolist() == [2, 0, 2, 1]


def test_no_rows_and_no_columns():
    assert [len(part) for part in distinct_rows(torch.zeros((0, 3), dtype=torch.int64))] == [0, 0]
    distinct, index = distinct_rows(torch.zeros((3, 0), dtype=torch.int64))
    assert (distinct.shape, index.tolist()) == ((1, 0), [0, 0, 0])
