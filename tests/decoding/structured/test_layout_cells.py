"""Grids decoded through their symmetries against the same grids decoded without."""

from itertools import permutations

import pytest

from synthetic.grids import latin_squares
from theory import JointPMF, parse_policy
from theory.decoding.structured.layout import Layout
from theory.decoding.structured.layout_cells import CellMarginals
from theory.decoding.structured.layouts import decode_layout
from theory.validation import InputError

LINES = Layout(places=tuple((4 * row + column,) for row in range(3) for column in range(3)), length=12)
SQUARES = JointPMF.uniform(latin_squares(3))
MOVES = [
    tuple(3 * r + c if straight else 3 * c + r for r in rows for c in columns)
    for rows in permutations(range(3))
    for columns in permutations(range(3))
    for straight in (True, False)
]
UNEVEN = JointPMF.from_mapping(
    {("a", "b", "a"): "1/2", ("b", "a", "b"): "1/4", ("a", "a", "a"): "1/8", ("b", "b", "a"): "1/8"}
)


@pytest.mark.grid(1)
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize(
    "rule", ["topk:k=2,by=random", "topk:k=3", "threshold:gamma=0.5,strict=false", "topk:k=1,by=entropy"]
)
def test_a_latin_square_in_one_block(rule: str, temperature: int) -> None:
    policy = parse_policy(rule)
    plain = decode_layout(SQUARES, LINES, policy, temperature=temperature)
    folded = decode_layout(CellMarginals(SQUARES, MOVES), LINES, policy, temperature=temperature)
    assert (folded.accuracy, folded.kl, folded.runs) == (
        plain.accuracy,
        plain.kl,
        plain.runs,
    )
    assert folded.distribution == plain.distribution
    assert len(set(CellMarginals(SQUARES, MOVES).classes)) == 1


@pytest.mark.grid(1)
@pytest.mark.parametrize("rule", ["topk:k=2,by=random,block=4", "topk:k=2,by=left_to_right"])
def test_blocks_and_uneven_grids_use_renaming_alone(rule: str) -> None:
    for pmf, layout in ((SQUARES, LINES), (UNEVEN, Layout(places=((0,), (2,), (3,)), length=5))):
        plain = decode_layout(pmf, layout, parse_policy(rule))
        folded = decode_layout(CellMarginals(pmf, whole=False), layout, parse_policy(rule))
        assert folded.distribution == plain.distribution


def test_permutations_that_are_no_symmetries_are_ignored() -> None:
    layout, policy = Layout(places=((0,), (1,), (2,)), length=3), parse_policy("topk:k=2,by=random")
    folded = decode_layout(CellMarginals(UNEVEN, list(permutations(range(3)))), layout, policy)
    assert folded.distribution == decode_layout(UNEVEN, layout, policy).distribution


def test_what_cells_cannot_do_is_refused() -> None:
    with pytest.raises(InputError, match="up to 16 cells, got 17"):
        CellMarginals(JointPMF.uniform([(0,) * 17]))
    with pytest.raises(InputError, match="all items in one block"):
        decode_layout(CellMarginals(SQUARES), LINES, parse_policy("topk:k=1,block=4"))
