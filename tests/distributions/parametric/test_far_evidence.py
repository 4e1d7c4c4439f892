"""Hidden chains and grammars under evidence that floats cannot weigh: against sums over hidden paths in Fractions."""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.reference.chains import SLACK, minus_log2
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.likelihood_errors import log_prob_error

CLOSE = 1e-9  # relative: logarithms of some thousand bits
NONE = Fraction(0)
EXPONENTS = st.sampled_from([0, 0, 1, 60, 140, 250, 300])  # 10^-300: two of them are below the least float


@st.composite
def rare_rows(draw, width):
    """A row of probabilities with tiny ones, and zeros."""
    weights = [Fraction(draw(st.sampled_from([0, 1, 1, 1])), 10 ** draw(EXPONENTS)) for _ in range(width)]
    weights[draw(st.integers(0, width - 1))] = Fraction(1)
    total = sum(weights)
    return [w / total for w in weights]


@st.composite
def rare_chains(draw):
    n, states = draw(st.integers(2, 4)), draw(st.integers(2, 3))
    apart = [[int(g == h) for h in range(states)] for g in range(states)]
    moves = apart if draw(st.booleans()) else [draw(rare_rows(states)) for _ in range(states)]
    return HMMDistribution(
        n=n,
        initial=draw(rare_rows(states)),
        transition=moves,
        emission=[draw(rare_rows(2)) for _ in range(states)],
    )


def chance(distribution, shown):
    """Return the probability of the tokens shown, MASK for any, by the sum over all hidden paths."""
    total = NONE
    for path in product(range(len(distribution.initial)), repeat=distribution.n):
        p = distribution.initial[path[0]]
        for g, h in pairwise(path):
            p *= distribution.transition[0][g][h]
        for h, v in zip(path, shown, strict=True):
            p *= 1 if v == MASK else distribution.emission[h][v]
        total += p
    return total


def with_token(shown, i, v):
    return [*shown[:i], v, *shown[i + 1 :]]


def close(found, parts, total):
    return all(
        abs(Fraction(float(x)) - p / total) <= Fraction(CLOSE) for x, p in zip(found, parts, strict=True)
    )


@given(distribution=rare_chains())
def test_log_prob_keeps_what_floats_lose(distribution):
    rows = list(product((0, 1), repeat=distribution.n))
    answers = np.array(rows)
    bits, errors = distribution.log_prob(answers), log_prob_error(distribution, answers)
    assert max(errors) < CLOSE
    for y, found, error, here in zip(rows, bits, errors, distribution.contains(answers), strict=True):
        p = chance(distribution, y)
        assert bool(here) == (p > 0)
        if p == 0:
            assert found == -np.inf
        else:
            assert abs(Fraction(float(found)) + minus_log2(p)) <= Fraction(float(error)) + SLACK


@given(distribution=rare_chains(), data=st.data())
@settings(max_examples=examples(8))
def test_conditionals_keep_what_floats_lose(distribution, data):
    shown = [data.draw(st.sampled_from([MASK, 0, 1])) for _ in range(distribution.n)]
    total = chance(distribution, shown)
    found = distribution.conditional(np.array([shown, shown]))[1]
    left = distribution.left_out(np.array([shown]))[0]
    for i, v in enumerate(shown):
        rest = with_token(shown, i, MASK)
        others = chance(distribution, rest)
        parts = [chance(distribution, with_token(shown, i, w)) for w in (0, 1)]
        if others:
            assert close(left[i], parts, others)
        else:
            assert left[i].tolist() == [0, 0]
        if total:
            assert close(found[i], parts if v == MASK else [total * (v == 0), total * (v == 1)], total)


def test_a_mixture_of_coins_is_read_from_both_ends():
    # half of the tosses favour either coin, each half by 2^-1989: the final shares are equal
    distribution = HMMDistribution(
        n=601,
        initial=["1/3", "2/3"],
        transition=[[1, 0], [0, 1]],
        emission=[["0.99", "0.01"], ["0.01", "0.99"]],
    )
    shown = np.array([[0] * 300 + [1] * 300 + [MASK]])
    one = (1 / 3 * 0.99 + 2 / 3 * 0.01, 1 / 3 * 0.01 + 2 / 3 * 0.99)
    assert distribution.conditional(shown)[0, 600].tolist() == pytest.approx(one, rel=CLOSE)
    assert distribution.left_out(shown)[0, 600].tolist() == pytest.approx(one, rel=CLOSE)
    whole = np.where(shown == MASK, 0, shown)
    assert distribution.log_prob(whole)[0] == pytest.approx(
        300 * np.log2(0.0099) + np.log2(one[0]), rel=CLOSE
    )


