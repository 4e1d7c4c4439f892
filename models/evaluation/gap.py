"""Log-ratio of a model's one-by-one and parallel distributions, without labels.

Let ``p(x_i | x_C)`` be the model. Three distributions on the sequences of a prompt, for fixed random choices (orders,
ties):

- ``P_s(x)``: tokens drawn one by one in the order s of the one-by-one decoder. ``P = E_s P_s`` is its distribution.
- - ``Q_w(x) = prod_t prod_{i in S_t} q(x_i | x_{S_<t})``: the parallel decoder, with the sets that its rule picks along
x under the choices w. The rule's memory and its other model calls are functions of the tokens revealed so far and of w,
and so are the sets.
- ``R_w(x)``: the same sets in the same order, each set filled token by token: every factor is
  ``p(x_i | x_{S_<t}, tokens of S_t before i)``.

The next position of each depends only on tokens already revealed, so each is a decision tree whose leaves are the
sequences, and sums to 1. A sequence x ~ P_s costs m calls to draw and m to score; per sequence, in bits,

    gap           = log2 R_w(x) - log2 Q_w(x)      (where q = p, zero at the first token of every set)
    inconsistency = log2 P_s(x) - log2 R_w(x)      (the same sequence in two reveal orders)
    total         = gap + inconsistency = log2 P_s(x) - log2 Q_w(x)

The gap is the pseudo-cost of Wen, Liang, Lu (arXiv 2608.25505; :mod:`theory.bounds.partitions.path_costs`).

**Unbiased.** If the conditionals come from one joint distribution (as those of the ideal model do), the chain rule
gives ``P_s = R_w = P`` for all s and w; inconsistency is 0 for every x, and the mean of the gap over x ~ P and w is
``E_w D(P || Q_w) = E_P E_w sum_t log2 [P(x_{S_t} | x_{S_<t}) / prod_{i in S_t} q(x_i | x_{S_<t})]``: the path KL,
which is Theorem 1 of arXiv 2510.04767 with the model as the truth. The order within a set does not matter.

**Inconsistent models.** A network need not satisfy the chain rule, and R_w then depends on the order within the
sets. The means are still divergences, for any model:

    E gap           = E_w [ D(P || Q_w) - D(P || R_w) ]   <= E_w D(P || Q_w)
    E inconsistency = E_{s,w} D(P_s || R_w)               >= E_w D(P || R_w)   (D is convex in its first argument)
    E total         = E_{s,w} D(P_s || Q_w)               >= E_w D(P || Q_w)

So the path KL from the one-by-one distribution to the parallel distribution lies between the mean gap and the mean
total: the mean inconsistency, which is never negative, bounds the bias of the gap. Dropping the random choices as
well, ``E_w D(P || Q_w) >= D(P || E_w Q_w)``, the KL of the distributions of the finished sequences.

**Which rules.** All rules that pick a set and then draw its tokens independently, with or without a memory (KLASS,
SlowFast, credit) or other model calls (DEMASK, PC-Sampler). For a rule that looks at drawn tokens before it settles
its set (``confidence=sampled``, LoPA), or masks positions again (ReMDM, RCR, WINO, Saber), ``log2 Q_w(x)`` would be a
sum over all tokens that it might have drawn; it is refused (:mod:`models.sampling.teacher_forcing`). The one-by-one
decoder, the truth here, runs at temperature 1, without a cache or guidance; q is the distribution that the rule draws
from, the tempered marginal as in :func:`theory.decoding.decoder.decode` (for credit, the marginal raised by the
credit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import torch

from models.predictors.ideal import float_dtype
from models.predictors.predictor import MaskedPredictor
from models.runs.row_streams import Streams
from models.sampling.decoding_settings import Decoding
from models.sampling.one_by_one import draw_one_by_one
from models.sampling.parallel_score import score
from models.sampling.teacher_forcing import check_product
from theory.distributions.tempering import Transform, check_temperature
from theory.policies import Policy, parse_policy
from theory.policies.process import Process
from theory.validation import InputError, choice

__all__ = ["GAP_KEYS", "ORDERS", "GapRules", "gap_records", "gap_rules"]

ORDERS = ("random", "left_to_right", "confidence", "margin", "entropy")
GAP_KEYS = ("one_by_one", "chain", "parallel", "orders", "calls", "positions", "tokens", "step", "cost")
_DRAW, _SCORE, _EXTRA = 0, 1, 2  # purposes of random numbers; those of further orders follow


@dataclass(frozen=True, kw_only=True)
class GapRules:
    """How sequences are drawn and scored, made by :func:`gap_rules`.

    Attributes:
        policy: The parallel decoder.
        order: The one-by-one decoder, which also orders the tokens within a set.
        temperature: tau > 0 of the parallel decoder.
        extra: Further random orders that each sequence is scored in.
        seed: The seed of all randomness.
        decoding: How the parallel decoder reads the model: cache or guidance.
    """

    policy: Policy | Process
    order: Policy
    temperature: Fraction
    extra: int
    seed: int
    decoding: Decoding = field(default_factory=Decoding)


def gap_rules(
    policy: str,
    *,
    order: str = "random",
    temperature: object = 1,
    extra: int = 0,
    seed: int = 0,
    decoding: Decoding | None = None,
) -> GapRules:
    """Return checked rules.

    Args:
        policy: Specification of the parallel decoder.
        order: Which position the one-by-one decoder takes next.
        temperature: tau > 0.
        extra: Number of further orders, at m calls each.
        seed: At least 0.
        decoding: How the parallel decoder reads the model.

    Raises:
        InputError: For values out of range, or a rule whose steps are not products given their sets.
    """
    tau = check_temperature(temperature)
    if tau == 0:
        raise InputError("temperature must be above 0 here: greedy decoding never draws most sequences.")
    if seed < 0 or extra < 0:
        name, value = ("seed", seed) if seed < 0 else ("extra orders", extra)
        raise InputError(f"{name} must be at least 0, got {value}.")
    choice(order, "order", ORDERS)
    rule: Any = parse_policy(policy)
    check_product(rule, Transform(temperature=tau))
    return GapRules(
        policy=rule,
        order=parse_policy(f"topk:k=1,by={order}"),
        temperature=tau,
        extra=extra,
        seed=seed,
        decoding=decoding or Decoding(),
    )


def gap_records(
    predictor: MaskedPredictor, tokens: torch.Tensor, rows: Sequence[int], rules: GapRules
) -> list[dict[str, Any]]:
    """Draw a sequence for every row and score it.

    Args:
        predictor: The model.
        tokens: Prompts with masks, shape (B, L), with the first and the last mask in the same columns of all rows.
        rows: Their numbers, which determine their random numbers.
        rules: How to draw and score.

    Returns:
        A record per row: ``one_by_one`` (log2 P_s), ``chain`` (log2 R_w), ``parallel`` (log2 Q_w), ``orders`` (log2
        probabilities in further random orders), ``calls`` (of the parallel decoder, idle ones included), and lists over
        the free positions: ``positions`` (columns), ``tokens``, ``step``, ``cost`` (the bits of the gap at each).

    Example:
        >>> from models.predictors.ideal import IdealPredictor
        >>> from synthetic import Arrangements
        >>> ideal = IdealPredictor(Arrangements(2))
        >>> record, = gap_records(ideal, ideal.masked(1), [0], gap_rules("topk:k=2"))
        >>> record["chain"], record["parallel"], record["one_by_one"]
        (-1.0, -2.0, -1.0)
    """

    def streams(purpose: int) -> Streams:
        device = predictor.device
        return Streams(rules.seed, rows, purpose=purpose, device=device, dtype=float_dtype(device))

    drawn = draw_one_by_one(predictor, tokens, rules.order, streams(_DRAW))
    decoder = rules.decoding.reads(predictor, rules.policy)
    scored = score(
        predictor,
        tokens,
        drawn.tokens,
        rules.policy,
        rules.order,
        streams(_SCORE),
        rules.temperature,
        decoder=None if decoder is predictor else decoder,
    )
    again = [_likelihood(predictor, tokens, drawn.tokens, streams(_EXTRA + j)) for j in range(rules.extra)]
    free = [[i for i, masked in enumerate(row) if masked] for row in (tokens == predictor.mask_id).tolist()]
    cost = (scored.chain - scored.parallel).tolist()
    finished, steps, calls = drawn.tokens.tolist(), scored.step.tolist(), scored.calls.tolist()
    one_by_one, orders = drawn.bits.tolist(), [bits.tolist() for bits in again]
    return [
        {
            "row": row,
            "one_by_one": one_by_one[b],
            "chain": float(scored.chain[b].sum()),
            "parallel": float(scored.parallel[b].sum()),
            "orders": [bits[b] for bits in orders],
            "calls": calls[b],
            "positions": free[b],
            "tokens": [finished[b][i] for i in free[b]],
            "step": [steps[b][i] for i in free[b]],
            "cost": [cost[b][i] for i in free[b]],
        }
        for b, row in enumerate(rows)
    ]


def _likelihood(
    predictor: MaskedPredictor, tokens: torch.Tensor, answers: torch.Tensor, streams: Streams
) -> torch.Tensor:
    """Return ``log2`` of the probability of the answers in a random order, shape (B,)."""
    one = parse_policy("topk:k=1,by=random")
    return score(predictor, tokens, answers, one, one, streams).chain.sum(dim=1)
