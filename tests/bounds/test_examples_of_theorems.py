"""Examples and corollaries of the theorems, each in the form in which its paper states it."""

from fractions import Fraction
from itertools import product
from math import comb, prod
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.adaptive_checks import every_policy
from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from theory.bounds.accuracy.divergence import total_variation
from theory.bounds.accuracy.map_certificates import variation_from_product
from theory.bounds.partitions.path_costs import path_cost
from theory.bounds.rounds.bernoulli_walk import walk_rounds
from theory.bounds.schedules.shuffle_limits import rounds_at_least
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.measures import dual_total_correlation, product_of_marginals, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.policy_table import path_blocks
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import parse_policy

# --- Chen, Cong, Li (arXiv 2511.04647) ------------------------------------------------------------------


def rank(rows, q: int) -> int:
    """The rank over the prime field of q elements."""
    rows, found = [list(row) for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((j for j in range(found, len(rows)) if rows[j][column] % q), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        inverse = pow(rows[found][column], -1, q)
        rows[found] = [a * inverse % q for a in rows[found]]
        for j in range(len(rows)):
            if j != found:
                factor = rows[j][column]
                rows[j] = [(a - factor * b) % q for a, b in zip(rows[j], rows[found], strict=True)]
        found += 1
    return found


@pytest.mark.parametrize("seed", range(12))
def test_linear_subspaces(seed):
    """Example 1: ``TC = (n - d - k) log q``, ``DTC = (d - l) log q``; k zero rows, l rows outside the others' span."""
    rng = Random(seed)
    q, n, width = rng.choice([2, 3]), rng.choice([2, 3, 4]), rng.choice([1, 2, 2])
    rows = [[rng.choice([0, 0, *range(q)]) for _ in range(width)] for _ in range(n)]
    d = rank(rows, q)
    codewords = {
        tuple(sum(a * b for a, b in zip(row, u, strict=True)) % q for row in rows)
        for u in product(range(q), repeat=len(rows[0]))
    }
    pmf, unit = JointPMF.uniform(sorted(codewords)), LogNumber.log2(q)
    assert len(codewords) == q**d
    zero = sum(not any(row) for row in rows)
    outside = sum(rank([*rows[:i], *rows[i + 1 :]], q) < d for i in range(n))
    assert total_correlation(pmf) == (n - d - zero) * unit
    assert dual_total_correlation(pmf) == (d - outside) * unit
    curve = information_curve(subset_entropies(pmf))
    assert sum(curve.z, LogNumber()) == (n - d - zero) * unit


@given(
    weights=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    shape=st.sampled_from([(2,), (2, 2), (2, 2, 2), (3, 1, 2)]),
    seed=st.integers(0, 10**6),
)
def test_mixtures_of_products(weights, shape, seed):
    """Example 2: a mixture of m product distributions has ``DTC <= log m``, and at most the entropy of its weights."""
    rng, distribution = Random(seed), {}
    for weight in weights:
        rows = [[rng.choice([0, 1, 1, 3]) for _ in range(size)] for size in shape]
        rows = [row if any(row) else [1] * len(row) for row in rows]
        for y in product(*map(range, shape)):
            p = prod((Fraction(row[v], sum(row)) for row, v in zip(rows, y, strict=True)), start=Fraction(1))
            distribution[y] = distribution.get(y, Fraction(0)) + p * Fraction(weight, sum(weights))
    dual = dual_total_correlation(JointPMF.from_mapping(distribution))
    shares = [Fraction(w, sum(weights)) for w in weights]
    assert dual <= LogNumber(ref.shannon(shares)) <= LogNumber.log2(len(weights))


# --- Wen, Liang, Lu (arXiv 2608.25505) ------------------------------------------------------------------


def orders(n: int) -> JointPMF:
    return make_task("shuffle", n).contexts()[0].distribution.pmf()


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_path_of_a_permutation_pays_for_its_rounds(n):
    """Proposition 3: ``log2(n / R)`` along every trajectory. Theorem 6: ``E R >= n / (1 + 2 eps ln 2)``."""
    pmf = orders(n)
    policies = [vertex.policy for vertex in frontier(pmf).vertices]
    policies += [adaptive_bounds(pmf).policy(t) for t in range(1, n + 1)]
    for policy in policies:
        for y in pmf.outcomes:
            blocks = path_blocks(pmf, policy, y)
            assert path_cost(pmf, y, blocks) >= LogNumber.log2(Fraction(n, len(blocks)))
        assert rounds_at_least(n, float(policy.kl)) <= policy.steps_under_data


@pytest.mark.grid(3)
@pytest.mark.parametrize("n", [2, 4, 6, 8])
def test_balanced_strings_without_loss_go_one_at_a_time(n):
    """``n + 1 - E L``, L the constant end of a random string: ``E L = sum_l 2 C(n - l, n/2 - l) / C(n, n/2)``."""
    pmf = make_task("balanced", n).contexts()[0].distribution.pmf()
    end = sum(Fraction(2 * comb(n - m, n // 2 - m), comb(n, n // 2)) for m in range(1, n // 2 + 1))
    depth = serial_depth(pmf)
    assert depth.expected == n + 1 - end == n + 1 - Fraction(2 * n, n + 2)
    assert depth.worst_case == n
    if n <= 4:
        distribution = dict(pmf)
        assert depth.expected == min(steps for steps, kl, _ in every_policy(distribution) if not kl)
    assert depth_within(pmf, "1/2").expected < depth.expected  # a loss allows batches (Theorem 11)


@pytest.mark.parametrize(
    ("task", "n"), [("one_hot_blocks", 4), ("one_hot_blocks", 9), ("one_hot_blocks:block=2", 6)]
)
def test_one_hot_blocks_without_loss(task, n):
    """Each block goes one position at a time until its one has come; the longest of all counts (Theorem 12)."""
    made = make_task(task, n)
    b, copies = made.block, n // made.block
    shares = [Fraction(sum(min(j + 1, b) <= r for j in range(1, b + 1)), b) ** copies for r in range(b + 1)]
    depth = serial_depth(made.contexts()[0].distribution.pmf())
    assert depth.expected == sum(r * (shares[r] - shares[r - 1]) for r in range(1, b + 1))
    assert depth.worst_case == b


@pytest.mark.grid(5)
@pytest.mark.parametrize("n", range(1, 8))
def test_expected_rounds_on_a_walk_lie_between_their_bounds(n):
    """Theorems 3 and 4: ``E log2(1 + n / M) <= D_0 <= ceil(log2(n + 1))``."""
    pmf = (
        make_task("bernoulli_walk", n).contexts()[0].distribution.pmf()
        if n > 1
        else JointPMF.uniform([(0,), (1,)])
    )
    depth = serial_depth(pmf)
    assert walk_rounds(n) <= depth.expected <= depth.worst_case == n.bit_length()


# --- Entropy rules, and the distance from the product ---------------------------------------------------


@given(
    target=targets([(2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "sparse")),
    most=st.sampled_from(["0", "1/10", "1/2", "1", "2"]),
)
def test_entropy_rules_pay_at_most_their_budget_a_round(target, most):
    """EB-Sampler (arXiv 2505.24857) and entropy sum (arXiv 2603.22248): ``path_kl <= budget * E_P R``.

    A block costs ``TC(S | x_C) <= sum H - max H``; the first rule bounds this, the second the sum itself, or takes
    one token, which costs nothing.
    """
    for rule in (f"eb:gamma={most}", f"entropy_sum:eta={most}"):
        result = decode(target.exact, parse_policy(rule))
        assert result.path_kl <= LogNumber.rational(Fraction(most) * result.steps_under_data)


@given(target=targets())
def test_distance_from_the_product_of_the_marginals(target):
    """arXiv 2505.22618, Theorem 1: with all doubts below eps, TV and the l_p distances to the product are small."""
    pmf, n = target.exact, target.n
    tops = [max(ref.marginal(target.distribution, (i,)).values()) for i in range(n)]
    product_distribution = dict(product_of_marginals(pmf))
    distance = total_variation(
        pmf, {y: product_distribution.get(y, Fraction(0)) for y in target.distribution}
    )
    doubts = [1 - c for c in tops]
    assert distance <= variation_from_product(tops) == min(1, sum(doubts)) <= n * max(doubts)
    eps = max(doubts) + Fraction(1, 10**6)  # the paper has strict inequalities
    assert n * eps <= Fraction(3 * n - 1, 2) * eps  # this form is never weaker than the printed one
    if (n + 1) * eps <= 1:
        words = set(target.distribution) | set(product_distribution)
        gaps = [abs(target.distribution.get(y, 0) - product_distribution.get(y, 0)) for y in words]
        for p in (1, 2, 3):
            assert sum(gap**p for gap in gaps) <= ((n - 1) ** p + 2 * n) * eps**p


# --- Codes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "n", "q", "k"),
    [("parity", 4, 2, 3), ("repeated_bit", 4, 2, 1), ("reed_solomon", 4, 5, 2), ("reed_solomon", 5, 5, 2)],
)
def test_codes_of_largest_distance(task, n, q, k):
    """``TC = (n - k) log q``, ``DTC = k log q``, ``Z_j = log q`` for j > k, else 0; one step is right with q^(k-n)."""
    pmf, unit = make_task(task, n).contexts()[0].distribution.pmf(), LogNumber.log2(q)
    assert len(pmf) == q**k
    assert total_correlation(pmf) == (n - k) * unit
    assert dual_total_correlation(pmf) == k * unit
    assert list(information_curve(subset_entropies(pmf)).z) == [(j > k) * unit for j in range(1, n + 1)]
    result = decode(pmf, parse_policy(f"topk:k={n}"))
    assert result.accuracy == Fraction(q) ** (k - n)
    assert result.kl == -LogNumber.log2(result.accuracy)
