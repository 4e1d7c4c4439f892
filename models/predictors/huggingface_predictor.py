"""A Hugging Face model as a predictor of masked tokens.

Logits of Dream are one position to the left of the token they predict, so they are shifted right (position 0 doubled),
as in Dream's own decoder. The rows of a batch have one length; an attention
mask is passed where the model needs one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from models.predictors.chosen_logits import only
from models.predictors.huggingface_attention import Attention
from theory.validation import InputError

__all__ = ["LONGEST", "HFPredictor", "call", "logits_of"]

LONGEST = 1 << 24  # tokenizers without a limit write 1e30


class HFPredictor:
    """A transformers model as a :class:`models.predictors.predictor.MaskedPredictor`.

    Args:
        model: A module with logits of shape (B, L, V) in its output, see :func:`logits_of`.
        mask_id: The mask token.
        suppressed: Tokens that get minus infinity; the mask always does.
        shift: Shift logits right by one position.
        attention: The attention mask that is passed, if any.
        longest: The longest sequence it can read.
        head: The head that may be given chosen places alone, see :mod:`models.predictors.chosen_logits`.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        *,
        mask_id: int,
        vocab_size: int,
        suppressed: Sequence[int] = (),
        shift: bool = False,
        attention: Attention | None = None,
        longest: int = LONGEST,
        head: torch.nn.Linear | None = None,
    ) -> None:
        for token in (mask_id, *suppressed):
            if not 0 <= token < vocab_size:
                raise InputError(f"token id must lie in 0..{vocab_size - 1}, the vocabulary; got {token}.")
        self.model, self.shift, self.longest, self.attention = model, shift, longest, attention
        self.head = head
        self._mask_id, self._vocab_size = mask_id, vocab_size
        self._suppressed = torch.tensor(sorted({mask_id, *suppressed}))

    @property
    def mask_id(self) -> int:
        """The token of a masked position."""
        return self._mask_id

    @property
    def vocab_size(self) -> int:
        """The number of logits per position."""
        return self._vocab_size

    @property
    def suppressed(self) -> tuple[int, ...]:
        """Tokens that are never proposed, the mask among them."""
        return tuple(self._suppressed.tolist())

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.model.parameters()).device

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return logits in float32 at least, shape (B, L, V), minus infinity for suppressed tokens.

        Raises:
            InputError: If the sequences are longer than the context, or the model is of another vocabulary.
        """
        logits = self._called(tokens)
        if self.shift:
            logits = torch.cat([logits[:, :1], logits[:, :-1]], dim=1)
        return self._proposing(logits)

    def at(self, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Return the logits of some places, see :class:`models.predictors.chosen_logits.ChoosesPlaces`."""
        if self.head is None:
            return self(tokens)[rows, columns]
        read = (columns - 1).clamp(min=0) if self.shift else columns
        with only(self.head, rows, read):
            logits = self._called(tokens)[0]
        return self._proposing(logits)

    def _called(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the logits as the model gives them."""
        if tokens.shape[1] > self.longest:
            raise InputError(
                f"a sequence of {tokens.shape[1]} tokens is over the context length of {self.longest}; "
                "shorten the prompt or the answer."
            )
        logits = call(self.model, tokens, self.attention)
        if logits.shape[-1] != self._vocab_size:
            raise InputError(
                f"the model gives {logits.shape[-1]} logits, its configuration says {self._vocab_size}."
            )
        return logits

    def _proposing(self, logits: torch.Tensor) -> torch.Tensor:
        """Return logits in float32 at least, minus infinity for suppressed tokens."""
        logits = logits if logits.dtype == torch.float64 else logits.float()
        logits = logits.clone() if logits.requires_grad else logits
        logits[..., self._suppressed.to(logits.device)] = -torch.inf
        return logits


def call(model: torch.nn.Module, tokens: torch.Tensor, attention: Attention | None) -> torch.Tensor:
    """Return the logits of a model for tokens of shape (B, L), as it gives them."""
    if attention is None:
        return logits_of(model(input_ids=tokens))
    return logits_of(model(input_ids=tokens, **attention.given(tokens, next(model.parameters()).dtype)))


def logits_of(output: Any) -> torch.Tensor:
    """Return the logits of a model's output: its ``logits``, else the first entry of a tuple, else the output itself.

    Raises:
        InputError: If there are none of three dimensions, as for a backbone without a head.

    Example:
        >>> logits_of((torch.zeros(1, 2, 3), None)).shape
        torch.Size([1, 2, 3])
    """
    found = getattr(output, "logits", None)
    if found is None and not hasattr(output, "last_hidden_state"):
        found = output[0] if type(output) is tuple and output else output
    if not isinstance(found, torch.Tensor) or found.dim() != 3:
        raise InputError(
            f"the model gives no logits but {type(output).__name__}; it may be a backbone without a head: name "
            "another class with --auto-class."
        )
    return found
