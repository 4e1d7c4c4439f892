"""Top-k on walks and one-hot blocks through few states gives exactly what the decoder of listed laws gives."""

from fractions import Fraction
from functools import cache
from itertools import pairwise, product
from math import comb

import pytest

from synthetic import make_task
from tests.helpers.tolerance import ROUNDING
from theory.decoding.decoder import decode
from theory.decoding.structured import one_hot_topk
from theory.decoding.structured.dispatch import decode_structured
from theory.decoding.structured.one_hot_moves import hits_of_step, outcomes_of
from theory.decoding.structured.one_hot_random import decode_one_hot_random
from theory.decoding.structured.one_hot_topk import decode_one_hot_topk
from theory.decoding.structured.one_hot_window import Window, forward
from theory.decoding.structured.walk_paths import loss
from theory.decoding.structured.walk_topk import decode_walk_topk
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.structure import structure_of
from theory.information.curves.structures import expected_kl_of
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.validation import InputError

FIELDS = ("accuracy", "kl", "path_kl", "steps", "steps_under_data")
SCORES = ("confidence", "margin", "entropy")
ONE = Fraction(1)
SMALL = 6


@cache
def _listed(name, n):
    return make_task(name, n).contexts()[0].law.pmf()


def _equal(found, name, n, policy, **switches):
    listed = decode(_listed(name, n), policy, **switches)
    for field in FIELDS:
        value, expected = getattr(found, field), getattr(listed, field)
        if field == "kl" and value is None:  # a mixture over the ties
            assert policy.ties == "random"
            continue
        assert value == expected, (name, n, str(policy), switches, field)


def _specs(n, ties, blocks=(None,)):
    for k, by, tie, rest, block in product(range(1, n + 1), SCORES, ties, ("last", "first"), blocks):
        if rest == "first" and (block or n) % k == 0:
            continue  # nothing is left over: the same decode
        if n > SMALL and (by != "confidence" if block else 5 < k < n):
            continue  # scores and blocks do not meet, large k are alike; shorter ones have all of them
        if block is None or (k <= block < n):
            tail = "" if block is None else f",block={block}"
            yield parse_policy(f"topk:k={k},by={by},ties={tie},remainder={rest}{tail}")


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_walk_equals_listed(n):
    structure = structure_of(make_task("bernoulli_walk", n))
    for policy in _specs(n, ("random", "lowest", "all"), (None, 3)):
        found = decode_walk_topk(structure, policy, ONE, "random")
        if found is None:
            assert policy.ties == "all"
            assert policy.by == "margin" or policy.block is not None
        else:
            _equal(found, "bernoulli_walk", n, policy)


@pytest.mark.parametrize(
    "spec",
    [
        "topk:k=3",
        "topk:k=5",
        "topk:k=6,remainder=first",
        "topk:k=3,block=5",
        "topk:k=2,by=margin",
        "topk:k=3,by=margin,ties=lowest",
        "topk:k=4,by=margin",
        "topk:k=3,by=margin,remainder=first",
        "topk:k=3,ties=all",
    ],
)
@pytest.mark.parametrize("n", [7, 8])
def test_longer_walks_equal_listed(n, spec):
    policy = parse_policy(spec)
    structure = structure_of(make_task("bernoulli_walk", n))
    _equal(decode_walk_topk(structure, policy, ONE, "random"), "bernoulli_walk", n, policy)


def test_steps_of_three_and_two_on_a_walk():
    """A step of two after one of three meets a coin beside its equals: two of three are taken."""
    policy = parse_policy("topk:k=3,remainder=first")
    for n in (7, 8):  # 3 + 2 + 2, 3 + 3 + 2
        found = decode_walk_topk(structure_of(make_task("bernoulli_walk", n)), policy, ONE, "random")
        assert found.kl is None
        _equal(found, "bernoulli_walk", n, policy)