def test_the_same_in_single_precision_on_torch():
    torch = pytest.importorskip("torch")
    from theory.distributions.parametric.forward_backward import others_posterior, posterior

    apart, start = torch.eye(2)[None], torch.tensor([0.25, 0.75])
    seen = torch.tensor([[[0.9, 0.001]] * 30 + [[0.001, 0.9]] * 30, [[1.0, 1.0]] * 60])
    for found in (posterior(start, apart, seen), others_posterior(start, apart, seen)):
        shares = found / found.sum(axis=-1, keepdims=True)
        assert shares.dtype == torch.float32
        assert shares[1].tolist() == [pytest.approx([0.25, 0.75], rel=1e-6)] * 60
    ends = posterior(start, apart, seen)[0]
    assert (ends / ends.sum(axis=-1, keepdims=True)).tolist() == [pytest.approx([0.25, 0.75], rel=1e-4)] * 60


HALVES = {
    "S": {"C R": 1},
    "C": {"C C": "1/2", "the": "1/2"},
    "R": {"R R": "1/2", "gnu": Fraction(1, 10**15), "yak": Fraction(1, 2) - Fraction(1, 10**15)},
}


def test_rare_words_do_not_hide_common_ones():
    # a span of 24 rare words is some 2^-1200 beside one of common words as long
    distribution = GrammarDistribution(n=48, rules=HALVES, words=())
    common, rare, usual = (distribution.tokens.index(w) for w in ("the", "gnu", "yak"))
    sentence = np.array([[common] * 24 + [rare] * 24, [common] * 24 + [usual] * 24])
    bits = distribution.log_prob(sentence)
    assert bits[0] - bits[1] == pytest.approx(24 * np.log2(1e-15 / (0.5 - 1e-15)), rel=CLOSE)
    assert distribution.contains(sentence).all()
    shown = sentence.copy()
    shown[:, 36] = MASK
    for row in (distribution.conditional(shown)[0], distribution.left_out(sentence)[0]):
        assert row[36, [common, rare, usual]].tolist() == pytest.approx([0, 2e-15, 1], rel=1e-9, abs=1e-20)


TINY = Fraction(1, 10**150)
AMBIGUOUS = {
    "S": {"S S": "1/7", "A B": "2/7", "a": Fraction(4, 7) - TINY, "c": TINY},
    "A": {"a": 1 - TINY, "b": TINY},
    "B": {"S A": "9/10", "b": Fraction(1, 10) - TINY, "c": TINY},
}


@pytest.mark.grid(2)
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5])
def test_grammars_with_words_of_any_rarity(n):
    # three rare words are below the least float, beside spans of usual ones
    distribution = GrammarDistribution(n=n, rules=AMBIGUOUS, words=())
    listed = {tuple(distribution.tokens.index(w) for w in y): p for y, p in distribution.pmf()}
    rows = list(product(range(len(distribution.tokens)), repeat=n))
    states = np.array([[MASK if i % 2 == j else v for i, v in enumerate(y)] for y in rows for j in (0, 1)])
    for shown, found, left in zip(
        states, distribution.conditional(states), distribution.left_out(states), strict=True
    ):
        for i, v in enumerate(shown.tolist()):
            rest = [w if k != i else MASK for k, w in enumerate(shown.tolist())]
            agree = [y for y in listed if all(w in (MASK, u) for w, u in zip(rest, y, strict=True))]
            parts = [
                sum((listed[y] for y in agree if y[i] == w), NONE) for w in range(len(distribution.tokens))
            ]
            if agree:
                assert close(left[i], parts, sum(parts))
            if (
                agree
                and v == MASK
                and any(all(w in (MASK, u) for w, u in zip(shown, y, strict=True)) for y in agree)
            ):
                assert close(found[i], parts, sum(parts))
    bits = distribution.log_prob(np.array(rows))
    for y, found in zip(rows, bits, strict=True):
        truth = listed.get(y)
        assert (found == -np.inf) if truth is None else abs(float(found) + float(minus_log2(truth))) < 1e-9
