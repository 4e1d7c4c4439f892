"""Best batches for random orders: against all compositions, closed forms, limits, and the exact programme."""

from fractions import Fraction
from itertools import accumulate, pairwise, product
from math import ceil, exp, factorial, floor, inf, log, log2, pi, sqrt

import numpy as np
import pytest

from tests.helpers.compositions import compositions
from tests.reference import definitions as ref
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.step_bounds import optimal_bounds, step_bound
from theory.bounds.schedules.random_order import expected_kl
from theory.bounds.schedules.shuffle import _cheapest, all_rounds, batch_kl, best_batches, pairs_first
from theory.bounds.schedules.shuffle_limits import (
    asymptotic_kl,
    frontier,
    half_rounds,
    rounds_at_least,
    unplaced_share,
)
from theory.distributions.pmf import JointPMF
from theory.information.closed_forms import closed_form, evaluate, mean_subset_entropies
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError

ROUNDING = 1e-12  # relative or bits: a few float operations
THIRD = log2(3)


# --- Definitions ----------------------------------------------------------------------------------------


def test_batch_kl_is_the_bound_of_shuffle():
    table = subset_entropies(JointPMF.from_mapping(ref.shuffle(4)))
    for sizes in compositions(4):
        starts = [sum(sizes[:t]) for t in range(len(sizes))]
        blocks = [list(range(a, a + s)) for a, s in zip(starts, sizes, strict=True)]
        assert batch_kl(sizes) == step_bound(table, blocks)
        assert batch_kl(sizes).terms == ref.step_bound(ref.shuffle(4), blocks)
    form = closed_form("shuffle", "step_bound")
    for sizes in compositions(8):
        assert batch_kl(sizes) == evaluate(form, sizes=sizes)
        assert batch_kl(sizes) == expected_kl(mean_subset_entropies("shuffle", 8), sizes)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 10])
def test_best_among_all_compositions(n):
    values = {sizes: batch_kl(sizes) for sizes in compositions(n)}
    everything = all_rounds(n)
    exact = optimal_sizes(mean_subset_entropies("shuffle", n))
    for rounds in range(1, n + 1):
        least = min(value for sizes, value in values.items() if len(sizes) == rounds)
        best = [sizes for sizes, value in values.items() if len(sizes) == rounds and value == least]
        assert best_batches(n, rounds).sizes in best
        assert everything.sizes[rounds - 1] in best
        assert exact.counts[rounds - 1] == len(best)
        assert all(list(sizes) == sorted(sizes, reverse=True) for sizes in best)  # Proposition 1
        assert abs(everything.values[rounds - 1] - float(least)) <= everything.error < ROUNDING


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_batches_are_the_best_fixed_partition(n):
    values = optimal_bounds(subset_entropies(JointPMF.from_mapping(ref.shuffle(n)))).values
    assert list(values) == [batch_kl(best_batches(n, rounds).sizes) for rounds in range(1, n + 1)]


def test_agrees_with_the_exact_programme():
    ties = {}
    for n in [*range(1, 25), 40]:
        exact, everything = optimal_sizes(mean_subset_entropies("shuffle", n)), all_rounds(n)
        for rounds in range(1, n + 1):
            plan = best_batches(n, rounds)
            assert batch_kl(plan.sizes) == exact.values[rounds - 1]
            assert abs(everything.values[rounds - 1] - float(exact.values[rounds - 1])) <= everything.error
            if exact.counts[rounds - 1] > 1:
                ties[n, rounds] = exact.counts[rounds - 1]
    assert ties == {(4, 2): 2}  # (2, 2) and (3, 1); otherwise the best batches are unique


def test_few_bits_still_keep_the_promised_error():
    for n in (5, 9, 16):  # coarse logarithms tie: whole chords are flat, and tails are exchanged
        exact = optimal_sizes(mean_subset_entropies("shuffle", n)).values
        for bits, rounds in product(range(5), range(1, n + 1)):
            plan = best_batches(n, rounds, bits=bits)
            assert (len(plan.sizes), sum(plan.sizes)) == (rounds, n)
            assert plan.error == n / 2**bits
            assert exact[rounds - 1] <= batch_kl(plan.sizes) <= exact[rounds - 1] + Fraction(plan.error)


# --- Structure and closed forms -------------------------------------------------------------------------


