"""Rows over primes: every entry of a table, compiled and in numpy, against the definition."""

import pickle
from fractions import Fraction
from functools import partial
from importlib import import_module
from itertools import product
from math import comb, prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import members, same
from tests.helpers.draws import examples
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import optimal_bounds, optimal_partition_counts, step_bound
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.measures import entropy
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.prime_rows import mean_rows
from theory.information.subsets.prime_rows_builder import prime_rows
from theory.information.subsets.table import EntropyTable
from theory.numbers.compiled import has_compiler
from theory.numbers.lognumber import LogNumber

SHAPES = [(1,), (4,), (2, 2), (1, 3), (3, 2, 2), (2, 2, 2, 2), (2, 1, 3, 2)]
ROUTES = [False, True] if has_compiler() else [False]
# zeros, ties, skew, primes on both sides of the sieve, squares of primes, and masses near 2^40
PRIMES = [2, 3, 97, 2003, 65537, 2**22 - 3, 2**22 + 15, 2**31 - 1]
integers = st.one_of(
    st.integers(0, 4),
    st.integers(0, 50),
    st.sampled_from([*PRIMES, 9, 97**2, 2003**2, 2**20, 2**22, 3 * (2**22 + 15)]),
    st.integers(0, 2**40),
)


@st.composite
def weighted(draw, shapes=tuple(SHAPES), weights=integers):
    """A distribution {outcome: Fraction} with integer weights, and its integers as a table."""
    shape = draw(st.sampled_from(shapes))
    listed = draw(st.lists(weights, min_size=prod(shape), max_size=prod(shape)).filter(any))
    words = list(product(*map(range, shape)))
    return {y: Fraction(w, sum(listed)) for y, w in zip(words, listed, strict=True) if w}


