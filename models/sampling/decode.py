"""The decode loop, any predictor driven by the policies of ``theory``.

The loop is that of :mod:`theory.sampling.sampler`, with a predictor for the model. The policy sees only the columns
that hold masks at the start, so that ``left_to_right`` and ``block`` count positions of the answer, not of the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat.torch as xp
import torch

from models.predictors.first_wrong import FirstWrong
from models.predictors.predictor import MarginalPredictor, MaskedPredictor
from models.runs.halving_batches import halving_batches, out_of_memory
from models.sampling.decode_state import Rules, indices, masks_alone, read_as, rules_of
from models.sampling.marginals import marginals_of
from models.sampling.prompted_model import PromptedModel
from theory.decoding.sampled_chance import SampleChance
from theory.distributions.outcomes import MASK
from theory.distributions.tempering import Transform
from theory.numbers.distinct import distinct_rows
from theory.policies.as_process import Factorised, run_as
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.policies.view import UNKNOWN
from theory.sampling.sampler import Sampler
from theory.validation import positive_int

__all__ = ["Decoded", "decode"]

# probabilities per chunk. A step should fit the cache of a core: 1 MB in float64 if the predictor is cheap,
# less for a network, whose activations are larger. A GPU should be full: 0.5 GB.
IDEAL_ENTRIES, MODEL_ENTRIES, DEVICE_ENTRIES = 1 << 17, 1 << 16, 1 << 26
CPU_ENTRIES = 1 << 24  # of a few rows on a CPU, 128 MB: fresh memory beyond costs more than its use


@dataclass(frozen=True, kw_only=True, eq=False)
class Decoded:
    """Finished sequences.

    Attributes:
        tokens: Token ids without masks, shape (B, L).
        steps: Model calls that each row took, shape (B,).
        steps_to_end: Those until the token ``end`` was revealed with no mask before it, else all; shape (B,).
    """

    tokens: torch.Tensor
    steps: torch.Tensor
    steps_to_end: torch.Tensor


@torch.no_grad()
def decode(
    predictor: MaskedPredictor,
    tokens: torch.Tensor,
    policy: Policy | Process,
    *,
    generator: torch.Generator,
    allowed: Sequence[int] | torch.Tensor | None = None,
    batch_size: int | None = None,
    confidence_dtype: torch.dtype | None = None,
    ranked_last: Sequence[int] = (),
    stop: int | None = None,
    end: int | None = None,
    **switches: Any,
) -> Decoded:
    """Fill the masked positions of a batch.

    Args:
        predictor: The model.
        tokens: Token ids, int64, shape (B, L); the positions that equal ``predictor.mask_id`` are filled.
        policy: An unmasking policy, or a rule with memory.
        generator: Source of all randomness, on the predictor's device. The same state, arguments and
            ``batch_size`` give the same result.
        allowed: Tokens that may be drawn; all but the mask by default. The marginals that the policy sees are
            normalised over them.
        batch_size: Rows decoded together; by default as fits the cache of a core, or a GPU, and halved if memory
            runs out.
        confidence_dtype: The dtype that the probabilities are rounded to before the policy reads them.
        ranked_last: Tokens that may be drawn, but positions where one is the most probable are taken last.
        stop: A token, such as EOS; a row ends once it is revealed with no mask before it, and
            what is still masked becomes it.
        end: The same token if a row goes on behind it: when it came is then told as ``steps_to_end``.
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
    rules = read_as(rules, confidence_dtype, ranked_last, stop)
    out = tokens.to(predictor.device, copy=True)
    steps = torch.zeros(len(out), dtype=torch.int64, device=out.device)
    to_end = torch.zeros_like(steps)
    waiting = (out == predictor.mask_id).any(dim=1)
    if bool(waiting.any()) and not isinstance(run_as(policy, rules.transform), Factorised):
        waiting = torch.ones_like(waiting)  # a rule with memory may go on when nothing is masked

    def fill(rows: Sequence[int]) -> None:
        part = waiting[rows[0] : rows[-1] + 1].nonzero()[:, 0] + rows[0]
        if not len(part):
            return
        before = generator.get_state()
        try:
            chunk = _Chunk(rules, out[part], end)
            steps[part], out[part], to_end[part] = chunk.fill(), chunk.tokens, chunk.to_end
        except (RuntimeError, MemoryError):
            generator.set_state(before)
            raise

    rows = range(len(out))
    if batch_size is None:
        list(halving_batches(rows, fill, _default_size(rules)))
    else:
        size = positive_int(batch_size, "batch_size")
        for start in rows[::size]:
            fill(rows[start : start + size])
    return Decoded(tokens=out, steps=steps, steps_to_end=torch.where(to_end > 0, to_end, steps))


