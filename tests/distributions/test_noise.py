"""Posteriors of clean tokens given noisy sequences, against the joint distribution of both."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from tests.reference import noise as slow
from theory.distributions.noise import Noise, NoisyModel, left_out_from_posterior
from theory.distributions.pmf import JointPMF
from theory.numbers.rationals import to_fraction
from theory.validation import InputError

PAIRS = JointPMF.from_mapping({"ab": "1/2", "ba": "1/3", "bb": "1/6"})
ORDERS = JointPMF.uniform(["abc", "acb", "bac", "bca", "cab", "cba"])
TARGETS = {"pairs": PAIRS, "orders": ORDERS, "one": JointPMF.from_mapping({"a": "1/4", "b": "3/4"})}
SIGNALS = (Fraction(0), Fraction(1, 3), Fraction(9, 10))


def shares(tokens, further=()) -> dict:
    symbols = [*tokens, *further]
    return dict.fromkeys(symbols, Fraction(1, len(symbols)))


def dense(found: dict, tokens) -> list[Fraction]:
    return [found.get(token, Fraction(0)) for token in tokens]


@pytest.mark.parametrize("signal", SIGNALS)
@pytest.mark.parametrize("name", TARGETS)
def test_posteriors_are_those_of_the_joint_distribution(name, signal):
    pmf = TARGETS[name]
    model, truth = NoisyModel(pmf), dict(pmf)
    states = list(product(range(len(model.tokens)), repeat=pmf.n))
    for answers, reference in ((model.posterior, slow.posterior), (model.left_out, slow.left_out)):
        for state, rows in zip(states, answers(np.array(states), signal), strict=True):
            noisy = tuple(model.tokens[v] for v in state)
            for i, row in enumerate(rows):
                expected = dense(reference(truth, shares(model.tokens), signal, noisy, i), model.tokens)
                assert list(map(to_fraction, row)) == expected


def test_one_symbol_stands_for_all_tokens_that_no_outcome_has():
    model = NoisyModel(PAIRS, Noise.uniform(2, vocabulary=5))
    signal, further = Fraction(2, 5), "xyz"
    full = shares("ab", further)
    for state in product(range(3), repeat=2):
        found = model.left_out(np.array([state]), signal)[0]
        for others in product(further, repeat=2):  # whichever they are
            noisy = tuple("ab"[v] if v < 2 else other for v, other in zip(state, others, strict=True))
            for i in range(2):
                assert list(map(to_fraction, found[i])) == dense(
                    slow.left_out(dict(PAIRS), full, signal, noisy, i), "ab"
                )


def test_masks_give_the_ideal_model_of_masked_diffusion():
    model = NoisyModel(ORDERS, Noise.masking(3))
    states = np.array([[3, 3, 3], [0, 3, 3], [0, 1, 3], [0, 0, 3]])
    found = model.posterior(states, "1/2")
    assert list(map(to_fraction, found[1, 1])) == [0, Fraction(1, 2), Fraction(1, 2)]
    assert list(map(to_fraction, found[2, 2])) == [0, 0, 1]
    assert (
        list(map(to_fraction, found[3, 2])) == [Fraction(1, 3)] * 3
    )  # impossible tokens: the marginals of P
    at_masks = states == 3
    assert np.array_equal(found[at_masks], model.left_out(states, "1/2")[at_masks])


def test_floats_are_the_rounded_posteriors():
    states = np.array(list(product(range(3), repeat=3)))
    exact, floats = NoisyModel(ORDERS), NoisyModel(ORDERS, floats=True)
    for ask in ("posterior", "left_out"):
        ours = getattr(floats, ask)(states, "1/3")
        truth = getattr(exact, ask)(states, "1/3").astype(float)
        assert np.allclose(ours, truth, rtol=1e-13, atol=0)  # 6 outcomes, 3 positions: 24 roundings of 2^-53


@pytest.mark.parametrize("signal", [0.0, 0.5, 0.96])
def test_one_factor_leads_from_the_posterior_to_the_leave_one_out_posterior(signal):
    states = np.array(list(product(range(3), repeat=3)))
    model = NoisyModel(ORDERS, floats=True)
    found = left_out_from_posterior(model.posterior(states, signal), states, signal, 3)
    assert np.allclose(found, model.left_out(states, signal), rtol=1e-12, atol=1e-14)


def test_wrong_noise_is_refused():
    model = NoisyModel(PAIRS)
    with pytest.raises(InputError, match="sum to 1, got \\['1/2', '1/3'\\]"):
        Noise((Fraction(1, 2), Fraction(1, 3)))
    with pytest.raises(InputError, match="at least the 4 tokens that occur, got 3"):
        Noise.uniform(4, vocabulary=3)
    with pytest.raises(InputError, match="a share for each of the 2 tokens, and at most one more, got 4"):
        NoisyModel(PAIRS, Noise.uniform(4))
    with pytest.raises(InputError, match="a signal must be at least 0 and below 1, got 1"):
        model.posterior(np.array([[0, 0]]), 1)
    with pytest.raises(InputError, match=r"must lie in 0\.\.1, got 0\.\.2"):
        model.posterior(np.array([[0, 2]]), 0)
    with pytest.raises(InputError, match=r"integers of shape \(B, 2\), got \(1, 3\)"):
        model.posterior(np.array([[0, 1, 0]]), 0)
