"""Checked calls of a user's rule, whose errors become one line.

Exceptions and wrong return values of a user's own rule become one line; an exception in a rule of the project is a bug
and is not changed.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import numpy as np

from theory.numbers.arithmetic import TIE_TOLERANCE
from theory.policies.run_batch import RunBatch
from theory.policies.view import View
from theory.validation import InputError, shown

__all__ = [
    "checked_chances",
    "checked_finished",
    "checked_plan",
    "checked_start",
    "checked_step",
    "class_name",
    "errors_in_one_line",
    "is_ours",
]

_OURS = ("figures", "models", "synthetic", "theory")


@contextmanager
def errors_in_one_line(rule: object, method: str) -> Generator[None]:
    """Turn any exception of a user's rule inside the ``with`` block into an :class:`InputError`.

    Example:
        >>> from fractions import Fraction
        >>> with errors_in_one_line(Fraction(1, 2), "plan"):  # any object that is not of the project
        ...     1 / 0
        Traceback (most recent call last):
        ...
        theory.validation.InputError: rule fractions:Fraction: plan raised ZeroDivisionError: division by zero.
    """
    try:
        yield
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        if is_ours(rule) or is_ours(error):
            raise
        raise InputError(
            f"rule {class_name(rule)}: {method} raised {type(error).__name__}: {error}."
        ) from error


def is_ours(thing: object) -> bool:
    """Return whether the project defines the class of an object."""
    return type(thing).__module__.partition(".")[0] in _OURS


def class_name(rule: object) -> str:
    """Return ``module:class`` of a rule."""
    return f"{type(rule).__module__}:{type(rule).__qualname__}"


def checked_plan(policy: Any, view: View) -> Any:
    """Return ``policy.plan(view)``."""
    with errors_in_one_line(policy, "plan"):
        plan = policy.plan(view)
    if not all(hasattr(plan, method) for method in ("distribution", "sizes", "sample")):
        raise InputError(
            f"rule {class_name(policy)}: plan must return a plan, such as Ranked, got {shown(plan)}."
        )
    return plan


def checked_start(process: Any, batch: RunBatch) -> RunBatch:
    """Return ``process.start(batch)``."""
    with errors_in_one_line(process, "start"):
        after = process.start(batch)
    return _a_batch(process, "start", after)


def checked_step(process: Any, batch: RunBatch, chance: Any) -> RunBatch:
    """Return ``process.step(batch, chance)``."""
    with errors_in_one_line(
        getattr(process, "policy", process), "step"
    ):  # the plan of a wrapped policy may raise
        after = process.step(batch, chance)
    return _a_batch(process, "step", after)


def checked_finished(process: Any, batch: RunBatch) -> Any:
    """Return ``process.finished(batch)``, bool, shape (B,)."""
    with errors_in_one_line(process, "finished"):
        done = process.finished(batch)
    if tuple(np.shape(done)) != (len(batch.tokens),):
        raise InputError(
            f"rule {class_name(process)}: finished must return one truth value a row, got {shown(done)}."
        )
    return done


def checked_chances(probability: Any) -> Any:
    """Return the chances that a rule passes to ``flip``, shape (B, n), unchanged.

    Raises:
        InputError: If one is NaN or not between 0 and 1 (floats within 1e-9; balls only if certain).

    Example:
        >>> checked_chances(np.array([[0.5, 1.5]]))
        Traceback (most recent call last):
        ...
        theory.validation.InputError: the rule asks for a coin of chance 1.5 at position 1 of row 0; a chance is ...
    """
    slack = 0 if probability.dtype == np.dtype(object) else TIE_TOLERANCE
    outside = (probability < -slack) | (probability > 1 + slack) | (probability != probability)
    if bool(outside.any()):
        row = next(b for b, row in enumerate(outside.tolist()) if any(row))
        i = outside[row].tolist().index(True)
        raise InputError(
            f"the rule asks for a coin of chance {float(probability[row, i]):g} at position {i} of row {row}; a "
            "chance is between 0 and 1."
        )
    return probability


def _a_batch(process: Any, method: str, after: Any) -> RunBatch:
    if not isinstance(after, RunBatch):
        raise InputError(f"rule {class_name(process)}: {method} must return a batch, got {shown(after)}.")
    return after
