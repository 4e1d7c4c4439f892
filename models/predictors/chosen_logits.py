"""Logits of chosen places alone, without those that nobody reads.

A decoder reads the masked positions. In most networks the last linear layer, the head, maps the state of each position
to its logits, and what follows (a scale, a soft cap) acts on each logit alone. Then the head may be given the
states of the chosen places only. Whether that is so is not assumed: :func:`proven_head` compares both ways on a small
batch, when the model is loaded, and any difference beyond rounding means that all logits are computed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, Protocol, runtime_checkable

import torch
from torch import nn

from models.predictors.predictor import MaskedPredictor

__all__ = ["ChoosesPlaces", "logits_at", "only", "proven_head"]

_ROUNDING = 1e-5  # of the largest logit, in float32: products of other shapes are summed in another order
_HALF = 4  # in half precision, in units of its last place


@runtime_checkable
class ChoosesPlaces(Protocol):
    """A predictor that can give the logits of some places alone."""

    def at(self, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor) -> torch.Tensor:
        """Return the logits at N places of a batch of tokens (B, L), shape (N, V), which the caller may change.

        Args:
            tokens: As in a call of the predictor.
            rows: The row of each place, shape (N,).
            columns: The column of each place, shape (N,).
        """
        ...


def logits_at(
    predictor: MaskedPredictor, tokens: torch.Tensor, rows: torch.Tensor, columns: torch.Tensor
) -> torch.Tensor:
    """Return the logits at N places of a batch, shape (N, V), up to rounding those of a call of the predictor.

    They are a tensor of their own, which the caller may change.
    """
    if isinstance(predictor, ChoosesPlaces):
        return predictor.at(tokens, rows, columns)
    return predictor(tokens)[rows, columns]


def proven_head(
    model: nn.Module, call: Callable[[torch.Tensor], torch.Tensor], tokens: torch.Tensor
) -> nn.Linear | None:
    """Return the head of a network if it may be given chosen places alone, else ``None``.

    Args:
        model: The network; its head is that of ``get_output_embeddings``.
        call: Tokens (B, L) to logits (B, L, V).
        tokens: A small batch to try.
    """
    get = getattr(model, "get_output_embeddings", None)
    try:
        head = get() if get is not None else None
    except (NotImplementedError, AttributeError):  # models without one
        return None
    if not isinstance(head, nn.Linear):
        return None
    rows, columns = torch.ones_like(tokens).tril(tokens.shape[1] - 2).nonzero(as_tuple=True)
    whole = call(tokens)
    try:
        with only(head, rows, columns):
            found = call(tokens)
    except (RuntimeError, ValueError, IndexError, AttributeError, TypeError):
        return None  # code that needs all places after the head
    if found.shape != (1, len(rows), whole.shape[-1]):
        return None
    expected = whole[rows, columns]
    exact = expected.dtype in (torch.float32, torch.float64)
    unit = _ROUNDING if exact else _HALF * torch.finfo(expected.dtype).eps
    distance = (found[0] - expected).abs().amax()
    return head if bool(distance <= unit * expected.abs().amax()) else None


@contextmanager
def only(head: nn.Linear, rows: torch.Tensor, columns: torch.Tensor) -> Generator[None]:
    """Give a head the states of N places alone: it reads (B, L, d) as (1, N, d).

    Example:
        >>> head = nn.Linear(2, 3)
        >>> with only(head, torch.tensor([0, 0]), torch.tensor([1, 4])):
        ...     head(torch.zeros(1, 5, 2)).shape
        torch.Size([1, 2, 3])
    """

    def choose(_module: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        return (given[0][rows, columns][None], *given[1:])

    handle = head.register_forward_pre_hook(choose)
    try:
        yield
    finally:
        handle.remove()
