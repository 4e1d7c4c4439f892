"""The decode loop: any predictor driven by the policies of ``theory``, whole batches at once.

One step: the predictor gives marginals, the policy picks masked positions from them, every picked token is drawn
independently from its tempered marginal. The policy sees only the columns that hold masks at the start, so that
``left_to_right`` and ``block`` count positions of the answer, not of the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat.torch as xp
import torch

from models.predictors.predictor import MarginalPredictor, MaskedPredictor
from models.sampling.decode_state import (
    Rules,
    asking_view,
    board_of,
    indices,
    marginals_of,
    rules_of,
    view_of,
    written,
)
from theory.decoding.decoder import as_process
from theory.decoding.sampled_chance import SampleChance
from theory.distributions.draws import draw
from theory.distributions.tempering import Transform
from theory.numbers.distinct import distinct_rows
from theory.policies.board import Board
from theory.policies.foreign import finished_rows, plan_of, started, stepped
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.ranked import Ranked
from theory.validation import InputError, positive_int

__all__ = ["Decoded", "decode"]

_STEPS = 100_000  # model calls of one row: far beyond every schedule

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


@torch.no_grad()
def decode(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    policy: Policy | Process,
    *,
    generator: torch.Generator,
    allowed: Sequence[int] | torch.Tensor | None = None,
    batch_size: int | None = None,
    **switches: Any,
) -> Decoded:
    """Fill the masked positions of a batch.

    Args:
        predictor: The model.
        tokens: Token ids, int64, shape (B, L); the positions that equal ``predictor.mask_id`` are filled.
        policy: An unmasking policy, or a process.
        generator: Source of all randomness, on the predictor's device. The same state, arguments and
            ``batch_size`` give the same result.
        allowed: Tokens that may be drawn; all but the mask by default. The marginals that the policy sees are
            normalised over them.
        batch_size: Rows decoded together; by default what fits the cache of a core, or a GPU.
        **switches: ``temperature``, ``greedy_ties``, ``top_p``, ``top_k``, ``nucleus``, ``scored`` as in
            :class:`theory.distributions.tempering.Transform`.

    Raises:
        InputError: For switches out of range, a generator of another device, or a rule that makes no progress.

    Example:
        >>> from models.predictors.ideal import IdealPredictor
        >>> from synthetic import Arrangements
        >>> from theory.policies import parse_policy
        >>> ideal = IdealPredictor(Arrangements(4))
        >>> seeded = torch.Generator().manual_seed(0)
        >>> done = decode(ideal, ideal.masked(3), parse_policy("topk:k=1"), generator=seeded)
        >>> done.tokens.sort(dim=1).values.tolist(), done.steps.tolist()
        ([[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3]], [4, 4, 4])
    """
    rules = rules_of(predictor, tokens, policy, Transform(**switches), allowed, generator)
    out = tokens.to(predictor.device, copy=True)
    steps = torch.zeros(len(out), dtype=torch.int64, device=out.device)
    size = _default_size(rules) if batch_size is None else positive_int(batch_size, "batch_size")
    process = as_process(policy, rules.transform)
    for start in range(0, len(out), size):
        part = slice(start, start + size)
        if process is None:
            _decode_chunk(rules, out[part], steps[part])
        else:
            _run_chunk(rules, process, out[part], steps[part])
    return Decoded(tokens=out, steps=steps)


def _default_size(rules: Rules) -> int:
    entries = IDEAL_ENTRIES if isinstance(rules.predictor, MarginalPredictor) else MODEL_ENTRIES
    if rules.predictor.device.type != "cpu":
        entries = DEVICE_ENTRIES
    return max(32, entries // max(1, (rules.last - rules.first) * len(rules.proposed)))


def _decode_chunk(rules: Rules, tokens: torch.Tensor, steps: torch.Tensor) -> None:
    """Fill the rows of ``tokens`` with a memoryless policy and count their ``steps``, both in place."""
    mask_id, columns = rules.predictor.mask_id, slice(rules.first, rules.last)
    fillable = tokens[:, columns] == mask_id
    for step in range(_STEPS):
        live = (tokens[:, columns] == mask_id).any(dim=1).nonzero()[:, 0]
        if not len(live):
            return
        everything = len(live) == len(tokens)
        rows = tokens if everything else tokens[live]
        answers = rows[:, columns]
        probs = marginals_of(rules, rows)
        chosen = _choose(rules, probs, rows, fillable[live], step)
        where = chosen.nonzero(as_tuple=True)
        q = rules.transform.draw(probs[where], rules.numbers)
        answers[where] = rules.proposed[draw(q, rules.random((len(q),)), xp)]  # a view of rows
        if not everything:
            tokens[live] = rows
        steps[live] += 1
    raise InputError(f"policy {rules.policy} makes no progress: it has not finished after {_STEPS} steps.")


def _run_chunk(rules: Rules, process: Process, tokens: torch.Tensor, steps: torch.Tensor) -> None:
    """The same for a process. Its board holds the answers as indices into the proposed tokens."""
    chance, columns = SampleChance(rules.random), slice(rules.first, rules.last)
    rows = torch.arange(len(tokens), device=tokens.device)
    board = started(process, board_of(rules, tokens, indices(rules, tokens[:, columns]), rows))
    for step in range(_STEPS):
        done = finished_rows(process, board)
        tokens[rows[done], columns] = written(rules, board.tokens[done])
        live = (~done).nonzero()[:, 0]
        if not len(live):
            return
        board, rows = board.take(live), rows[live]
        fresh = board_of(rules, tokens, board.tokens, rows)
        board = replace(
            board, probs=fresh.probs, oracle=fresh.oracle, step=step
        )  # fillable stays that of the start
        after = stepped(process, board, chance)
        if not getattr(process, "clocked", False) and bool(_unchanged(board, after).any()):
            raise InputError(f"rule {rules.policy} makes no progress: a step left a state as it was.")
        board = after
        steps[rows] += 1
    raise InputError(f"rule {rules.policy} makes no progress: it has not finished after {_STEPS} steps.")


def _unchanged(before: Board, after: Board) -> torch.Tensor:
    """Return the rows whose tokens and memory a step has left as they were, bool, shape (B,)."""
    same = (before.tokens == after.tokens).all(dim=1)
    for name, array in after.memory.items():
        if name not in before.memory:
            return torch.zeros_like(same)
        same = same & (array == before.memory[name]).reshape(len(same), -1).all(dim=1)
    return same


def _choose(
    rules: Rules, probs: torch.Tensor, rows: torch.Tensor, fillable: torch.Tensor, step: int
) -> torch.Tensor:
    """Return the positions that the policy picks, bool, shape (B, m)."""
    assert not isinstance(rules.policy, Process)
    if getattr(rules.policy, "asks", False):
        # a question costs a model call: once for each distinct row
        first, index = distinct_rows(rows, xp)
        plan = plan_of(rules.policy, asking_view(rules, probs[first], rows[first], fillable[first], step))
        if isinstance(plan, Ranked):
            plan = plan.expanded(index)
        else:
            plan = plan_of(rules.policy, asking_view(rules, probs, rows, fillable, step))
    else:
        plan = plan_of(rules.policy, view_of(rules, probs, rows, fillable, step))
    masked = rows[:, rules.first : rules.last] == rules.predictor.mask_id
    chosen = plan.sample(rules.random(tuple(masked.shape))) & masked
    if not getattr(rules.policy, "clocked", False) and not bool(chosen.any(dim=1).all()):
        raise InputError(f"policy {rules.policy} picks no masked position; it must pick at least one.")
    return chosen
