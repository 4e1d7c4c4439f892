"""Samples of models without a mask against the exact distribution of the sampler."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from models.evaluation.uniform_trials import ideal_uniform_trials, uniform_model_trials
from models.predictors.checkpoint import load_uniform_model
from models.predictors.uniform import IdealUniformPredictor
from models.sampling.denoise import denoise_rows
from synthetic import make_task
from tests.helpers.intervals import assert_frequencies
from theory.decoding.denoising import PREDICTIONS, denoise
from theory.distributions.distribution import ListedDistribution
from theory.distributions.noise import Noise
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

PAIRS = JointPMF.from_mapping({"ab": "1/2", "ba": "1/3", "bb": "1/6"})
SAMPLES = 20_000


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("signals", [1, 3, ("0", "1/5", "1")], ids=["one", "three", "uneven"])
def test_samples_follow_the_exact_distribution(signals, prediction):
    ideal = IdealUniformPredictor(ListedDistribution(PAIRS), vocabulary=4)
    start = torch.zeros(SAMPLES, 2, dtype=torch.int64)
    done = denoise_rows(
        ideal, start, signals, generator=torch.Generator().manual_seed(0), prediction=prediction
    )
    counts = Counter("".join("ab"[v] for v in row) for row in done.tolist())
    exact = denoise(PAIRS, signals, noise=Noise.uniform(2, 4), prediction=prediction)
    listed = list(PAIRS.outcomes)
    assert_frequencies(
        [counts["".join(y)] for y in listed], [float(exact.distribution[y]) for y in listed], SAMPLES
    )


@pytest.mark.grid(1)
@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_valid_samples_are_as_frequent_as_the_exact_accuracy(task, prediction):
    distribution = make_task(task, 4).contexts()[0].distribution
    noise = Noise.uniform(len(distribution.tokens), 32)
    found = ideal_uniform_trials(task, 4, 4, vocabulary=32, samples=5000, seed=0, prediction=prediction)
    exact = denoise(distribution, 4, noise=noise, prediction=prediction, floats=True)
    assert_frequencies([found.successes], [float(exact.accuracy)], 5000)


@pytest.mark.deep
@pytest.mark.parametrize("steps", [1, 4, 16])
@pytest.mark.parametrize("task", ["shuffle", "replace_random"])
def test_the_trained_model_is_near_the_exact_accuracy(task, steps):
    from figures.engine.check import model_check

    model = load_uniform_model()
    distribution = make_task(task, 4).contexts()[0].distribution
    exact = denoise(distribution, steps, noise=Noise.uniform(len(distribution.tokens), 32), floats=True)
    found = uniform_model_trials(model, task, 4, steps, samples=1000, seed=5)
    assert model_check(task, found.successes, found.samples, float(exact.accuracy)).passed


def test_the_prompt_is_kept_and_the_answer_is_made_of_items():
    model = load_uniform_model()
    batch = model.encoding.sample_batch(make_task("shuffle", 4), 6, np.random.default_rng(0))
    given = torch.from_numpy(batch.tokens)
    runs = [
        denoise_rows(
            model, given, 3, generator=torch.Generator().manual_seed(1), answer=batch.answer, batch_size=size
        )
        for size in (6, 6, 4)
    ]
    assert torch.equal(runs[0], runs[1])
    for done in runs:
        assert torch.equal(done[:, :8], given[:, :8])
        assert bool((done[:, 8:] < 32).all())
    assert torch.equal(given, torch.from_numpy(batch.tokens))


class Broken:
    """A model that returns NaN."""

    vocabulary, device = 3, torch.device("cpu")

    def __call__(self, tokens, signal):  # noqa: ARG002
        return torch.full((*tokens.shape, 3), torch.nan)


def test_wrong_arguments_are_refused():
    generator, start = torch.Generator(), torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(InputError, match="numbers that are not finite at signal 0"):
        denoise_rows(Broken(), start, 2, generator=generator)
    with pytest.raises(InputError, match="unknown prediction 'x0'"):
        denoise_rows(Broken(), start, 2, generator=generator, prediction="x0")
    with pytest.raises(InputError, match="signals must increase from 0 to 1"):
        denoise_rows(Broken(), start, ["0", "1/2"], generator=generator)
    with pytest.raises(InputError, match="task 'replace_index' has 3 contexts"):
        ideal_uniform_trials("replace_index", 3, 1, vocabulary=8, samples=1, seed=0)
