"""How many samples of a model without a mask are valid."""

from __future__ import annotations

import numpy as np
import torch

from models.evaluation.trials import Trials
from models.predictors.uniform import IdealUniformPredictor
from models.predictors.uniform_transformer import UniformTransformer
from models.sampling.denoise import denoise_rows
from synthetic.grading import grade
from synthetic.task import list_task, make_task
from theory.validation import InputError

__all__ = ["ideal_uniform_trials", "uniform_model_trials"]


def ideal_uniform_trials(
    task: str,
    n: int | None,
    steps: int,
    *,
    vocabulary: int,
    samples: int,
    seed: int,
    prediction: str = "left_out",
    device: str = "cpu",
) -> Trials:
    """Sample a task from its ideal model under uniform noise and count the valid outcomes.

    Args:
        task: A registered task with one context.
        n: Its size.
        steps: T, at equally spaced signals.
        vocabulary: The number of tokens that the noise is uniform over.
        samples: Number of sequences.
        seed: Seed of all randomness.
        prediction: As in :func:`models.sampling.denoise.denoise_rows`.
        device: cpu, cuda or mps.

    Example:
        >>> ideal_uniform_trials("copy", 3, 1, vocabulary=8, samples=10, seed=0)
        Trials(successes=10, samples=10, steps=1.0)
    """
    contexts = make_task(task, n).contexts()
    if len(contexts) != 1:
        raise InputError(f"task {task!r} has {len(contexts)} contexts; take one with a single context.")
    distribution = contexts[0].distribution
    ideal = IdealUniformPredictor(distribution, vocabulary, device)
    start = torch.zeros(samples, distribution.n, dtype=torch.int64)
    generator = torch.Generator(device).manual_seed(seed)
    done = denoise_rows(ideal, start, steps, generator=generator, prediction=prediction)
    valid = distribution.contains(done.cpu().numpy())
    return Trials(successes=int(valid.sum()), samples=samples, steps=float(steps))


def uniform_model_trials(
    model: UniformTransformer,
    task: str,
    n: int,
    steps: int,
    *,
    samples: int,
    seed: int,
    prediction: str = "left_out",
) -> Trials:
    """Sample fresh instances of a list task from a trained model and grade them.

    Args:
        model: The model.
        task: A list task that it knows.
        n: Its size.
        steps: T, at equally spaced signals.
        samples: Number of instances.
        seed: Seed of all randomness.
        prediction: As in :func:`models.sampling.denoise.denoise_rows`.
    """
    batch = model.encoding.sample_batch(list_task(task, n), samples, np.random.default_rng(seed))
    done = denoise_rows(
        model,
        torch.from_numpy(batch.tokens),
        steps,
        generator=torch.Generator(model.device).manual_seed(seed),
        answer=batch.answer,
        prediction=prediction,
    )
    answers = done.cpu().numpy()[:, batch.answer]
    return Trials(successes=int(grade(batch, answers).sum()), samples=samples, steps=float(steps))
