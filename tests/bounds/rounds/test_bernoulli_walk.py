"""Rounds on a Bernoulli walk: the longest run by listing, and every bound below what policies really need."""

from fractions import Fraction
from itertools import groupby, pairwise, product
from math import ceil, e, log2, pi

import pytest

from synthetic import make_task
from tests.helpers.compositions import compositions
from theory.bounds.rounds.bernoulli_walk import (
    left_to_right_floor,
    longest_run_distribution,
    walk_rounds,
    walk_rounds_of_theorem_4,
)
from theory.commands.frontier import frontier_answer
from theory.decoding.decoder import decode
from theory.information.curves.gap_structures import Gaps
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import parse_policy
from theory.validation import InputError


def longest(bits) -> int:
    return max(len(list(run)) for _, run in groupby(bits))


def walk(n):
    (context,) = make_task("bernoulli_walk", n).contexts()
    return context.distribution.pmf()


@pytest.mark.parametrize("n", [*range(1, 11), 13])
def test_longest_run_by_listing(n):
    counts = [0] * n
    for bits in product((0, 1), repeat=n):
        counts[longest(bits) - 1] += 1
    assert longest_run_distribution(n) == tuple(Fraction(count, 2**n) for count in counts)


@pytest.mark.parametrize("n", range(1, 9))
def test_bounds_by_listing(n):
    runs = [longest(bits) for bits in product((0, 1), repeat=n)]
    share = Fraction(1, 2**n)
    assert walk_rounds(n) == LogNumber.weighted_sum((share, 1 + Fraction(n, m)) for m in runs)
    published = LogNumber.log2(n) - LogNumber.weighted_sum((share, 1 + m) for m in runs) - 1
    assert walk_rounds_of_theorem_4(n) == published


@pytest.mark.parametrize("n", range(2, 8))
def test_no_policy_without_loss_needs_fewer_rounds(n):
    depth = serial_depth(walk(n))
    assert walk_rounds_of_theorem_4(n) < walk_rounds(n) <= depth.expected <= depth.worst_case
    assert depth.worst_case == ceil(log2(n + 1))


@pytest.mark.parametrize("n", [4, 5, 6])
def test_trajectory_by_trajectory(n):
    """``R >= log2(1 + n / M)`` along every walk, for the optimal policies in both senses and for bisection."""
    pmf = walk(n)
    bounds = adaptive_bounds(pmf)
    fewest = next(t for t, value in enumerate(bounds.values, start=1) if value == 0)
    policy = bounds.policy(fewest)
    blocks = {decision.revealed: decision.block for decision in policy.decisions}
    for codes in pmf.codes.tolist():
        state, rounds = (-1,) * n, 0
        while -1 in state:
            block = blocks[state]
            state = tuple(codes[i] if i in block else code for i, code in enumerate(state))
            rounds += 1
        values = [pmf.alphabets[i][code] for i, code in enumerate(codes)]
        steps = [b - a for a, b in pairwise([0, *values])]
        assert 2**rounds >= 1 + Fraction(n, longest(steps))


def test_growth_at_large_n():
    # the longest run has about log2 n bits, so that the bound grows by almost a round when n doubles
    values = [float(walk_rounds(n)) for n in (50, 100, 200, 400)]
    assert all(0.7 < b - a < 1 for a, b in pairwise(values))
    assert sum(longest_run_distribution(400)) == 1


@pytest.mark.parametrize("n", range(1, 9))
def test_batches_from_the_left(n):
    distribution = Gaps(n, "walk")
    for sizes in compositions(n):
        blocks, start = [], 0
        for size in sizes:
            blocks.append(tuple(range(start, start + size)))
            start += size
        floor = left_to_right_floor(n, len(sizes))
        assert distribution.bound(blocks) >= LogNumber.rational(Fraction(floor))
        constant = 1 + log2(e / pi) / 2
        assert floor == pytest.approx(n / 2 * log2(n / len(sizes)) - constant * n)


def test_batches_are_what_the_decoder_pays():
    result = decode(walk(6), parse_policy("topk:k=3,by=left_to_right"))
    assert result.kl == Gaps(6, "walk").bound([(0, 1, 2), (3, 4, 5)])
    assert result.kl >= LogNumber.rational(Fraction(left_to_right_floor(6, 2)))


def test_depth_within_is_the_least_of_the_bounds():
    pmf = walk(5)
    bounds = adaptive_bounds(pmf)
    depth = serial_depth(pmf)
    assert depth_within(pmf, 0).worst_case == depth.worst_case
    assert depth_within(pmf, 0).expected == depth.expected
    for t, value in enumerate(bounds.values, start=1):
        found = depth_within(pmf, value)
        assert found.worst_case == next(s for s, other in enumerate(bounds.values, 1) if other <= value) <= t
        assert found.expected <= bounds.steps_under_data[t - 1] + Fraction(1, 10**9)
    levels = [depth_within(pmf, Fraction(j, 4)) for j in range(0, 12, 3)]
    assert [d.expected for d in levels] == sorted((d.expected for d in levels), reverse=True)
    assert [d.worst_case for d in levels] == sorted((d.worst_case for d in levels), reverse=True)
    assert depth_within(pmf, 100).worst_case == 1


def test_answer_of_the_frontier():
    answer = frontier_answer(make_task("bernoulli_walk", 4))
    assert answer["serial_depth"]["at_least"] == walk_rounds(4) <= answer["serial_depth"]["expected"]
    assert answer["exact"]["serial_depth"]["at_least"] == str(walk_rounds(4))
    assert "at_least" not in frontier_answer(make_task("parity", 3))["serial_depth"]


def test_wrong_input():
    with pytest.raises(InputError, match="n must be"):
        longest_run_distribution(0)
    with pytest.raises(CostError, match="the longest run of 100000 bits"):
        longest_run_distribution(100_000)
    with pytest.raises(InputError, match="rounds must be at most n = 3, got 4"):
        left_to_right_floor(3, 4)
    with pytest.raises(InputError, match="epsilon must be at least 0"):
        depth_within(walk(2), -1)
