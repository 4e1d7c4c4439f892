"""The quick forms of mean entropies, best sizes and schedules against their definitions, term by term."""

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from theory.bounds.block_sizes import cheapest_paths, optimal_sizes
from theory.information.curves.gap_structures import Gaps
from theory.information.curves.structures import Copies, Exchangeable, IntervalCurve, interval_curve
from theory.numbers.arithmetic import FLOAT64
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.policies.rules.scheduled import Dream, known_sizes
from theory.policies.view import View

NARROW = 1e-38  # of 160 bits, less what a sum of some hundred terms loses; a float has 1e-16


def one_hot(b: int) -> Exchangeable:
    """Replace Random of b positions: ``h_j - h_{j-1}`` of a single one among b bits."""

    def entropy(j: int) -> list[tuple[Fraction, Fraction]]:
        rest = [(-Fraction(b - j, b), Fraction(b - j, b))] if j < b else []
        return [(Fraction(j, b), Fraction(b)), *rest]

    return Exchangeable(b, lambda j: [*entropy(j), *((-c, a) for c, a in entropy(j - 1))])


def eta(g: int) -> LogNumber:
    """The entropy of a binomial with g fair bits, by its definition."""
    return LogNumber.weighted_sum(
        (Fraction(-comb(g, k), 2**g), Fraction(comb(g, k), 2**g)) for k in range(g + 1)
    )


def contains(ball: arb, value: LogNumber) -> bool:
    return ball.overlaps(value.interval(300)) and float(ball.rad()) < NARROW


WEIGHTS = st.dictionaries(st.integers(0, 12), st.fractions(-3, 3, max_denominator=12), max_size=6)


