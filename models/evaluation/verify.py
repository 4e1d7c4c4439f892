"""A trained model beside the exact values of the ideal one.

Accuracy: the share of correct decodes of fresh instances, with the exact (Clopper-Pearson) binomial interval. The
two-sided verdict is ``below`` or ``above`` if the interval misses the exact accuracy of the ideal model, else
``consistent``, with the p-value of the exact binomial test. ``agrees`` allows an extra margin, since small errors of
the marginals add up over the steps. Marginals: mean total variation from the ideal conditionals in random states.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from models.evaluation.exact_reference import ExactMeans, exact_means
from models.evaluation.text_model_distance import STATES, subject_tv
from models.inputs.padded_rows import PaddedRows
from models.inputs.task_models import Subject
from models.runs.binomial import LEVEL, binomial_interval, verdict
from models.runs.halving_batches import halving_batches
from models.runs.records import Records
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from synthetic import ListTask
from synthetic.encoding import Batch
from synthetic.grading import grade
from synthetic.task import list_task
from theory.policies import Policy

__all__ = ["MARGIN", "RECORD_KEYS", "Report", "decode_rows", "verify"]

MARGIN = 0.03  # of accuracy: errors of 0.01 total variation a state add up over the steps
NOTE = (
    "exact: the ideal model, - if it would take too long. TV: mean distance of the marginals. "
    f"ok: exact accuracy within {MARGIN} of the interval; at temperature 1 only, since others depend on ties."
)
RECORD_KEYS = (("correct", "steps", "seconds"), ("mean_tv",))  # of a decode, and of the states of a task
Report = Callable[[int, int], None]  # (decodes done, decodes in all)


def verify(
    subject: Subject,
    tasks: Sequence[tuple[str, int]],
    *,
    policy: Policy,
    temperature: Fraction,
    samples: int,
    seed: int,
    states: int = STATES,
    batch: int | None = None,
    records: Records | None = None,
    rank: int = 0,
    world: int = 1,
    report: Report | None = None,
    decoding: Decoding | None = None,
) -> dict[str, Any]:
    """Decode with a model, grade, and compare with the exact values.

    Args:
        subject: The model.
        tasks: Names and sizes, one of ``rows`` for each.
        policy: The unmasking policy.
        temperature: tau >= 0.
        samples: Decodes a row.
        seed: The seed of instances and draws.
        states: Number of states per row in which the marginals are compared.
        batch: First batch size; chosen by memory if ``None``.
        records: Finished decodes, which are not repeated.
        rank: Number of this worker; it decodes the instances whose number is ``rank`` modulo ``world``.
        world: Number of workers.
        report: Called after every batch.
        decoding: How tokens are drawn and scored, and how the model is called.

    Returns:
        JSON values and exact numbers; without ``rows`` while records of other workers are missing.
    """
    records = Records(None, {}) if records is None else records
    decoding = decoding or Decoding()
    made = [list_task(name, n) for name, n in tasks]
    for task in made:
        subject.encoding(task)  # tasks that do not fit are refused before anything is decoded
    with records:
        for j, task in enumerate(made):
            begin = j * (samples + 1)  # a record per decode, then one for the states
            rules: dict[str, Any] = {
                "policy": policy,
                "temperature": temperature,
                "seed": seed,
                "batch": batch,
                "decoding": decoding,
            }

            def told(done: int, begin: int = j * samples) -> None:
                if report is not None:
                    report(begin + done, len(made) * samples)

            decode_rows(subject, task, samples, begin, records, told, share=(rank, world), **rules)
            if rank == 0 and begin + samples not in records.rows:
                tv = subject_tv(subject, task, states=states, seed=seed, batch=batch)
                records.append([{"row": begin + samples, "mean_tv": tv}])
    complete = len(records.rows) == len(made) * (samples + 1)
    rows: list[dict[str, Any]] = []
    for j, task in enumerate(made if complete else ()):
        instances = _instances(subject, task, samples, seed)
        exact = exact_means(subject.exact_tasks(instances), policy, temperature, decoding.truncation())
        rows.append(_row(task, exact, temperature, samples, j * (samples + 1), records))
    return {
        "model": subject.facts,
        "policy": str(policy),
        "temperature": float(temperature),
        **decoding.differences(),
        "samples": samples,
        "states": states,
        "seed": seed,
        "level": LEVEL,
        "rows": rows,
        "note": NOTE,
    }


def _instances(subject: Subject, task: ListTask, samples: int, seed: int) -> Batch:
    return subject.encoding(task).sample_batch(task, samples, np.random.default_rng(seed))


def decode_rows(
    subject: Subject,
    task: ListTask,
    samples: int,
    begin: int,
    records: Records,
    report: Callable[[int], None],
    *,
    policy: Policy,
    temperature: Fraction,
    seed: int,
    batch: int | None,
    decoding: Decoding,
    share: tuple[int, int],
) -> None:
    """Decode the instances that have no record yet; record ``begin + i`` is that of instance i."""
    instances = _instances(subject, task, samples, seed)
    everything = np.ones((samples, instances.tokens[:, instances.answer].shape[1]), dtype=bool)
    done = sum(begin + i in records.rows for i in range(samples))
    switches = decoding.switches(subject.facts.get("dtype", "float32"))
    for padded in subject.write(instances, everything):
        size = batch or padded.batch_size()
        rank, world = share
        mine = [j for j, i in enumerate(padded.rows.tolist()) if i % world == rank]
        todo = [j for j in mine if begin + int(padded.rows[j]) not in records.rows]

        def work(rows: Sequence[int], padded: PaddedRows = padded) -> list[dict[str, Any]]:
            generator = torch.Generator(subject.predictor.device)
            generator.manual_seed(((seed << 32) + begin + int(padded.rows[rows[0]])) % (1 << 63))
            started = time.perf_counter()
            finished = decode(
                decoding.reads(padded.predictor, policy),
                padded.part(rows).arranged(),
                policy,
                generator=generator,
                temperature=temperature,
                batch_size=len(rows),
                **switches,
            )
            answers = subject.read(instances, padded, padded.restored(finished.tokens.cpu()))
            taken = (time.perf_counter() - started) / len(rows)
            correct = grade(instances.part(padded.rows[rows]), answers).tolist()
            steps = finished.steps.tolist()
            numbers = (padded.rows[rows] + begin).tolist()
            return [
                {"row": number, "correct": good, "steps": step, "seconds": taken}
                for number, good, step in zip(numbers, correct, steps, strict=True)
            ]

        for found in halving_batches(todo, work, size):
            records.append(found)
            done += len(found)
            report(done)


def _row(
    task: ListTask,
    exact: ExactMeans | None,
    temperature: Fraction,
    samples: int,
    begin: int,
    records: Records,
) -> dict[str, Any]:
    decodes = [records.rows[begin + i] for i in range(samples)]
    mean_tv = records.rows[begin + samples]["mean_tv"]
    successes = sum(record["correct"] for record in decodes)
    low, high = binomial_interval(successes, samples)
    agrees, side, p_value = None, None, None
    if exact is not None and temperature == 1:
        agrees = low - MARGIN <= exact.accuracy <= high + MARGIN
        side, p_value = verdict(successes, samples, float(exact.accuracy))
    return {
        "task": task.name,
        "n": task.n,
        "successes": successes,
        "accuracy": successes / samples,
        "interval": [low, high],
        "exact_accuracy": None if exact is None else exact.accuracy,
        "verdict": side,
        "p_value": p_value,
        "agrees": agrees,
        "steps": sum(record["steps"] for record in decodes) / samples,
        "exact_steps": None if exact is None else exact.steps,
        "mean_tv": mean_tv,
        "samples_per_second": samples / sum(record["seconds"] for record in decodes),
    }
