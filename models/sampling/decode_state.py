"""What is the same in all steps of a decode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import array_api_compat.torch as xp
import torch

from models.predictors.answer_columns import started
from models.predictors.first_wrong import FirstWrong
from models.predictors.ideal import float_dtype
from models.predictors.predictor import MaskedPredictor
from models.sampling.read_scores import ReadScores
from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import TIE_TOLERANCE, FloatNumbers
from theory.policies.as_process import Factorised, SampledConfidence, run_as
from theory.policies.checked_calls import is_ours
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.process import Process
from theory.policies.view import UNKNOWN
from theory.validation import InputError

__all__ = ["FLOAT32_TIES", "Rules", "best_alone", "indices", "masks_alone", "read_as", "rules_of"]

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
    best = best_alone(rules.policy, rules.transform)
    read = ReadScores(**given, confidence_dtype=confidence_dtype, last=last, best=best)
    return replace(rules, transform=read)


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


def masks_alone(rule: Policy | Process, transform: Transform) -> bool:
    """Return whether a rule reads the marginals of masked positions alone, which spares the others."""
    plain = isinstance(run_as(rule, transform), (Factorised, SampledConfidence)) and is_ours(rule)
    return plain and not getattr(rule, "asks", False)


def best_alone(rule: Policy | Process, transform: Transform) -> bool:
    """Return whether of every marginal a rule reads no more than the largest probability."""
    if not isinstance(rule, RankedPolicy) or not masks_alone(rule, transform):
        return False
    factorised = isinstance(run_as(rule, transform), Factorised)
    return factorised and rule.scores_alone and rule.by not in ("margin", "entropy")
