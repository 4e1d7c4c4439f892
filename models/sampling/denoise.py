"""Sampling with a model without a mask, from pure noise to clean tokens."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch

from models.predictors.ideal import float_dtype
from models.predictors.uniform import UniformPredictor
from theory.decoding.denoising import PREDICTIONS, checked_signals
from theory.distributions.noise import left_out_from_posterior
from theory.validation import InputError, choice, positive_int

__all__ = ["denoise_rows"]

BATCH = 1024  # rows by default


@torch.no_grad()
def denoise_rows(
    predictor: UniformPredictor,
    tokens: torch.Tensor,
    signals: Sequence[Any] | int,
    *,
    generator: torch.Generator,
    answer: slice = slice(None),
    prediction: str = "left_out",
    batch_size: int = BATCH,
) -> torch.Tensor:
    """Replace the answers of a batch by samples.

    The answers start as uniform noise. Each step asks the model once and draws every position of the next, less noisy
    answer independently, from the transition of :mod:`theory.distributions.noise`.

    Args:
        predictor: The model.
        tokens: Token ids, int64, shape (B, L); those of the answers are not read.
        signals: The signals from 0 to 1, increasing; or the number T of steps, for equally spaced ones.
        generator: Source of all randomness, on the predictor's device.
        answer: The columns of the answers; all by default.
        prediction: ``left_out``: with the leave-one-out posterior that follows from the model's posterior.
            ``posterior``: with the model's posterior in its place.
        batch_size: Rows sampled together.

    Returns:
        Token ids, shape (B, L).

    Raises:
        InputError: For arguments out of range, or a model that returns NaN.

    Example:
        >>> from models.predictors.uniform import IdealUniformPredictor
        >>> from synthetic import make_task
        >>> ideal = IdealUniformPredictor(make_task("reverse", 3).contexts()[0].distribution, vocabulary=8)
        >>> start = torch.zeros(2, 3, dtype=torch.int64)
        >>> denoise_rows(ideal, start, 4, generator=torch.Generator().manual_seed(0)).tolist()
        [[2, 1, 0], [2, 1, 0]]
    """
    choice(prediction, "prediction", PREDICTIONS)
    grid = [float(signal) for signal in checked_signals(signals)]
    out, size = tokens.to(predictor.device, copy=True), positive_int(batch_size, "batch_size")
    for start in range(0, len(out), size):
        part = out[start : start + size]
        noisy = part[:, answer]
        noisy[:] = torch.randint(predictor.vocabulary, noisy.shape, generator=generator, device=part.device)
        for a, b in pairwise(grid):
            noisy[:] = _drawn(_transition(predictor, part, answer, a, b, prediction), generator)
    return out


def _transition(
    predictor: UniformPredictor, rows: torch.Tensor, answer: slice, a: float, b: float, prediction: str
) -> torch.Tensor:
    """Return weights of the next tokens, shape (B, m, S)."""
    dtype, size, noisy = float_dtype(rows.device), predictor.vocabulary, rows[:, answer]
    signal = torch.full((len(rows),), a, device=rows.device)
    clean = torch.softmax(predictor(rows, signal)[:, answer].to(dtype), dim=2)
    if bool(clean.isnan().any()):
        raise InputError(f"the model returns numbers that are not finite at signal {a:g}.")
    if prediction == "left_out":
        clean = left_out_from_posterior(clean, noisy, a, size)
    stays = torch.nn.functional.one_hot(noisy, size).to(dtype)
    return (b * clean + (1 - b) / size) * (a / b * stays + (1 - a / b) / size)


def _drawn(weights: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    return torch.multinomial(weights.flatten(0, 1), 1, generator=generator).view(weights.shape[:2])
