"""The examples of a fine-tuning run, drawn once and masked afresh every epoch.

Everything follows from the seed and the number of the step, so a resumed run sees the same data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray

from models.inputs.padded_rows import PaddedRows
from models.inputs.text_model import TextSubject
from models.predictors.distance_to_ideal import loss_floor, random_masks
from synthetic.task import list_task
from theory.validation import InputError

__all__ = ["Examples", "Step", "make_examples"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Step:
    """The data of one step.

    Attributes:
        tokens: Texts with masked items, shape (B, L).
        targets: The true tokens, shape (B, L).
        weights: Weight of every position in the loss, zero where nothing is masked, sum 1; shape (B, L).
        floor: The expected loss of the ideal model, nats, for items of one token.
    """

    tokens: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor
    floor: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """All examples of a run, as sets of rows of one length.

    Attributes:
        row_sets: The rows, with true answers.
        floors: The floor of the loss for each set of rows.
        mask_id: The mask token.
        batch: Examples per step, over all workers.
        seed: The seed of shuffles and masks.
    """

    row_sets: tuple[PaddedRows, ...]
    floors: tuple[float, ...]
    mask_id: int
    batch: int
    seed: int

    @property
    def steps(self) -> int:
        """Steps per epoch."""
        return sum(ceil(len(padded.rows) / self.batch) for padded in self.row_sets)

    def step(self, number: int, *, rank: int = 0, world: int = 1) -> Step:
        """Return this worker's share of a step, counted over all epochs."""
        epoch, place = divmod(number, self.steps)
        number, rows = self._batches(epoch)[place]
        # every worker gets equally many rows: a short batch is filled with its own first ones
        rows = np.resize(rows, ceil(len(rows) / world) * world)
        sheet, tokens = self.row_sets[number].sheet, self.row_sets[number].tokens[rows]
        assert sheet is not None
        masked = random_masks(
            np.random.default_rng([self.seed, epoch, place, 1]), len(rows), len(sheet.answer)
        )
        masked, tokens = masked[rank::world], tokens[rank::world]
        hidden = np.zeros(tokens.shape, dtype=bool)
        hidden[:, sheet.answer] = masked[:, :, None]
        weights = hidden / hidden.sum(axis=1, keepdims=True) / len(tokens)
        where = torch.from_numpy(hidden)
        return Step(
            tokens=torch.where(where, self.mask_id, tokens),
            targets=tokens,
            weights=torch.from_numpy(weights.astype(np.float32)),
            floor=self.floors[number],
        )

    def _batches(self, epoch: int) -> list[tuple[int, Ints]]:
        """Return (set of rows, rows) of every step of an epoch."""
        rng = np.random.default_rng([self.seed, epoch])
        found: list[tuple[int, Ints]] = []
        for j, padded in enumerate(self.row_sets):
            order = rng.permutation(len(padded.rows))
            found += [(j, order[a : a + self.batch]) for a in range(0, len(order), self.batch)]
        return [found[j] for j in rng.permutation(len(found))]


def make_examples(
    subject: TextSubject, tasks: Sequence[str], sizes: Sequence[int], *, examples: int, batch: int, seed: int
) -> Examples:
    """Return the examples of a run, equally many for each task and size.

    Args:
        subject: The model, which writes them.
        tasks: List tasks.
        sizes: Lengths of the lists.
        examples: Number of examples per epoch.
        batch: Examples per step.
        seed: The seed of the examples.

    Raises:
        InputError: If there are fewer examples than pairs of task and size, or a text cannot be written.
    """
    pairs = [(task, n) for task in tasks for n in sizes]
    if examples < len(pairs):
        raise InputError(
            f"examples must be at least {len(pairs)}, one of each task and size; got {examples}."
        )
    row_sets: list[PaddedRows] = []
    floors: list[float] = []
    for j, (name, n) in enumerate(pairs):
        count = examples // len(pairs) + (j < examples % len(pairs))
        task = list_task(name, n)
        instances = subject.encoding(task).sample_batch(task, count, np.random.default_rng([seed, j, 2]))
        shown = np.zeros((count, instances.tokens[:, instances.answer].shape[1]), dtype=bool)
        written = subject.write(instances, shown)
        row_sets += written
        floors += [loss_floor(name, n)] * len(written)
    return Examples(
        row_sets=tuple(row_sets),
        floors=tuple(floors),
        mask_id=subject.predictor.mask_id,
        batch=batch,
        seed=seed,
    )
