"""Classifier-free guidance of a masked model, as LLaDA's generate.py has it.

``logits = u + (scale + 1) (c - u)``: c reads the tokens, u reads them with the prompt masked. The prompt is every token
that is given at the start. Source: ML-GSAI/LLaDA b7e6c35, ``cfg_scale``.
"""

from __future__ import annotations

import torch

from models.predictors.chosen_logits import logits_at
from models.predictors.predictor import MaskedPredictor
from theory.validation import InputError

__all__ = ["Guided"]


class Guided:
    """A predictor with guidance; a call of it is one call of the model on twice the rows.

    Args:
        predictor: The model.
        scale: Strength, at least 0; 0 changes nothing.

    Raises:
        InputError: If the scale is negative.

    Example:
        >>> from models.predictors.transformer import MaskedTransformer, ModelConfig
        >>> from synthetic.encoding import Encoding
        >>> network = MaskedTransformer(ModelConfig(), Encoding(names=("copy",))).eval()
        >>> tokens = torch.tensor([[1, network.mask_id]])
        >>> guided = Guided(network, 0.0).started(tokens[0] == network.mask_id, torch.tensor([-1, 0]))
        >>> torch.allclose(guided(tokens), network(tokens), atol=1e-5)
        True
    """

    def __init__(self, predictor: MaskedPredictor, scale: float, free: torch.Tensor | None = None) -> None:
        if not scale >= 0:
            raise InputError(f"guidance must be at least 0, got {scale}.")
        self._predictor, self._scale, self._free = predictor, scale, free
        self.mask_id, self.vocab_size, self.device = predictor.mask_id, predictor.vocab_size, predictor.device

    def started(self, free: torch.Tensor, position: torch.Tensor) -> Guided:  # noqa: ARG002
        """Return the predictor of a decode, see :class:`models.predictors.answer_columns.AnswerAware`."""
        return Guided(self._predictor, self._scale, free)

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return guided logits, minus infinity where the model says so."""
        return self._guided(self._predictor(self._both(tokens)))

    def at(self, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Return the logits of some places, see :class:`models.predictors.chosen_logits.ChoosesPlaces`."""
        both = torch.cat([rows, rows + len(tokens)])
        return self._guided(logits_at(self._predictor, self._both(tokens), both, columns.repeat(2)))

    def _both(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the tokens, then the same with the prompt masked, shape (2 B, L)."""
        if self._free is None:
            raise InputError("guidance is part of a decode: give it the masks at the start, started(...).")
        return torch.cat([tokens, torch.where(self._free, tokens, self.mask_id)])

    def _guided(self, logits: torch.Tensor) -> torch.Tensor:
        """Return the guided logits of the first half of the rows."""
        with_prompt, without = logits.chunk(2)
        guided = without + (self._scale + 1) * (with_prompt - without)
        return torch.where(with_prompt == -torch.inf, with_prompt, guided)
