"""L_T of a partition (Theorem 1) and L*_T with an optimal partition (Theorem 2) against brute force."""

from fractions import Fraction
from itertools import pairwise, permutations, product
from math import factorial, prod
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.compositions import compositions
from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions, targets
from tests.helpers.tolerance import NEAR_OPTIMAL, ROUNDING
from tests.reference import definitions as ref
from theory.bounds.partitions.partition import check_partition
from theory.bounds.partitions.step_bounds import (
    _Backtrack,
    optimal_bounds,
    optimal_partition_counts,
    step_bound,
)
from theory.bounds.partitions.subset_program import block_prices, subset_costs
from theory.distributions.pmf import JointPMF
from theory.information.measures import entropy, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.numbers.compiled import has_compiler
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

SMALL = [(1,), (3,), (2, 2), (3, 2), (1, 3), (2, 2, 2), (3, 1, 2), (2, 3, 2)]
FOUR = [(2, 2, 2, 2), (3, 2, 1, 2)]


def table_of(distribution: ref.PMF):
    return subset_entropies(JointPMF.from_mapping(distribution))


def brute_force(table, steps: int):
    """The least step bound over every ordered partition; the step bound itself is tested separately."""
    return min(step_bound(table, partition) for partition in ref.ordered_partitions(table.n, steps))


# --- Theorem 1 ------------------------------------------------------------------------------------------


@given(target=targets([*SMALL, *FOUR]), data=st.data())
def test_step_bound_is_the_definition(target, data):
    partition = data.draw(ordered_partitions(target.n))
    form = ref.step_bound(target.distribution, partition)
    assert same(step_bound(subset_entropies(target.exact), partition), form)
    value = step_bound(subset_entropies(target.floats), partition)
    assert isinstance(value, float)
    assert value == pytest.approx(ref.to_float(form), abs=ROUNDING)


@given(target=targets([*SMALL, *FOUR]), data=st.data())
def test_step_bound_is_a_sum_of_conditional_total_correlations(target, data):
    partition = data.draw(ordered_partitions(target.n))
    before = [sum(partition[:t], ()) for t in range(len(partition))]
    parts = [total_correlation(target.exact, b, g) for b, g in zip(partition, before, strict=True)]
    assert step_bound(subset_entropies(target.exact), partition) == sum(parts, LogNumber()) >= 0


@given(target=targets(kinds=("dense", "skewed", "sparse")), data=st.data())
def test_splitting_a_block_never_costs(target, data):
    partition = data.draw(ordered_partitions(target.n))
    table = subset_entropies(target.exact)
    for t, block in enumerate(partition):
        for cut in range(1, len(block)):
            finer = (*partition[:t], block[:cut], block[cut:], *partition[t + 1 :])
            assert step_bound(table, finer) <= step_bound(table, partition)


# --- Theorem 2 ------------------------------------------------------------------------------------------


@given(target=targets(SMALL))
def test_optimal_bound_is_the_least_of_all_partitions(target):
    found = optimal_bounds(subset_entropies(target.exact))
    assert len(found.values) == len(found.partitions) == target.n
    for steps, (value, partition) in enumerate(zip(found.values, found.partitions, strict=True), start=1):
        form, winners = ref.optimal_bound(target.distribution, steps)
        assert same(value, form)
        assert tuple(tuple(sorted(block)) for block in partition) in winners


@given(target=targets([*FOUR, (2, 2, 2, 2)]))
def test_optimal_partition_attains_the_optimal_value(target):
    table = subset_entropies(target.exact)
    found = optimal_bounds(table)
    for steps, (value, partition) in enumerate(zip(found.values, found.partitions, strict=True), start=1):
        assert check_partition(partition, 4) == partition
        assert len(partition) == steps
        assert step_bound(table, partition) == value == brute_force(table, steps)


@given(target=targets([*SMALL, *FOUR]))
def test_optimal_bound_of_a_float_pmf(target):
    exact, table = optimal_bounds(subset_entropies(target.exact)), subset_entropies(target.floats)
    found = optimal_bounds(table)
    for value, partition, truth in zip(found.values, found.partitions, exact.values, strict=True):
        assert isinstance(value, float)
        assert value == pytest.approx(float(truth), abs=ROUNDING)
        assert step_bound(table, partition) == pytest.approx(value, abs=NEAR_OPTIMAL)


@given(target=targets([*SMALL, *FOUR]))
def test_more_steps_never_cost_more(target):
    values = optimal_bounds(subset_entropies(target.exact)).values
    assert all(more <= fewer for fewer, more in pairwise(values))
    assert values[0] == total_correlation(target.exact)
    assert values[-1] == 0


@pytest.mark.parametrize("seed", range(6))
def test_five_positions_with_many_ties(seed):
    rng = Random(seed)
    words = {tuple(rng.randrange(2) for _ in range(5)) for _ in range(rng.randint(3, 12))}
    table = table_of(ref.uniform(sorted(words)))
    found = optimal_bounds(table)
    for steps, value in enumerate(found.values, start=1):
        assert value == brute_force(table, steps) == step_bound(table, found.partitions[steps - 1])


