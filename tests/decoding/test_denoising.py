"""Output distributions of samplers that remove noise, against the listing of every path."""

import tracemalloc
from fractions import Fraction
from itertools import product
from math import isclose

import numpy as np
import pytest

from synthetic import make_task
from tests.reference import noise as slow
from theory.decoding.decoder import decode
from theory.decoding.denoising import denoise, denoising_cost, equal_signals, reverse_step
from theory.distributions.noise import Noise, NoisyModel
from theory.distributions.pmf import JointPMF
from theory.limits import MEMORY_LIMIT, CostError, allowing
from theory.numbers.rationals import to_fraction
from theory.validation import InputError

PAIRS = JointPMF.from_mapping({"ab": "1/2", "ba": "1/3", "bb": "1/6"})
ORDERS = JointPMF.uniform(["abc", "acb", "bac", "bca", "cab", "cba"])
UNEVEN = (Fraction(0), Fraction(1, 5), Fraction(2, 3), Fraction(1))


def shares(symbols) -> dict:
    return dict.fromkeys(symbols, Fraction(1, len(symbols)))


def pmf_of(task: str, n: int) -> JointPMF:
    return make_task(task, n).contexts()[0].distribution.pmf()


@pytest.mark.grid(every=2)
@pytest.mark.parametrize(("a", "b"), [("0", "1/2"), ("1/3", "3/4"), ("4/5", "1")])
@pytest.mark.parametrize("pmf", [PAIRS, ORDERS], ids=["pairs", "orders"])
def test_the_leave_one_out_form_is_the_true_transition(pmf, a, b):
    before, after = Fraction(a), Fraction(b)
    model = NoisyModel(pmf)
    states = np.array(list(product(range(model.symbols), repeat=pmf.n)))[::2]
    found = reverse_step(model, states, before, after, "left_out")
    for state, rows in zip(states.tolist(), found, strict=True):
        noisy = tuple(model.tokens[v] for v in state)
        for i, row in enumerate(rows):
            truth = slow.true_transition(dict(pmf), shares(model.tokens), before, after, noisy, i)
            assert list(map(to_fraction, row)) == [truth.get(v, 0) for v in model.tokens]


@pytest.mark.parametrize("ask", ["posterior", "left_out"])
def test_the_transition_for_a_prediction_is_the_released_formula(ask):
    a, b = Fraction(1, 3), Fraction(3, 4)
    model, predicted = NoisyModel(ORDERS), getattr(slow, ask)
    states = np.array(list(product(range(3), repeat=3)))[::2]
    differ = 0
    for state, rows in zip(states.tolist(), reverse_step(model, states, a, b, ask), strict=True):
        noisy = tuple("abc"[v] for v in state)
        for i, row in enumerate(rows):
            found = predicted(dict(ORDERS), shares("abc"), a, noisy, i)
            released = slow.released_transition(found, "abc", a, b, noisy[i])
            assert list(map(to_fraction, row)) == [released[v] for v in "abc"]
            differ += released != slow.true_transition(dict(ORDERS), shares("abc"), a, b, noisy, i)
    # here the other tokens never settle whether y_i is x_i: plugged in, the posterior is wrong everywhere
    assert differ == (3 * len(states) if ask == "posterior" else 0)


@pytest.mark.parametrize("prediction", ["left_out", "posterior"])
@pytest.mark.parametrize("signals", [1, 2, UNEVEN], ids=["one", "two", "uneven"])
def test_outputs_are_those_of_all_paths(signals, prediction):
    grid = list(equal_signals(signals) if isinstance(signals, int) else signals)
    noise = shares("ab")
    predicted = getattr(slow, prediction)

    def transition(a, b, x, i):
        found = predicted(dict(PAIRS), noise, a, x, i)
        return slow.released_transition(found, "ab", a, b, x[i])

    truth = slow.output(transition, noise, 2, grid)
    found = denoise(PAIRS, signals, prediction=prediction)
    assert dict(found.distribution) == {y: truth[y] for y in PAIRS.outcomes}
    assert found.accuracy == sum(truth[y] for y in PAIRS.outcomes)
    assert denoise(PAIRS, signals, prediction=prediction, valid=[("a", "b")]).accuracy == truth["a", "b"]


