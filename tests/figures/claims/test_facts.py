"""Facts that the verdicts of claims and errata rest on, by other means."""

import csv
from fractions import Fraction
from itertools import combinations, permutations, product
from math import comb, factorial
from pathlib import Path

import pytest

from tests.reference import counts
from tests.reference import definitions as ref
from tests.reference import released as rel
from tests.reference.claims import matching_selector, replace_sizes, shuffle_sizes
from tests.reference.errata import PERCENT_2B

PUBLISHED = Path(__file__).parents[3] / "figures" / "published" / "benchmark_figures.csv"


def test_the_output_distribution_of_a_random_order_is_below_the_bound():
    """Replace Random, n = 4: 5 - 3 log2 3 < 4 - 9/4 log2 3 iff 4 < 3 log2 3 iff 16 < 27."""
    assert 2**4 < 3**3
    top3 = ref.decode(ref.replace_random(4), ref.topk(3, "random"))
    assert ref.sign(ref.sub(top3.kl_exact, ref.optimal_bound(ref.replace_random(4), 2)[0])) < 0


def test_every_three_step_partition_of_the_selector_loses():
    bound, _ = ref.optimal_bound(matching_selector(), 3)
    assert ref.sign(bound) > 0


def test_equal_pairs_pass_every_bound_and_the_best_sizes_do_not():
    """2^L of n/2 pairs is n!!/(n-1)!! > sqrt(n) (Wallis); the mixed sizes stay below 2^(1 + 1/2 log2 3 + ...)."""
    for n in range(4, 41, 2):
        assert 1 / shuffle_sizes([2] * (n // 2)) ** 2 > n
        t = round(Fraction(n, 6))
        mixed = [3] * t + [2] * (n // 2 - 2 * t) + [1] * t
        assert 1 / shuffle_sizes(mixed) ** 2 < Fraction(12 * n * n, n * n - 4)


def test_remainders_differ_only_where_k_does_not_divide_n():
    for n in range(1, 9):
        for k in range(1, n + 1):
            steps = -(-n // k)
            last = [k] * (steps - 1) + [n - k * (steps - 1)]
            first = [n // steps + (t < n % steps) for t in range(steps)]
            if n % k == 0:
                assert last == first
    assert shuffle_sizes([4, 1]) != shuffle_sizes([3, 2])


@pytest.mark.grid(2)
@pytest.mark.parametrize("n", [3, 4, 5])
def test_drawn_tokens_put_the_new_item_off(n):
    """Less accurate than by the largest one iff the last step takes two or more; greedy they are one."""
    pmf = ref.replace_random(n)
    for k in range(2, n):
        sizes = [min(k, n - start) for start in range(0, n, k)]
        value, other = rel.drawn_accuracy(pmf, k), replace_sizes(sizes)
        assert value < other if sizes[-1] > 1 else value > other
        assert (
            rel.drawn_distribution(pmf, k, temperature=0)
            == ref.decode(pmf, ref.topk(k, "confidence"), 0).distribution
        )


def test_two_masked_tokens_always_go_together_in_the_released_factor_rule():
    for f, c in product(("1/100", "1/2", "1", "3/2"), (Fraction(1, 2), Fraction(99, 100))):
        distributions = {i: {0: c, 1: 1 - c} for i in (0, 1)}
        assert counts.released_factor(f)(distributions, (0, 1), 2) == {frozenset({0, 1}): 1}
        printed = ref.factor(f)(distributions, (0, 1), 2)
        assert all(len(chosen) == (2 if 3 * (1 - c) < Fraction(f) else 1) for chosen in printed)


@pytest.mark.deep
def test_every_square_that_is_made_is_made_equally_often():
    for n, ways in ((2, 2), (3, 3), (4, 4)):
        assert set(rel.made_squares(n).values()) == {ways}
        assert len(rel.made_squares(n)) * ways == factorial(n) ** 2
        assert rel.made_squares(n).keys() <= rel.accepted_squares(n)


@pytest.mark.grid(1)
@pytest.mark.parametrize("f", ["1", "1.6", "1.9"])
def test_large_factors_and_early_stops_change_nothing(f):
    for pmf in (ref.shuffle(3), ref.shuffle(4), ref.replace_random(4), ref.replace_random(5)):
        rules = (ref.factor(f), counts.prefix_factor(f), counts.released_factor(f))
        printed, prefix, released = (ref.decode(pmf, rule) for rule in rules)
        assert (prefix.distribution, prefix.steps) == (printed.distribution, printed.steps)
        same = (released.distribution, released.steps) == (printed.distribution, printed.steps)
        assert same is (Fraction(f) > Fraction(3, 2))


# --- Errata --------------------------------------------------------------------------------------------------


def test_figure_2b_is_far_below_equation_5():
    """The chance of at most so many of 100, in floats."""
    for n, percent in PERCENT_2B.items():
        chance = float(shuffle_sizes([2] * (n // 2)))
        tail = sum(comb(100, i) * chance**i * (1 - chance) ** (100 - i) for i in range(percent + 1))
        assert 0 < tail < 1e-8


def test_curves_under_other_names():
    curves: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            key = (row["figure"], row["panel"], row["series"])
            curves.setdefault(key, []).append((row["x"], row["score_percent"]))
    for label, task in (
        ("reverse", "shuffle"),
        ("replace_index", "replace_random"),
        ("remove_random", "replace_index"),
    ):
        assert curves["16", label, "confidence_topk"] == curves["8", "fine-tuned", task]
    for task in ("shuffle", "replace_random", "replace_index"):
        assert curves["8", "pretrained", task] == curves["22", task, "confidence_topk"]
        assert curves["8", "pretrained", task] != curves["22", task, "random_topk"]


def test_any_three_places_of_the_code_are_free_and_fix_the_rest():
    """So the first pair is free, and of the second pair one token: log2 7 bits are lost, in any order."""
    words = {tuple((a + b * x + c * x * x) % 7 for x in range(6)) for a, b, c in product(range(7), repeat=3)}
    for places in combinations(range(6), 3):
        assert len({tuple(word[i] for i in places) for word in words}) == len(words) == 7**3


@pytest.mark.parametrize("n", [2, 3])
def test_exchangeable_noise_makes_all_words_equally_likely(n):
    words = list(product(range(n), repeat=n))
    right = sum(len(set(word)) == n for word in words)
    assert Fraction(right, len(words)) == shuffle_sizes([n]) == Fraction(factorial(n), n**n)
    assert right == len(list(permutations(range(n))))


@pytest.mark.parametrize("n", [3, 4, 5])
def test_the_last_of_single_steps_keeps_an_item_half_of_the_time(n):
    """Greedy: keep while keeping is likelier, m - 1 against 1 at m masked positions; a tie at two."""
    chances = {}
    for coin in (True, False):  # whether the new item is drawn at two masked positions
        placed = None
        for left in range(n, 0, -1):
            share = Fraction(0) if placed else Fraction(1, left)
            new = coin if share == Fraction(1, 2) else share > Fraction(1, 2)
            placed = placed or (left if new else None)
        chances[coin] = placed
    assert chances == {True: 2, False: 1}
