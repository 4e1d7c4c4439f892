"""A trained model beside the exact values of the ideal one.

Accuracy: decodes of fresh instances, graded, with the exact (Clopper-Pearson) binomial interval. The verdict is
two-sided: ``below`` or ``above`` where the interval misses the exact accuracy of the ideal model, ``consistent``
where it holds it; with the p-value of the exact binomial test. ``agrees`` allows a margin besides, since small errors
of the marginals add up over the steps. Marginals: mean total variation from the ideal conditionals in random states.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import torch

from models.batches import batch_size, halving_batches
from models.evaluation import ideal_marginals, list_task, random_masks
from models.records import Records
from models.sampling import decode
from models.subjects import Page, Subject
from synthetic import ListTask
from synthetic.encoding import Batch, grade
from theory.decoder import as_process
from theory.expectation import ExpectedDecode, decode_contexts
from theory.limits import CostError
from theory.policies import Policy
from theory.policies.process import Process
from theory.temper import Transform

__all__ = [
    "MARGIN",
    "STATES",
    "Report",
    "binomial_interval",
    "exact_decode",
    "subject_tv",
    "verdict",
    "verify",
]

MARGIN = 0.03  # accuracy: errors of 0.01 total variation a state add up over the steps of a decode
LEVEL = 0.95
STATES = 1000
LISTED_LIMIT = 8  # longest answer decoded without a lumped chain: the 2^n revealed sets take seconds
PROCESS_LIMIT = 2_000_000  # marginals of the states of a rule with memory, or with questions: seconds
NOTE = (
    "exact: of the ideal model, - where it would take too long. TV: mean distance of the marginals. "
    f"ok: exact accuracy within {MARGIN} of the interval; at temperature 1 only, since ties decide others."
)
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
) -> dict[str, Any]:
    """Decode with a model, grade, and compare with the exact values.

    Args:
        subject: The model.
        tasks: Names and sizes, one of ``rows`` for each.
        policy: The unmasking policy.
        temperature: tau >= 0.
        samples: Decodes a row.
        seed: Of instances and draws.
        states: States a row in which the marginals are compared.
        batch: First batch size; found by itself if ``None``.
        records: Where finished decodes are kept; what it holds already is not done again.
        rank: Number of this process; it decodes the instances whose number is ``rank`` modulo ``world``.
        world: Number of processes.
        report: Called after every batch.

    Returns:
        JSON values and exact numbers; without ``rows`` while records of other processes are missing.
    """
    records = Records(None, {}) if records is None else records
    made = [list_task(name, n) for name, n in tasks]
    for task in made:
        subject.encoding(task)  # what does not fit is refused before anything is decoded
    with records:
        for j, task in enumerate(made):
            begin = j * (samples + 1)  # a record per decode, then one for the states
            rules: dict[str, Any] = {
                "policy": policy,
                "temperature": temperature,
                "seed": seed,
                "batch": batch,
            }

            def told(done: int, begin: int = j * samples) -> None:
                if report is not None:
                    report(begin + done, len(made) * samples)

            _decode_rows(subject, task, samples, begin, records, told, share=(rank, world), **rules)
            if rank == 0 and begin + samples not in records.rows:
                tv = subject_tv(subject, task, states=states, seed=seed, batch=batch)
                records.append([{"row": begin + samples, "mean_tv": tv}])
    complete = len(records.rows) == len(made) * (samples + 1)
    starts = [(task, j * (samples + 1)) for j, task in enumerate(made)] if complete else []
    rows = [_row(task, policy, temperature, samples, begin, records) for task, begin in starts]
    return {
        "model": subject.facts,
        "policy": str(policy),
        "temperature": float(temperature),
        "samples": samples,
        "states": states,
        "seed": seed,
        "level": LEVEL,
        "rows": rows,
        "note": NOTE,
    }


def binomial_interval(successes: int, samples: int, level: float = LEVEL) -> tuple[float, float]:
    """Return the exact (Clopper-Pearson) interval of a success probability.

    Example:
        >>> low, high = binomial_interval(5, 10)
        >>> round(low, 3), round(high, 3)
        (0.187, 0.813)
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, samples).proportion_ci(level, method="exact")
    return float(interval.low), float(interval.high)


def verdict(successes: int, samples: int, exact: float, level: float = LEVEL) -> tuple[str, float]:
    """Return ``below``, ``consistent`` or ``above``, and the two-sided p-value of the exact binomial test.

    Example:
        >>> verdict(5, 10, 0.9)[0], verdict(5, 10, 0.5)
        ('below', ('consistent', 1.0))
    """
    from scipy.stats import binomtest

    low, high = binomial_interval(successes, samples, level)
    side = "below" if high < exact else "above" if low > exact else "consistent"
    return side, float(binomtest(successes, samples, min(1.0, max(0.0, exact))).pvalue)