@given(b=st.sampled_from([1, 2, 3, 4, 6, 12]), weights=WEIGHTS)
def test_independent_blocks_are_hypergeometric(b, weights):
    distribution, n = Copies(one_hot(b), 12 // b), 12
    inner = dict.fromkeys(range(b + 1), Fraction(0))
    for i, w in weights.items():
        for j in range(max(0, i - n + b), min(i, b) + 1):
            inner[j] += w * (n // b) * Fraction(comb(b, j) * comb(n - b, i - j), comb(n, i))
    assert distribution.mean(weights) == distribution.block.mean(inner)


@given(weights=WEIGHTS)
def test_a_walk_adds_the_entropies_of_its_gaps(weights):
    n = 12
    expected = LogNumber()
    for j, w in weights.items():
        for g in range(n if j else 0):  # a gap of length g before one of j random positions
            count = comb(n - 1 - g, j - 1)
            expected += eta(g + 1) * (w * j * Fraction(count, comb(n, j)))
    assert Gaps(n, "walk").mean(weights) == expected


@pytest.mark.parametrize("kind", ["insert", "remove", "walk"])
@pytest.mark.parametrize("n", [1, 2, 3, 45])
def test_intervals_of_gaps_hold_the_exact_means(kind, n):
    distribution = Gaps(n, kind)
    curve = interval_curve(distribution)
    assert len(curve.means) == n + 1
    for j, ball in enumerate(curve.means):
        assert contains(ball, distribution.mean({j: Fraction(1)})), (j, ball)


@pytest.mark.parametrize(("b", "copies"), [(1, 1), (1, 5), (5, 1), (6, 7)])
def test_intervals_of_blocks_hold_the_exact_means(b, copies):
    distribution = Copies(one_hot(b), copies)
    for j, ball in enumerate(interval_curve(distribution).means):
        assert contains(ball, distribution.mean({j: Fraction(1)})), (j, ball)


@pytest.mark.parametrize("rows", [3, 128])
@pytest.mark.parametrize("kind", ["random", "tied"])
@pytest.mark.parametrize("n", [1, 2, 7, 40])
def test_best_sizes_are_those_of_the_plain_recursion(n, kind, rows):
    """The same sums in the same order, so the same floats, and of equal stops the first."""
    drawn = np.sort(np.random.default_rng(n).random(n))[::-1]
    profile = np.round(drawn, 1) if kind == "tied" else drawn
    means = tuple(arb(x) for x in [0.0, *np.cumsum(profile)])
    best = optimal_sizes(IntervalCurve(means))
    shown = [float((after - before).mid()) for before, after in pairwise(means)]
    costs, before = cheapest_paths(np.array(shown), rows=rows)
    cost = {0: (0.0, ())}
    for steps in range(1, n + 1):
        cost = {
            end: min(
                ((cost[m][0] + (end - m) * shown[m], m, cost[m][1]) for m in cost if m < end),
                key=lambda found: found[:2],
            )
            for end in range(steps, n + 1)
        }
        cost = {end: (value, (*before, end - m)) for end, (value, m, before) in cost.items()}
        assert best.sizes[steps - 1] == cost[n][1]
        assert (costs[steps, n], n - before[steps, n]) == (cost[n][0], cost[n][1][-1])


# --- Schedules: found once, whatever the number of steps --------------------------------------------------------


def state(masked: np.ndarray, step: int) -> View:
    return View(np.full((*masked.shape, 2), 0.5), masked, FLOAT64, step=step)


@pytest.mark.parametrize(
    "spec", ["dream:steps=300", "maskgit:steps=300", "llada:steps=300", "dllm:steps=300"]
)
@pytest.mark.parametrize("block", ["", ",block=4"])
def test_idle_calls_are_those_that_take_nothing(spec, block):
    policy, masked, step = parse_policy(spec + block), np.ones((1, 10), dtype=bool), 0
    while masked.any():
        idle = policy.idle_calls(state(masked, step))
        views = [state(masked, step + t).within_blocks(policy.block) for t in range(idle + 1)]
        taken = [int(policy.count(view, masked)[0]) for view in views]
        assert taken[:idle] == [0] * idle
        assert taken[idle] > 0
        step += idle + 1
        masked[0, np.flatnonzero(masked[0])[: taken[idle]]] = False
    assert step <= 300 * (3 if block else 1)


def test_a_schedule_is_worked_out_once_in_a_run(monkeypatch):
    asked: list[int] = []
    sizes = Dream.sizes
    monkeypatch.setattr(Dream, "sizes", lambda self, masked: asked.append(masked) or sizes(self, masked))
    known_sizes.cache_clear()
    policy, masked = parse_policy("dream:steps=1000"), np.ones((3, 20), dtype=bool)
    counts = [policy.count(state(masked, step), masked) for step in range(1000)]
    assert asked == [20]
    assert sum(int(c[0]) for c in counts[:-1]) + int(counts[-1][0]) >= 20
    known_sizes.cache_clear()


@given(
    numbers=st.lists(st.sampled_from([1, 2, 3, 5, 10**15]), min_size=1, max_size=6),
    rows=st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=4),
)
def test_the_next_size_is_the_one_whose_start_has_come(numbers, rows):
    policy = parse_policy("sizes:sizes=" + "+".join(map(str, numbers)))
    masked = np.array(rows)
    found = policy.count(state(masked, 0), masked)
    for row, take in zip(masked, found.tolist(), strict=True):
        left, due = int(row.sum()), 9 - int(row.sum())  # taken so far
        for size in [*numbers, *[numbers[-1]] * 9]:
            if due < size:
                break
            due -= size
        expected = size - due if 9 - left < sum(numbers) else numbers[-1]
        assert take == min(expected, left)


def test_the_largest_sizes_that_fit_are_known():
    """At n = 2,025 the mean over the pairs takes no list of all shares; the value is the definition's."""
    b, n = 45, 2025
    distribution = Copies(one_hot(b), b)
    total = distribution.mean({1: Fraction(n)}) - distribution.mean({n: Fraction(1)})
    single = LogNumber.weighted_sum(
        [(-Fraction(b - 1, b), Fraction(b - 1, b)), (Fraction(1, b), Fraction(b))]
    )
    assert total == single * n - LogNumber.log2(b) * b