@pytest.mark.parametrize("seed", range(4))
def test_differences_below_double_precision_decide(seed):
    # an exchangeable distribution, disturbed by one part in 10^13: the partitions nearly tie and floats cannot rank
    # them
    rng = Random(seed)
    words = list(product((0, 1), repeat=4))
    by_ones = [rng.randint(1, 9) for _ in range(5)]
    weights = [10**13 * by_ones[sum(word)] + rng.randint(0, 9) for word in words]
    table = table_of({word: Fraction(w, sum(weights)) for word, w in zip(words, weights, strict=True)})
    assert table.is_exact
    found = optimal_bounds(table)
    for steps in (2, 3):
        costs = sorted({step_bound(table, p) for p in ref.ordered_partitions(4, steps)})
        assert 0 < float(costs[1] - costs[0]) < 1e-10
        assert found.values[steps - 1] == costs[0] == step_bound(table, found.partitions[steps - 1])


# --- Contexts -------------------------------------------------------------------------------------------


@settings(max_examples=examples(4))
@given(parts=st.lists(st.tuples(st.integers(1, 5), targets([(2, 2, 2), (3, 1, 2)])), min_size=2, max_size=3))
def test_one_partition_for_all_contexts(parts):
    total = sum(w for w, _ in parts)
    table = subset_entropies([(Fraction(w, total), target.exact) for w, target in parts])
    found = optimal_bounds(table)
    for steps, value in enumerate(found.values, start=1):
        costs = []
        for partition in ref.ordered_partitions(3, steps):
            forms = [
                ref.scale(ref.step_bound(t.distribution, partition), Fraction(w, total)) for w, t in parts
            ]
            costs.append(LogNumber(ref.add(*forms)))
        assert value == min(costs)
        assert step_bound(table, found.partitions[steps - 1]) == value
        # Theorem 3: a partition for each context is at least as good
        each = [optimal_bounds(subset_entropies(t.exact)).values[steps - 1] for _, t in parts]
        assert (
            sum((Fraction(w, total) * v for (w, _), v in zip(parts, each, strict=True)), LogNumber()) <= value
        )


# --- Invariance -----------------------------------------------------------------------------------------


@given(target=targets([*SMALL, *FOUR]), data=st.data())
def test_permuting_positions_permutes_partitions(target, data):
    order = data.draw(st.permutations(range(target.n)))
    moved = table_of({tuple(y[i] for i in order): p for y, p in target.distribution.items()})
    table = subset_entropies(target.exact)
    assert optimal_bounds(moved).values == optimal_bounds(table).values
    partition = data.draw(ordered_partitions(target.n))
    renamed = [[order.index(i) for i in block] for block in partition]
    assert step_bound(moved, renamed) == step_bound(table, partition)


# --- Known values ---------------------------------------------------------------------------------------


def sizes_cost(n: int, sizes) -> LogNumber:
    """The published L_T of Shuffle: sum_t s_t log2 m_t - log2 n!."""
    left = [n - sum(sizes[:t]) for t in range(len(sizes))]
    return LogNumber.log2(prod(m**s for m, s in zip(left, sizes, strict=True))) - LogNumber.log2(factorial(n))


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_shuffle(n):
    table = subset_entropies(JointPMF.uniform(permutations(range(n))))
    found = optimal_bounds(table)
    for steps in range(1, n + 1):
        best = min(sizes_cost(n, sizes) for sizes in compositions(n, steps))
        assert found.values[steps - 1] == best == sizes_cost(n, [len(b) for b in found.partitions[steps - 1]])
        for sizes in compositions(n, steps):
            ends = [sum(sizes[: t + 1]) for t in range(steps)]
            partition = [range(end - size, end) for size, end in zip(sizes, ends, strict=True)]
            assert step_bound(table, partition) == sizes_cost(n, sizes)


@pytest.mark.parametrize("n", [2, 4, 6])
def test_shuffle_two_per_step(n):
    pairs = [(i, i + 1) for i in range(0, n, 2)]
    even, odd = prod(range(2, n + 1, 2)), prod(range(1, n, 2))
    table = subset_entropies(JointPMF.uniform(permutations(range(n))))
    assert step_bound(table, pairs) == LogNumber.log2(Fraction(even, odd))


def test_equal_pairs_are_not_optimal_for_six_items():
    table = subset_entropies(JointPMF.uniform(permutations(range(6))))
    assert optimal_bounds(table).values[2] == sizes_cost(6, (3, 2, 1)) < sizes_cost(6, (2, 2, 2))


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_parity_and_repeated_bit(n):
    # parity: free until the last bit, so that two steps are enough; repeated bit: one bit, then the rest
    parity, repeated = optimal_bounds(table_of(ref.parity(n))), optimal_bounds(table_of(ref.repeated_bit(n)))
    assert parity.values == (1, *[0] * (n - 1))
    assert repeated.values == (n - 1, *[0] * (n - 1))


