"""The loop of all samplers.

A batch of rows is run by one rule to the ends of all rows, with arrays of any library.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace

from theory.decoding.sampled_chance import SampleChance
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import Array
from theory.policies.as_process import run_as
from theory.policies.checked_calls import checked_finished, checked_start, checked_step, is_ours
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.validation import InputError

__all__ = ["Sampler", "require_progress"]

_LONGEST = 100_000  # model calls of one row: far beyond every published rule
_STEPS = 1_000  # calls in a row in which a rule of a user's own may change nothing


class Sampler(ABC):
    """Runs of one rule; who derives from it says what the model says.

    Args:
        rule: An unmasking policy, or a process.
        transform: From marginals to the distributions that tokens are drawn from.
        n: The number of positions.
    """

    def __init__(self, rule: Policy | Process, transform: Transform, n: int) -> None:
        self.rule, self.transform = rule, transform
        self.process = run_as(rule, transform)
        planned = getattr(rule, "steps", 0)
        longest = (n + 1) * (planned if isinstance(planned, int) else 0)  # every block has its own steps
        self._patience, self._most = max(_STEPS, longest), max(_STEPS + 20 * n, longest)
        if is_ours(rule):
            self._patience = self._most = max(_LONGEST, longest)

    @abstractmethod
    def asked(self, batch: RunBatch, rows: Array) -> RunBatch:
        """Return the batch of rows of these numbers with what the model says of its tokens."""

    def ended(self, batch: RunBatch) -> Array:
        """Return which rows have ended after a step, bool, shape (B,)."""
        return checked_finished(self.process, batch)

    def stopped(self, batch: RunBatch) -> Array | None:  # noqa: ARG002
        """Return which rows end before a step, bool, shape (B,); ``None`` for none."""
        return None

    def idle(self, batch: RunBatch) -> int:  # noqa: ARG002
        """Return how many calls from now on take nothing in any row: they are counted without being made."""
        return 0

    def run(self, batch: RunBatch, chance: SampleChance) -> tuple[Array, Array, Mapping[str, Array]]:
        """Return the tokens, the number of model calls and the weights at the end of each row.

        Args:
            batch: The start, with what the model says of it.
            chance: Says what is random.

        Raises:
            InputError: If the rule makes no progress.
        """
        xp, batch = batch.numbers.xp, checked_start(self.process, batch)
        rows = xp.cumulative_sum(xp.ones_like(batch.tokens[:, 0]), axis=0) - 1
        tokens, steps = xp.zeros_like(batch.tokens), xp.zeros_like(rows)
        weights = {name: xp.zeros_like(values) for name, values in batch.weights.items()}

        def going(batch: RunBatch, rows: Array, done: Array) -> tuple[RunBatch, Array]:
            """Keep the ends of the rows that are done, and return the others."""
            tokens[rows[done]] = batch.tokens[done]
            for name, values in weights.items():
                values[rows[done]] = batch.weights[name][done]
            live = xp.nonzero(~done)[0]
            return batch.take(live), rows[live]

        step, still, first = 0, 0, True
        done = xp.asarray(self.ended(batch))
        some_done = bool(xp.any(done))
        while step < self._most and still <= self._patience:
            if some_done:
                batch, rows = going(batch, rows, done)
            if len(rows) and not first:
                batch = self.asked(batch, rows)
                stopped = self.stopped(batch)
                if stopped is not None and bool(xp.any(stopped)):
                    batch, rows = going(batch, rows, stopped)
            if not len(rows):
                return tokens, steps, weights
            batch, first = replace(batch, step=step), False
            idle = self.idle(batch)
            batch = replace(batch, step=step + idle)
            chance.begin(batch)
            after = checked_step(self.process, batch, chance)
            moved = xp.any(after.tokens != batch.tokens, axis=1)
            done = xp.asarray(self.ended(after))
            # one reading of the device for all that is asked of a step
            flags = xp.stack([xp.any(done), xp.any(moved), xp.all(moved)])
            some_done, some_moved, all_moved = flags.tolist()
            if not all_moved:
                require_progress(self.process, batch, after, moved)
            still = 0 if some_moved else still + 1
            step, steps[rows] = step + idle + 1, steps[rows] + idle + 1
            batch = after
        what = f"takes nothing in {still} steps" if still else f"has not finished after {step} steps"
        raise InputError(f"rule {self.rule} makes no progress: it {what}.")


def require_progress(process: Process, before: RunBatch, after: RunBatch, moved: Array) -> None:
    """Raise if a step has left the tokens and the memory of a row as they were, unless the rule goes by the clock.

    Args:
        process: The rule.
        before: The batch before the step.
        after: The batch after it.
        moved: The rows whose tokens have changed, bool, shape (B,).
    """
    xp = before.numbers.xp
    if getattr(process, "clocked", False) or bool(xp.all(moved)):
        return
    for name, array in after.memory.items():
        if name not in before.memory:
            return
        changed = xp.reshape(array != before.memory[name], (moved.shape[0], -1))
        moved = moved | xp.any(changed, axis=1)
    if not bool(xp.all(moved)):
        raise InputError(f"rule {process} makes no progress: a step left a state as it was.")
