"""Random top-k on Insert Random and Remove Random: exactly the definition, and floats within their stated errors."""

from fractions import Fraction
from functools import cache
from itertools import combinations, product
from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.draws import examples
from theory.decoding.structured import hidden_place_floats as floats
from theory.decoding.structured.hidden_place_direct import direct_accuracy
from theory.decoding.structured.hidden_place_floats import random_accuracy, reaches, require_floats
from theory.decoding.structured.hidden_place_kernel import gap_kernel, positive_kernel
from theory.decoding.structured.hidden_place_random import decode_random, exact_accuracy, exact_seconds
from theory.decoding.tasks.decode import decode_contexts
from theory.information.curves.gap_structures import Gaps
from theory.limits import CostError, allowing
from theory.policies import parse_policy

KINDS = {"insert": True, "remove": False}


def blocks(n, k):
    return [k] * (n // k) + [n % k] * (n % k > 0)


def listed_accuracy(insert, sizes):
    """The definition: sets of positions and places listed, marginals counted over the places that are left."""
    n = sum(sizes)
    places = n if insert else n + 1

    def side(p, place):
        return (p < place) - (insert and p > place)

    @cache
    def value(masked, left, step):
        if not masked:
            return Fraction(1)
        draws = list(combinations(sorted(masked), sizes[step]))
        total = Fraction(0)
        for drawn in draws:
            outcomes = {}
            for place in left:
                outcomes.setdefault(tuple(side(p, place) for p in drawn), set()).add(place)
            for tokens, kept in outcomes.items():
                chance = Fraction(1)
                for p, token in zip(drawn, tokens, strict=True):
                    chance *= Fraction(sum(side(p, place) == token for place in left), len(left))
                total += chance * value(masked - set(drawn), frozenset(kept), step + 1)
        return total / len(draws)

    return value(frozenset(range(n)), frozenset(range(places)), 0)


def slow_accuracy(insert, sizes):
    """The chain (masked positions, candidates) as it is defined, position by position, in Fractions."""
    n = sum(sizes)

    @cache
    def moves(g):
        """Sums over sets of j positions of the chance of each outcome: (j, candidates that are left, 1 if found)."""
        inside = g if insert else g - 1
        found = {}
        for place in range(g):
            # positions in order: (taken, ends of the interval so far) -> chance; each is left out or drawn truly
            states = {(0, 0, g): Fraction(1)}
            for r in range(inside):
                now = {}
                for (j, low, high), p in states.items():
                    now[j, low, high] = now.get((j, low, high), 0) + p
                    if insert and r == place:
                        key, chance = (j + 1, place, place + 1), Fraction(1, g)
                    elif r < place:
                        key, chance = (j + 1, max(low, r + 1), high), Fraction(g - 1 - r, g)
                    else:
                        end = r if insert else r + 1
                        chance = Fraction(r if insert else r + 1, g)
                        key = (j + 1, low, min(high, end))
                    now[key] = now.get(key, 0) + p * chance
                states = now
            for (j, low, high), p in states.items():
                # each outcome counted once: by the first place of the interval that is left
                if place == low:
                    sure = insert and high - low == 1
                    key = (j, high - low, sure)
                    found[key] = found.get(key, 0) + p
        return found

    @cache
    def value(masked, g, step):
        inside = g if insert else g - 1
        if g == 1:
            return Fraction(1)
        size, total = sizes[step], Fraction(0)
        for (j, left, sure), p in moves(g).items():
            if j <= size and size - j <= masked - inside:
                share = Fraction(comb(masked - inside, size - j), comb(masked, size))
                total += share * p * (1 if sure else value(masked - size, left, step + 1))
        return total

    return value(n, n if insert else n + 1, 0)


@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
def test_the_slow_chain_is_the_listed_definition(insert):
    for n in range(1, 7):
        for k in range(1, n + 1):
            assert slow_accuracy(insert, tuple(blocks(n, k))) == listed_accuracy(insert, blocks(n, k))


@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_exact_and_floats_are_the_definition(insert, k):
    for n in range(1, 12):
        sizes = tuple(blocks(n, min(k, n)))
        expected = slow_accuracy(insert, sizes)
        assert exact_accuracy(insert, sizes) == expected
        found = random_accuracy(insert, sizes)
        assert abs(Fraction(found.value) - expected) <= found.error < 1e-13


@given(insert=st.booleans(), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
@settings(max_examples=examples(4))
def test_any_sizes(insert, sizes):
    expected = slow_accuracy(insert, tuple(sizes))
    assert exact_accuracy(insert, sizes) == expected
    found = random_accuracy(insert, sizes)
    assert abs(Fraction(found.value) - expected) <= found.error


@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
def test_two_forms_of_the_kernel_are_one_polynomial(insert):
    """Of each g by differences, and of all g without negative coefficients; both give all sums over d."""
    k = 6
    positive = positive_kernel(k, insert)
    for g in range(2, 20):
        found = gap_kernel(g, k, insert)
        for j, d in product(range(k), range(1, g)):
            once = sum(q * comb(d - 1, v) for v, q in enumerate(found.gaps[j]))
            assert once == sum(q * comb(g - d, u) * comb(d - 1, v) for u, v, q in positive.gaps[j])
        for hit, row in zip(found.hits, positive.hits, strict=True):
            assert hit == sum(r * comb(g - 1, v) for v, r in row)


@pytest.mark.grid(every=8)
@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("n", "k"), [(60, 2), (61, 7), (150, 3), (240, 2), (80, 20)])
def test_floats_keep_their_error(insert, n, k):
    exact, found = exact_accuracy(insert, blocks(n, k)), random_accuracy(insert, blocks(n, k))
    assert abs(Fraction(found.value) - exact) <= found.error < 1e-11 * exact


@pytest.mark.grid(8)
@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("sizes", [[1], [2], [2, 1], [1, 4, 2], blocks(60, 7), blocks(240, 2)])
def test_compiled_floats_keep_their_error(insert, sizes):
    pytest.importorskip("numba")
    exact, found = exact_accuracy(insert, sizes), random_accuracy(insert, sizes, compiled=True)
    assert abs(Fraction(found.value) - exact) <= found.error < 1e-11 * exact


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("size", [2, 3, 7])
def test_the_error_of_one_step_counts_its_roundings(size, insert, compiled):
    """A row of length G has at most ``2 s G + 6 s^2 + 12 s + 30`` of them, each of 2^-53."""
    if compiled:
        pytest.importorskip("numba")
    length = size if insert else size + 1
    roundings = 2 * size * length + 6 * size**2 + 12 * size + 30
    bound = float(roundings * exact_accuracy(insert, [size]) / 2**53)
    assert bound < random_accuracy(insert, [size], compiled=compiled).error < 1.1 * bound  # two digits


@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize(("n", "k"), [(3, 2), (14, 4), (14, 9), (60, 2)])
def test_sums_as_they_stand_keep_their_error(insert, n, k):
    found = direct_accuracy(insert, blocks(n, k))
    exact = exact_accuracy(insert, blocks(n, k))
    assert abs(Fraction(found.value) - exact) <= found.error < 1e-11


def test_dropped_gaps_are_rare():
    """The rows at a length where gaps are dropped are as short as stated, and the accuracy keeps its error."""
    sizes, insert = blocks(800, 40), False
    kept = reaches(insert, sizes)
    assert kept[0] == 801
    assert any(g < 800 - 40 * t for t, g in enumerate(kept.tolist()))
    for done, g in zip(range(0, 800, 40), kept.tolist(), strict=True):
        longer = g  # hidden positions of the shortest interval that is dropped
        if longer <= 800 - done:
            chance = Fraction(800 * comb(800 - longer, done), comb(800, done))
            assert chance <= Fraction(1, 2**64 * len(sizes))


@pytest.mark.deep
def test_a_thousand_positions_exactly():
    """The first and the last digits of a rational with a denominator of 25,000 bits, against its float."""
    result = decode_contexts(make_task("insert_random", 999), parse_policy("topk:k=2,by=random"))
    assert isinstance(result.accuracy, Fraction)
    found = random_accuracy(True, blocks(1000, 2))
    assert abs(Fraction(found.value) - result.accuracy) <= found.error < 1e-11
    assert result.accuracy.denominator.bit_length() > 25_000


def test_beyond_the_exact_range_floats():
    structure, sizes = Gaps(60, "insert"), blocks(60, 2)
    exact = decode_random(structure, sizes)
    assert isinstance(exact.accuracy, Fraction)
    found = decode_random(structure, sizes, exact=False)
    assert isinstance(found.accuracy, float)
    assert found.accuracy == random_accuracy(True, sizes).value
    assert found.path_kl == exact.path_kl


MEASURED = {  # seconds of one core, insert, n, k
    (True, 100, 1): 0.012,
    (True, 100, 5): 0.016,
    (True, 200, 2): 0.035,
    (False, 300, 2): 0.073,
    (True, 300, 10): 0.33,
    (True, 120, 12): 0.12,
    (False, 240, 20): 0.75,
    (True, 120, 30): 1.6,
    (False, 120, 60): 5.9,
    (True, 180, 60): 32.0,
    (True, 120, 20): 0.37,
    (True, 600, 10): 1.2,
}


@pytest.mark.parametrize("case", MEASURED)
def test_estimates_are_within_a_factor_of_three_of_what_was_measured(case):
    insert, n, k = case
    assert 1 / 3 < exact_seconds(insert, blocks(n, k)) / MEASURED[case] < 3


FLOATS = {  # the same of floats, compiled
    (True, 10**5, 2): 0.57,
    (False, 30_000, 10): 0.60,
    (True, 200_000, 5): 2.5,
}


@pytest.mark.parametrize("case", FLOATS)
def test_estimates_of_floats_are_within_a_factor_of_three_of_what_was_measured(case):
    pytest.importorskip("numba")
    insert, n, k = case
    with pytest.raises(CostError) as refused, allowing(Fraction(1, 10**9)):
        require_floats(insert, blocks(n, k))
    assert refused.value.factor is not None
    assert 1 / 3 < 200 * refused.value.factor / FLOATS[case] < 3  # the limit is 200 seconds


def test_work_is_estimated_before_the_start():
    assert (
        exact_seconds(True, blocks(1000, 2))
        < exact_seconds(True, blocks(2000, 2))
        < exact_seconds(True, blocks(9000, 2))
    )
    with pytest.raises(
        CostError, match="random blocks of 25 among 1000000 positions leave the range of floats"
    ):
        decode_random(Gaps(10**6, "remove"), blocks(10**6, 25))
    with pytest.raises(CostError, match="random blocks of 10 among 10000000 positions would take about"):
        decode_random(Gaps(10**7, "insert"), blocks(10**7, 10))


@pytest.mark.parametrize("insert", KINDS.values(), ids=KINDS)
def test_both_forms_of_the_recursion_count_the_same_roundings(insert, monkeypatch):
    pytest.importorskip("numba")
    rows = []
    for name in ("_rows", "compiled_rows"):
        own = getattr(floats, name)
        monkeypatch.setattr(floats, name, lambda *args, own=own: rows.append(own(*args)) or rows[-1])
        random_accuracy(insert, [3, 5, 2, 4], compiled=name == "compiled_rows")
    one, other = rows
    assert other[:, 1:] == pytest.approx(one[:, 1:], rel=1e-12)
