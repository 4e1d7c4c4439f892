"""The marginals that a decode reads in one step."""

from __future__ import annotations

import torch

from models.predictors.chosen_logits import logits_at
from models.predictors.first_wrong import FirstWrong
from models.predictors.predictor import (
    MarginalPredictor,
    MaskedPredictor,
    checked_probabilities,
    chosen_probabilities,
    probabilities,
)
from models.sampling.decode_state import Rules

__all__ = ["marginals_of", "of_masked"]


def marginals_of(
    rules: Rules, rows: torch.Tensor, *, masked_only: bool = False, memory: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the marginals of the tokens that may be drawn, shape (B, m, V').

    Args:
        rules: The decode.
        rows: Token ids, shape (B, L).
        masked_only: Whether only those of masked positions are read; the others are then zeros.
        memory: As of :func:`of_masked`.
    """
    columns = slice(rules.first, rules.last)
    masked = rows[:, columns] == rules.predictor.mask_id
    every = len(rules.proposed) == rules.predictor.vocab_size
    if isinstance(rules.predictor, MarginalPredictor) and every:
        probs = rules.predictor.marginals(rows)[:, columns].to(rules.dtype)
        return checked_probabilities(probs, masked, first=rules.first_wrong)
    if masked_only:
        return of_masked(
            rules.predictor,
            rows,
            columns,
            rules.dtype,
            None if every else rules.proposed,
            left_out=rules.left_out,
            first=rules.first_wrong,
            memory=memory,
        )
    logits = rules.predictor(rows)[:, columns]
    logits = logits if every else logits[..., rules.proposed]
    return probabilities(logits, masked, tokens=rules.proposed, dtype=rules.dtype, first=rules.first_wrong)


def of_masked(
    predictor: MaskedPredictor,
    rows: torch.Tensor,
    columns: slice,
    dtype: torch.dtype,
    proposed: torch.Tensor | None = None,
    *,
    left_out: int | None = None,
    first: FirstWrong | None = None,
    memory: torch.Tensor | None = None,
) -> torch.Tensor:
    """Return the marginals of masked positions, zeros elsewhere, shape (B, m, V').

    Args:
        predictor: The model.
        rows: Token ids, shape (B, L).
        columns: The m columns of the answer.
        dtype: The dtype of the result.
        proposed: The tokens that may be drawn, shape (V',); by default all V, of which the mask has probability zero.
        left_out: The only token that may not be drawn, if there is one.
        first: As in :func:`models.predictors.predictor.probabilities`.
        memory: The result of an earlier step, which is written over if it is large enough.
    """
    masked = rows[:, columns] == predictor.mask_id
    # places of masks come first; their number is all that the device is waited for
    order, count = (
        masked.flatten().to(torch.uint8).sort(descending=True, stable=True).indices,
        int(masked.sum()),
    )
    row, position = order[:count] // masked.shape[1], order[:count] % masked.shape[1]
    logits = logits_at(predictor, rows, row, position + columns.start)
    if proposed is None and predictor.mask_id < logits.shape[-1]:
        logits[:, predictor.mask_id] = -torch.inf
    width = logits.shape[-1] if proposed is None else len(proposed)
    if memory is None or memory.shape[1:] != (masked.shape[1], width) or len(memory) < len(masked):
        memory = logits.new_empty(*masked.shape, width, dtype=dtype)
    whole = memory[: len(masked)].view(-1, width)
    whole.index_fill_(0, order[count:], 0)
    into = whole, order[:count]
    chosen_probabilities(
        logits, row, position, tokens=proposed, left_out=left_out, dtype=dtype, first=first, into=into
    )
    return whole.view(*masked.shape, -1)
