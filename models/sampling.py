"""The decode loop: any predictor driven by the policies of ``theory``, whole batches at once.

One step: the predictor gives marginals, the policy picks masked positions from them, every picked token is drawn
independently from its tempered marginal. The policy sees only the columns that hold masks at the start, so that
``left_to_right`` and ``block`` count positions of the answer, not of the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import array_api_compat.torch as xp
import torch

from models.ideal import float_dtype
from models.predictor import MarginalPredictor, MaskedPredictor
from theory._checks import InputError, choice, positive_int
from theory.arithmetic import TIE_TOLERANCE, FloatNumbers
from theory.policies.policy import Policy
from theory.policies.view import View
from theory.temper import GREEDY_TIES, check_temperature, tempered

__all__ = ["Decoded", "decode", "draw"]

FLOAT32_TIES = (
    1e-6  # single precision: a few roundings of 6e-8, still below the gap of any ideal marginals met
)
# probabilities per chunk. A step should stay in the cache of a core: 1 MB in float64 where the predictor is cheap,
# less for a network, whose activations are larger. A GPU should be full: 0.5 GB.
IDEAL_ENTRIES, MODEL_ENTRIES, DEVICE_ENTRIES = 1 << 17, 1 << 16, 1 << 26


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """Finished sequences.

    Attributes:
        tokens: Token ids without masks, shape (B, L).
        steps: Model calls that each row took, shape (B,).
    """

    tokens: torch.Tensor
    steps: torch.Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class _Rules:
    """How tokens are chosen: the same for every chunk and step."""

    predictor: MaskedPredictor
    policy: Policy
    temperature: Fraction
    greedy_ties: str
    numbers: FloatNumbers
    dtype: torch.dtype
    generator: torch.Generator
    first: int  # columns first .. last-1 hold the masks
    last: int
    proposed: torch.Tensor  # the tokens that may be drawn, shape (V',)


@torch.no_grad()
def decode(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    policy: Policy,
    *,
    generator: torch.Generator,
    temperature: object = 1,
    greedy_ties: str = "random",
    allowed: Sequence[int] | torch.Tensor | None = None,
    batch_size: int | None = None,
) -> Decoded:
    """Fill the masked positions of a batch.

    Args:
        predictor: The model.
        tokens: Token ids, int64, shape (B, L); the positions that equal ``predictor.mask_id`` are filled.
        policy: An unmasking policy.
        generator: Source of all randomness, on the predictor's device. The same state, arguments and
            ``batch_size`` give the same result.
        temperature: tau >= 0 of the tokens; 0 is greedy.
        greedy_ties: Equal tokens at tau = 0: ``random`` (independent) or ``lowest``.
        allowed: Tokens that may be drawn; all but the mask by default. The marginals that the policy sees are
            normalised over them.
        batch_size: Rows decoded together; by default what fits the cache of a core, or a GPU.

    Raises:
        InputError: For switches out of range, a generator of another device, or a policy that picks nothing.

    Example:
        >>> from models.ideal import IdealPredictor
        >>> from synthetic import Arrangements
        >>> from theory.policies import parse_policy
        >>> ideal = IdealPredictor(Arrangements(4))
        >>> seeded = torch.Generator().manual_seed(0)
        >>> done = decode(ideal, ideal.masked(3), parse_policy("topk:k=1"), generator=seeded)
        >>> done.tokens.sort(dim=1).values.tolist(), done.steps.tolist()
        ([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]], [4, 4, 4])
    """
    rules = _rules(predictor, tokens, policy, temperature, greedy_ties, allowed, generator)
    out = tokens.to(predictor.device, copy=True)
    steps = torch.zeros(len(out), dtype=torch.int64, device=out.device)
    size = _default_size(rules) if batch_size is None else positive_int(batch_size, "batch_size")
    for start in range(0, len(out), size):
        _decode_chunk(rules, out[start : start + size], steps[start : start + size])
    return Decoded(tokens=out, steps=steps)


def draw(probs: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return one token per row of ``probs``, shape (K, V), never one of probability zero; shape (K,).

    Example:
        >>> draw(torch.tensor([[0.0, 1.0, 0.0]]), torch.Generator().manual_seed(0)).tolist()
        [1]
    """
    uniform = torch.rand(len(probs), 1, dtype=probs.dtype, device=probs.device, generator=generator)
    # a parallel sum may round differently after a token of probability zero, so such tokens are left out
    cumulative = torch.where(probs > 0, probs.cumsum(dim=1), -1)
    reached = cumulative > uniform * cumulative.amax(dim=1, keepdim=True)
    return reached.to(torch.uint8).argmax(dim=1)


