"""Random order on one-hot blocks: four ways to the same rational, and the definition."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import combinations
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from theory.decoding.structured.one_hot_random import decode_one_hot_random
from theory.decoding.structured.one_hot_substitution import accuracy_by_substitution, substitution_cost
from theory.decoding.structured.one_hot_triples import accuracy_of_triples, is_by_twos
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.structure import structure_of
from theory.limits import CostError
from theory.policies import parse_policy


def by_definition(blocks, length, sizes):
    """Return the accuracy: every set of positions, every draw, position by position."""

    @cache
    def follow(state, rest):  # per block: hidden positions and whether its one is there
        if not rest:
            return Fraction(all(found for _, found in state))
        places = [block for block, (hidden, _) in enumerate(state) for _ in range(hidden)]
        sets = list(combinations(range(len(places)), rest[0]))
        return sum(reveal(state, tuple(places[i] for i in chosen), rest[1:]) for chosen in sets) / len(sets)

    def reveal(state, taken, rest):
        outcomes = {((0,) * blocks): Fraction(1)}  # ones drawn per block
        for block in taken:
            hidden, found = state[block]
            chance = Fraction(0) if found else Fraction(1, hidden)
            new = {}
            for ones, p in outcomes.items():
                for one, q in ((0, 1 - chance), (1, chance)):
                    after = tuple(c + (one if i == block else 0) for i, c in enumerate(ones))
                    new[after] = new.get(after, Fraction(0)) + p * q
            outcomes = new
        total = Fraction(0)
        for ones, p in outcomes.items():
            after = tuple((h - taken.count(i), f + ones[i]) for i, (h, f) in enumerate(state))
            if p and all(found <= 1 and (hidden or found) for hidden, found in after):
                total += p * follow(after, rest)
        return total

    return follow(((length, 0),) * blocks, tuple(sizes))


def sizes_of(total, most, draw):
    sizes = []
    while sum(sizes) < total:
        sizes.append(draw(st.integers(1, min(most, total - sum(sizes)))))
    return sizes


@given(st.data(), st.sampled_from([(1, 1), (1, 4), (2, 2), (3, 2), (2, 3), (4, 2), (2, 4), (1, 6), (3, 3)]))
def test_substitution_is_the_definition(data, shape):
    blocks, length = shape
    sizes = sizes_of(blocks * length, 4, data.draw)
    assert accuracy_by_substitution(blocks, length, sizes) == by_definition(blocks, length, sizes)


@given(st.data(), st.integers(1, 9))
def test_blocks_of_three_by_twos(data, blocks):
    sizes = [2] * (3 * blocks // 2)
    if blocks % 2:
        sizes.insert(data.draw(st.integers(0, len(sizes))), 1)
    assert is_by_twos(sizes)
    assert accuracy_of_triples(blocks, sizes) == accuracy_by_substitution(blocks, 3, sizes)


@pytest.mark.parametrize("sizes", [[2, 2, 2], [3, 3], [1, 5], [6], [2, 1, 2, 1]])
def test_every_way_is_the_same(sizes):
    law = structure_of(make_task("one_hot_blocks:block=3", 6))
    wanted = by_definition(2, 3, tuple(sizes))
    assert decode_one_hot_random(law, sizes).accuracy == wanted
    pairs = structure_of(make_task("one_hot_blocks:block=2", 6))
    assert decode_one_hot_random(pairs, sizes).accuracy == accuracy_by_substitution(3, 2, sizes)


@pytest.mark.parametrize(
    ("blocks", "length", "sizes"), [(5, 4, [8, 12]), (6, 5, [10, 4, 16]), (4, 9, [35, 1])]
)
def test_few_steps_agree_with_the_substitution(blocks, length, sizes):
    law = structure_of(make_task(f"one_hot_blocks:block={length}", blocks * length))
    assert decode_one_hot_random(law, sizes).accuracy == accuracy_by_substitution(blocks, length, sizes)


def test_one_step_is_a_product_and_single_steps_lose_nothing():
    for blocks, length in [(3, 4), (7, 3), (2, 9)]:
        n = blocks * length
        once = Fraction(length * (length - 1) ** (length - 1), length**length)
        assert accuracy_by_substitution(blocks, length, [n]) == once**blocks
        assert accuracy_by_substitution(blocks, length, [1] * n) == 1


def test_a_pair_of_a_block_is_lost_with_its_own_probability():
    """One pair among single steps: in one block of b with probability (b-1)/(n-1), lost with 1/r^2 at r hidden."""
    blocks, length = 3, 4
    n = blocks * length
    for singles in range(n - 1):
        sizes = [1] * singles + [2] + [1] * (n - 2 - singles)
        lost = Fraction(0)
        for taken in range(length - 1):  # positions of the block taken before the pair
            hidden = length - taken
            if not 0 <= singles - taken <= n - length:
                continue
            chance = Fraction(comb(length, taken) * comb(n - length, singles - taken), comb(n, singles))
            pair = Fraction(comb(hidden, 2), comb(n - singles, 2))
            undetermined = Fraction(hidden, length)
            # both ones, or both zeros of the last two: 1/4 + 1/4 at two hidden
            wrong = Fraction(1, hidden**2) if hidden > 2 else Fraction(1, 2)
            lost += blocks * chance * pair * undetermined * wrong
        assert accuracy_by_substitution(blocks, length, sizes) == 1 - lost


@pytest.mark.parametrize(
    ("name", "n", "spec", "steps"),
    [
        ("one_hot_blocks", 64, "topk:k=2,by=random", 32),
        ("one_hot_blocks", 81, "topk:k=27,by=random", 3),
        ("one_hot_blocks:block=3", 999, "topk:k=2,by=random", 500),
        ("one_hot_blocks:block=4", 120, "topk:k=3,by=random", 40),
    ],
)
def test_decode_is_exact(name, n, spec, steps):
    result = decode_contexts(make_task(name, n), parse_policy(spec))
    assert isinstance(result.accuracy, Fraction)
    assert result.steps == steps
    assert 0 < result.kl < result.path_kl


def test_the_cost_is_known_before_the_start():
    law = structure_of(make_task("one_hot_blocks", 961))
    with pytest.raises(CostError, match=r"481 random steps among 31 blocks of 31 would take about"):
        decode_one_hot_random(law, [2] * 480 + [1])
    sizes = [2] * 50
    assert (
        substitution_cost(10, 10, sizes)
        < substitution_cost(11, 10, [2] * 55)
        < substitution_cost(12, 12, [2] * 72)
    )
