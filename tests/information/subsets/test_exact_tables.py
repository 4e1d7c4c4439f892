"""Every bound of an exact pmf is an exact number: many primes, weights of hundreds of bits, ties decided."""

from collections import Counter
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import combinations, product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import members, same
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import DIGITS, USEFUL
from tests.reference import definitions as ref
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.step_bounds import optimal_bounds, optimal_partition_counts, step_bound
from theory.bounds.schedules.random_order import expected_kl
from theory.bounds.schedules.upper_bounds import entropy_bound
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import InformationCurve, information_curve
from theory.information.measures import entropy
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import entropies_by_size
from theory.limits import CostError, allowing
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

SHAPES = [(2, 2), (3, 2), (2, 2, 2), (2, 3, 2)]
BITS = 200


def on_demand(pmf):
    """The table of a pmf whose entries are built one by one when asked for, whatever their size."""
    table = subset_entropies(pmf)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.information.subsets.table.prime_rows", lambda _pmf, _masses: None)
        assert table.rows is None  # kept
    assert table.is_exact
    return table


# --- Many primes: the same answers as the reference and as the vectors ----------------------------------


@settings(max_examples=examples(5))
@given(target=targets(SHAPES), data=st.data())
def test_entries_on_demand_are_the_definition(target, data):
    table, vectors = on_demand(target.exact), subset_entropies(target.exact)
    assert vectors.vectors is not None
    for mask in range(1 << target.n):
        assert same(table.exact(mask), ref.entropy(target.distribution, members(target.n, mask)))
        assert table.exact(mask) == vectors.exact(mask)
    partition = data.draw(ordered_partitions(target.n))
    assert same(step_bound(table, partition), ref.step_bound(target.distribution, partition))
    for steps, value in enumerate(optimal_bounds(table).values, start=1):
        form, winners = ref.optimal_bound(target.distribution, steps)
        assert same(value, form)
        assert optimal_bounds(table).partitions[steps - 1] in {
            tuple(tuple(sorted(block)) for block in partition) for partition in winners
        }
        assert optimal_partition_counts(table)[steps - 1] == len(winners)
    assert optimal_bounds(table).error == 0


@given(target=targets([(2, 2, 2), (2, 2, 2, 2), (2, 3, 2)]))
@settings(max_examples=examples(10))
def test_everything_built_on_a_table_is_exact(target):
    table, vectors = on_demand(target.exact), subset_entropies(target.exact)
    curve, other = information_curve(table), information_curve(vectors)
    assert curve.is_exact
    assert curve.means == other.means
    assert optimal_sizes(curve).values == optimal_sizes(other).values
    for sizes in ([target.n], [1] * target.n, [1, target.n - 1]):
        assert expected_kl(table, sizes) == expected_kl(vectors, sizes)
        assert entropy_bound(table, sizes).value == entropy_bound(vectors, sizes).value


def test_many_distinct_primes_stay_exact():
    # about 3^7 different marginal weights of 18 bits: more primes than a table of vectors holds
    weights = [(7919 * j * j + 104729 * j + 1) % 262139 + 1 for j in range(1 << 9)]
    pmf = JointPMF.from_weights(list(product((0, 1), repeat=9)), weights)
    table = subset_entropies(pmf)
    assert table.is_exact
    assert table.vectors is None
    found = optimal_bounds(table)
    assert all(isinstance(value, LogNumber) for value in found.values)
    assert found.values[-1] == 0 < found.values[-2] < found.values[0]
    for value, partition in zip(found.values, found.partitions, strict=True):
        assert step_bound(table, partition) == value
    floats = optimal_bounds(subset_entropies(pmf, exact=False))
    for value, approximate in zip(found.values, floats.values, strict=True):
        assert abs(value - Fraction(approximate)) <= Fraction(floats.error) < Fraction(1, 10**9)


@settings(max_examples=examples(10))
@given(parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2)])), min_size=2, max_size=3))
def test_contexts_on_demand(parts):
    total = sum(w for w, _ in parts)
    table = on_demand([(Fraction(w, total), target.exact) for w, target in parts])
    for mask in range(8):
        forms = [
            ref.scale(ref.entropy(t.distribution, members(3, mask)), Fraction(w, total)) for w, t in parts
        ]
        assert same(table.exact(mask), ref.add(*forms))


# --- Weights of 200 bits: against decimals of 120 digits, without a factor ------------------------------


def decimal_entropy(distribution: ref.PMF, positions) -> Decimal:
    """H = -sum p log2 p with DIGITS digits, straight from the definition."""
    with localcontext() as context:
        context.prec = DIGITS
        masses = [
            Decimal(p.numerator) / Decimal(p.denominator)
            for p in ref.marginal(distribution, positions).values()
        ]
        return -sum((p * p.ln() for p in masses), Decimal(0)) / Decimal(2).ln()


