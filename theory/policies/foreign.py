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
from theory.policies.view import View
from theory.validation import InputError, shown

__all__ = ["blamed", "chances_of", "finished_rows", "is_ours", "named", "plan_of", "started", "stepped"]

_OURS = ("figures", "models", "synthetic", "theory")


@contextmanager
def blamed(rule: object, method: str) -> Generator[None]:
    """Turn any exception of a user's rule inside the ``with`` block into an :class:`InputError`.

    Example:
        >>> from fractions import Fraction
        >>> with blamed(Fraction(1, 2), "plan"):  # any object that is not of the project
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
        raise InputError(f"rule {named(rule)}: {method} raised {type(error).__name__}: {error}.") from error


def is_ours(thing: object) -> bool:
    """Return whether the project defines the class of an object."""
    return type(thing).__module__.partition(".")[0] in _OURS


def named(rule: object) -> str:
    """Return ``module:class`` of a rule."""
    return f"{type(rule).__module__}:{type(rule).__qualname__}"


def plan_of(policy: Any, view: View) -> Any:
    """Return ``policy.plan(view)``."""
    with blamed(policy, "plan"):
        plan = policy.plan(view)
    if not all(hasattr(plan, method) for method in ("distribution", "sizes", "sample")):
        raise InputError(f"rule {named(policy)}: plan must return a plan, such as Ranked, got {shown(plan)}.")
    return plan


def started(process: Any, board: Any) -> Any:
    """Return ``process.start(board)``."""
    with blamed(process, "start"):
        after = process.start(board)
    return _a_board(process, "start", board, after)


def stepped(process: Any, board: Any, chance: Any) -> Any:
    """Return ``process.step(board, chance)``."""
    with blamed(getattr(process, "policy", process), "step"):  # the plan of a wrapped policy may raise
        after = process.step(board, chance)
    return _a_board(process, "step", board, after)


def finished_rows(process: Any, board: Any) -> Any:
    """Return ``process.finished(board)``, bool, shape (B,)."""
    with blamed(process, "finished"):
        done = process.finished(board)
    if tuple(np.shape(done)) != (len(board.tokens),):
        raise InputError(
            f"rule {named(process)}: finished must return one truth value a row, got {shown(done)}."
        )
    return done


def chances_of(probability: Any) -> Any:
    """Return the chances that a rule passes to ``flip``, shape (B, n), unchanged.

    Raises:
        InputError: If one is NaN or not between 0 and 1 (floats within 1e-9; balls only if certain).

    Example:
        >>> chances_of(np.array([[0.5, 1.5]]))
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


def _a_board(process: Any, method: str, board: Any, after: Any) -> Any:
    if not isinstance(after, type(board)):
        raise InputError(f"rule {named(process)}: {method} must return a board, got {shown(after)}.")
    return after