def test_tokens_that_no_outcome_has_are_one_symbol():
    noise, grid = shares("abxyz"), [Fraction(0), Fraction(1, 2), Fraction(1)]

    def transition(a, b, x, i):
        return slow.true_transition(dict(PAIRS), noise, a, b, x, i)

    truth = slow.output(transition, noise, 2, grid)
    found = denoise(PAIRS, 2, noise=Noise.uniform(2, vocabulary=5))
    assert dict(found.distribution) == {y: truth[y] for y in PAIRS.outcomes}


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
@pytest.mark.parametrize(("task", "n"), [("shuffle", 3), ("replace_random", 3), ("city_names", 2)])
def test_masks_give_the_rule_ancestral(task, n, steps):
    pmf = pmf_of(task, n)
    masking = Noise.masking(len({token for alphabet in pmf.alphabets for token in alphabet}))
    expected = decode(pmf, f"ancestral:steps={steps},eps=0")
    for prediction in ("left_out", "posterior"):
        found = denoise(pmf, steps, noise=masking, prediction=prediction)
        assert dict(found.distribution) == dict(expected.distribution)
        assert (found.accuracy, found.kl) == (expected.accuracy, expected.kl)


@pytest.mark.grid(1)
@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_one_step_draws_from_the_marginals(task):
    pmf = pmf_of(task, 4)
    expected = decode(pmf, "topk:k=4")
    for vocabulary in (None, 32):
        tokens = len({token for alphabet in pmf.alphabets for token in alphabet})
        found = denoise(pmf, 1, noise=Noise.uniform(tokens, vocabulary))
        assert (found.accuracy, found.kl) == (expected.accuracy, expected.kl)


def test_the_leave_one_out_posterior_converges_and_the_plugged_in_one_does_not():
    orders = pmf_of("shuffle", 3)
    right = [float(denoise(orders, T, floats=True).accuracy) for T in (1, 4, 16, 64)]
    wrong = denoise(orders, 64, prediction="posterior", floats=True)
    assert right == sorted(right)
    assert right[-1] > 0.97
    assert float(wrong.accuracy) < 0.5
    assert float(wrong.kl) > 1
    # 16 steps: .892, .475, masked .924
    found = [
        denoise(orders, 16, floats=True, **more).accuracy
        for more in ({}, {"prediction": "posterior"}, {"noise": Noise.masking(3)})
    ]
    assert [round(float(q), 3) for q in found] == [0.892, 0.475, 0.924]


@pytest.mark.parametrize("noise", [Noise.uniform(3), Noise.uniform(3, 9), Noise.masking(3)])
@pytest.mark.parametrize("prediction", ["left_out", "posterior"])
def test_floats_are_within_their_errors(noise, prediction):
    exact = denoise(ORDERS, 3, noise=noise, prediction=prediction)
    floats = denoise(ORDERS, 3, noise=noise, prediction=prediction, floats=True)
    assert abs(Fraction(floats.accuracy) - exact.accuracy) <= Fraction(floats.errors["accuracy"]) < 1e-11
    assert isclose(floats.kl, float(exact.kl), abs_tol=floats.errors["kl"])
    for y, q in exact.distribution.items():
        assert abs(Fraction(floats.distribution[y]) - q) <= floats.distribution.error


@pytest.mark.parametrize("steps", [1, 3])
def test_the_error_of_floats_counts_their_roundings(steps):
    """Of a posterior, a transition and a product over positions, as the module states; each of 2^-53, at most twice."""
    n, outcomes, symbols = 3, 6, 3
    posterior = 4 * n + 2 * outcomes + symbols
    transition = 2 * posterior + 2 * symbols + 6 + symbols
    roundings = 2 * n + steps * (n * transition + n + symbols**n)
    found = denoise(ORDERS, steps, floats=True)
    bound = 2 * roundings * 2.0**-53 * max(found.distribution.values())
    assert bound <= found.distribution.error < 1.1 * bound


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="signals must increase from 0 to 1, got \\['0', '1/2'\\]"):
        denoise(PAIRS, ["0", "1/2"])
    with pytest.raises(InputError, match="unknown prediction 'x0'"):
        denoise(PAIRS, 2, prediction="x0")
    with pytest.raises(InputError, match="steps must be a whole number of at least 1, got 0"):
        denoise(PAIRS, 0)
    with pytest.raises(CostError, match="16777216 noisy sequences"):
        denoise(JointPMF.uniform([tuple((i + j) % 8 for i in range(8)) for j in range(8)]), 2)


