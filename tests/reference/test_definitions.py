"""The reference against published closed forms, inequalities and hand-computed cases."""

from fractions import Fraction
from itertools import pairwise, permutations, product
from math import comb, factorial, inf, log2, perm, prod
from random import Random

import pytest

from tests.reference import definitions as ref
from tests.reference import rules

HALF = Fraction(1, 2)


def random_pmf(seed: int, shape: tuple[int, ...]) -> ref.PMF:
    """Small integer weights, zeros included."""
    rng = Random(seed)
    weights = {y: rng.randint(0, 3) for y in product(*map(range, shape))}
    weights[(0,) * len(shape)] += 1
    total = sum(weights.values())
    return {y: Fraction(w, total) for y, w in weights.items() if w}


def step_sizes(n: int, k: int) -> list[int]:
    return [k] * (n // k) + ([n % k] if n % k else [])


def log2_factorial(n: int) -> ref.Form:
    return ref.log2_form(factorial(n))


# --- Forms ----------------------------------------------------------------------------------------------


def test_sign_is_decided_exactly():
    # 3^306 / 2^485 is 0.99897...; the next convergent of log2 3, 24727/15601, is closer still.
    for power3, power2 in [(306, 485), (15601, 24727), (190537, 301994)]:
        truth = 1 if 3**power3 > 2**power2 else -1
        form = ref.sub(ref.scale(ref.log2_form(3), power3), ref.bits(power2))
        assert ref.sign(form) == truth
        assert ref.sign(ref.scale(form, -1)) == -truth
    assert ref.sign({}) == 0


def test_forms_are_canonical():
    assert ref.add(ref.log2_form(12), ref.log2_form(Fraction(1, 3))) == ref.bits(2)
    assert ref.to_float(ref.log2_form(10)) == log2(10)


# --- Information and bounds -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_closed_forms_of_the_correlations(n):
    shuffled = ref.sub(ref.scale(ref.log2_form(n), n), log2_factorial(n))
    replaced = ref.scale(ref.log2_form(Fraction(n, n - 1)), n - 1)
    assert ref.total_correlation(ref.shuffle(n)) == shuffled
    assert ref.total_correlation(ref.replace_random(n)) == replaced
    assert ref.total_correlation(ref.parity(n)) == ref.bits(1)
    assert ref.total_correlation(ref.repeated_bit(n)) == ref.bits(n - 1)
    assert ref.total_correlation(ref.uniform([range(n)])) == {}
    assert ref.dual_total_correlation(ref.shuffle(n)) == log2_factorial(n)
    assert ref.dual_total_correlation(ref.replace_random(n)) == ref.log2_form(n)
    assert ref.dual_total_correlation(ref.parity(n)) == ref.bits(n - 1)
    assert ref.dual_total_correlation(ref.repeated_bit(n)) == ref.bits(1)


def test_sizes_of_the_other_targets():
    assert [len(ref.shuffle_strict(n)) for n in (2, 3, 4)] == [1, 5, 23]
    assert [(len(ref.insert_random(n)), ref.length(ref.insert_random(n))) for n in (1, 4)] == [(2, 2), (5, 5)]
    assert [(len(ref.remove_random(n)), ref.length(ref.remove_random(n))) for n in (2, 4)] == [(2, 1), (4, 3)]
    assert (0, 3, 1, 2) in ref.insert_random(3)
    assert (0, 3, 2) in ref.replace_random(3)
    assert set(ref.remove_random(3)) == {(0, 1), (0, 2), (1, 2)}


@pytest.mark.parametrize("sizes", [(4,), (3, 1), (1, 3), (2, 2), (1, 2, 1), (1, 1, 1, 1)])
def test_shuffle_step_bound(sizes):
    ends = [sum(sizes[: t + 1]) for t in range(len(sizes))]
    partition = [range(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    left = [4 - end + size for size, end in zip(sizes, ends, strict=True)]
    choices = ref.log2_form(prod(m**size for m, size in zip(left, sizes, strict=True)))
    assert ref.step_bound(ref.shuffle(4), partition) == ref.sub(choices, log2_factorial(4))


@pytest.mark.parametrize("seed", range(4))
def test_two_routes_to_the_step_bound(seed):
    pmf = random_pmf(seed, (2, 3, 2, 2))
    for partition in [((2, 0), (1, 3)), ((1,), (0, 2, 3)), ((3,), (2, 1), (0,)), ((0, 1, 2, 3),)]:
        before = [sum(partition[:t], ()) for t in range(len(partition))]
        entropies = ref.add(*map(ref.total_correlation, [pmf] * len(partition), partition, before))
        assert ref.step_bound(pmf, partition) == entropies


def test_conditional_entropy_obeys_the_chain_rule():
    pmf = random_pmf(7, (2, 3, 2))
    difference = ref.sub(ref.entropy(pmf), ref.entropy(pmf, (1,)))
    assert ref.conditional_entropy(pmf, (0, 2), (1,)) == difference


def test_ordered_partitions_are_counted_by_fubini_numbers():
    counts = [sum(1 for t in range(1, n + 1) for _ in ref.ordered_partitions(n, t)) for n in range(1, 6)]
    assert counts == [1, 3, 13, 75, 541]


def test_optimal_bound_of_shuffle():
    value, winners = ref.optimal_bound(ref.shuffle(4), 2)
    assert value == ref.log2_form(Fraction(8, 3))  # sizes (2, 2) and (3, 1) tie
    assert sorted([len(block) for block in partition] for partition in winners) == [[2, 2]] * 6 + [[3, 1]] * 4


def test_optimal_bound_does_not_increase_with_steps():
    pmf = random_pmf(3, (2, 2, 2, 2))
    values = [ref.optimal_bound(pmf, steps)[0] for steps in (1, 2, 3, 4)]
    assert all(ref.sign(ref.sub(more, fewer)) >= 0 for more, fewer in pairwise(values))
    assert values[0] == ref.total_correlation(pmf)
    assert values[-1] == {}


def test_published_examples():
    cities = ref.city_names()
    assert ref.total_correlation(cities) == ref.bits(1)
    assert ref.decode(cities, ref.topk(2, "random")).accuracy == HALF
    assert ref.decode(ref.shuffle(4), ref.topk(2, "random")).accuracy == Fraction(3, 8)  # 3!! / 4!!


# --- Decoder: closed forms ------------------------------------------------------------------------------


@pytest.mark.grid(10)
@pytest.mark.parametrize("by", ["random", "confidence"])
@pytest.mark.parametrize(("n", "k"), [(4, 1), (4, 2), (4, 3), (4, 4), (3, 2), (5, 2)])
def test_shuffle_accuracy_top_k(n, k, by):
    result = ref.decode(ref.shuffle(n), ref.topk(k, by))
    sizes = step_sizes(n, k)
    left = [n - k * t for t in range(len(sizes))]
    assert result.accuracy == prod(Fraction(perm(m, s), m**s) for m, s in zip(left, sizes, strict=True))
    assert result.steps == result.steps_under_data == len(sizes)


@pytest.mark.parametrize("temperature", [0, 1])
def test_shuffle_threshold(temperature):
    decode = ref.decode(ref.shuffle(4), ref.threshold(HALF), temperature)
    assert (decode.accuracy, decode.steps) == (1, 4)
    not_strict = ref.decode(ref.shuffle(4), ref.threshold(HALF, strict=False), temperature)
    assert (not_strict.accuracy, not_strict.steps) == (HALF, 3)
    below = ref.decode(ref.shuffle(4), ref.threshold("0.3"), temperature)  # 1/3 > 0.3: the last three at once
    assert (below.accuracy, below.steps) == (Fraction(6, 27), 2)
    all_ties = ref.decode(ref.shuffle(4), ref.threshold("0.9", ties="all"), temperature)
    assert (all_ties.accuracy, all_ties.steps) == (Fraction(24, 256), 1)


@pytest.mark.parametrize(
    ("n", "k", "accuracy"), [(4, 2, HALF), (3, 2, 1), (5, 2, 1), (4, 4, 0), (3, 3, 0), (4, 3, 1), (4, 1, 1)]
)
def test_replace_random_greedy(n, k, accuracy):
    for by in ("random", "confidence"):
        assert ref.decode(ref.replace_random(n), ref.topk(k, by), temperature=0).accuracy == accuracy


def test_greedy_ties_lowest():
    pmf = ref.replace_random(2)  # (2, 1) or (0, 2): at both positions the original item is the lowest token
    decoded = ref.decode(pmf, ref.topk(2, "random"), temperature=0, greedy_ties="lowest")
    assert decoded.distribution == {(0, 1): 1}
    assert (decoded.accuracy, decoded.kl, decoded.path_kl) == (0, inf, inf)
    assert ref.decode(pmf, ref.topk(2, "random"), temperature=0).accuracy == HALF


@pytest.mark.parametrize("n", [2, 3, 4])
def test_replace_random_one_step(n):
    decoded = ref.decode(ref.replace_random(n), ref.topk(n, "random"))
    assert decoded.accuracy == Fraction(n - 1, n) ** (n - 1)
    assert decoded.kl_exact == decoded.path_kl_exact == ref.total_correlation(ref.replace_random(n))


@pytest.mark.parametrize("k", [1, 2, 3])
def test_replace_random_any_k(k):
    n, accuracy, still_none = 5, Fraction(0), Fraction(1)
    left = n
    for size in step_sizes(n, k):
        accuracy += still_none * size * Fraction(1, left) * Fraction(left - 1, left) ** (size - 1)
        still_none *= Fraction(left - 1, left) ** size
        left -= size
    assert ref.decode(ref.replace_random(n), ref.topk(k, "random")).accuracy == accuracy


@pytest.mark.parametrize("n", [3, 4])
def test_replace_random_threshold_greedy(n):
    for gamma, accuracy in [(Fraction(n - 1, n), 1), (Fraction(n - 1, n) - Fraction(1, 100), 0), ("0.99", 1)]:
        assert ref.decode(ref.replace_random(n), ref.threshold(gamma), temperature=0).accuracy == accuracy
    edge = ref.threshold(Fraction(n - 1, n), strict=False)
    assert ref.decode(ref.replace_random(n), edge, temperature=0).accuracy == 0


# --- Decoder: identities and inequalities ---------------------------------------------------------------

TARGETS = {
    "random": random_pmf(11, (2, 3, 2)),
    "sparse": random_pmf(5, (2, 2, 2, 2)),
    "replace": ref.replace_random(4),
    "insert": ref.insert_random(2),
    "remove": ref.remove_random(4),
    "strict": ref.shuffle_strict(3),
    "cities": ref.city_names(),
}
POLICIES = {
    "top2-random": ref.topk(2, "random"),
    "top2-entropy": ref.topk(2, "entropy"),
    "top2-margin-all": ref.topk(2, "margin", ties="all"),
    "top2-block2": ref.topk(2, "confidence", block=2, remainder="first"),
    "threshold": ref.threshold("0.6"),
    "factor": ref.factor(1, strict=False, ties="lowest"),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("policy", POLICIES)
def test_inequalities(target, policy):
    pmf = TARGETS[target]
    results = {
        how: ref.decode(pmf, POLICIES[policy], off_support=how) for how in ("marginal", "uniform", "stop")
    }
    result = results["marginal"]
    assert sum(result.distribution.values()) == 1
    assert ref.sign(ref.add(ref.log2_form(result.accuracy), result.kl_exact)) >= 0  # accuracy >= 2^-kl
    assert ref.sign(ref.sub(result.path_kl_exact, result.kl_exact)) >= 0  # kl <= path_kl
    assert result.kl == pytest.approx(ref.to_float(result.kl_exact), abs=1e-15)
    for other in results.values():
        assert sum(other.distribution.values()) == 1
        assert all(other.distribution.get(y) == result.distribution.get(y) for y in pmf)
        same = ("accuracy", "kl", "kl_exact", "path_kl", "path_kl_exact", "steps_under_data")
        assert all(getattr(other, name) == getattr(result, name) for name in same)
    assert all((None in y) <= (y not in pmf) for y in results["stop"].distribution)
    assert results["stop"].steps <= result.steps


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("k", [1, 2, 3])
def test_fixed_partition_attains_the_step_bound(target, k):
    pmf = TARGETS[target]
    n = ref.length(pmf)
    decoded = ref.decode(pmf, ref.topk(k, "left_to_right"))
    bound = ref.step_bound(pmf, [range(i, min(i + k, n)) for i in range(0, n, k)])
    assert decoded.kl_exact == decoded.path_kl_exact == bound
    assert decoded.steps == -(-n // k)


def test_a_random_policy_beats_its_path():
    pmf = ref.replace_random(4)
    decoded = ref.decode(pmf, ref.topk(2, "random"))
    assert decoded.path_kl_exact == ref.step_bound(pmf, [(0, 1), (2, 3)])
    assert ref.sign(ref.sub(decoded.path_kl_exact, decoded.kl_exact)) > 0


def test_deterministic_policy_has_no_gap():
    pmf = random_pmf(2, (2, 2, 3))
    for policy in (ref.threshold("0.6", ties="lowest"), ref.factor(1, ties="all")):
        decoded = ref.decode(pmf, policy)
        assert decoded.kl_exact == decoded.path_kl_exact


def test_distribution_of_a_random_order_is_the_mean_over_orders():
    pmf = random_pmf(4, (2, 2, 2))
    mean = {}
    for order in permutations(range(3)):

        def fixed(_marginals, masked, _n, order=order):
            left = [i for i in order if i in masked]
            return {frozenset(left[: 2 if len(left) == 3 else 1]): Fraction(1)}

        for y, p in ref.decode(pmf, fixed).distribution.items():
            mean[y] = mean.get(y, 0) + p / 6
    assert ref.decode(pmf, ref.topk(2, "random")).distribution == mean


def test_temperature_between_and_beyond():
    coin = {("a",): Fraction(3, 4), ("b",): Fraction(1, 4)}
    cold = ref.decode(coin, ref.topk(1, "random"), temperature=0.5)
    assert cold.distribution == pytest.approx({("a",): 0.9, ("b",): 0.1})
    divergence = 0.75 * log2(0.75 / 0.9) + 0.25 * log2(0.25 / 0.1)
    assert (cold.kl, cold.path_kl) == pytest.approx((divergence, divergence))
    assert cold.kl_exact is cold.path_kl_exact is None
    greedy = ref.decode(coin, ref.topk(1, "random"), temperature=0)
    assert greedy.distribution == {("a",): 1}
    assert greedy.kl == greedy.path_kl == inf
    pmf = random_pmf(9, (2, 3, 2))
    near = ref.decode(pmf, ref.topk(2, "confidence"), temperature=1 + 1e-9)
    exact = ref.decode(pmf, ref.topk(2, "confidence"))
    assert near.distribution == pytest.approx({y: float(p) for y, p in exact.distribution.items()})
    assert (near.kl, near.path_kl) == pytest.approx((exact.kl, exact.path_kl))


def test_steps_of_own_runs_and_under_data_differ():
    # After (0, 0), which P never writes, the marginals given X alone are below the bar: two more steps.
    pmf = ref.uniform([(0, 1, 0, 0), (1, 0, 1, 1)])

    def policy(marginals, masked, _n):
        if len(masked) == 4:
            return {frozenset({0, 1}): Fraction(1)}
        return ref.threshold("0.9", ties="lowest")(marginals, masked, 4)

    decoded = ref.decode(pmf, policy)
    assert (decoded.steps, decoded.steps_under_data) == (Fraction(5, 2), 2)
    assert ref.decode(pmf, policy, off_support="stop").steps == Fraction(3, 2)
    assert ref.decode(pmf, policy, off_support="stop").distribution[(0, 0, None, None)] == Fraction(1, 4)


# --- Selection rules ------------------------------------------------------------------------------------


def distribution_of(*probabilities) -> ref.Marginal:
    """A marginal over 0, 1, ... with zeros left out."""
    return {v: Fraction(p) for v, p in enumerate(probabilities) if Fraction(p)}


def sets(selected) -> dict[tuple[int, ...], Fraction]:
    return {tuple(sorted(chosen)): p for chosen, p in selected.items()}


FIVE = {
    0: distribution_of("1/2", "1/2"),
    1: distribution_of("3/5", "3/10", "1/10"),
    2: distribution_of("1/2", "1/4", "1/4"),
    3: distribution_of(1),
    4: distribution_of("1/4", "1/4", "1/4", "1/4"),
}
ALL = tuple(range(5))


ORDERS = {
    "confidence": [3, 1, 0, 2, 4],
    "margin": [3, 1, 2, 0, 4],
    "entropy": [3, 0, 1, 2, 4],  # 0, 1, 1.30, 1.5 and 2 bits
    "left_to_right": [0, 1, 2, 3, 4],
    "random": [0, 1, 2, 3, 4],
}


@pytest.mark.parametrize("by", ORDERS)
def test_ranking(by):
    assert rules.ranking({i: rules.score(FIVE[i], i, by) for i in FIVE}) == ORDERS[by]


def test_score_values():
    assert [rules.score(FIVE[i], i, "margin") for i in (1, 3)] == [ref.bits(Fraction(3, 10)), ref.bits(1)]
    assert rules.score(FIVE[2], 2, "entropy") == ref.bits(Fraction(-3, 2))


def test_ties_at_the_boundary():
    third = {"random": {(0, 1, 3): HALF, (1, 2, 3): HALF}, "lowest": {(0, 1, 3): 1}, "all": {(0, 1, 2, 3): 1}}
    for ties, expected in third.items():
        assert sets(ref.topk(3, "confidence", ties=ties)(FIVE, ALL, 5)) == expected
    random3 = ref.topk(3, "random")(FIVE, ALL, 5)
    assert len(random3) == comb(5, 3)
    assert sum(random3.values()) == 1


def test_threshold_and_fallback():
    assert sets(ref.threshold(HALF)(FIVE, ALL, 5)) == {(1, 3): 1}
    assert sets(ref.threshold(HALF, strict=False)(FIVE, ALL, 5)) == {(0, 1, 2, 3): 1}
    assert sets(ref.threshold(-1, by="entropy", strict=False)(FIVE, ALL, 5)) == {(0, 3): 1}
    tied = {i: FIVE[i] for i in (0, 2)}
    assert sets(ref.threshold("0.9")(tied, (0, 2), 5)) == {(0,): HALF, (2,): HALF}
    assert sets(ref.threshold("0.9", ties="lowest")(tied, (0, 2), 5)) == {(0,): 1}
    assert sets(ref.threshold("0.9", ties="all")(tied, (0, 2), 5)) == {(0, 2): 1}


def test_factor():
    # (m + 1)(1 - c_(m)) = 0, 6/5, 2, 5/2, 9/2
    for f, expected in [(1, (3,)), ("6/5", (3,)), ("13/10", (1, 3)), (0, (3,)), (5, ALL)]:
        assert sets(ref.factor(f)(FIVE, ALL, 5)) == {expected: 1}
    assert sets(ref.factor("6/5", strict=False)(FIVE, ALL, 5)) == {(1, 3): 1}
    assert sets(ref.factor("21/10")(FIVE, ALL, 5)) == {(0, 1, 3): HALF, (1, 2, 3): HALF}
    assert sets(ref.factor("21/10", ties="all")(FIVE, ALL, 5)) == {(0, 1, 2, 3): 1}


def test_blocks_and_remainders():
    assert sets(ref.topk(1, "confidence", block=3)(FIVE, ALL, 5)) == {(1,): 1}
    assert sets(ref.topk(3, "confidence", block=3)({2: FIVE[2], 3: FIVE[3]}, (2, 3), 5)) == {(2,): 1}
    assert sets(ref.topk(9, "random", block=3)({3: FIVE[3], 4: FIVE[4]}, (3, 4), 5)) == {(3, 4): 1}

    def sizes(k, left, remainder):
        size = left
        while left:
            left -= (step := rules.size_of_step(k, size, left, remainder))
            yield step

    assert list(sizes(3, 4, "last")) == [3, 1]
    assert list(sizes(3, 4, "first")) == [2, 2]
    assert list(sizes(4, 10, "last")) == [4, 4, 2]
    assert list(sizes(4, 10, "first")) == [4, 3, 3]
    assert list(sizes(7, 5, "first")) == [5]
    first = ref.topk(3, "left_to_right", remainder="first", block=5)
    assert sets(first({5: {}, 6: {}, 7: {}, 8: {}}, (5, 6, 7, 8), 9)) == {(5, 6): 1}
    assert rules.size_of_step(4, 10, 5, "first") == 4  # five left is not on the schedule 10, 6, 3
