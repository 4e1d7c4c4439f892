"""What is the same in all steps of a decode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import array_api_compat.torch as xp
import torch

from models.predictors.answer_columns import started
from models.predictors.chosen_logits import logits_at
from models.predictors.first_wrong import FirstWrong
from models.predictors.ideal import float_dtype
from models.predictors.predictor import (
    MarginalPredictor,
    MaskedPredictor,
    checked_probabilities,
    chosen_probabilities,
    probabilities,
)
from models.sampling.read_scores import ReadScores
from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import TIE_TOLERANCE, FloatNumbers
from theory.policies.as_process import Factorised, SampledConfidence, run_as
from theory.policies.checked_calls import is_ours
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.view import UNKNOWN
from theory.validation import InputError

__all__ = [
    "FLOAT32_TIES",
    "Rules",
    "indices",
    "marginals_of",
    "masks_alone",
    "of_masked",
    "read_as",
    "rules_of",
]

FLOAT32_TIES = 1e-6  # single precision: a few roundings of 6e-8, below the gap of any ideal marginals


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """The settings of a decode, the same for every chunk and step.

    Attributes:
        predictor: The model.
        policy: The rule.
        transform: Temperature and truncation.
        numbers: The kind of number of the marginals.
        dtype: Their dtype.
        generator: Source of all randomness.
        first: Columns first .. last - 1 contain the masks.
        last: See ``first``.
        proposed: The tokens that may be drawn, shape (V',).
        left_out: The only token of the predictor that may not be drawn, if there is one.
        stop: The place among them of the token that ends a row; ``None`` for none.
        first_wrong: Notes wrong predictions; ``None`` for an error at once.
    """

    predictor: MaskedPredictor
    policy: Policy | Process
    transform: Transform
    numbers: FloatNumbers
    dtype: torch.dtype
    generator: torch.Generator
    first: int
    last: int
    proposed: torch.Tensor
    left_out: int | None = None
    stop: int | None = None
    first_wrong: FirstWrong | None = None

    def random(self, shape: tuple[int, ...]) -> torch.Tensor:
        """Return independent uniform numbers in [0, 1)."""
        return torch.rand(shape, dtype=self.dtype, device=self.predictor.device, generator=self.generator)


def rules_of(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    policy: Policy | Process,
    transform: Transform,
    allowed: Sequence[int] | torch.Tensor | None,
    generator: torch.Generator,
) -> Rules:
    """Return the rules of one decode; see :func:`models.sampling.decode.decode` for the arguments."""
    device, dtype = predictor.device, float_dtype(predictor.device)
    predictor = started(predictor, tokens)
    if generator.device.type != device.type:
        raise InputError(f"generator is on {generator.device}, the model on {device}; they must be the same.")
    masked = (tokens == predictor.mask_id).any(dim=0).nonzero()
    tolerance = TIE_TOLERANCE if dtype == torch.float64 else FLOAT32_TIES
    proposed = _proposed(predictor, allowed)
    return Rules(
        predictor=predictor,
        policy=policy,
        transform=transform,
        numbers=FloatNumbers(xp=xp, tolerance=tolerance),
        dtype=dtype,
        generator=generator,
        first=int(masked[0]) if len(masked) else 0,
        last=int(masked[-1]) + 1 if len(masked) else 0,
        proposed=proposed,
        left_out=_left_out(proposed, predictor.vocab_size),
    )


def read_as(
    rules: Rules, confidence_dtype: torch.dtype | None, ranked_last: Sequence[int], stop: int | None
) -> Rules:
    """Return the rules with what a policy reads, see :func:`models.sampling.decode.decode`.

    Raises:
        InputError: If a token named here cannot be drawn.
    """
    place = {token: index for index, token in enumerate(rules.proposed.tolist())} if ranked_last else {}
    missing = [token for token in ranked_last if token not in place]
    if stop is not None:
        found = (rules.proposed == stop).nonzero()[:, 0].tolist()
        missing += [] if found else [stop]
        rules = replace(rules, stop=found[0] if found else None)
    if missing:
        raise InputError(
            f"token {missing[0]} cannot be drawn, so it can neither end a row nor be ranked last."
        )
    if confidence_dtype is None and not ranked_last:
        return rules
    given = {name: getattr(rules.transform, name) for name in Transform.__dataclass_fields__}
    last = tuple(place[token] for token in ranked_last)
    # fresh memory costs more than its use; a rule that reads masked positions alone keeps no scores of earlier steps
    kept = list[torch.Tensor]() if masks_alone(rules.policy, rules.transform) else None
    return replace(
        rules, transform=ReadScores(**given, confidence_dtype=confidence_dtype, last=last, kept=kept)
    )


def _proposed(predictor: MaskedPredictor, allowed: Sequence[int] | torch.Tensor | None) -> torch.Tensor:
    ids = torch.arange(predictor.vocab_size) if allowed is None else torch.as_tensor(allowed, device="cpu")
    ids = ids[ids != predictor.mask_id].unique()
    if not len(ids):
        raise InputError("allowed must name at least one token besides the mask.")
    if ids[0] < 0 or ids[-1] >= predictor.vocab_size:
        raise InputError(f"allowed must lie in 0..{predictor.vocab_size - 1}, got {ids[0]}..{ids[-1]}.")
    return ids.to(predictor.device)


def _left_out(proposed: torch.Tensor, size: int) -> int | None:
    """Return the only token below ``size`` that is not proposed; ``None`` if there is none, or more."""
    return size * (size - 1) // 2 - int(proposed.sum()) if len(proposed) == size - 1 else None


def indices(rules: Rules, answers: torch.Tensor, *, may_redraw: bool) -> torch.Tensor:
    """Return the places of token ids among the proposed tokens, -1 for a mask.

    A fixed token between the masks that may not be drawn is ``UNKNOWN``.

    Raises:
        InputError: For such a token if the rule may want to draw it again.
    """
    place = torch.searchsorted(rules.proposed, answers.contiguous()).clamp(max=len(rules.proposed) - 1)
    masked = answers == rules.predictor.mask_id
    foreign = ~masked & (rules.proposed[place] != answers)
    if may_redraw and bool(foreign.any()):
        token = int(answers[foreign][0])
        raise InputError(f"token {token} is between the masks but may not be drawn; add it to allowed.")
    return torch.where(masked, MASK, torch.where(foreign, UNKNOWN, place))


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


def masks_alone(rule: Policy | Process, transform: Transform) -> bool:
    """Return whether a rule reads the marginals of masked positions alone, which spares the others."""
    plain = isinstance(run_as(rule, transform), (Factorised, SampledConfidence)) and is_ours(rule)
    return plain and not getattr(rule, "asks", False)
