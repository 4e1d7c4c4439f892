"""Predictors that depend on which columns a decode fills, not only on the tokens.

A key-value cache has to know what was masked when its block began, and guidance which tokens are the prompt. Both are
told once, before the first call of a decode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import torch

from models.predictors.predictor import MaskedPredictor
from theory.validation import InputError

__all__ = ["AnswerAware", "Wrap", "Wrapping", "started", "wrapped"]

Wrap = Callable[[MaskedPredictor], MaskedPredictor]


@runtime_checkable
class AnswerAware(Protocol):
    """A predictor that is told the columns of the answer."""

    def started(self, free: torch.Tensor, position: torch.Tensor) -> MaskedPredictor:
        """Return the predictor of one decode.

        Args:
            free: The columns that are masked at the start, bool, shape (L,).
            position: The position of each column as policies count it, from the first mask to the last; -1 outside,
                shape (L,).
        """
        ...


@runtime_checkable
class Wrapping(Protocol):
    """A predictor around another one, with the columns in another order."""

    def over(self, wrap: Wrap) -> MaskedPredictor:
        """Return it around ``wrap`` of the other one."""
        ...


def wrapped(predictor: MaskedPredictor, wrap: Wrap) -> MaskedPredictor:
    """Return ``wrap`` of a predictor, below a change of the order of the columns."""
    return predictor.over(wrap) if isinstance(predictor, Wrapping) else wrap(predictor)


def started(predictor: MaskedPredictor, tokens: torch.Tensor) -> MaskedPredictor:
    """Return the predictor of a decode that starts with these tokens, shape (B, L).

    Raises:
        InputError: If it has to know the columns of the answer, and they differ between rows.
    """
    if not isinstance(predictor, AnswerAware):
        return predictor
    masked = tokens == predictor.mask_id
    free = masked[:1].any(dim=0)
    if bool((masked != free).any()):
        raise InputError(
            "with a cache or guidance the masks must be in the same columns of all rows of a batch."
        )
    return predictor.started(free.to(predictor.device), _positions(free).to(predictor.device))


def _positions(free: torch.Tensor) -> torch.Tensor:
    columns = free.nonzero()[:, 0]
    position = torch.full(free.shape, -1, device=free.device)
    if len(columns):
        first, last = int(columns[0]), int(columns[-1])
        position[first : last + 1] = torch.arange(last + 1 - first, device=free.device)
    return position