def _default_size(rules: Rules) -> int:
    entries = IDEAL_ENTRIES if isinstance(rules.predictor, MarginalPredictor) else MODEL_ENTRIES
    if rules.predictor.device.type != "cpu":
        entries = DEVICE_ENTRIES
    a_row = max(1, (rules.last - rules.first) * len(rules.proposed))
    # a vocabulary of 100,000 leaves no cache, and on a CPU larger tables are slower
    least = min(32, max(1, CPU_ENTRIES // a_row)) if rules.predictor.device.type == "cpu" else 32
    return max(least, entries // a_row)


class _Chunk(Sampler):
    """Rows of token ids, shape (B, L). In a run batch the answers are indices into the proposed tokens."""

    def __init__(self, rules: Rules, tokens: torch.Tensor, end: int | None = None) -> None:
        super().__init__(rules.policy, rules.transform, rules.last - rules.first)
        self.first_wrong = FirstWrong()
        self.rules = replace(rules, first_wrong=self.first_wrong)
        self.tokens, self.columns = tokens, slice(rules.first, rules.last)
        first, index = distinct_rows(
            torch.cat([tokens[:, : rules.first], tokens[:, rules.last :]], dim=1), xp
        )
        self.prompt = first[index]  # one row with the same tokens outside of the answer columns
        mask = torch.tensor([rules.predictor.mask_id], device=tokens.device)
        self.ids = torch.cat([rules.proposed, mask])  # by index; -1 is the last one
        self.masked_only = masks_alone(self.rule, self.transform)
        # the table of the first step, of which every later one is a part
        self.read: torch.Tensor | None = None
        found = [] if end is None else (rules.proposed == end).nonzero()[:, 0].tolist()
        self.end = found[0] if found else None
        self.calls, self.to_end = 0, torch.zeros(len(tokens), dtype=torch.int64, device=tokens.device)

    def fill(self) -> torch.Tensor:
        """Fill the masks in place and return the steps of each row.

        Raises:
            InputError: If the model gave wrong numbers, whatever the rule made of them.
        """
        try:
            steps = self._filled()
        except Exception as error:
            if not out_of_memory(error):
                self.first_wrong.check()
            raise
        self.first_wrong.check()
        return steps

    def _filled(self) -> torch.Tensor:
        plain = isinstance(self.process, Factorised) and not getattr(self.rule, "asks", False)
        answers = indices(self.rules, self.tokens[:, self.columns], may_redraw=not plain)
        self.fixed = answers == UNKNOWN
        self.some_fixed = bool(self.fixed.any())
        rows = torch.arange(len(answers), device=answers.device)
        start = RunBatch(
            tokens=answers,
            probs=self._marginals(answers, rows),
            memory={},
            weights={},
            numbers=self.rules.numbers,
            transform=self.transform,
            model=self._model(rows),
            step=0,
            fillable=answers == MASK,
        )
        ends, steps, _ = self.run(start, SampleChance(self.rules.random))
        if (stop := self.rules.stop) is not None:
            ends = torch.where(self._ended(ends, stop)[:, None] & (ends == MASK), stop, ends)
        self.tokens[:] = self._written(ends, rows)
        return steps

    def ended(self, batch: RunBatch) -> torch.Tensor:
        """Return the rows that the rule has finished, or the token that ends a row; all once the model is wrong."""
        done = torch.as_tensor(super().ended(batch), device=batch.tokens.device)
        if self.rules.stop is not None:
            done = done | self._ended(batch.tokens, self.rules.stop)
        wrong = self.first_wrong.found()
        return done if wrong is None else done | wrong

    def asked(self, batch: RunBatch, rows: torch.Tensor) -> RunBatch:
        """Return the batch with the marginals of the predictor; it is asked after every step but the last."""
        self.calls += 1
        if self.end is not None:
            new = self._ended(batch.tokens, self.end) & (self.to_end[rows] == 0)
            self.to_end[rows[new]] = self.calls
        return replace(batch, probs=self._marginals(batch.tokens, rows), model=self._model(rows))

    def _ended(self, answers: torch.Tensor, token: int) -> torch.Tensor:
        return ((answers == token) & ((answers == MASK).cumsum(dim=1) == 0)).any(dim=1)

    def _model(self, rows: torch.Tensor) -> PromptedModel:
        return PromptedModel(self._marginals, self.prompt[rows], self.columns.stop - self.columns.start)

    def _marginals(self, answers: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        written = self._written(answers, rows)
        probs = marginals_of(
            self.rules, written, masked_only=self.masked_only, memory=self.read if self.masked_only else None
        )
        self.read = probs if self.read is None else self.read
        return probs

    def _written(self, answers: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        """Return the token ids of rows with these answers."""
        ids = self.ids[answers]
        if ids.shape[1] == self.tokens.shape[1] and not self.some_fixed:
            return ids
        whole = self.tokens[rows]
        if self.some_fixed:
            ids = torch.where(self.fixed[rows], whole[:, self.columns], ids)
        whole[:, self.columns] = ids
        return whole