def decimal_bound(distribution: ref.PMF, partition) -> Decimal:
    """L_T = sum_t sum_{i in S_t} H(y_i | y_<t) - H(Y), the entropies as above."""
    with localcontext() as context:
        context.prec = DIGITS
        total, before = -decimal_entropy(distribution, range(ref.length(distribution))), ()
        for block in partition:
            for i in block:
                total += decimal_entropy(distribution, (*before, i)) - decimal_entropy(distribution, before)
            before += tuple(block)
        return total


def agrees(number: LogNumber, value: Decimal) -> bool:
    """The number lies within 10^-100 of the decimal, decided exactly."""
    return abs(number - Fraction(value)) < Fraction(1, 10**100)


large = st.integers(0, BITS).flatmap(lambda b: st.integers(0, 2**b))


@st.composite
def large_distributions(draw, shapes=((2, 2), (2, 2, 2), (3, 2))):
    shape = draw(st.sampled_from(shapes))
    words = list(product(*map(range, shape)))
    weights = draw(st.lists(large, min_size=len(words), max_size=len(words)).filter(any))
    return {y: Fraction(w, sum(weights)) for y, w in zip(words, weights, strict=True) if w}


@settings(max_examples=examples(5))
@given(distribution=large_distributions(), data=st.data())
def test_weights_of_200_bits(distribution, data):
    n, pmf = ref.length(distribution), JointPMF.from_mapping(distribution)
    table = subset_entropies(pmf)
    assert table.is_exact
    for mask in range(1 << n):
        assert agrees(table.exact(mask), decimal_entropy(distribution, members(n, mask)))
        assert table.exact(mask) == entropy(pmf, members(n, mask))
        assert abs(Fraction(float(table.h[mask])) - table.exact(mask)) <= Fraction(table.error)
    partition = data.draw(ordered_partitions(n))
    assert agrees(step_bound(table, partition), decimal_bound(distribution, partition))
    found = optimal_bounds(table)
    for steps, value in enumerate(found.values, start=1):
        bounds = {p: decimal_bound(distribution, p) for p in ref.ordered_partitions(n, steps)}
        assert agrees(value, min(bounds.values()))
        assert step_bound(table, found.partitions[steps - 1]) == value
    assert found.values[-1] == 0  # decided, not close


@given(by_ones=st.lists(st.integers(1, 2**BITS), min_size=4, max_size=4), bump=st.integers(0, 1))
def test_ties_of_large_weights_are_decided(by_ones, bump):
    # exchangeable: partitions of equal sizes tie exactly, until one weight is off by one part in 2^200
    words = list(product((0, 1), repeat=3))
    weights = [by_ones[sum(word)] * 2 + (bump if word == (1, 0, 0) else 0) for word in words]
    distribution = {y: Fraction(w, sum(weights)) for y, w in zip(words, weights, strict=True)}
    table = subset_entropies(JointPMF.from_mapping(distribution))
    for steps, count in enumerate(optimal_partition_counts(table), start=1):
        bounds = [step_bound(table, p) for p in ref.ordered_partitions(3, steps)]
        assert count == sum(bound == min(bounds) for bound in bounds)
        groups = Counter(bounds)
        if not bump and steps == 2:
            assert set(groups.values()) <= {3, 6}


@given(by_ones=st.lists(st.integers(2**BITS, 2 ** (BITS + 1)), min_size=4, max_size=4))
def test_keys_of_entries_are_equal_where_the_weights_are(by_ones):
    words = list(product((0, 1), repeat=3))
    table = subset_entropies(JointPMF.from_weights(words, [by_ones[sum(word)] for word in words]))
    for size in (1, 2, 3):
        keys = [table.cells(mask) for mask in range(8) if mask.bit_count() == size]
        assert all(key == keys[0] for key in keys)
    assert table.cells(0b001) != table.cells(0b011)


def test_independent_positions_of_large_weights_have_no_correlation():
    p, q = Fraction(3**100 + 2, 5**80), Fraction(2**150 + 1, 7**60)
    distribution = {(a, b): (p if a else 1 - p) * (q if b else 1 - q) for a, b in product((0, 1), repeat=2)}
    table = subset_entropies(JointPMF.from_mapping(distribution))
    assert optimal_bounds(table).values == (0, 0)
    assert optimal_partition_counts(table) == (1, 2)


# --- Counting by sizes ----------------------------------------------------------------------------------


