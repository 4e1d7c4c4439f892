"""The cells of work behind the figure of uniform diffusion."""

from __future__ import annotations

from typing import Any

__all__ = ["ideal_samples", "masked_decode", "model_samples", "uniform_output"]


def masked_decode(*, task: str, n: int, steps: int, fixed: bool) -> dict[str, Any]:
    """Return exact accuracy (a ratio) and divergence of masked diffusion in T steps, of fixed sizes or random times."""
    from synthetic import make_task
    from theory.decoding.decoder import decode

    policy = f"topk:k={n // steps},by=random" if fixed else f"ancestral:steps={steps},eps=0"
    found = decode(make_task(task, n).contexts()[0].distribution.pmf(), policy)
    return {"accuracy": str(found.accuracy), "kl": float(found.kl)}


def uniform_output(*, task: str, n: int, steps: int, vocabulary: int, prediction: str) -> dict[str, float]:
    """Return accuracy and divergence of uniform diffusion in T steps, with bounds on their errors."""
    from synthetic import make_task
    from theory.decoding.denoising import denoise
    from theory.distributions.noise import Noise

    distribution = make_task(task, n).contexts()[0].distribution
    noise = Noise.uniform(len(distribution.tokens), vocabulary)
    found = denoise(distribution.pmf(), steps, noise=noise, prediction=prediction, floats=True)
    errors = {f"{key}_error": error for key, error in found.errors.items()}
    return {"accuracy": float(found.accuracy), "kl": float(found.kl), **errors}


def ideal_samples(
    *, task: str, n: int, steps: int, prediction: str, vocabulary: int, samples: int, seed: int, device: str
) -> dict[str, Any]:
    """Return how many samples of the ideal model of uniform noise are valid."""
    from models.evaluation.uniform_trials import ideal_uniform_trials

    given: dict[str, Any] = {"samples": samples, "seed": seed, "device": device}
    trials = ideal_uniform_trials(task, n, steps, vocabulary=vocabulary, prediction=prediction, **given)
    return {"successes": trials.successes, "trials": trials.samples}


def model_samples(
    *, task: str, n: int, steps: int, prediction: str, samples: int, seed: int, device: str
) -> dict[str, Any]:
    """Return how many samples of the trained model of uniform noise are valid."""
    from models.evaluation.uniform_trials import uniform_model_trials
    from models.predictors.checkpoint import load_uniform_model

    model = load_uniform_model(device=device)
    trials = uniform_model_trials(model, task, n, steps, samples=samples, seed=seed, prediction=prediction)
    return {"successes": trials.successes, "trials": trials.samples}
