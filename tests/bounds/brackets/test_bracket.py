"""Brackets of the least loss hold it: against the programme over all sets, and at any time."""

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from theory.bounds.brackets.bracket import bracket_bounds
from theory.bounds.brackets.clock import Clock
from theory.bounds.partitions.listed import listed_step_bound
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.validation import InputError

SEARCHED = {"programme": 0, "tables": 0}
TABLED = {"programme": 0}
FAR = 2e5  # tokens looked at: enough to close most of these
SHORT = 2e3


@st.composite
def distributions(draw):
    """Up to 7 positions: few outcomes, copies, constants, and groups that almost tell the outcomes apart."""
    n, m = draw(st.integers(2, 7)), draw(st.integers(2, 24))
    kind = draw(st.sampled_from(["random", "near", "copies"]))
    cells = st.integers(0, draw(st.integers(1, 3)))
    columns = [draw(st.lists(cells, min_size=m, max_size=m)) for _ in range(n)]
    if kind == "near":  # each column distinguishes all outcomes but for a few that agree
        for i in range(0, n, 2):
            columns[i] = [max(j - draw(st.integers(0, 1)), 0) for j in range(m)]
    if kind == "copies":
        for i in range(1, n, 2):
            columns[i] = [(7 - token) * 3 for token in columns[i - 1]]
    rows = list(dict.fromkeys(zip(*columns, strict=True)))
    if draw(st.booleans()):
        return JointPMF.uniform(rows)
    weights = draw(st.lists(st.integers(1, 9), min_size=len(rows), max_size=len(rows)))
    pmf = JointPMF.from_weights(rows, weights)
    return pmf.rounded() if draw(st.booleans()) else pmf


def check(pmf, **options):
    found = bracket_bounds(pmf, **options)
    table = subset_entropies(pmf)
    truth = optimal_bounds(table)
    for t, value in enumerate(truth.values):
        exact = float(value)
        room = found.error + truth.error + 1e-14
        assert found.lower[t] <= exact + truth.error + 1e-14
        assert exact <= found.upper[t] + room
        assert len(found.partitions[t]) == t + 1
        assert abs(float(step_bound(table, found.partitions[t])) - found.upper[t]) <= room
        assert abs(float(listed_step_bound(pmf, found.partitions[t])[0]) - found.upper[t]) <= room
        if found.exact[t]:
            assert abs(exact - found.upper[t]) <= 2 * room
            assert found.upper[t] - found.lower[t] <= 2 * found.error + 1e-14
    assert list(found.lower) == sorted(found.lower, reverse=True)
    assert all(0 <= low <= high for low, high in zip(found.lower, found.upper, strict=True))
    return found


@given(pmf=distributions())
def test_the_bracket_holds_the_least_loss(pmf):
    check(pmf, work=FAR, **SEARCHED)


@given(pmf=distributions())
@settings(max_examples=examples(6))
def test_the_search_over_all_sets_is_exact(pmf):
    assert all(check(pmf, work=10 * FAR, **TABLED).exact)


@pytest.mark.deep
@settings(max_examples=300)
@given(pmf=distributions(), work=st.sampled_from([SHORT, FAR, 20 * FAR]))
def test_the_bracket_holds_the_least_loss_of_many(pmf, work):
    check(pmf, work=work, **SEARCHED)
    check(pmf, work=work, **TABLED)


@given(pmf=distributions(), work=st.floats(1, 1e5))
@settings(max_examples=examples(8))
def test_an_interrupted_search_certifies(pmf, work):
    check(pmf, work=work, **SEARCHED)
    check(pmf, work=work, **TABLED)


@pytest.mark.parametrize("seed", range(4))
def test_a_partition_that_was_split_has_the_loss_of_its_parts(seed):
    """An empty block is filled by splitting another, which may lower the loss that was found for fewer blocks."""
    numbers = (
        "0 3 7 8 15 48 56 63 64 112 123 127 128 200 255 256 258 287 320 384 391 415 448 449 456 463 464 479"
    )
    numbers += " 480 482 496 500 504 508 510 511"
    check(
        JointPMF.uniform([tuple(f"{int(i):09b}") for i in numbers.split()]), work=SHORT, seed=seed, **SEARCHED
    )


@pytest.mark.parametrize(
    "rows",
    [
        "0101000 1111110 0100001 1000100 1011111 1001101 1000111 0010011 1010000 1111010 0011011",
    ],
)
def test_lists_where_little_is_lost(rows):
    """Small differences of losses, where a rule that leaves out too much leaves out the best partition."""
    pmf = JointPMF.uniform([tuple(row) for row in rows.split()])
    assert all(check(pmf, work=10 * FAR, **SEARCHED).exact)


def test_all_sets_of_fourteen_positions_against_the_programme():
    rows = np.unique(np.random.default_rng(3).integers(0, 2, (40, 11)), axis=0)
    more = [
        tuple(row) + tuple(row[i] ^ row[i + 1] ^ (j % 3 == i) for i in range(3)) for j, row in enumerate(rows)
    ]
    pmf = JointPMF.from_weights([tuple(map(int, row)) for row in more], [1 + j % 4 for j in range(len(more))])
    one, other = bracket_bounds(pmf), bracket_bounds(pmf, work=1e9, **TABLED)
    assert all(one.exact)
    assert all(other.exact)
    assert other.upper == pytest.approx(one.upper, abs=1e-8)