def counted_both_ways(pmf):
    """Counts by sizes (None where entropies do not depend on the size alone) and by chains of sets.

    The optima are the same both ways, and each partition costs what is said.
    """
    table = subset_entropies(pmf)
    sizes, found = entropies_by_size(table), optimal_bounds(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("theory.bounds.partitions.step_bounds.entropies_by_size", lambda _: None)
        assert found.values == optimal_bounds(table).values
        for steps, (value, partition) in enumerate(zip(found.values, found.partitions, strict=True), start=1):
            assert (step_bound(table, partition), len(partition)) == (value, steps)
        counts = sizes and optimal_sizes(InformationCurve(sizes)).arrangements
        return counts, optimal_partition_counts(table)


@given(by_ones=st.lists(st.integers(0, 6), min_size=5, max_size=5).filter(any), swap=st.booleans())
@settings(max_examples=examples(10))
def test_exchangeable_distributions_are_counted_by_sizes(by_ones, swap):
    # reversing one token keeps every entropy, though the distribution is no longer exchangeable
    words = [word for word in product((0, 1), repeat=4) if by_ones[sum(word)]]
    pmf = JointPMF.from_weights(
        [(1 - a if swap else a, *rest) for a, *rest in words], [by_ones[sum(word)] for word in words]
    )
    by_size, by_chains = counted_both_ways(pmf)
    assert by_size == by_chains


@settings(max_examples=examples(12))
@given(target=targets([(2, 2, 2), (3, 3, 3), (2, 3, 2), (1, 1)]))
def test_counting_by_sizes_is_used_where_it_holds(target):
    by_size, by_chains = counted_both_ways(target.exact)
    forms = [ref.entropy(target.distribution, members(target.n, mask)) for mask in range(1 << target.n)]
    alone = all(form == forms[(1 << mask.bit_count()) - 1] for mask, form in enumerate(forms))
    assert by_size == (by_chains if alone else None)
    for steps, count in enumerate(by_chains, start=1):
        assert count == len(ref.optimal_bound(target.distribution, steps)[1])


def test_counts_of_a_code_and_of_a_long_parity():
    # Reed-Solomon [4, 2] over GF(5): any two positions are free and determine the others, but the distribution is not
    # exchangeable
    code = JointPMF.uniform(
        [tuple((a + b * x) % 5 for x in range(4)) for a, b in product(range(5), repeat=2)]
    )
    by_size, by_chains = counted_both_ways(code)
    assert by_size == by_chains
    parity = JointPMF.uniform([(*word, sum(word) % 2) for word in product((0, 1), repeat=11)])
    # nothing is lost iff the last block is one position: 12 times the ordered partitions of 11 into T - 1 blocks
    counts = optimal_partition_counts(subset_entropies(parity))
    surjections = [sum((-1) ** j * comb(t, j) * (t - j) ** 11 for j in range(t + 1)) for t in range(12)]
    assert counts == (1, *(12 * surjections[t] for t in range(1, 12)))


def test_entropies_by_size_where_primes_are_many():
    # six tokens of four kinds, weighed by how many there are of each
    words = list(product(range(4), repeat=6))
    weights = {
        kinds: 3 + 7919 * j % 16381 for j, kinds in enumerate(sorted({tuple(sorted(y)) for y in words}))
    }
    pmf = JointPMF.from_weights(words, [weights[tuple(sorted(y))] for y in words])
    table = subset_entropies(pmf)
    assert table.rows is not None
    assert table.vectors is None  # too many primes for a matrix
    assert entropies_by_size(table) == tuple(entropy(pmf, range(j)) for j in range(7))
    lopsided = JointPMF.from_weights(words, [weights[tuple(sorted(y))] + (y[0] == 0) for y in words])
    assert entropies_by_size(subset_entropies(lopsided)) is None


@pytest.mark.parametrize(("top", "few"), [(1, True), (50, False)])
def test_rows_of_a_large_table_are_worth_it_where_weights_are_few(top, few):
    # 2 * 3^14 cells of all sets, more than 0.1 seconds: a decision on a tie may cost less, unless primes are few
    words = list(product((0, 1), repeat=14))
    pmf = JointPMF.from_weights([(*y, 0) for y in words], [1 + j % top for j in range(len(words))])
    assert subset_entropies(pmf, exact=True).few_weights == few


# --- Refusals -------------------------------------------------------------------------------------------


def test_refusals():
    floats = JointPMF.from_pairs([(0, 0), (1, 1)], [0.5, 0.5])
    with pytest.raises(InputError, match="needs exact probabilities; write them as fractions"):
        subset_entropies(floats, exact=True)
    bits = subset_entropies(JointPMF.uniform([(a, a, a, b, b, b) for a, b in product((0, 1), repeat=2)]))
    with (
        allowing(Fraction(1, 200_000)),  # 20 comparisons of partitions
        pytest.raises(CostError, match=r"ties between partitions exactly .* exact=False"),
    ):
        optimal_partition_counts(bits)
    many = JointPMF.from_weights(list(product((0, 1), repeat=5)), [2**80 + 8**j for j in range(32)])
    table = subset_entropies(many)
    for use in (optimal_bounds, information_curve, lambda t: step_bound(t, [range(5)])):
        with (
            allowing(Fraction(1, 200_000)),
            pytest.raises(CostError, match=r"exact entropies .* would take about .* exact=False"),
        ):
            use(table)
    assert optimal_bounds(subset_entropies(many, exact=False)).error < USEFUL
    wide = JointPMF.from_weights(
        [tuple(int(i in pair) for i in range(26)) for pair in combinations(range(26), 2)], [2**90 + 1] * 325
    )
    with pytest.raises(CostError, match="26 subset entropies"):
        subset_entropies(wide)