def _rules(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    policy: Policy,
    temperature: object,
    greedy_ties: str,
    allowed: Sequence[int] | torch.Tensor | None,
    generator: torch.Generator,
) -> _Rules:
    device, dtype = predictor.device, float_dtype(predictor.device)
    if generator.device.type != device.type:
        raise InputError(f"generator is on {generator.device}, the model on {device}; they must be the same.")
    masked = (tokens == predictor.mask_id).any(dim=0).nonzero()
    tolerance = TIE_TOLERANCE if dtype == torch.float64 else FLOAT32_TIES
    return _Rules(
        predictor=predictor,
        policy=policy,
        temperature=check_temperature(temperature),
        greedy_ties=choice(greedy_ties, "greedy_ties", GREEDY_TIES),
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


def _default_size(rules: _Rules) -> int:
    entries = IDEAL_ENTRIES if isinstance(rules.predictor, MarginalPredictor) else MODEL_ENTRIES
    if rules.predictor.device.type != "cpu":
        entries = DEVICE_ENTRIES
    return max(32, entries // max(1, (rules.last - rules.first) * len(rules.proposed)))


def _decode_chunk(rules: _Rules, tokens: torch.Tensor, steps: torch.Tensor) -> None:
    """Fill the rows of ``tokens`` and count their ``steps``, both in place."""
    mask_id, columns = rules.predictor.mask_id, slice(rules.first, rules.last)
    while True:
        live = (tokens[:, columns] == mask_id).any(dim=1).nonzero()[:, 0]
        if not len(live):
            return
        everything = len(live) == len(tokens)
        rows = tokens if everything else tokens[live]
        answers = rows[:, columns]
        probs = _marginals(rules, rows)
        chosen = _choose(rules, probs, answers == mask_id)
        where = chosen.nonzero(as_tuple=True)
        q = tempered(probs[where], rules.temperature, rules.numbers, greedy_ties=rules.greedy_ties)
        answers[where] = rules.proposed[draw(q, rules.generator)]  # a view of rows
        if not everything:
            tokens[live] = rows
        steps[live] += 1


def _marginals(rules: _Rules, rows: torch.Tensor) -> torch.Tensor:
    """Return the marginals of the tokens that may be drawn, shape (B, m, V')."""
    columns = slice(rules.first, rules.last)
    every = len(rules.proposed) == rules.predictor.vocab_size
    if isinstance(rules.predictor, MarginalPredictor) and every:
        return rules.predictor.marginals(rows)[:, columns].to(rules.dtype)
    logits = rules.predictor(rows)[:, columns]
    return torch.softmax(logits if every else logits[..., rules.proposed], dim=-1, dtype=rules.dtype)


def _choose(rules: _Rules, probs: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
    """Return the positions that the policy picks, bool, shape (B, m)."""
    plan = rules.policy.plan(View(probs, masked, rules.numbers))
    uniforms = torch.rand(masked.shape, dtype=probs.dtype, device=probs.device, generator=rules.generator)
    chosen = plan.sample(uniforms) & masked
    if not bool(chosen.any(dim=1).all()):
        raise InputError(f"policy {rules.policy} picks no masked position; it must pick at least one.")
    return chosen
