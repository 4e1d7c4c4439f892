"""Counts of correct outcomes of a model on fresh instances of a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.evaluation.verify import decode_rows
from models.inputs.task_models import Subject
from models.predictors.ideal import IdealPredictor
from models.runs.records import Records
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from synthetic import ListTask, make_task
from synthetic.grading import grade
from synthetic.task import list_task
from theory.distributions.tempering import check_temperature
from theory.policies import parse_policy
from theory.validation import InputError

__all__ = ["Trials", "ideal_trials", "model_trials", "subject_trials"]


@dataclass(frozen=True, kw_only=True)
class Trials:
    """The number of valid outcomes (``successes``) of ``samples``, and their mean number of model calls (``steps``)."""

    successes: int
    samples: int
    steps: float


def ideal_trials(
    task: str,
    n: int | None,
    policy: str,
    *,
    samples: int,
    seed: int,
    temperature: object = 1,
    greedy_ties: str = "random",
    device: str = "cpu",
) -> Trials:
    """Decode a task with its ideal model and count the valid outcomes.

    Args:
        task: A registered task; instances are spread over its contexts by their weights.
        n: Its size.
        policy: A policy specification.
        samples: Number of decodes.
        seed: Seed of all randomness.
        temperature: tau >= 0.
        greedy_ties: As in :func:`theory.decoding.decoder.decode`.
        device: cpu, cuda or mps.

    Example:
        >>> ideal_trials("copy", 3, "topk:k=3", samples=10, seed=0)
        Trials(successes=10, samples=10, steps=1.0)
    """
    generator = torch.Generator(device).manual_seed(seed)
    contexts = make_task(task, n).contexts()
    shares = np.random.default_rng(seed).multinomial(samples, [float(c.weight) for c in contexts])
    successes, steps = 0, 0
    for context, share in zip(contexts, shares.tolist(), strict=True):
        ideal = IdealPredictor(context.distribution, device)
        done = decode(
            ideal,
            ideal.masked(share),
            parse_policy(policy),
            generator=generator,
            temperature=temperature,
            greedy_ties=greedy_ties,
        )
        whole = done.tokens[(done.tokens != ideal.mask_id).all(dim=1)]  # some rules leave masks
        successes += int(context.distribution.contains(whole.cpu().numpy()).sum())
        steps += int(done.steps.sum())
    return Trials(successes=successes, samples=samples, steps=steps / samples)


def model_trials(
    model: Any,
    task: str,
    n: int | None,
    policy: str,
    *,
    samples: int,
    seed: int,
    temperature: object = 1,
) -> Trials:
    """Decode fresh instances of a list task with a trained model and grade them.

    Args:
        model: A trained model with its ``encoding``.
        task: A list task that the model knows.
        n: Its size.
        policy: A policy specification.
        samples: Number of instances.
        seed: Seed of all randomness.
        temperature: tau >= 0.
    """
    made = make_task(task, n)
    if not isinstance(made, ListTask):
        raise InputError(f"task {task!r} is no list task; a trained model knows list tasks only.")
    batch = model.encoding.sample_batch(made, samples, np.random.default_rng(seed))
    tokens = batch.tokens.copy()
    tokens[:, batch.answer] = model.mask_id
    done = decode(
        model,
        torch.from_numpy(tokens),
        parse_policy(policy),
        generator=torch.Generator(model.device).manual_seed(seed),
        temperature=temperature,
    )
    answers = done.tokens.cpu().numpy()[:, batch.answer]
    return Trials(
        successes=int(grade(batch, answers).sum()), samples=samples, steps=float(done.steps.float().mean())
    )


def subject_trials(
    subject: Subject, task: str, n: int, policy: str, *, samples: int, seed: int, temperature: object = 1
) -> Trials:
    """Decode fresh instances of a list task with a model that reads them as token ids or as text, and grade them.

    Args:
        subject: The model.
        task: A list task.
        n: Its size.
        policy: A policy specification.
        samples: Number of instances.
        seed: Seed of all randomness.
        temperature: tau >= 0.

    Example:
        >>> from models.inputs.task_models import load_subject
        >>> subject_trials(load_subject("shipped"), "copy", 4, "topk:k=4", samples=5, seed=0)
        Trials(successes=5, samples=5, steps=1.0)
    """
    records, made = Records(None, {}), list_task(task, n)
    with records:
        decode_rows(
            subject,
            made,
            samples,
            0,
            records,
            lambda _done: None,
            policy=parse_policy(policy),
            temperature=check_temperature(temperature),
            seed=seed,
            batch=None,
            decoding=Decoding(),
            share=(0, 1),
        )
    found = [records.rows[i] for i in range(samples)]
    return Trials(
        successes=sum(record["correct"] for record in found),
        samples=samples,
        steps=sum(record["steps"] for record in found) / samples,
    )
