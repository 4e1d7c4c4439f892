"""Models without a mask, and the ideal one among them.

Every position always has a token, and some tokens are noise. Under uniform noise at signal a, a token is kept with
probability a and otherwise replaced by one drawn uniformly from the first S tokens. A predictor is told a and returns
the posterior ``P(y_i | x)`` of the clean tokens given all noisy ones;
:func:`theory.distributions.noise.left_out_from_posterior` leads to the leave-one-out posterior.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch

from models.predictors.ideal import float_dtype
from synthetic.encoding import Batch, Encoding, context_distributions
from synthetic.grading import distribution_ids, to_roles
from synthetic.task import ListTask
from theory.distributions.distribution import Distribution, ListedDistribution
from theory.validation import InputError, positive_int

__all__ = [
    "IdealUniformPredictor",
    "UniformPredictor",
    "add_noise",
    "ideal_posteriors",
    "log_ratio",
    "posterior_tv",
]

ROWS = 1000  # states per call of the model
_ENTRIES = 1 << 22  # sequences times outcomes in one batch


class UniformPredictor(Protocol):
    """A model of sequences under uniform noise: a trained network, or the ideal one."""

    @property
    def vocabulary(self) -> int:
        """S: noise is uniform over the tokens ``0 .. S-1``, and clean tokens are among them."""
        ...

    @property
    def device(self) -> torch.device:
        """The device of the batches."""
        ...

    def __call__(self, tokens: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
        """Return a prediction of the clean token at every position.

        Args:
            tokens: Token ids, int64, shape (B, L).
            signal: Of each row, in [0, 1), shape (B,).

        Returns:
            Logits or log-probabilities of the posterior given the whole row, shape (B, L, S); minus infinity for
            what is impossible.
        """
        ...


def log_ratio(signal: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Return ``log(1 + S a / (1 - a))``: how much likelier a token is where it is the clean one, in nats.

    Example:
        >>> round(float(log_ratio(torch.tensor(0.5), 1).exp()), 6)
        2.0
    """
    return torch.log1p(vocabulary * signal / (1 - signal))


def add_noise(clean: np.ndarray, signal: np.ndarray, vocabulary: int, rng: np.random.Generator) -> np.ndarray:
    """Return token ids, shape (B, m), with each kept with the probability ``signal`` of its row, shape (B,)."""
    drawn = rng.integers(0, vocabulary, size=clean.shape)
    return np.where(rng.random(clean.shape) < signal[:, None], clean, drawn)


class IdealUniformPredictor:
    """Predict ``log P(y_i | x)`` of a listed distribution under uniform noise, in float64.

    Sequences have no prompt: token ids are those of ``distribution.tokens``, and ids above are tokens that no outcome
    has. An outcome that agrees with the row at k positions has a weight of ``P(y) (1 + S a / (1 - a))^k``.

    Args:
        distribution: The distribution; its outcomes are listed.
        vocabulary: S, at least its number of tokens; equal by default.
        device: Where to compute.

    Example:
        >>> from synthetic import Arrangements
        >>> ideal = IdealUniformPredictor(Arrangements(2))
        >>> ideal(torch.tensor([[0, 0]]), torch.tensor([0.5])).exp().tolist()
        [[[0.5, 0.5], [0.5, 0.5]]]
    """

    def __init__(
        self, distribution: Distribution, vocabulary: int | None = None, device: torch.device | str = "cpu"
    ) -> None:
        listed = ListedDistribution(distribution.pmf())
        count = len(listed.tokens)
        self.vocabulary = count if vocabulary is None else positive_int(vocabulary, "vocabulary")
        if self.vocabulary < count:
            raise InputError(
                f"vocabulary must have at least the {count} tokens that occur, got {vocabulary}."
            )
        self.device, self.n = torch.device(device), listed.n
        dtype = float_dtype(self.device)
        self._ids = torch.from_numpy(listed.ids).to(self.device)
        self._logs = torch.from_numpy(listed.source.floats()).log().to(self.device, dtype)
        self._one_hot = torch.nn.functional.one_hot(self._ids, self.vocabulary).to(dtype).flatten(1)

    def __call__(self, tokens: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
        """Return log-probabilities, shape (B, n, S)."""
        size = max(1, _ENTRIES // (len(self._ids) * self.n))
        parts = [
            self._posterior(tokens[start : start + size], signal[start : start + size])
            for start in range(0, len(tokens), size)
        ]
        return torch.cat(parts).log() if parts else self._logs.new_zeros(0, self.n, self.vocabulary)

    def _posterior(self, tokens: torch.Tensor, signal: torch.Tensor) -> torch.Tensor:
        agree = (tokens[:, None, :] == self._ids).sum(dim=2)
        ratio = log_ratio(signal.to(self._logs), self.vocabulary)
        weights = torch.softmax(self._logs + agree * ratio[:, None], dim=1)
        return (weights @ self._one_hot).view(len(tokens), self.n, -1)


@torch.inference_mode()
def posterior_tv(
    model: UniformPredictor, encoding: Encoding, task: ListTask, *, states: int = 2000, seed: int = 0
) -> float:
    """Return the mean total variation between the model's posteriors and the ideal ones.

    A state is a random instance whose true answer has noise at a signal uniform in [0, 1). The distance is averaged
    over positions and states.

    Args:
        model: A predictor of the token ids of ``encoding``.
        encoding: How instances are written.
        task: The task.
        states: Number of random states.
        seed: The seed of the states.
    """
    rng = np.random.default_rng([seed, task.n])
    total = 0.0
    for start in range(0, states, ROWS):
        batch = encoding.sample_batch(task, min(ROWS, states - start), rng)
        tokens, signal = batch.tokens.copy(), rng.random(len(batch))
        tokens[:, batch.answer] = add_noise(tokens[:, batch.answer], signal, model.vocabulary, rng)
        levels = torch.from_numpy(signal).to(model.device, torch.float32)
        logits = model(torch.from_numpy(tokens).to(model.device), levels)[:, batch.answer]
        found = torch.softmax(logits.double().cpu(), dim=2)
        truth = ideal_posteriors(batch, tokens, levels.double().cpu(), model.vocabulary)
        total += float(0.5 * (found - truth).abs().sum(dim=2).mean(dim=1).sum())
    return total / states


def ideal_posteriors(batch: Batch, tokens: np.ndarray, signal: torch.Tensor, vocabulary: int) -> torch.Tensor:
    """Return the ideal posteriors of noisy ``tokens`` over the ids of the encoding, shape (B, m, S)."""
    roles = to_roles(batch, tokens[:, batch.answer])
    out = torch.zeros(*roles.shape, vocabulary, dtype=torch.float64)
    for c, distribution in enumerate(context_distributions(batch.task)):
        rows = np.flatnonzero(batch.context == c)
        ideal = IdealUniformPredictor(distribution, vocabulary)
        known = ideal(torch.from_numpy(distribution_ids(distribution, roles[rows])), signal[rows]).exp()
        places = torch.from_numpy(batch.roles[rows][:, np.array(distribution.tokens)])
        part = torch.zeros(len(rows), *out.shape[1:], dtype=torch.float64)
        index = places[:, None, :].expand(-1, roles.shape[1], -1)
        part.scatter_(2, index, known[:, :, : places.shape[1]])
        out[torch.from_numpy(rows)] = part
    return out
