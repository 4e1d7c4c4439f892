"""Scores of sequences along a parallel rule, token by token.

The rule plans a set S from the marginals at the revealed positions C, and ``log2 q(x_i | C)`` is recorded for all of S
(the parallel decoder). Then S is revealed token by token, and ``log2 p(x_i | C, tokens of S before i)`` is recorded
(the one-by-one decoder). Every model call reveals one position of every row, so a sequence of m free positions costs m
calls for every rule. :mod:`models.evaluation.gap` is about the difference of the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch

from models.predictors.predictor import MaskedPredictor
from models.runs.row_streams import Streams
from models.sampling.decode_state import masks_alone
from models.sampling.one_by_one import PartialRows, log2_of, next_position
from models.sampling.teacher_forcing import Follower
from theory.distributions.tempering import Transform
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import InputError

__all__ = ["Scored", "score"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scored:
    """Scores of sequences along a parallel rule; tables of shape (B, L), zero (or -1) at fixed positions.

    Attributes:
        chain: ``log2 p(x_i | C, tokens of the same set before i)``.
        parallel: ``log2 q(x_i | C)``.
        step: The step that decodes position i, from 0; -1 at fixed positions.
        calls: Model calls of the parallel decoder, idle ones included, shape (B,).
    """

    chain: torch.Tensor
    parallel: torch.Tensor
    step: torch.Tensor
    calls: torch.Tensor


@torch.no_grad()
def score(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    answers: torch.Tensor,
    rule: Policy | Process,
    order: Policy,
    streams: Streams,
    temperature: Fraction = Fraction(1),
    decoder: MaskedPredictor | None = None,
) -> Scored:
    """Run a rule along given sequences and score them token by token.

    Args:
        predictor: The model.
        tokens: Token ids with masks, shape (B, L).
        answers: The same sequences without masks.
        rule: The parallel decoder; it sees the tokens revealed so far, as in a decode.
        order: A policy that picks one position at a time: the order within a set.
        streams: Random numbers of the rows.
        temperature: tau > 0 of the parallel decoder alone.
        decoder: The model as the parallel decoder reads it, such as with a cache; ``predictor`` by default.

    Raises:
        InputError: For a rule whose steps are not products given their sets, or that makes no progress.

    Example:
        >>> from models.predictors.ideal import IdealPredictor
        >>> from synthetic import Arrangements
        >>> from theory.policies import parse_policy
        >>> ideal, both = IdealPredictor(Arrangements(2)), parse_policy("topk:k=2")
        >>> along = parse_policy("topk:k=1,by=left_to_right")
        >>> done = score(ideal, ideal.masked(1), torch.tensor([[1, 0]]), both, along, Streams(0, [0], purpose=0))
        >>> done.chain.tolist(), done.parallel.tolist()
        ([[-1.0, 0.0]], [[-1.0, -1.0]])
    """
    transform = Transform(temperature=temperature)
    alone = masks_alone(rule, transform)
    partial = PartialRows(predictor, tokens, masked_only=alone or decoder is not None)
    chain = torch.zeros(tokens.shape, dtype=torch.float64)
    parallel, step = torch.zeros_like(chain), torch.full(tokens.shape, -1)
    pending = torch.zeros_like(partial.masked)
    live = torch.arange(len(tokens), device=partial.device)
    probs = partial.marginals(live)
    read = partial if decoder is None else partial.read_by(decoder, masked_only=alone)
    seen = probs if decoder is None else read.marginals(live)
    follower = Follower(read, rule, transform, answers, streams, seen)
    while len(live):
        fresh = (~pending[live].any(dim=1)).nonzero()[:, 0]
        if len(fresh):
            rows = live[fresh]
            seen = probs[fresh] if decoder is None else read.marginals(rows)
            chosen, bits = follower.next_sets(rows, seen)
            pending[rows] = chosen
            _store(parallel, partial.columns, rows, chosen, bits)
            _store(step, partial.columns, rows, chosen, follower.count[rows, None].expand(chosen.shape) - 1)
        going = pending[live].any(dim=1)
        live, probs = live[going], probs[going]
        if not len(live):
            break
        one = next_position(partial, order, probs, pending[live], streams, live)
        where = torch.zeros_like(pending[live])
        where[torch.arange(len(live), device=partial.device), one] = True
        true = follower.answers[live]
        _store(chain, partial.columns, live, where, log2_of(probs, true))
        pending[live] &= ~where
        partial.reveal(live, one, true.gather(1, one[:, None])[:, 0])
        # a finished row needs no more calls; a full one may still make idle calls
        live = live[pending[live].any(dim=1) | ~follower.finished(live, probs)]
        if len(live):
            probs = partial.marginals(live)
    if bool(partial.masked.any()):
        raise InputError(
            f"the gap needs a rule that reveals everything; {str(rule)!r} leaves masks. verify takes it."
        )
    return Scored(chain=chain, parallel=parallel, step=step, calls=follower.count.cpu())


def _store(
    table: torch.Tensor, columns: slice, rows: torch.Tensor, where: torch.Tensor, values: torch.Tensor
) -> None:
    """Write ``values`` at the places ``where`` of some rows; tables are on the CPU."""
    part = table[:, columns]
    kept = part[rows.cpu()]
    part[rows.cpu()] = torch.where(where.cpu(), values.cpu(), kept)
