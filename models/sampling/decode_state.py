"""What stays the same over all steps of a decode, and what a rule sees of a state: marginals, boards, views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import array_api_compat.torch as xp
import torch

from models.predictors.ideal import float_dtype
from models.predictors.predictor import (
    MarginalPredictor,
    MaskedPredictor,
    checked_probabilities,
    probabilities,
)
from models.sampling.predictor_oracle import PredictorOracle
from theory.distributions.distribution import MASK
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import TIE_TOLERANCE, FloatNumbers
from theory.numbers.distinct import distinct_rows
from theory.policies.board import Board
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.view import View
from theory.validation import InputError

__all__ = [
    "FLOAT32_TIES",
    "Rules",
    "asking_view",
    "board_of",
    "indices",
    "marginals_of",
    "rules_of",
    "view_of",
    "written",
]

FLOAT32_TIES = (
    1e-6  # single precision: a few roundings of 6e-8, still below the gap of any ideal marginals met
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Rules:
    """How tokens are chosen: the same for every chunk and step.

    Attributes:
        predictor: The model.
        policy: The rule.
        transform: From marginals to the distributions that tokens are drawn from.
        numbers: The kind of number of the marginals.
        dtype: Their type.
        generator: Source of all randomness.
        first: Columns first .. last - 1 hold the masks.
        last: See ``first``.
        proposed: The tokens that may be drawn, shape (V',).
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
    if generator.device.type != device.type:
        raise InputError(f"generator is on {generator.device}, the model on {device}; they must be the same.")
    masked = (tokens == predictor.mask_id).any(dim=0).nonzero()
    tolerance = TIE_TOLERANCE if dtype == torch.float64 else FLOAT32_TIES
    return Rules(
        predictor=predictor,
        policy=policy,
        transform=transform,
        numbers=FloatNumbers(xp=xp, tolerance=tolerance),
        dtype=dtype,
        generator=generator,
        first=int(masked[0]) if len(masked) else 0,
        last=int(masked[-1]) + 1 if len(masked) else 0,
        proposed=_proposed(predictor, allowed),
    )


def _proposed(predictor: MaskedPredictor, allowed: Sequence[int] | torch.Tensor | None) -> torch.Tensor:
    ids = torch.arange(predictor.vocab_size) if allowed is None else torch.as_tensor(allowed, device="cpu")
    ids = ids[ids != predictor.mask_id].unique()
    if not len(ids):
        raise InputError("allowed must name at least one token besides the mask.")
    if ids[0] < 0 or ids[-1] >= predictor.vocab_size:
        raise InputError(f"allowed must lie in 0..{predictor.vocab_size - 1}, got {ids[0]}..{ids[-1]}.")
    return ids.to(predictor.device)


def board_of(
    rules: Rules,
    prompts: torch.Tensor,
    answers: torch.Tensor,
    rows: torch.Tensor,
    probs: torch.Tensor | None = None,
) -> Board:
    """Return the board of ``answers`` (B, m) to the prompts of ``rows`` (B,); ``probs`` if they are known."""

    def marginals(asked: torch.Tensor, of: torch.Tensor) -> torch.Tensor:
        whole = prompts[of]
        whole[:, rules.first : rules.last] = written(rules, asked)
        return marginals_of(rules, whole)

    return Board(
        tokens=answers,
        probs=marginals(answers, rows) if probs is None else probs,
        memory={},
        weights={},
        numbers=rules.numbers,
        transform=rules.transform,
        oracle=PredictorOracle(marginals, _first_of_prompt(rules, prompts)[rows], rules.last - rules.first),
        step=0,
        fillable=answers == MASK,
    )


def _first_of_prompt(rules: Rules, prompts: torch.Tensor) -> torch.Tensor:
    """Return for each row one row with the same tokens outside of the answer columns, shape (B,)."""
    outside = torch.cat([prompts[:, : rules.first], prompts[:, rules.last :]], dim=1)
    first, index = distinct_rows(outside, xp)
    return first[index]


def written(rules: Rules, answers: torch.Tensor) -> torch.Tensor:
    """Return token ids of indices into the proposed tokens; -1 is a mask."""
    return torch.where(answers == MASK, rules.predictor.mask_id, rules.proposed[answers.clamp(min=0)])


def indices(rules: Rules, answers: torch.Tensor) -> torch.Tensor:
    """Return the inverse of :func:`written`.

    Raises:
        InputError: For a fixed token between the masks that may not be drawn: a process may want to draw it again.
    """
    place = torch.searchsorted(rules.proposed, answers.contiguous()).clamp(max=len(rules.proposed) - 1)
    masked = answers == rules.predictor.mask_id
    foreign = ~masked & (rules.proposed[place] != answers)
    if bool(foreign.any()):
        token = int(answers[foreign][0])
        raise InputError(f"token {token} stands between the masks but may not be drawn; add it to allowed.")
    return torch.where(masked, MASK, place)


def marginals_of(rules: Rules, rows: torch.Tensor) -> torch.Tensor:
    """Return the marginals of the tokens that may be drawn, shape (B, m, V')."""
    columns = slice(rules.first, rules.last)
    masked = rows[:, columns] == rules.predictor.mask_id
    every = len(rules.proposed) == rules.predictor.vocab_size
    if isinstance(rules.predictor, MarginalPredictor) and every:
        probs = rules.predictor.marginals(rows)[:, columns].to(rules.dtype)
        return checked_probabilities(probs, masked)
    logits = rules.predictor(rows)[:, columns]
    logits = logits if every else logits[..., rules.proposed]
    return probabilities(logits, masked, tokens=rules.proposed, dtype=rules.dtype)


def view_of(rules: Rules, probs: torch.Tensor, rows: torch.Tensor, fillable: torch.Tensor, step: int) -> View:
    """Return what a policy sees of the rows, given their untransformed marginals."""
    masked = rows[:, rules.first : rules.last] == rules.predictor.mask_id
    scored = rules.transform.scores_read(probs, rules.numbers)
    return View(scored, masked, rules.numbers, step=step, fillable=fillable)


def asking_view(
    rules: Rules, probs: torch.Tensor, rows: torch.Tensor, fillable: torch.Tensor, step: int
) -> View:
    """Return the view of a policy that asks the model about other states."""
    every = torch.arange(len(rows), device=rows.device)
    board = board_of(rules, rows, indices(rules, rows[:, rules.first : rules.last]), every, probs)
    return replace(view_of(rules, probs, rows, fillable, step), tokens=board.tokens, oracle=board.oracle)
