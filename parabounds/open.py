"""The ways in, from a task, a file, a pmf, samples, or the settings of a decoder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from parabounds.observed import Samples
from parabounds.results import Result, ask_audit
from parabounds.subject import Subject
from synthetic import find_task
from synthetic.imported import task_of
from theory.distributions.contexts import listed_task
from theory.distributions.files.task_file import read_task
from theory.distributions.given import PMFLike, as_pmf, weighted_rows
from theory.distributions.pmf import JointPMF
from theory.sampling.observed import Observed, read_samples
from theory.validation import InputError, shown

__all__ = ["audit", "load", "pmf", "samples", "task"]


def task(name: Any, n: int | None = None) -> Subject:
    """Return a task by its name, or an object that has ``contexts()``.

    Args:
        name: A registered name (``parabounds tasks`` lists them), ``module:attribute``, or an object.
        n: The size.

    Example:
        >>> task("shuffle", n=4)
        Task(shuffle, n = 4)
    """
    if isinstance(name, str):
        return Subject(find_task(name, n))
    if n is not None:
        raise InputError("n belongs to a task that is given by its name; leave it out.")
    return Subject(task_of(name, type(name).__name__))


def load(path: str | Path, *, n: int | None = None, normalise: bool = False, exact: bool = False) -> Subject:
    """Return the task of a file (.json, .csv, .npy, .npz); :mod:`theory.distributions.files.task_file` has the forms.

    Args:
        path: The file.
        n: The length, for a chain or a grammar.
        normalise: Divide probabilities by their sum.
        exact: Take numbers of over 12 digits as written, not as floats.
    """
    return Subject(read_task(path, n=n, normalise=normalise, exact=exact))


def pmf(outcomes: PMFLike, weights: Any = None) -> Subject:
    """Return a distribution.

    Args:
        outcomes: A mapping from outcomes to probabilities, distinct rows of tokens, an array of token ids (N, n), or
            a pmf.
        weights: For rows: exact numbers or floats, divided by their sum; equal ones by default.

    Example:
        >>> pmf({("New", "York"): "1/2", ("Mexico", "City"): "1/2"})
        Task(pmf, n = 2)
        >>> pmf(["ab", "ba"], [1, 2]).pmf.probability("ba")
        Fraction(2, 3)
    """
    if weights is None:
        return Subject(listed_task(as_pmf(outcomes)))
    if isinstance(outcomes, np.ndarray):
        return Subject(listed_task(weighted_rows(outcomes, weights)))
    if (
        isinstance(outcomes, (str, JointPMF))
        or hasattr(outcomes, "keys")
        or not isinstance(outcomes, Iterable)
    ):
        raise InputError("weights belong to rows of tokens or an array of token ids; leave them out.")
    rows, given = list(outcomes), list(weights)
    if any(isinstance(w, float) for w in given):
        total = sum(given)
        return Subject(
            listed_task(JointPMF.from_pairs([tuple(row) for row in rows], [float(w / total) for w in given]))
        )
    return Subject(listed_task(JointPMF.from_weights([tuple(row) for row in rows], given)))


def samples(source: Any) -> Samples:
    """Return observed sequences, one a row.

    Args:
        source: A file (.csv, .jsonl, .npy, .npz), rows of tokens, an array or a data frame with a column a position.

    Example:
        >>> samples([("a", "b"), ("a", "b"), ("b", "a")])
        Samples(3 sequences, 2 distinct, n = 2)
    """
    if isinstance(source, (str, Path)):
        return Samples(read_samples(source))
    rows: Any = source.to_numpy().tolist() if hasattr(source, "to_numpy") else source
    if isinstance(rows, np.ndarray):
        rows = rows.tolist()
    if not isinstance(rows, Iterable):
        raise InputError(
            f"samples must be a file, rows of tokens, an array or a data frame, got {shown(source)}."
        )
    listed = [tuple(row) if isinstance(row, (Sequence, tuple)) else (row,) for row in rows]
    if len(listed) < 2:
        raise InputError(f"an estimate needs at least 2 samples, got {len(listed)}.")
    if len({len(row) for row in listed}) > 1:
        raise InputError("samples must have one length.")
    seen = Observed.from_rows([("", *row) for row in listed])
    counts = Counter(listed)
    return Samples(seen, JointPMF.from_weights(list(counts), list(counts.values())))


def audit(
    *rules: str, masked: int, steps: int | None = None, task: str | None = None, **switches: Any
) -> Result:
    """Return what settings of decoders really do: tokens of each model call, and what a perfect model scores.

    Args:
        rules: Specifications; several stand side by side, each under ``settings``.
        masked: The number of masked positions.
        steps: The number of steps, for rules that have one and do not name it.
        task: The name of a task that the decoders are tried on; a task whose answers have ``masked`` tokens.
        **switches: As of ``decode``.

    Example:
        >>> audit("dream", masked=10, steps=10, task="shuffle").accuracy
        Fraction(1, 2)
        >>> [row["model_calls"] for row in audit("llada:steps=4", "dream:steps=4", masked=6).settings]
        [4, 4]
    """
    if not rules:
        raise InputError('audit takes at least one rule, such as "dream:steps=10".')
    made = None if task is None else partial(find_task, task)
    return ask_audit(rules, masked, steps, made, **switches)