def test_kl_of_a_walk_is_known_where_ties_do_not_matter():
    structure = structure_of(make_task("bernoulli_walk", 12))
    for spec, known in {
        "topk:k=4": True,
        "topk:k=3": False,
        "topk:k=3,ties=lowest": True,
        "topk:k=3,by=entropy": True,
        "topk:k=5,by=margin": False,
        "topk:k=5,by=margin,ties=lowest": True,
    }.items():
        found = decode_walk_topk(structure, parse_policy(spec), ONE, "random")
        assert (found.kl == found.path_kl) == known
        assert (found.kl is None) != known


def test_scores_of_binomials():
    """What the walk rules stand on: equal pairs of confidences, rising entropies, margins of even numbers."""
    c = [Fraction(comb(r, r // 2), 2**r) for r in range(42)]
    second = [Fraction(comb(r, r // 2 + 1), 2**r) for r in range(42)]
    assert all(c[r] == c[r + 1] > c[r + 2] for r in range(1, 40, 2))
    assert all(c[r] == second[r] for r in range(1, 41, 2))
    margins = [c[r] - second[r] for r in range(2, 42, 2)]
    assert margins == [c[r] / (r // 2 + 1) for r in range(2, 42, 2)]
    assert margins == sorted(set(margins), reverse=True)
    assert margins[-1] > 0
    entropies = [loss({r: 1}, 0) for r in range(1, 20)]
    assert all(low < high for low, high in pairwise(entropies))


@pytest.mark.parametrize(
    ("name", "n", "block"),
    [
        ("one_hot_blocks", 4, 2),
        ("one_hot_blocks:block=1", 4, 1),
        ("one_hot_blocks:block=2", 6, 2),
        ("one_hot_blocks:block=4", 8, 4),
        ("one_hot_blocks", 9, 3),
    ],
)
def test_one_hot_equals_listed(name, n, block):
    structure = structure_of(make_task(name, n))
    unknown = []
    for policy in _specs(n, ("random", "lowest"), (None, 2, 2 * block)):
        if policy.by != "confidence" and (policy.k != 2 or policy.remainder == "first"):
            continue  # the scores choose alike
        found = decode_one_hot_topk(structure, policy)
        if found is None:
            unknown.append(policy)
        else:
            _equal(found, name, n, policy)
    assert all(p.remainder == "first" or (p.block is not None and p.block % block) for p in unknown)


@pytest.mark.parametrize(
    ("name", "n", "spec"),
    [
        ("one_hot_blocks", 16, "topk:k=2,ties=lowest"),
        ("one_hot_blocks", 16, "topk:k=3,ties=lowest"),
        ("one_hot_blocks", 16, "topk:k=6,ties=lowest"),
        ("one_hot_blocks", 16, "topk:k=2,ties=lowest,block=8"),
        ("one_hot_blocks:block=3", 12, "topk:k=5,ties=lowest"),
        ("one_hot_blocks:block=5", 15, "topk:k=2,ties=lowest"),
        ("one_hot_blocks:block=5", 15, "topk:k=4,ties=lowest,by=margin"),
        ("one_hot_blocks:block=5", 10, "topk:k=3"),
        ("one_hot_blocks:block=2", 10, "topk:k=3,by=entropy"),
    ],
)
def test_more_one_hot_blocks_equal_listed(name, n, spec):
    policy = parse_policy(spec)
    _equal(decode_one_hot_topk(structure_of(make_task(name, n)), policy), name, n, policy)


@pytest.mark.parametrize("k", range(2, 10))
def test_random_order_on_one_hot_equals_listed(k):
    for name, n in (("one_hot_blocks", 9), ("one_hot_blocks:block=4", 8), ("one_hot_blocks:block=2", 6)):
        policy = parse_policy(f"topk:k={min(k, n)},by=random")
        _equal(decode_one_hot_topk(structure_of(make_task(name, n)), policy), name, n, policy)


@pytest.mark.parametrize("k", range(2, 9))
def test_random_order_on_blocks_of_two(k):
    name, n, policy = "one_hot_blocks:block=2", 8, parse_policy(f"topk:k={k},by=random")
    _equal(decode_one_hot_topk(structure_of(make_task(name, n)), policy), name, n, policy)


def test_random_pairs_of_a_thousand_positions():
    """A step of two is one block with probability 1/(m - 1), of m hidden, and then right every second time."""
    found = decode_contexts(make_task("one_hot_blocks:block=2", 1000), parse_policy("topk:k=2,by=random"))
    state = {500: 1.0}  # by the number of blocks untouched
    for m in range(1000, 0, -2):
        after: dict[int, float] = {}
        for u, mass in state.items():
            pairs = m * (m - 1) / 2
            halves = m - 2 * u  # hidden positions of blocks that are known
            moves = {u: halves * (halves - 1) / 2, u - 1: 2 * u * halves + u / 2, u - 2: 2 * u * (u - 1)}
            for v, ways in moves.items():
                if ways:
                    after[v] = after.get(v, 0.0) + mass * ways / pairs
        state = after
    assert found.steps == 500
    assert float(found.accuracy) == pytest.approx(sum(state.values()), rel=1e-12)


@pytest.mark.parametrize(("temperature", "greedy_ties"), [(1, "random"), (0, "random"), (0, "lowest")])
def test_one_block_at_a_time(temperature, greedy_ties):
    """Within one block all hidden positions look alike: any score, any ties, any temperature."""
    switches = {"temperature": temperature, "greedy_ties": greedy_ties}
    for by, ties in product(("confidence", "random"), ("random", "lowest", "all")):
        for k in (1, 2, 3):
            policy = parse_policy(f"topk:k={k},by={by},ties={ties},block=3")
            found = decode_structured(structure_of(make_task("one_hot_blocks", 9)), policy, **switches)
            _equal(found, "one_hot_blocks", 9, policy, **switches)


def test_all_that_compete_at_random():
    for name, n in (("bernoulli_walk", 5), ("one_hot_blocks", 4)):
        for block in ("", ",block=2"):
            policy = parse_policy(f"topk:k=1,by=random,ties=all{block}")
            _equal(decode_structured(structure_of(make_task(name, n)), policy), name, n, policy)


@pytest.mark.parametrize("lowest", [True, False])
def test_moves_are_distributions(lowest):
    """Under the data nothing is lost; drawn, a hit of j leaves the support by drawing two ones, or none of all."""
    for blocks, hidden, take in product((1, 2, 4), (2, 3, 5), (1, 2, 3, 4)):
        choices = hits_of_step(blocks, hidden, take, lowest=lowest)
        assert sum(chance for _, chance in choices) == 1
        for hits, _ in choices:
            assert sum(j * count for j, count in hits) == min(take, blocks * hidden)
            outcomes = outcomes_of(hits, hidden)
            assert sum(outcome.data for outcome in outcomes) == 1
            assert sum(outcome.own for outcome in outcomes) <= 1


@pytest.mark.parametrize("lowest", [True, False])
def test_no_mass_is_lost_under_the_data(lowest):
    window = Window(blocks=6, length=7, k=3, lowest=lowest)
    mass, hits = forward(window, data=True, exact=True)
    assert mass == 1
    # every block is hit at its first level, once
    assert sum(count for (level, _), count in hits.items() if level == 7) == 6


@pytest.mark.parametrize("spec", ["topk:k=2", "topk:k=3", "topk:k=2,ties=lowest", "topk:k=4,ties=lowest"])
def test_floats_within_their_error(monkeypatch, spec):
    structure, policy = structure_of(make_task("one_hot_blocks", 64)), parse_policy(spec)
    exact = decode_one_hot_topk(structure, policy)
    monkeypatch.setattr(one_hot_topk, "_EXACT", 0)
    found = decode_one_hot_topk(structure, policy)
    assert isinstance(exact.accuracy, Fraction)
    assert isinstance(found.accuracy, float)
    outcomes = 2 * policy.k if policy.ties == "lowest" else 40
    error = (8 * 8 * (outcomes + 4) + 300) * 2.0**-53
    assert abs(Fraction(found.accuracy) / exact.accuracy - 1) <= error
    assert found.path_kl == pytest.approx(float(exact.path_kl), rel=error + ROUNDING)
    assert found.kl == pytest.approx(float(exact.kl), abs=2 * error + ROUNDING)
    monkeypatch.setattr(one_hot_topk, "_LEAST", 1.0)
    with pytest.raises(CostError, match=f"top-{policy.k} among 8 blocks of 8 is below the range of float64"):
        decode_one_hot_topk(structure, policy)


@pytest.mark.parametrize(
    ("name", "n", "spec", "steps"),
    [
        ("bernoulli_walk", 1000, "topk:k=2", 500),
        ("bernoulli_walk", 1000, "topk:k=3", 334),
        ("bernoulli_walk", 1000, "topk:k=2,by=margin,ties=lowest", 500),
        ("bernoulli_walk", 1000, "topk:k=3,by=confidence,block=50", 340),
        ("one_hot_blocks", 961, "topk:k=2", 481),
        ("one_hot_blocks", 961, "topk:k=2,ties=lowest", 481),
        ("one_hot_blocks", 961, "topk:k=62,ties=lowest", 16),
        ("one_hot_blocks", 961, "topk:k=7,by=random,block=31", 155),
    ],
)
def test_a_thousand_positions(name, n, spec, steps):
    result = decode_contexts(make_task(name, n), parse_policy(spec))
    assert isinstance(result.accuracy, Fraction)
    assert isinstance(result.path_kl, LogNumber)
    assert result.steps == result.steps_under_data == steps
    assert 0 < result.accuracy < 1
    if result.kl is not None:
        assert result.kl <= result.path_kl
        # accuracy >= 2^-kl; logarithms of numbers this long are compared as floats
        assert float(LogNumber.log2(result.accuracy)) >= -float(result.kl) - ROUNDING * 1000


def test_confidence_of_a_walk_in_pairs_is_left_to_right():
    walk = make_task("bernoulli_walk", 1000)
    by_score = decode_contexts(walk, parse_policy("topk:k=2"))
    assert by_score == decode_contexts(walk, parse_policy("topk:k=2,by=left_to_right"))
    assert by_score.accuracy == Fraction(3, 4) ** 500


def test_random_order_in_two_steps():
    structure = structure_of(make_task("one_hot_blocks:block=12", 144))
    found = decode_one_hot_random(structure, [72, 72])
    assert found.path_kl == expected_kl_of(structure, [72, 72])
    assert found.kl < found.path_kl
    with pytest.raises(InputError, match="9 random steps among 12 blocks of 12"):
        decode_one_hot_random(structure, [16] * 9)


@pytest.mark.parametrize(
    ("name", "n", "spec"),
    [
        ("bernoulli_walk", 1000, "topk:k=2,by=random"),
        ("bernoulli_walk", 1000, "topk:k=2,by=margin,ties=all"),
        ("one_hot_blocks", 961, "topk:k=2,by=random"),
        ("one_hot_blocks", 961, "topk:k=2,block=10"),
        ("one_hot_blocks", 961, "topk:k=6,remainder=first"),
    ],
)
def test_what_is_not_known_says_what_is(name, n, spec):
    with pytest.raises(InputError, match=r"no polynomial decode of .* and the expected KL of random order"):
        decode_contexts(make_task(name, n), parse_policy(spec))


@pytest.mark.parametrize(
    ("name", "n", "spec"),
    [
        ("bernoulli_walk", 1000, "topk:k=300,by=margin"),
        ("one_hot_blocks", 961, "topk:k=5"),
        ("one_hot_blocks", 961, "topk:k=400"),
    ],
)
def test_costs_are_known_before_the_start(name, n, spec):
    with pytest.raises(InputError, match=r"would take about .* use a smaller k"):
        decode_contexts(make_task(name, n), parse_policy(spec))