def routes(pmf):
    """The rows of a pmf by every route: from the dense table and from listed masses, compiled and not."""
    table = subset_entropies(pmf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.information.subsets.builder.dense_is_cheaper", lambda _: False)
        (masses,) = subset_entropies(pmf).masses
        patch.setattr("theory.information.subsets.prime_rows_builder.dense_is_cheaper", lambda _: True)
        assert masses is not None
        return [prime_rows(pmf, m, compiled=c) for m in (None, masses) for c in ROUTES], table


@given(distribution=weighted())
def test_every_route_gives_the_definition(distribution):
    pmf = JointPMF.from_mapping(distribution)
    found, table = routes(pmf)
    for mask in range(1 << pmf.n):
        form = ref.entropy(distribution, members(pmf.n, mask))
        assert same(table.exact(mask), form)
        for rows in found:
            assert rows is not None
            assert same(rows.number(mask), form)


@given(distribution=weighted(weights=st.integers(0, 6)))
@settings(max_examples=examples(10))
def test_rows_are_equal_iff_entropies_are(distribution):
    found, table = routes(JointPMF.from_mapping(distribution))
    numbers = [table.exact(mask) for mask in range(len(table.h))]
    for rows in found:
        keys = [rows.signature(mask) for mask in range(len(numbers))]
        for a in range(len(numbers)):
            assert [keys[a] == key for key in keys] == [numbers[a] == number for number in numbers]


@given(distribution=weighted())
@settings(max_examples=examples(8))
def test_matrix_and_sums(distribution):
    found, _ = routes(JointPMF.from_mapping(distribution))
    for rows in found:
        primes, count = rows.used(), len(rows.ends) - 1
        matrix = rows.matrix(primes)
        for mask in range(count):
            terms = {
                p: Fraction(v, rows.denominator)
                for p, v in zip(primes, matrix[mask].tolist(), strict=True)
                if v
            }
            assert LogNumber(terms) == rows.number(mask)
        labels = np.array([mask.bit_count() for mask in range(count)])
        for label, total in enumerate(rows.sums(labels)):
            parts = [rows.number(mask) for mask in range(count) if mask.bit_count() == label]
            assert total == sum(parts, LogNumber())


@given(distributions=st.lists(weighted(shapes=((2, 3, 2),)), min_size=2, max_size=3), data=st.data())
@settings(max_examples=examples(8))
def test_the_mean_over_contexts(distributions, data):
    shares = data.draw(st.lists(st.integers(1, 9), min_size=len(distributions), max_size=len(distributions)))
    weights = [Fraction(s, sum(shares)) for s in shares]
    pmfs = [JointPMF.from_mapping(distribution) for distribution in distributions]
    rows = mean_rows([(w, routes(pmf)[0][0]) for w, pmf in zip(weights, pmfs, strict=True)])
    table = subset_entropies(list(zip(weights, pmfs, strict=True)))
    assert table.rows is not None
    for mask in range(8):
        forms = [
            ref.scale(ref.entropy(distribution, members(3, mask)), w)
            for distribution, w in zip(distributions, weights, strict=True)
        ]
        assert same(rows.number(mask), ref.add(*forms))
        assert same(table.rows.number(mask), ref.add(*forms))


def distribution_of(n: int, top: int, seed: int) -> JointPMF:
    rng = np.random.default_rng(seed)
    words = list(product((0, 1), repeat=n))
    return JointPMF.from_weights(words, rng.integers(0, top + 1, len(words)).tolist())


@pytest.mark.parametrize(("n", "top"), [(8, 3), (8, 300), (9, 20000), (10, 1)])
def test_routes_agree_on_larger_tables(n, top):
    # sets with many equal masses are counted first, sets with few are not; (9, 20000) has masses beyond 2^22
    found, _ = routes(distribution_of(n, top, seed=n))
    signatures = [[sorted(rows.terms(mask).items()) for mask in range(1 << n)] for rows in found]
    assert all(other == signatures[0] for other in signatures[1:])


def test_reading_one_entry_builds_one_and_reading_many_builds_rows():
    if has_compiler():
        import_module("numba")  # rows count as cheap once it is loaded
    pmf = distribution_of(10, 10, seed=1)
    table = subset_entropies(pmf, exact=True)
    assert table.exact(5) == entropy(pmf, [0, 2])
    assert "rows" not in table.__dict__
    numbers = [table.exact(mask) for mask in range(1024)]
    assert "rows" in table.__dict__
    assert all(numbers[m] == entropy(pmf, members(10, m)) for m in (0, 1, 37, 200, 1023))
    assert pickle.loads(pickle.dumps(numbers[200])) == numbers[200]
    means = information_curve(table).means
    for j in (1, 4, 10):
        total = sum((number for mask, number in enumerate(numbers) if mask.bit_count() == j), LogNumber())
        assert means[j] == total / comb(10, j)


def test_what_is_not_factored():
    # a total of 50 bits and more is left to entries on demand; many masses beyond the sieve too
    assert prime_rows(JointPMF.from_weights([(0,), (1,)], [1, 2**50])) is None
    if has_compiler():
        many = JointPMF.from_weights(list(product((0, 1), repeat=11)), [2**30 + 7 * j for j in range(2048)])
        assert prime_rows(many, compiled=True) is None
        assert subset_entropies(many).exact(1) == entropy(many, [0])
    assert EntropyTable(1, np.zeros(2)).rows is None


@pytest.mark.skipif(not has_compiler(), reason="numba is absent")
def test_rows_end_at_the_limits_of_entries_and_of_large_masses():
    fold = import_module("theory.information.subsets.prime_rows_kernel")
    masses = np.array([1031, 1033, 1039, 6])  # the sieve ends at 1024; 6 has two primes, and so has the whole
    dense = partial(fold.dense_fold, masses, {0: 1}, 1024)
    values, ends = np.array([3109, *masses]), np.array([0, 1, 5])
    listed = partial(fold.listed_fold, values, np.ones(5, dtype=np.int64), ends, {0: 1}, 1024)
    for rows in (dense, listed):
        found = rows((100, 4))
        assert (found.fits, len(found.large), len(found.columns)) == (True, 4, 3)
        assert rows((3, 4)).fits
        assert not rows((2, 4)).fits
        assert not rows((100, 3)).fits


@pytest.mark.parametrize("seed", range(3))
def test_bounds_with_and_without_rows(seed):
    pmf = distribution_of(4, 6, seed)
    with_rows, without = subset_entropies(pmf), subset_entropies(pmf)
    assert with_rows.rows is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.information.subsets.table.prime_rows", lambda _pmf, _masses: None)
        assert without.rows is None
    assert optimal_bounds(with_rows) == optimal_bounds(without)
    assert optimal_partition_counts(with_rows) == optimal_partition_counts(without)
    assert step_bound(with_rows, [[0, 3], [1, 2]]) == step_bound(without, [[0, 3], [1, 2]])