@given(pmf=distributions())
def test_few_representatives_are_exact(pmf):
    assert all(check(pmf).exact)


@given(parts=st.lists(st.tuples(st.integers(1, 3), distributions()), min_size=2, max_size=3))
@settings(max_examples=examples(6))
def test_one_partition_for_all_contexts(parts):
    n = min(pmf.n for _, pmf in parts)
    total = sum(weight for weight, _ in parts)
    pairs = [(Fraction(weight, total), pmf.marginal(range(n))) for weight, pmf in parts]
    table = subset_entropies(pairs)
    truth = optimal_bounds(table)
    for options in ({"work": FAR, **SEARCHED}, {"work": FAR, **TABLED}, {}):
        found = bracket_bounds(pairs, **options)
        for t, value in enumerate(truth.values):
            assert found.lower[t] - 1e-12 <= float(value) <= found.upper[t] + 1e-9
            assert abs(float(step_bound(table, found.partitions[t])) - found.upper[t]) <= 1e-9


def test_two_hundred_outcomes_over_thirty_positions():
    rows = np.unique(np.random.default_rng(0).integers(0, 2, (200, 30)), axis=0)
    pmf = JointPMF.uniform(map(tuple, rows.tolist()))
    found = bracket_bounds(pmf, work=1e7)
    assert found.exact[0]
    assert all(low <= high for low, high in zip(found.lower, found.upper, strict=True))
    assert found.upper[-1] == 0
    for t in (1, 3, 12, 29):
        value, _ = listed_step_bound(pmf, found.partitions[t])
        assert abs(float(value) - found.upper[t]) <= found.error
    again = bracket_bounds(pmf, work=1e7)
    assert (again.lower, again.upper, again.partitions) == (found.lower, found.upper, found.partitions)


def test_more_blocks_than_positions_that_tell_all_apart_lose_nothing():
    rows = [
        tuple((j >> 3 * (i % 3)) % 8 for i in range(3)) + tuple(j * k % 31 for k in range(2, 25))
        for j in range(300)
    ]
    pmf = JointPMF.uniform(list(dict.fromkeys(rows)))
    found = bracket_bounds(pmf, work=1e6, **SEARCHED)
    first = found.upper.index(0.0)
    assert first <= 3
    assert all(found.exact[first:])
    assert listed_step_bound(pmf, found.partitions[first]) == (0, 0.0)


def test_a_loss_computed_as_zero_is_not_said_to_be_zero():
    # three ternary digits in all positions; the first is independent of the others, so that three blocks lose nothing,
    # which floats cannot tell; four blocks reveal one digit at a time
    rows = [tuple(j // 3 ** (i % 3) % 3 for i in range(24)) for j in range(12)]
    found = bracket_bounds(JointPMF.uniform(rows))
    assert [bits == 0 for bits in found.upper[:5]] == [False, False, False, True, True]
    assert 0 < found.upper[2] < found.error < 1e-9


def test_bad_input():
    pmf = JointPMF.uniform([(0, 1), (1, 0)])
    with pytest.raises(InputError, match="seconds must be a positive number, got 0"):
        bracket_bounds(pmf, seconds=0)
    with pytest.raises(InputError, match="one partition does not fit contexts of different lengths"):
        bracket_bounds([(Fraction(1, 2), pmf), (Fraction(1, 2), JointPMF.uniform([(0,), (1,)]))])


WITHOUT = """
import importlib.util, sys
if sys.argv[1] == "plain":
    find = importlib.util.find_spec
    importlib.util.find_spec = lambda name, *more: None if name == "numba" else find(name, *more)
from theory.bounds.brackets.bracket import bracket_bounds
from theory.bounds.brackets.clock import Clock
from theory.distributions.pmf import JointPMF
rows = [tuple(j * (i + 3) % 7 % 3 for i in range(5)) + (j % 2,) for j in range(12)]
pmf = JointPMF.uniform(list(dict.fromkeys(rows)))
for tables in (0, 6):
    found = bracket_bounds(pmf, work=2e4, programme=0, tables=tables)
    print([f"{bits:.9f}" for bits in (*found.lower, *found.upper)], found.partitions)
print("numba" in sys.modules)
"""


@pytest.mark.deep
def test_without_a_compiler_the_search_is_the_same():
    pytest.importorskip("numba")
    texts = [
        subprocess.run(
            [sys.executable, "-W", "error", "-c", WITHOUT, kind], capture_output=True, text=True, check=True
        )
        for kind in ("plain", "compiled")
    ]
    plain, compiled = (text.stdout.strip() for text in texts)
    assert plain.endswith("False")
    assert compiled == plain.removesuffix("False") + "True"


def test_the_search_says_what_it_does_how_long_and_how_long_still():
    time, lines = [100.0], []
    clock = Clock(60, say=lines.append, now=lambda: time[0])
    clock.tell("good partitions")
    assert not lines  # nothing in the first two seconds
    time[0] = 115.0
    clock.tell("lower bound of 3 of 7 steps")
    assert lines == ["lower bound of 3 of 7 steps, 15 s, at most about 45 s left"]
    counted = Clock(1, work=1000, say=lines.append, now=lambda: time[0])
    time[0], counted.used = 125.0, 250
    counted.tell("good partitions")
    assert lines[1] == "good partitions, 10 s, at most about 30 s left"
