"""Distance of a text model's marginals from the ideal ones, in random states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from models.inputs.padded_rows import PaddedRows
from models.inputs.task_models import Subject
from models.predictors.distance_to_ideal import ideal_marginals, random_masks
from models.runs.halving_batches import halving_batches
from synthetic import ListTask

__all__ = ["STATES", "subject_tv"]

STATES = 1000


@torch.inference_mode()
def subject_tv(
    subject: Subject, task: ListTask, *, states: int = STATES, seed: int = 0, batch: int | None = None
) -> float | None:
    """Return the mean total variation between the model's marginals and the ideal ones.

    A state is a random instance whose true answer is masked at a random set of places, their number uniform. The
    distance is averaged over the masked places of a state, then over the states. Probability on tokens that are not
    words counts in full. ``None`` if an item has several tokens.
    """
    rng = np.random.default_rng([seed, task.n])
    instances = subject.encoding(task).sample_batch(task, states, rng)
    masked = random_masks(rng, states, instances.tokens[:, instances.answer].shape[1])
    encoded = instances.tokens.copy()
    encoded[:, instances.answer] = np.where(masked, instances.encoding.mask, encoded[:, instances.answer])
    ideal, total = ideal_marginals(instances, encoded), 0.0
    for padded in subject.write(instances, masked):
        size = batch or padded.batch_size()

        def distances(rows: Sequence[int], padded: PaddedRows = padded) -> float | None:
            part = padded.part(rows)
            found = subject.marginals(instances, part)
            if found is None:
                return None
            mass = 1 - found.sum(axis=2)  # not on a word
            distance = 0.5 * (np.abs(found - ideal[part.rows]).sum(axis=2) + mass)
            where = masked[part.rows]
            return float(((distance * where).sum(axis=1) / where.sum(axis=1)).sum())

        for part in halving_batches(range(len(padded.rows)), distances, size):
            if part is None:
                return None
            total += part
    return total / states
