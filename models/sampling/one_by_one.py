"""Sequences drawn or scored one token per model call.

Every call reveals one position of every row, so a sequence of m free positions costs m calls.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import array_api_compat.torch as xp
import torch

from models.predictors.answer_columns import started
from models.predictors.ideal import float_dtype
from models.predictors.predictor import (
    MarginalPredictor,
    MaskedPredictor,
    checked_probabilities,
    probabilities,
)
from models.runs.row_streams import Streams
from models.sampling.decode_state import FLOAT32_TIES
from models.sampling.marginals import of_masked
from theory.distributions.draws import draw
from theory.distributions.outcomes import MASK
from theory.numbers.arithmetic import TIE_TOLERANCE, FloatNumbers
from theory.policies.policy import Policy
from theory.policies.view import View
from theory.validation import InputError

__all__ = ["Drawn", "PartialRows", "draw_one_by_one", "log2_of", "next_position"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """Sequences of the one-by-one decoder.

    Attributes:
        tokens: Finished token ids, shape (B, L).
        bits: ``log2`` of the probability of the tokens along the order they were drawn in, float64, shape (B,).
    """

    tokens: torch.Tensor
    bits: torch.Tensor


@torch.no_grad()
def draw_one_by_one(
    predictor: MaskedPredictor, tokens: torch.Tensor, order: Policy, streams: Streams
) -> Drawn:
    """Fill the masked positions one at a time, each token from the model's marginal (temperature 1).

    Args:
        predictor: The model.
        tokens: Token ids with masks, shape (B, L).
        order: A policy that picks one position per step.
        streams: Random numbers of the rows.

    Example:
        >>> from models.predictors.ideal import IdealPredictor
        >>> from synthetic import Arrangements
        >>> from theory.policies import parse_policy
        >>> ideal = IdealPredictor(Arrangements(2))
        >>> done = draw_one_by_one(ideal, ideal.masked(1), parse_policy("topk:k=1"), Streams(0, [0], purpose=0))
        >>> sorted(done.tokens[0].tolist()), done.bits.tolist()
        ([0, 1], [-1.0])
    """
    partial = PartialRows(predictor, tokens, masked_only=True)
    bits = torch.zeros(len(tokens), dtype=torch.float64)
    while len(live := partial.live()):
        probs = partial.marginals(live)
        one = next_position(partial, order, probs, partial.masked[live], streams, live)
        row = torch.arange(len(live), device=partial.device)
        chosen = probs[row, one]
        drawn = draw(chosen, streams.uniforms(live.tolist(), 1)[:, 0], xp)
        bits[live.cpu()] += chosen[row, drawn].cpu().double().log2()
        partial.reveal(live, one, drawn)
    return Drawn(tokens=partial.tokens, bits=bits)


class PartialRows:
    """Rows that are being revealed, with the columns of their initial masks.

    Rules count positions, and draw numbers, from the first mask to the last. These must be the same columns in all
    rows, or a result would depend on the rest of the batch.

    Args:
        predictor: The model.
        tokens: Token ids with masks, shape (B, L); a copy is revealed.
        masked_only: Whether only the marginals of masked positions are read; the others are then zeros.

    Raises:
        InputError: If the first or the last masks of two rows are in different columns.

    Attributes:
        columns: From the first to the last mask: m columns, the positions.
        free: The positions masked at the start, bool, shape (B, m).
        masked: The positions still masked.
    """

    def __init__(
        self, predictor: MaskedPredictor, tokens: torch.Tensor, *, masked_only: bool = False
    ) -> None:
        self.masked_only = masked_only
        self.predictor, self.device = started(predictor, tokens), predictor.device
        self.tokens = tokens.to(self.device, copy=True)
        free = self.tokens == predictor.mask_id
        self.columns = _columns(free)
        self.free = free[:, self.columns]
        self.masked = self.free.clone()
        self.dtype = float_dtype(self.device)
        self.numbers = FloatNumbers(
            xp=xp, tolerance=TIE_TOLERANCE if self.dtype == torch.float64 else FLOAT32_TIES
        )

    def read_by(self, predictor: MaskedPredictor, *, masked_only: bool) -> PartialRows:
        """Return the same rows as another predictor reads them; what is revealed here is revealed there."""
        other = copy(self)
        other.predictor, other.masked_only = started(predictor, self.tokens), masked_only
        return other

    def live(self) -> torch.Tensor:
        """Return the rows with masks."""
        return self.masked.any(dim=1).nonzero()[:, 0]

    def marginals(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the current marginals of some rows, shape (B, m, V)."""
        return self.marginals_of(self.tokens[rows])

    def marginals_of(self, tokens: torch.Tensor) -> torch.Tensor:
        """Return the marginals over all tokens but the mask, from (B, L) to (B, m, V)."""
        predictor = self.predictor
        masked = tokens[:, self.columns] == predictor.mask_id
        if isinstance(predictor, MarginalPredictor):
            probs = predictor.marginals(tokens)[:, self.columns].to(self.dtype)
            return checked_probabilities(probs, masked)
        if self.masked_only:
            return of_masked(predictor, tokens, self.columns, self.dtype)
        logits = predictor(tokens)[:, self.columns]
        if predictor.mask_id < logits.shape[-1]:
            no_mask = torch.tensor([predictor.mask_id], device=logits.device)
            logits = logits.index_fill(-1, no_mask, -torch.inf)  # a copy, since the model may keep its output
        return probabilities(logits, masked, dtype=self.dtype)

    def answers(self, rows: torch.Tensor) -> torch.Tensor:
        """Return the tokens of the columns, -1 where masked, shape (B, m)."""
        return torch.where(self.masked[rows], MASK, self.tokens[rows, self.columns])

    def reveal(self, rows: torch.Tensor, position: torch.Tensor, token: torch.Tensor) -> None:
        """Put a token at a position of each row."""
        self.tokens[rows, position + self.columns.start] = token
        self.masked[rows, position] = False


def next_position(
    partial: PartialRows,
    order: Policy,
    probs: torch.Tensor,
    among: torch.Tensor,
    streams: Streams,
    rows: torch.Tensor,
) -> torch.Tensor:
    """Return the position ``among`` (B, m) that each row reveals next, shape (B,).

    Raises:
        InputError: If the order picks none, or several.
    """
    uniforms = streams.uniforms(rows.tolist(), among.shape[1])
    chosen = order.plan(View(probs, among, partial.numbers)).sample(uniforms) & among
    if not bool((chosen.sum(dim=1) == 1).all()):
        raise InputError(f"order {order} must pick one position per step.")
    return chosen.to(torch.uint8).argmax(dim=1)


def log2_of(probs: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """Return ``log2`` of the probability of each token, float64 on the CPU: (B, m, V) and (B, m) to (B, m)."""
    inside = tokens.clamp(0, probs.shape[-1] - 1)  # columns that are not scored may have other ids
    return probs.gather(2, inside[..., None])[..., 0].cpu().double().log2()


def _columns(free: torch.Tensor) -> slice:
    """Return the columns from the first to the last free position, the same in all rows that have any."""
    column = torch.arange(free.shape[1], device=free.device).expand_as(free)
    some = free.any(dim=1)
    first = torch.where(free, column, free.shape[1]).amin(dim=1)[some]
    last = torch.where(free, column, -1).amax(dim=1)[some]
    if not len(first):
        return slice(0, 0)
    if bool((first != first[0]).any()) or bool((last != last[0]).any()):
        raise InputError("the first and the last mask of all rows of a batch must be in the same columns.")
    return slice(int(first[0]), int(last[0]) + 1)