def test_fixed_partitions_are_beaten_by_adaptive_ones():
    # the matching selector: s picks one of the perfect matchings of four bits; C = 2 bits
    matchings = [((0, 1), (2, 3)), ((0, 2), (1, 3)), ((0, 3), (1, 2))]
    words = []
    for s, ((a, b), (c, d)) in enumerate(matchings):
        for x in (0, 1):
            for y in (0, 1):
                bits = {a: x, b: x, c: y, d: y}
                words.append((s, *(bits[i] for i in range(4))))
    distribution = ref.uniform(words)
    table = table_of(distribution)
    assert entropy(JointPMF.from_mapping(distribution)) == LogNumber.log2(12)
    assert total_correlation(JointPMF.from_mapping(distribution)) == 2
    # s first, then one bit of each pair, then the other two: three steps without loss; no fixed choice achieves that
    assert optimal_bounds(table).values[2] > 0


def test_one_position():
    found = optimal_bounds(table_of({("a",): Fraction(1, 3), ("b",): Fraction(2, 3)}))
    assert (found.values, found.partitions) == ((0,), (((0,),),))


def test_compiled_chains_are_those_of_numpy():
    gains = np.random.default_rng(2).random((1 << 7, 7)).round(1)  # rounded: with ties
    plain = subset_costs(gains, compiled=False)
    assert plain.shape == (8, 1 << 7)
    assert plain[1, 127] == pytest.approx(gains[0].sum()) == block_prices(gains, np.array([0]), 127)[0]
    assert np.isinf(plain[3, 3])  # two positions, three blocks
    if has_compiler():
        np.testing.assert_allclose(subset_costs(gains, compiled=True), plain, rtol=0, atol=ROUNDING)


def test_eleven_positions_use_the_compiled_form():
    rng = Random(4)
    words = sorted({tuple(rng.randrange(2) for _ in range(11)) for _ in range(40)})
    table = subset_entropies(JointPMF.from_weights(words, [rng.randint(1, 9) for _ in words]), exact=False)
    found = optimal_bounds(table)
    gains = table.gains()
    plain = subset_costs(gains, compiled=False)[1:, -1] - table.h[-1]
    assert found.values == pytest.approx(plain.tolist(), abs=ROUNDING)
    for value, partition in zip(found.values, found.partitions, strict=True):
        assert step_bound(table, partition) == pytest.approx(value, abs=NEAR_OPTIMAL)


def test_nine_positions_with_every_tie():
    found = optimal_bounds(table_of(ref.repeated_bit(9)))
    assert found.values == (8, *[0] * 8)


# --- Wrong input ----------------------------------------------------------------------------------------

TABLE = table_of(ref.parity(3))
BAD = {
    "empty block": (lambda: step_bound(TABLE, [(0, 1, 2), ()]), "must not contain an empty block"),
    "missing": (lambda: step_bound(TABLE, [(0, 1)]), r"every position 0\.\.2 once, got \(\(0, 1\),\)"),
    "twice": (lambda: step_bound(TABLE, [(0, 1), (1, 2)]), r"every position 0\.\.2 once"),
    "outside": (lambda: step_bound(TABLE, [(0, 1, 2), (3,)]), r"every position 0\.\.2 once"),
    "negative": (lambda: step_bound(TABLE, [(0, 1), (-1,)]), r"every position 0\.\.2 once"),
    "nothing": (lambda: step_bound(TABLE, []), r"every position 0\.\.2 once, got \(\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_partition(name):
    use, message = BAD[name]
    with pytest.raises(InputError, match=message):
        use()


@given(st.lists(st.integers(0, 2), min_size=8, max_size=8).filter(any))
def test_number_of_optimal_partitions(weights):
    """All ordered partitions priced one by one, ties decided exactly."""
    outcomes = [(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
    pmf = {y: Fraction(w, sum(weights)) for y, w in zip(outcomes, weights, strict=True) if w}
    counts = optimal_partition_counts(subset_entropies(JointPMF.from_mapping(pmf)))
    assert counts == tuple(len(ref.optimal_bound(pmf, steps)[1]) for steps in (1, 2, 3))


def test_number_of_optimal_partitions_of_shuffle():
    """Exchangeable: sizes (2, 2) and (3, 1) tie for n = 4, T = 2."""
    table = subset_entropies(JointPMF.uniform(permutations(range(4))))
    assert optimal_partition_counts(table) == (1, 6 + 4, 12, 24)
    with pytest.raises(InputError, match="exact tables only"):
        optimal_partition_counts(subset_entropies(JointPMF.uniform([(0, 1)]), exact=False))


def test_counting_needs_two_comparisons_for_each_block_of_an_optimal_partition():
    outcomes = list(product((0, 1), repeat=3))  # independent, so that every partition is optimal
    table = subset_entropies(JointPMF.from_weights(outcomes, [2**a * 3**b * 7**c for a, b, c in outcomes]))
    search, said = _Backtrack(table, table.gains(), subset_costs(table.gains())), list[int]()
    search._require = said.append
    search.require_counting()
    # the third of three blocks; the second after one position or two, of two or three; the first
    assert said[-1] == 2 * (3 + (6 + 3 * 2) + 7)