MEASURED = {  # seconds of one core: floats, positions, tokens, outcomes, steps
    (True, 6, 4, 20, 2): 0.28,
    (True, 8, 3, 20, 2): 0.53,
    (True, 6, 4, 2000, 2): 8.5,
    (True, 8, 3, 6000, 1): 16.7,
    (False, 8, 2, 20, 2): 0.21,
    (False, 6, 3, 20, 2): 1.94,
    (False, 5, 4, 300, 1): 2.48,
}


def some(n: int, tokens: int, outcomes: int) -> JointPMF:
    rows = np.random.default_rng(0).permutation(tokens**n)[:outcomes]
    return JointPMF.uniform(np.stack(np.unravel_index(rows, (tokens,) * n), axis=1).tolist())


@pytest.mark.parametrize("case", MEASURED)
def test_the_price_is_within_a_factor_of_three_of_what_was_measured(case):
    floats, n, tokens, outcomes, steps = case
    seconds, _ = denoising_cost(NoisyModel(some(n, tokens, outcomes), floats=floats), steps)
    assert 1 / 3 < seconds / MEASURED[case] < 3


@pytest.mark.parametrize(
    ("floats", "n", "tokens", "outcomes"),
    [
        (True, 4, 4, 20),
        (True, 7, 3, 20),
        (True, 8, 2, 100),
        (True, 3, 8, 200),
        (False, 4, 3, 20),
        (False, 6, 2, 20),
    ],
)
def test_the_memory_is_at_most_what_is_required(floats, n, tokens, outcomes):
    pmf = some(n, tokens, outcomes)
    _, needed = denoising_cost(NoisyModel(pmf, floats=floats), 2)
    denoise(pmf, 1, floats=floats)  # what is imported on the way
    tracemalloc.start()
    try:
        denoise(pmf, 2, floats=floats)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < needed < 12 * peak


@pytest.mark.parametrize(("n", "tokens"), [(2, 20), (3, 6), (4, 4)])
def test_the_memory_is_that_of_all_sequences_at_once(n, tokens):
    outcomes, size = 2 * tokens, tokens**n
    halves = tokens ** (n // 2) + tokens ** (n - n // 2)
    floats = 3 * size * halves  # the words over each half, three at a time
    floats += 6 * size * n * tokens  # the shares of each symbol: answers, weights, products and their parts
    floats += size * outcomes + 4 * size  # how likely each outcome is, and the distributions before and after
    ids = 3 * size * outcomes * n + 4 * size * n
    model = NoisyModel(some(n, tokens, outcomes), floats=True)
    assert denoising_cost(model, 1)[1] == denoising_cost(model, 9)[1] == 8 * (floats + ids)


def test_time_is_refused_with_all_its_steps():
    pmf = some(3, 3, 6)
    for steps in (1, 50):
        seconds = denoising_cost(NoisyModel(pmf), steps)[0]
        assert seconds == steps * denoising_cost(NoisyModel(pmf), 1)[0]
        with allowing(seconds / 200 * Fraction(9, 10)), pytest.raises(CostError) as refused:  # 200 seconds
            denoise(pmf, steps)
        assert "noisy sequences would take about" in str(refused.value)


def test_memory_is_refused_before_it_is_taken():
    pmf = some(6, 4, 20)
    needed = denoising_cost(NoisyModel(pmf, floats=True), 1)[1]
    small = Fraction(needed - 1, MEMORY_LIMIT)
    with pytest.raises(CostError, match="4096 noisy sequences would need about") as refused, allowing(small):
        denoise(pmf, 1, floats=True)
    assert refused.value.factor is not None
    with allowing(refused.value.factor):
        assert denoise(pmf, 1, floats=True).steps == 1
