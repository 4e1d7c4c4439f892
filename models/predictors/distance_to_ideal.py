"""Distance of a trained model from the ideal one.

Floor of the loss: the training loss of a state with m masks is the mean cross-entropy of the masked tokens. For the
ideal model its mean over the masked sets of size m is ``h_{n-m+1} - h_{n-m}``, with ``h_j`` the mean of ``H(y_B | X)``
over the sets B of size j; averaged over m = 1 .. n the sum telescopes to ``H(Y|X) / n``. (The any-order evidence bound
is tight for the true conditionals.) For Shuffle a state with m masks costs ``log m``.
"""

from __future__ import annotations

from math import factorial, log, log2

import numpy as np
import torch
from numpy.typing import NDArray

from models.predictors.predictor import MaskedPredictor, probabilities
from synthetic import Arrangements, ListTask
from synthetic.encoding import Batch, Encoding, context_distributions
from synthetic.grading import distribution_ids, to_roles
from synthetic.task import list_task
from theory.distributions.distribution import Distribution
from theory.information.measures import entropy

__all__ = ["loss_floor", "marginal_tv", "random_masks"]

ROWS = 1000  # states per call of the model


def loss_floor(name: str, n: int) -> float:
    """Return the expected loss of the ideal model, ``H(Y|X) / n'`` with n' the length of the answer, in nats.

    The entropy is exact, from the listed pmf or in closed form.

    Example:
        >>> round(loss_floor("replace_random", 4), 4)  # log(4) / 4
        0.3466
    """
    contexts = list_task(name, n).contexts()
    return log(2) * sum(float(c.weight) * _bits(c.distribution) / c.distribution.n for c in contexts)


def _bits(distribution: Distribution) -> float:
    if isinstance(distribution, Arrangements):
        return log2(factorial(distribution.n) - (not distribution.identity))
    return float(entropy(distribution.pmf()))


def random_masks(rng: np.random.Generator, size: int, length: int) -> NDArray[np.bool_]:
    """Return random sets of masked positions, their number uniform in 1..length; shape (size, length)."""
    number = rng.integers(1, length + 1, size=size)
    return rng.random((size, length)).argsort(axis=1) < number[:, None]


@torch.inference_mode()
def marginal_tv(
    model: MaskedPredictor, encoding: Encoding, task: ListTask, *, states: int = 2000, seed: int = 0
) -> float:
    """Return the mean total variation between the model's marginals and the ideal ones.

    A state is a random instance whose true answer is masked at a random set of positions, their number uniform in
    1..n. The distance is averaged over the masked positions of a state, then over the states.

    Args:
        model: A predictor of the token ids of ``encoding``.
        encoding: How instances are written.
        task: The task.
        states: Number of random states; the standard error falls as the inverse root.
        seed: The seed of the states.

    Returns:
        In [0, 1]; 0 for the ideal model.
    """
    rng = np.random.default_rng([seed, task.n])
    total = 0.0
    for start in range(0, states, ROWS):
        batch = encoding.sample_batch(task, min(ROWS, states - start), rng)
        masked = random_masks(rng, len(batch), batch.tokens[:, batch.answer].shape[1])
        tokens = batch.tokens.copy()
        tokens[:, batch.answer] = np.where(masked, encoding.mask, tokens[:, batch.answer])
        logits = model(torch.from_numpy(tokens).to(model.device))[:, batch.answer]
        probs = probabilities(logits.cpu(), torch.from_numpy(masked)).numpy()
        distance = 0.5 * np.abs(probs - ideal_marginals(batch, tokens)).sum(axis=2)
        total += float(((distance * masked).sum(axis=1) / masked.sum(axis=1)).sum())
    return total / states


def ideal_marginals(batch: Batch, tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the ideal marginals of partly masked ``tokens``, shape (B, m, V), over the ids of the encoding."""
    roles = to_roles(batch, tokens[:, batch.answer])
    out = np.zeros((*roles.shape, batch.encoding.vocab_size))
    for c, distribution in enumerate(context_distributions(batch.task)):
        rows = np.flatnonzero(batch.context == c)
        known = distribution.conditional(distribution_ids(distribution, roles[rows]))
        columns = batch.roles[rows][:, np.array(distribution.tokens)]
        place = np.broadcast_to(columns[:, None, :], known.shape)
        part = np.zeros((len(rows), *out.shape[1:]))
        np.put_along_axis(part, place, known, axis=2)
        out[rows] = part
    return out
