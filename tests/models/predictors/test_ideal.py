"""The ideal model as a predictor, the floor of the loss, and the distance of a model from it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import log

import numpy as np
import pytest
import torch

import models
from models.predictors.distance_to_ideal import ideal_marginals, loss_floor, marginal_tv, random_masks
from models.predictors.ideal import IdealPredictor, float_dtype
from models.predictors.predictor import MarginalPredictor
from models.predictors.recipes import recipe
from models.training.from_scratch import sample
from synthetic import Arrangements, make_task
from synthetic.encoding import Encoding
from synthetic.task import list_task
from tests.helpers.intervals import assert_frequencies
from tests.helpers.small_tasks import NAMES, small_contexts
from theory.distributions.distribution import Context, Distribution, context_pmfs
from theory.distributions.outcomes import MASK
from theory.information.subsets.builder import subset_entropies

ROUNDING = 1e-12  # probabilities: sums of a few float64 products


# --- the ideal model -----------------------------------------------------------------------------------------


def exact_marginals(distribution: Distribution, revealed: list[int]) -> list[list[Fraction]]:
    """P(y_i = v | revealed) by conditioning the list of outcomes; given nothing where the condition is impossible."""
    pmf = distribution.pmf()
    given = {i: v for i, v in enumerate(revealed) if v != MASK}
    ids = {token: j for j, token in enumerate(distribution.tokens)}
    pairs = [([ids[token] for token in y], Fraction(p)) for y, p in pmf]
    agreeing = [(y, p) for y, p in pairs if all(y[i] == v for i, v in given.items())] or pairs
    table = [[Fraction(0)] * len(ids) for _ in range(pmf.n)]
    for y, p in agreeing:
        for i, v in enumerate(y):
            table[i][v] += p / sum(q for _, q in agreeing)
    return table


def random_states(context: Context, size: int) -> np.ndarray:
    """Partly revealed true answers, and as many of random tokens, most of them impossible."""
    rng, distribution = np.random.default_rng(0), context.distribution
    true = distribution.sample(rng, size)
    states = np.concatenate([true, rng.integers(0, len(distribution.tokens), size=true.shape)])
    states[rng.random(states.shape) < 0.5] = MASK
    states[0], states[1] = MASK, true[1]
    return states


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("name", NAMES)
def test_conditionals_on_numpy_and_torch_are_the_exact_ones(name):
    for context in small_contexts(name):
        states = random_states(context, 15)
        expected = np.array([exact_marginals(context.distribution, s) for s in states.tolist()], dtype=float)
        by_numpy = context.distribution.conditional(states)
        ideal = IdealPredictor(context.distribution)
        tokens = torch.from_numpy(np.where(states == MASK, ideal.mask_id, states))
        by_torch = ideal.marginals(tokens)
        assert by_torch.dtype == torch.float64
        assert by_numpy == pytest.approx(expected, abs=ROUNDING)
        assert by_torch.numpy() == pytest.approx(expected, abs=ROUNDING)
        assert ideal(tokens).exp().numpy() == pytest.approx(expected, abs=ROUNDING)


@pytest.mark.parametrize("identity", [True, False])
def test_arrangements_agree_with_their_list_in_every_state(identity):
    distribution = Arrangements(3, identity)
    for row in np.ndindex(4, 4, 4):
        state = [v - 1 for v in row]
        expected = np.array(exact_marginals(distribution, state), dtype=float)
        assert distribution.conditional(np.array([state]))[0] == pytest.approx(expected, abs=ROUNDING), state


def test_arrangements_take_hundreds_of_items():
    probs = Arrangements(300, identity=False).conditional(np.full((1, 300), MASK))
    assert probs == pytest.approx(1 / 300, abs=ROUNDING)


def test_the_ideal_predictor_is_a_predictor():
    ideal = IdealPredictor(Arrangements(4))
    assert isinstance(ideal, MarginalPredictor)
    assert not isinstance(models.load(), MarginalPredictor)
    assert (ideal.mask_id, ideal.vocab_size, ideal.device) == (4, 4, torch.device("cpu"))


def test_single_precision_only_where_there_is_no_other():
    assert float_dtype(torch.device("mps")) == torch.float32
    assert float_dtype(torch.device("cuda")) == float_dtype(torch.device("cpu")) == torch.float64


# --- the floor of the loss -----------------------------------------------------------------------------------


def mean_conditional_entropy(name: str, n: int) -> float:
    """The floor from its definition: masked sets of every size, each token given the revealed ones; bits."""
    table = subset_entropies(context_pmfs(list_task(name, n).contexts()))
    gains, length = table.gains(), table.n
    by_size: dict[int, list[float]] = {}
    for revealed in range((1 << length) - 1):
        masked = [i for i in range(length) if not revealed >> i & 1]
        by_size.setdefault(len(masked), []).append(float(np.mean(gains[revealed, masked])))
    return float(np.mean([np.mean(values) for values in by_size.values()]))


@pytest.mark.parametrize("name", Encoding().names)
def test_the_floor_is_the_mean_entropy_of_a_masked_token(name):
    for n in (2, 3, 5):
        assert loss_floor(name, n) == pytest.approx(mean_conditional_entropy(name, n) * log(2), abs=ROUNDING)


@pytest.mark.parametrize("n", [4, 16])
def test_a_masked_token_of_shuffle_costs_the_log_of_the_number_of_masks(n):
    assert loss_floor("shuffle", n) == pytest.approx(np.mean(np.log(np.arange(1, n + 1))), abs=ROUNDING)


@pytest.mark.deep
def test_the_ideal_model_reaches_the_floor_in_training_data():
    excess = []
    for step in range(300):
        data = sample(replace(recipe("small"), batch=16), step)
        assert float(data.weights.sum()) == pytest.approx(1, abs=1e-5)
        excess.append(loss_of_ideal(data) - data.floor)
    # the mean of 300 independent differences with expectation zero: five standard errors
    assert abs(np.mean(excess)) < 5 * np.std(excess) / np.sqrt(len(excess))


def loss_of_ideal(data) -> float:
    """Cross-entropy of the ideal model on a training batch, from first principles: count what is left to place."""
    encoding, total = recipe("small").encoding, 0.0
    for tokens, targets, weights in zip(data.tokens, data.targets, data.weights, strict=True):
        name = encoding.names[int(tokens[0]) - encoding.none - 1]
        masked = (tokens[data.first :] == encoding.mask).nonzero()[:, 0].tolist()
        for i in masked:
            m, placed = len(masked), int(tokens[2]) in tokens[data.first :]
            p = 1.0
            if name == "shuffle":
                p = 1 / m
            elif name == "replace_random" and not placed:
                # the new item is at one of the m masked places
                p = 1 / m if targets[i] == tokens[2] else (m - 1) / m
            total -= float(weights[i]) * log(p)
    return total


# --- distance to the ideal model -----------------------------------------------------------------------------


class IdealOfTask:
    """The ideal model of a list task as a predictor of whole sequences, mixed with uniform noise."""

    def __init__(self, encoding: Encoding, noise: float = 0.0):
        self.encoding, self.noise = encoding, noise
        self.mask_id, self.vocab_size, self.device = encoding.mask, encoding.vocab_size, torch.device("cpu")
        self.batch = None

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        probs = torch.zeros(*tokens.shape, self.vocab_size, dtype=torch.float64)
        ideal = ideal_marginals(self.batch, tokens.numpy())
        probs[:, self.batch.answer] = torch.from_numpy(
            (1 - self.noise) * ideal + self.noise / self.vocab_size
        )
        return probs.log()


class Noting(Encoding):
    """An encoding that passes its instances on to the predictor."""

    def sample_batch(self, task, size, rng):
        self.predictor.batch = super().sample_batch(task, size, rng)
        return self.predictor.batch


@pytest.mark.parametrize("name", Encoding().names)
def test_the_distance_is_zero_for_the_ideal_model_and_known_for_a_spoiled_one(name):
    encoding = Noting()
    for noise in (0.0, 0.25):
        predictor = IdealOfTask(encoding, noise)
        object.__setattr__(encoding, "predictor", predictor)
        found = marginal_tv(predictor, encoding, list_task(name, 3), states=300)
        if noise == 0:
            assert found == pytest.approx(0, abs=ROUNDING)
        else:
            # a token of probability p > 1/V loses (p - 1/V) noise: less than noise in all, and not much less
            assert 0.2 < found < 0.25


def test_the_number_of_masks_is_uniform():
    masked = random_masks(np.random.default_rng(0), 6000, 4)
    assert_frequencies(np.bincount(masked.sum(axis=1), minlength=5), [0, *[1 / 4] * 4], 6000)
    assert_frequencies(masked.sum(axis=0), [5 / 8] * 4, 6000)


# --- the command ---------------------------------------------------------------------------------------------


def test_no_context_of_the_list_tasks_is_missing():
    assert len(make_task("replace_index", 5).contexts()) == 5
