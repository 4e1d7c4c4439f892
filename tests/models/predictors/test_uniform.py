"""Models without a mask: the ideal one by two routes, the transformer, its training data and its weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from models.__main__ import main
from models.predictors.checkpoint import (
    SHIPPED,
    SHIPPED_UNIFORM,
    load_model,
    load_uniform_model,
    read_card,
    save_model,
)
from models.predictors.recipes import Recipe, recipe
from models.predictors.uniform import IdealUniformPredictor, add_noise, ideal_posteriors, posterior_tv
from models.predictors.uniform_transformer import UniformTransformer
from models.training.from_scratch import build_model, sample, train
from synthetic import make_task
from synthetic.encoding import Encoding
from synthetic.task import list_task
from tests.helpers.intervals import assert_frequencies
from theory.distributions.noise import Noise, NoisyModel
from theory.validation import InputError

TINY = replace(recipe("uniform"), steps=6, batch=8, shortest=3, longest=4, items=6)
ROUNDING = 1e-12  # probabilities: a softmax of few float64 terms


@pytest.mark.parametrize("vocabulary", [4, 7])
@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_the_ideal_predictor_is_the_ideal_model(task, vocabulary):
    distribution = make_task(task, 3).contexts()[0].distribution
    m = len(distribution.tokens)
    truth = NoisyModel(distribution, Noise.uniform(m, vocabulary))
    states = np.array(list(product(range(vocabulary), repeat=3)))
    symbols = np.minimum(states, truth.symbols - 1)
    for signal in (0.0, 0.25, 0.96875):
        levels = torch.full((len(states),), signal)
        ours = IdealUniformPredictor(distribution, vocabulary)(torch.from_numpy(states), levels).exp().numpy()
        assert np.abs(ours[:, :, :m] - truth.posterior(symbols, signal).astype(float)).max() < ROUNDING
        assert not ours[:, :, m:].any()


def test_instances_have_the_posteriors_of_their_roles():
    rng, encoding = np.random.default_rng(0), Encoding(items=8, longest=4)
    batch = encoding.sample_batch(list_task("replace_random", 3), 5, rng)
    tokens, signal = batch.tokens.copy(), np.array([0.1, 0.3, 0.5, 0.7, 0.9])
    tokens[:, batch.answer] = add_noise(tokens[:, batch.answer], signal, 8, rng)
    found = ideal_posteriors(batch, tokens, torch.from_numpy(signal), 8).numpy()
    model = NoisyModel(batch.task.distribution(), Noise.uniform(4, 8), floats=True)
    for row, answer in enumerate(tokens[:, batch.answer]):
        roles = batch.roles[row].tolist()
        noisy = np.array([[roles.index(v) if v in roles else 4 for v in answer.tolist()]])
        expected = model.posterior(noisy, signal[row])[0]
        assert np.abs(found[row][:, roles] - expected).max() < ROUNDING
        assert np.abs(found[row].sum(axis=1) - 1).max() < ROUNDING


def test_noise_keeps_a_token_with_the_probability_of_the_signal():
    clean = np.zeros((40_000, 1), dtype=np.int64)
    noisy = add_noise(clean, np.full(len(clean), 0.25), 4, np.random.default_rng(0))
    assert_frequencies(np.bincount(noisy[:, 0]), [0.4375, 0.1875, 0.1875, 0.1875], len(clean))


def test_the_transformer_adds_the_known_factor_of_the_noisy_token():
    model, data = build_model(TINY), sample(TINY, 0)
    assert isinstance(model, UniformTransformer)
    zero = torch.zeros(len(data.tokens))
    assert torch.equal(
        model(data.tokens, zero), model.body(data.tokens, added=model.level(torch.zeros(8, 2)))[..., :6]
    )
    with torch.no_grad():
        for parameter in model.body.parameters():
            parameter.zero_()  # the network says nothing
    posterior = model(data.tokens, zero + 0.5, data.first).softmax(dim=2)
    shown = posterior.gather(2, data.tokens[:, data.first :, None])
    torch.testing.assert_close(shown, torch.full_like(shown, 7 / 12))  # 1 + 6 against five others


def test_data_of_a_step_are_noisy_answers_with_the_entropy_of_the_ideal_model():
    data, again = sample(TINY, 3), sample(TINY, 3)
    assert data.signal is not None
    assert all(torch.equal(a, b) for a, b in zip(data.inputs(), again.inputs(), strict=True))
    assert float(data.weights.sum()) == pytest.approx(1)
    assert bool((data.tokens[:, data.first :] < TINY.items).all())
    kept = data.tokens[:, data.first :] == data.targets
    assert bool(kept.any())
    assert not bool(kept.all())
    losses = [sample(replace(TINY, batch=1024), step).floor for step in range(2)]
    # at signal 0 the entropy is log n, or a little less; with the signal it falls to 0
    assert 0.1 < min(losses) < max(losses) < 1.2


def test_training_runs_and_weights_come_back(tmp_path):
    losses: list[float] = []
    model = train(TINY, tmp_path, report=lambda _, loss, floor: losses.append(loss - floor))
    assert len(losses) == TINY.steps
    path = tmp_path / "tiny.safetensors"
    save_model(model, path, TINY, {})
    loaded = load_uniform_model(path)
    data = sample(TINY, 0)
    assert torch.equal(loaded(*data.inputs()), model(*data.inputs()))


def test_masked_and_uniform_weights_are_told_apart(capsys):
    with pytest.raises(InputError, match=r"uniform\.safetensors are of a model without a mask"):
        load_model(SHIPPED_UNIFORM)
    with pytest.raises(InputError, match=r"small\.safetensors are of a masked model"):
        load_uniform_model(SHIPPED)
    assert main(["verify", "--weights", str(SHIPPED_UNIFORM), "-n", "4"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_shipped_weights_are_those_of_the_preset_and_near_the_ideal_model():
    card, model = read_card(SHIPPED_UNIFORM), load_uniform_model()
    assert Recipe.from_json(card["recipe"]) == recipe("uniform")
    assert card["parameters"] == model.parameter_count == 30734
    assert card["measured"]["worst_tv"] < 0.02
    found = posterior_tv(model, model.encoding, list_task("shuffle", 4), states=500, seed=1)
    assert found < 0.02
    untrained = build_model(recipe("uniform"))
    assert posterior_tv(untrained, model.encoding, list_task("shuffle", 4), states=100) > 10 * found


def test_wrong_arguments_are_refused():
    distribution = make_task("shuffle", 3).contexts()[0].distribution
    with pytest.raises(InputError, match="vocabulary must have at least the 3 tokens that occur, got 2"):
        IdealUniformPredictor(distribution, 2)
    with pytest.raises(InputError, match="unknown noise 'gaussian'"):
        replace(recipe("uniform").model, noise="gaussian")