def test_convex_and_first_batches_shrink():
    n = 60
    plans = [best_batches(n, rounds).sizes for rounds in range(1, n + 1)]
    values = [batch_kl(sizes) for sizes in plans]
    assert all(a + c > 2 * b for a, b, c in zip(values, values[1:], values[2:], strict=False))
    assert all(a[0] >= b[0] for a, b in pairwise(plans))
    assert all(list(sizes) == sorted(sizes, reverse=True) for sizes in plans)


def test_pairs_first():
    for n in (3, 4, 6, 9, 12, 30):
        for s in range(n // 3 + 1):
            printed = LogNumber.weighted_sum((1, Fraction(n - 2 * j, n - 2 * j - 1)) for j in range(s))
            assert pairs_first(n, s) == printed == batch_kl(best_batches(n, n - s).sizes)
    assert best_batches(9, 5).sizes != (2, 2, 2, 2, 1)  # 3 s > n
    assert batch_kl(best_batches(9, 5).sizes) < batch_kl((2, 2, 2, 2, 1))


def test_lower_bounds_on_rounds():
    for n in (1, 2, 5, 12, 50):
        values = all_rounds(n)
        for rounds, value in enumerate(values.values, start=1):
            assert rounds_at_least(n, value + values.error) <= rounds * (1 + ROUNDING)


def test_half_rounds_stay_bounded_and_equal_pairs_do_not():
    assert half_rounds(10) == (3, 3, 2, 1, 1)  # 10 / 6 is next to 2
    limit = frontier("1/2")
    assert limit == 1 + LogNumber.log2(3) / 2
    for n in [4, 6, 8, 10, 12, 20, 22, 50, 100, 1000]:
        sizes = half_rounds(n)
        best = batch_kl(best_batches(n, n // 2).sizes)
        assert (sum(sizes), len(sizes)) == (n, n // 2)
        bound = limit + LogNumber.log2(Fraction(n * n, n * n - 4)) / 2
        assert best <= batch_kl(sizes) < bound
        if n % 6 == 0:
            assert batch_kl(sizes) < limit
        pairs = batch_kl([2] * (n // 2))
        assert (pairs > best) == (n > 4)
        assert float(pairs) > log2(pi * n / 2) / 2
    assert batch_kl([2] * 500) > 5
    assert float(batch_kl(best_batches(1000, 500).sizes)) == pytest.approx(float(limit), abs=0.003)


# --- Limits ---------------------------------------------------------------------------------------------


def test_shares_and_asymptotics():
    assert [float(unplaced_share(r)) for r in (1, 2, 3)] == pytest.approx([0, exp(-1), exp(exp(-1) - 1)])
    n = 20_000
    for rounds in (1, 2, 3, 5):
        sizes = best_batches(n, rounds).sizes
        left = n
        for t, size in enumerate(sizes[:-1]):
            assert (left - size) / left == pytest.approx(float(unplaced_share(rounds - t)), abs=3 / left)
            left -= size
    for rounds in (1, 2, 3, 5):
        gaps = []
        for n in (100, 1000, 10_000):
            form = asymptotic_kl(rounds)
            (symbol,) = form.free_symbols
            gaps.append(float(batch_kl(best_batches(n, rounds).sizes)) - float(form.subs(symbol, n)))
        assert abs(gaps[2] - gaps[1]) < abs(gaps[1] - gaps[0]) + 1e-3 < 0.1  # O(1), and it converges
    one = asymptotic_kl(1)
    (symbol,) = one.free_symbols
    assert float(one.subs(symbol, 50)) == pytest.approx(50 * log2(50) - log2(factorial(50)), abs=0.003)


def envelope(r, prices):
    """sup_L [int_0^1 h_L(m) dm - L r] over a grid of prices, as printed (Theorem 10), by piecewise integration."""
    best = -inf
    for price in prices:
        total, low = 0.0, 0.0
        for b in range(1, 10**6):  # batch b is cheapest up to b (b + 1) / (2 L ln 2)
            high = min(1.0, b * (b + 1) / (2 * price * log(2)))
            total += price / b * (high - low) + ((b - 1) / 2 * log2(high / low) if b > 1 else 0)
            low = high
            if high == 1:
                break
        best = max(best, total - price * r)
    return best


@pytest.mark.parametrize("r", ["1", "9/10", "2/3", "3/5", "1/2", "2/5", "1/3", "3/10", "1/10"])
def test_frontier_is_the_supremum(r):
    rate = float(Fraction(r))
    k = floor(2 / rate)
    slope = k * (k - 1) / (2 * max(k * rate - 1, 1e-9) * log(2))  # minus the derivative of the closed form
    prices = slope * np.linspace(0.5, 1.5, 201)
    supremum = envelope(rate, prices)
    assert supremum == pytest.approx(float(frontier(r)), abs=1e-9)


def test_frontier_is_the_limit_from_below():
    for r in ("2/3", "1/2", "1/3", "1/5"):
        limit = float(frontier(r))
        gaps = [limit - float(batch_kl(best_batches(n, n * Fraction(r)).sizes)) for n in (60, 600, 6000)]
        assert 0 < gaps[2] < gaps[1] / 5 < gaps[0] / 25
    for r in ("3/4", "2/3", "1"):
        assert frontier(r) == LogNumber.log2(1 / (2 * Fraction(r) - 1)) / 2
    for n in (12, 60):
        values = all_rounds(n).values
        assert all(v <= float(frontier(Fraction(k, n))) + ROUNDING for k, v in enumerate(values, start=1))
    rates = [Fraction(j, 40) for j in range(2, 41)]
    points = [frontier(r) for r in rates]
    assert all(a + c >= 2 * b for a, b, c in zip(points, points[1:], points[2:], strict=False))


def test_expected_rounds_limit_of_theorem_9():
    # the fewest rounds at divergence eps < 1/2 log2 3 are about n (1 + 2^(-2 eps)) / 2
    n = 3000
    for eps in (0.1, 0.4, 0.75):
        share = (1 + 2 ** (-2 * eps)) / 2
        rounds = ceil(n * share)
        assert float(batch_kl(best_batches(n, rounds).sizes)) <= eps
        assert float(batch_kl(best_batches(n, rounds - 5).sizes)) > eps


# --- Large n --------------------------------------------------------------------------------------------


@pytest.mark.deep
def test_large_n():
    n = 10_000
    plan = best_batches(n, 5000)
    assert [plan.sizes.count(b) for b in (1, 2, 3)] == pytest.approx([n / 6] * 3, abs=2)
    assert plan.error < 1e-19
    assert float(batch_kl(plan.sizes)) == pytest.approx(1 + THIRD / 2, abs=3e-4)
    assert best_batches(n, 1).sizes == (n,)
    assert set(best_batches(n, n).sizes) == {1}
    middle = all_rounds(1000)
    for rounds in (2, 31, 333, 500, 999):
        value = float(batch_kl(best_batches(1000, rounds).sizes))
        assert abs(middle.values[rounds - 1] - value) <= middle.error < 1e-10
    assert middle.values[-1] == 0
    assert (np.diff(middle.values, 2) > -4 * middle.error).all()
    assert max(middle.values[:300]) > sqrt(1000)


# --- Wrong input ----------------------------------------------------------------------------------------

BAD = {
    "rounds": (lambda: best_batches(3, 4), "rounds must be at most n = 3, got 4"),
    "n": (lambda: best_batches(0, 1), "n must be a whole number of at least 1, got 0"),
    "pairs": (lambda: pairs_first(5, 2), "0 <= 3 s <= n, got s = 2, n = 5"),
    "odd": (lambda: half_rounds(7), "n must be even, got 7"),
    "r": (lambda: frontier("3/2"), r"r must lie in \(0, 1\], got 3/2"),
    "sizes": (lambda: batch_kl([2, 0]), "a block size must be a whole number"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    use, message = BAD[name]
    with pytest.raises(InputError, match=message):
        use()


def test_cost_is_refused():
    with pytest.raises(CostError, match="the best block sizes of 100000 positions"):
        all_rounds(100_000)
    with pytest.raises(CostError, match="the best batches"):
        best_batches(10**8, 2)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 9])
def test_stops_are_the_cheapest_for_every_price_of_a_batch(n):
    levels = [0, *(floor(1000 * log2(m)) for m in range(1, n + 1))]

    def cost(stops):
        return sum((b - a) * levels[b] for a, b in pairwise(stops))

    every = [(0, *accumulate(sizes)) for sizes in compositions(n)]
    least = [min(cost(stops) for stops in every if len(stops) == steps + 1) for steps in range(1, n + 1)]
    prices = {
        Fraction(few - many, k) for t, few in enumerate(least) for k, many in enumerate(least[t + 1 :], 1)
    }
    for price in prices | {Fraction(0), Fraction(4000)}:
        stops = _cheapest(levels, price.numerator, price.denominator)
        # the fewest batches of the least cost
        wanted = min((cost(stops) + price * (len(stops) - 1), len(stops)) for stops in every)
        assert (cost(sorted(stops)) + price * (len(stops) - 1), len(stops)) == wanted
