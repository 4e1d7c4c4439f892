"""A rule run along given sequences, with the tokens given and the sets drawn.

A step of a rule that only chooses a set and reveals it is a product: given the set, its tokens are independent. So
``log2 Q_w(x) = sum_t sum_{i in S_t} log2 q(x_i | x_{S_<t})`` along x, where the rule's memory is a function of x and of
its random choices w, with one batch per step as in a decode. A policy without memory is the special case
:class:`theory.policies.as_process.Factorised`. A rule that looks at drawn tokens before it settles its set, or masks
positions again, has no such step; :class:`Teacher` refuses it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import array_api_compat.torch as xp
import torch

from models.runs.row_streams import Streams
from models.sampling.one_by_one import PartialRows, log2_of
from models.sampling.prompted_model import PromptedModel
from theory.decoding.decoder import as_process
from theory.distributions.distribution import MASK
from theory.distributions.tempering import Transform
from theory.numbers.distinct import distinct_rows
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.sampling.sampler import require_progress, run_as
from theory.sampling.teacher_forcing import GivenTokens
from theory.validation import InputError

__all__ = ["Follower", "NoProductError", "Teacher", "check_product"]

_STEPS = 100_000  # steps of one row, far above every schedule


class NoProductError(InputError):
    """A rule whose steps are not products given their sets."""

    def __init__(self, rule: object) -> None:
        super().__init__(
            f"the gap needs a rule whose steps are products given their sets; {str(rule)!r} looks at drawn tokens "
            "or masks positions again, and has none. verify takes it."
        )


class Teacher(GivenTokens):
    """Chance for one step: sets are drawn, tokens are those of the sequences.

    Args:
        rule: The name for errors.
        answers: The sequences, shape (B, m).
        random: As of :class:`theory.decoding.sampled_chance.SampleChance`.

    Attributes:
        chosen: The revealed set, bool, shape (B, m).
        bits: ``log2 q(x_i)`` of the distribution that the rule would draw from, float64, shape (B, m), for ``chosen``.
    """

    def __init__(
        self, rule: object, answers: torch.Tensor, random: Callable[[tuple[int, ...]], torch.Tensor]
    ) -> None:
        super().__init__(random)
        self._rule, self._answers, self._revealed = rule, answers, False
        self.chosen = torch.zeros_like(answers, dtype=torch.bool)
        self.bits = torch.zeros(answers.shape, dtype=torch.float64)

    def refused(self, why: str) -> NoProductError:  # noqa: ARG002
        """Return the error for such a rule."""
        return NoProductError(self._rule)

    def reveal(self, batch: RunBatch, chosen: torch.Tensor) -> RunBatch:
        """Return the batch with the tokens of the sequences at the chosen positions."""
        if self._revealed or bool((chosen & ~batch.masked).any()):
            raise NoProductError(self._rule)
        self._revealed, self.chosen = True, chosen
        self.bits = log2_of(batch.drawn_from(), self._answers)
        return batch.write(chosen, self._answers)


class Follower:
    """A rule on rows that are being revealed, with its memory and number of steps in each row.

    Args:
        partial: The rows, nothing revealed yet. The caller reveals each set completely before asking for the next.
        rule: A policy, or a rule with memory.
        transform: Temperature and truncation.
        answers: The sequences, shape (B, L).
        streams: Random numbers of the rows.
        probs: Marginals of all rows at the start, shape (B, m, V).

    Attributes:
        count: Steps of each row, idle ones included, int64, shape (B,).
    """

    def __init__(
        self,
        partial: PartialRows,
        rule: Policy | Process,
        transform: Transform,
        answers: torch.Tensor,
        streams: Streams,
        probs: torch.Tensor,
    ) -> None:
        self._partial, self._transform, self._streams = partial, transform, streams
        self.answers = answers.to(partial.device)[:, partial.columns]
        self._process = run_as(rule, transform)
        first, self._prompt = distinct_rows(partial.tokens, xp)
        self._prompts = partial.tokens[first]
        rows = torch.arange(len(probs), device=partial.device)
        self.count = torch.zeros_like(rows)
        self._memory: dict[str, torch.Tensor] = {}
        start = self._process.start(self._batch(rows, probs, 0))
        self._memory = {name: array.clone() for name, array in start.memory.items()}

    def finished(self, rows: torch.Tensor, probs: torch.Tensor) -> torch.Tensor:
        """Return which rows take no more steps, bool; ``probs`` may be those of any state."""
        return self._process.finished(self._batch(rows, probs, 0))

    def next_sets(self, rows: torch.Tensor, probs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the next set of each row, bool, and the bits of its tokens (on the CPU), both (B, m).

        Idle steps are counted and skipped, since no marginal changes. The set is empty where the rule is finished.

        Args:
            rows: Their numbers.
            probs: Their current marginals, shape (B, m, V).
        """
        chosen = torch.zeros_like(self._partial.masked[rows])
        bits = torch.zeros(chosen.shape, dtype=torch.float64)
        waiting = torch.arange(len(rows), device=rows.device)
        for _ in range(_STEPS):
            waiting = waiting[~self.finished(rows[waiting], probs[waiting])]
            if not len(waiting):
                return chosen, bits
            count = self.count[rows[waiting]]
            for step in count.unique().tolist():  # the rows of a batch are at the same step
                part = waiting[count == step]
                chosen[part], bits[part.cpu()] = self._step(rows[part], probs[part], step)
            waiting = waiting[~chosen[waiting].any(dim=1)]
        raise InputError(f"rule {self._process} makes no progress: it takes nothing in {_STEPS} steps.")

    def _step(self, rows: torch.Tensor, probs: torch.Tensor, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        batch, numbers = self._batch(rows, probs, step), rows.tolist()
        teacher = Teacher(
            self._process, self.answers[rows], lambda shape: self._streams.uniforms(numbers, shape[1])
        )
        after = self._process.step(batch, teacher)
        if not torch.equal(after.tokens, torch.where(teacher.chosen, self.answers[rows], batch.tokens)):
            raise NoProductError(self._process)
        if _kinds(after.memory) != _kinds(self._memory):
            raise InputError(
                f"rule {self._process} changes the kind of its memory in a step; start(batch) must remember all "
                "of it, with its types and shapes."
            )
        require_progress(self._process, batch, after, teacher.chosen.any(dim=1))
        for name, array in after.memory.items():
            self._memory[name][rows] = array
        self.count[rows] += 1
        return teacher.chosen, teacher.bits

    def _batch(self, rows: torch.Tensor, probs: torch.Tensor, step: int) -> RunBatch:
        partial = self._partial
        return RunBatch(
            tokens=partial.answers(rows),
            probs=probs,
            memory={name: array[rows] for name, array in self._memory.items()},
            weights={},
            numbers=partial.numbers,
            transform=self._transform,
            model=PromptedModel(self._asked, self._prompt[rows], partial.free.shape[1]),
            step=step,
            fillable=partial.free[rows],
        )

    def _asked(self, answers: torch.Tensor, prompts: torch.Tensor) -> torch.Tensor:
        """Return the marginals of other answers (K, m), -1 where masked, to prompts (K,)."""
        whole = self._prompts[prompts]
        whole[:, self._partial.columns] = torch.where(
            answers == MASK, self._partial.predictor.mask_id, answers
        )
        return self._partial.marginals_of(whole)


def _kinds(memory: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    return {name: (array.dtype, array.shape[1:]) for name, array in memory.items()}


def check_product(rule: Policy | Process, transform: Transform) -> None:
    """Refuse a rule whose first step, on four fair bits, is not a product given its set.

    Raises:
        NoProductError: For such a rule.

    Example:
        >>> from theory.policies import parse_policy
        >>> check_product(parse_policy("klass"), Transform())
        >>> check_product(parse_policy("wino"), Transform())
        Traceback (most recent call last):
            ...
        models.sampling.teacher_forcing.NoProductError: the gap needs a rule whose steps are products ...
    """
    process = as_process(rule, transform)
    if process is None:
        return
    coins = _Coins()
    partial = PartialRows(coins, torch.full((1, 4), coins.mask_id))
    every = torch.arange(1)
    probs = partial.marginals(every)
    try:
        follower = Follower(
            partial, process, transform, partial.tokens * 0, Streams(0, [0], purpose=0), probs
        )
        follower.next_sets(every, probs)
    except NoProductError:
        raise
    except InputError:
        return  # a rule that fails on four bits may work on the prompts


class _Coins:
    """Fair bits at all positions."""

    mask_id, vocab_size, device = 2, 2, torch.device("cpu")

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        return torch.zeros(*tokens.shape, 2)
