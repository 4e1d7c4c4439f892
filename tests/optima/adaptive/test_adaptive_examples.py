"""Adaptive optima with known answers: selectors, permutations, walks, chains, codes."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, pairwise, permutations, product
from math import ceil, factorial, log2
from random import Random

import pytest

from synthetic import make_task
from tests.helpers.adaptive_checks import check_brute_force, check_decodes, matching_selector
from tests.helpers.strategies import Target
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.distributions.pmf import JointPMF
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds

HALF = Fraction(1, 2)


def pair_selector() -> Iterator[tuple[int, ...]]:
    """s picks two of three bits; they are equal."""
    for s, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
        for bits in product((0, 1), repeat=3):
            if bits[i] == bits[j]:
                yield (s, *bits)


def test_adaptive_beats_every_partition_on_the_matching_selector():
    pmf = JointPMF.uniform(matching_selector())
    bounds, best = adaptive_bounds(pmf), optimal_bounds(subset_entropies(pmf))
    assert len(pmf) == 12
    assert bounds.values[0] == best.values[0] == 2
    assert bounds.values[1] == best.values[1]
    assert bounds.values[2] == 0
    assert best.values[2] == LogNumber.log2(27) / 2 - Fraction(7, 3) > 0
    tree = str(bounds.policy(3))
    assert tree.startswith("reveal {0}\n  if y0=0: reveal {")
    assert serial_depth(pmf).worst_case == 3


def test_the_pair_selector_leaves_no_gap():
    pmf = JointPMF.uniform(pair_selector())
    assert adaptive_bounds(pmf).values == optimal_bounds(subset_entropies(pmf)).values


def best_composition(n: int, rounds: int) -> LogNumber:
    """E_{n,R} = min over batch sizes of sum_t log2(m_t^B_t / (m_t)_{B_t}) (Theorem 7)."""
    costs = []
    for cuts in combinations(range(1, n), rounds - 1):
        ends = (0, *cuts, n)
        power = 1
        for a, b in pairwise(ends):
            power *= (n - a) ** (b - a)
        costs.append(Fraction(power, factorial(n)))
    return LogNumber.log2(min(costs))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_permutations_gain_nothing_from_adaptivity(n):
    bounds = adaptive_bounds(JointPMF.uniform(permutations(range(n))))
    assert list(bounds.values) == [best_composition(n, rounds) for rounds in range(1, n + 1)]
    assert list(bounds.steps_under_data) == list(range(1, n + 1))


def bernoulli_walk(n: int) -> Iterator[tuple[int, ...]]:
    for word in product((0, 1), repeat=n):
        yield tuple(sum(word[: i + 1]) for i in range(n))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_bisection_of_the_bernoulli_walk(n):
    """Theorem 3: bisection is exact in ceil(log2(n + 1)) steps."""
    depth = serial_depth(JointPMF.uniform(bernoulli_walk(n)))
    assert depth.worst_case == ceil(log2(n + 1))
    assert depth.expected <= depth.worst_case


def markov_chain(n: int, seed: int) -> JointPMF:
    rng = Random(seed)
    start, step = rng.randint(1, 6), [rng.randint(1, 6), rng.randint(1, 6)]
    distribution = {}
    for word in product((0, 1), repeat=n):
        p = Fraction(start if word[0] else 7 - start, 7)
        for a, b in pairwise(word):
            p *= Fraction(step[a] if b else 7 - step[a], 7)
        distribution[word] = p
    return JointPMF.from_mapping(distribution)


@pytest.mark.parametrize("n", [2, 3, 5, 6])
@pytest.mark.parametrize("seed", [1, 2])
def test_bisection_of_a_markov_chain(n, seed):
    """Theorem 2 with m = 1: at most ceil(log2 n) + 1 steps."""
    assert serial_depth(markov_chain(n, seed)).worst_case <= ceil(log2(n)) + 1


@pytest.mark.parametrize("seed", range(6))
def test_affine_subspaces_take_two_steps(seed):
    """Proposition 4: an information set first, the rest is determined."""
    rng = Random(seed)
    field, n, dim = rng.choice([2, 3]), rng.choice([4, 5]), rng.choice([1, 2, 3])
    rows = [[rng.randrange(field) for _ in range(n)] for _ in range(dim)]
    shift = [rng.randrange(field) for _ in range(n)]
    words = {
        tuple((shift[j] + sum(c * row[j] for c, row in zip(u, rows, strict=True))) % field for j in range(n))
        for u in product(range(field), repeat=dim)
    }
    depth = serial_depth(JointPMF.uniform(sorted(words)))
    assert depth.worst_case <= 2
    assert depth.expected <= 2


def test_generic_distributions_take_all_steps():
    """Proposition 4: full support in general position has serial depth n."""
    rng = Random(7)
    pmf = JointPMF.from_weights(list(product((0, 1), repeat=4)), [rng.randint(1, 10**6) for _ in range(16)])
    depth = serial_depth(pmf)
    assert (depth.expected, depth.worst_case) == (4, 4)


def test_one_outcome_takes_one_step():
    pmf = JointPMF.uniform([("a", "b", "c")])
    bounds, edge = adaptive_bounds(pmf), frontier(pmf)
    assert list(bounds.values) == [0, 0, 0]
    assert [(v.steps_under_data, v.kl) for v in edge.vertices] == [(1, 0)]
    assert edge.kl_at(5) == 0
    assert str(bounds.policy(3)) == "reveal {0, 1, 2}"


def test_expected_depth_can_be_below_the_worst_case():
    pmf = make_task("shuffle_strict", 4).contexts()[0].distribution.pmf()
    depth = serial_depth(pmf)
    assert depth.worst_case == 4
    assert depth.expected == frontier(pmf).vertices[-1].steps_under_data == Fraction(91, 23)


def test_large_weights_stay_exact():
    weights = [3**50, 2 * 3**50, 5 * 3**50, 7**30]
    pmf = JointPMF.from_weights([(0, 0), (0, 1), (1, 0), (1, 1)], weights)
    bounds = adaptive_bounds(pmf)
    assert bounds.values[0] == optimal_bounds(subset_entropies(pmf, exact=True)).values[0]
    check_decodes(pmf, bounds.policy(2), bounds.values[1], 2)


def test_near_ties_are_decided_exactly():
    """Two blocks whose costs differ by less than a float can tell."""
    tiny = Fraction(1, 10**14)
    distribution = {
        (a, b, c): Fraction(1, 8) * (1 + HALF * (-1) ** (a + b)) * (1 + (HALF - tiny) * (-1) ** (b + c))
        for a, b, c in product((0, 1), repeat=3)
    }
    check_brute_force(Target(distribution))