def exact_decode(task: Any, policy: Policy | Process, temperature: Fraction) -> ExpectedDecode | None:
    """Return the exact decode of a task with its ideal model, or ``None`` where it would take too long."""
    chain = task.chain()
    laws = [context.law for context in task.contexts()]
    length = max(law.n for law in laws) if chain is None else 0
    if length > LISTED_LIMIT:
        return None
    asks = (
        getattr(policy, "asks", False) or as_process(policy, Transform(temperature=temperature)) is not None
    )
    try:
        if asks and sum((len(law.pmf()) << law.n) * law.n * len(law.tokens) for law in laws) > PROCESS_LIMIT:
            return None
        return decode_contexts(task, policy, temperature=temperature)
    except CostError:
        return None


@torch.inference_mode()
def subject_tv(
    subject: Subject, task: ListTask, *, states: int = STATES, seed: int = 0, batch: int | None = None
) -> float | None:
    """Return the mean total variation between the model's marginals and the ideal ones.

    A state is a random instance whose true answer is masked at a random set of places, their number uniform. The
    distance is averaged over the masked places of a state, then over the states. What the model puts on tokens that
    are no words counts in full. ``None`` if an item is several tokens.
    """
    rng = np.random.default_rng([seed, task.n])
    instances = subject.encoding(task).sample_batch(task, states, rng)
    masked = random_masks(rng, states, instances.tokens[:, instances.answer].shape[1])
    encoded = instances.tokens.copy()
    encoded[:, instances.answer] = np.where(masked, instances.encoding.mask, encoded[:, instances.answer])
    ideal, total = ideal_marginals(instances, encoded), 0.0
    for page in subject.write(instances, masked):
        size = batch or _page_size(subject, page)

        def distances(rows: Sequence[int], page: Page = page) -> float | None:
            part = page.part(rows)
            found = subject.marginals(instances, part)
            if found is None:
                return None
            mass = 1 - found.sum(axis=2)  # on no word
            distance = 0.5 * (np.abs(found - ideal[part.rows]).sum(axis=2) + mass)
            where = masked[part.rows]
            return float(((distance * where).sum(axis=1) / where.sum(axis=1)).sum())

        for part in halving_batches(range(len(page.rows)), distances, size):
            if part is None:
                return None
            total += part
    return total / states


def _page_size(subject: Subject, page: Page) -> int:
    return batch_size(subject.predictor.device, page.tokens.shape[1] * subject.predictor.vocab_size)


def _decode_rows(
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
    share: tuple[int, int],
) -> None:
    """Decode the instances that have no record yet; record ``begin + i`` is that of instance i."""
    instances = subject.encoding(task).sample_batch(task, samples, np.random.default_rng(seed))
    everything = np.ones((samples, instances.tokens[:, instances.answer].shape[1]), dtype=bool)
    done = sum(begin + i in records.rows for i in range(samples))
    for page in subject.write(instances, everything):
        size = batch or _page_size(subject, page)
        rank, world = share
        mine = [j for j, i in enumerate(page.rows.tolist()) if i % world == rank]
        todo = [j for j in mine if begin + int(page.rows[j]) not in records.rows]

        def work(rows: Sequence[int], page: Page = page) -> list[dict[str, Any]]:
            generator = torch.Generator(subject.predictor.device)
            generator.manual_seed(((seed << 32) + begin + int(page.rows[rows[0]])) % (1 << 63))
            started = time.perf_counter()
            finished = decode(
                page.predictor,
                page.part(rows).arranged(),
                policy,
                generator=generator,
                temperature=temperature,
                batch_size=len(rows),
            )
            answers = subject.read(instances, page, page.restored(finished.tokens.cpu()))
            taken = (time.perf_counter() - started) / len(rows)
            correct = grade(_rows_of(instances, page.rows[rows]), answers).tolist()
            steps = finished.steps.tolist()
            numbers = (page.rows[rows] + begin).tolist()
            return [
                {"row": number, "correct": good, "steps": step, "seconds": taken}
                for number, good, step in zip(numbers, correct, steps, strict=True)
            ]

        for found in halving_batches(todo, work, size):
            records.append(found)
            done += len(found)
            report(done)


def _rows_of(batch: Batch, rows: Any) -> Batch:
    return Batch(
        encoding=batch.encoding,
        task=batch.task,
        tokens=batch.tokens[rows],
        answer=batch.answer,
        roles=batch.roles[rows],
        context=batch.context[rows],
    )


def _row(
    task: ListTask, policy: Policy, temperature: Fraction, samples: int, begin: int, records: Records
) -> dict[str, Any]:
    decodes = [records.rows[begin + i] for i in range(samples)]
    mean_tv = records.rows[begin + samples]["mean_tv"]
    successes = sum(record["correct"] for record in decodes)
    low, high = binomial_interval(successes, samples)
    exact = None if mean_tv is None else exact_decode(task, policy, temperature)
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
