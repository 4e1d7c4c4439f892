"""All closed forms, and their values."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import Any, cast

from theory.information.closed_forms.balls import ball_value
from theory.information.closed_forms.exact import Environment, exact_truth, exact_value
from theory.information.closed_forms.form import ClosedForm
from theory.information.closed_forms.grids import grid_forms
from theory.information.closed_forms.insert_remove import insert_remove_forms
from theory.information.closed_forms.replace_random import replace_random_forms
from theory.information.closed_forms.shuffle import shuffle_forms
from theory.information.closed_forms.simple import simple_forms
from theory.numbers.balls import approximate, ball_precision
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import Approximate
from theory.validation import InputError, choice, exact_fraction, positive_int, shown

__all__ = ["closed_form", "closed_forms", "evaluate", "evaluate_float", "mean_subset_entropies"]


@cache
def closed_forms() -> tuple[ClosedForm, ...]:
    """Return all closed forms (sympy is imported here)."""
    return (
        *simple_forms(),
        *replace_random_forms(),
        *shuffle_forms(),
        *insert_remove_forms(),
        *grid_forms(),
    )


@cache
def _by_name() -> dict[str, dict[str, ClosedForm]]:
    out: dict[str, dict[str, ClosedForm]] = {}
    for form in closed_forms():
        assert form.quantity not in out.setdefault(form.task, {})
        out[form.task][form.quantity] = form
    return out


def closed_form(task: str, quantity: str) -> ClosedForm:
    """Return the closed form of a quantity of a task.

    Example:
        >>> closed_form("shuffle", "accuracy one step").expression
        factorial(n)/n**n
        >>> closed_form("replace_random", "total_correlation").limit
        1/log(2)
    """
    known = _by_name()
    forms = known[choice(task, "task with closed forms", known)]
    return forms[choice(quantity, f"closed form of {task}", forms)]


def evaluate(form: ClosedForm, **values: Any) -> Fraction | LogNumber:
    """Return the exact value of a closed form.

    Args:
        form: The form.
        **values: Its parameters: ``n``, ``k``, ``j`` and ``gamma`` as needed, or ``sizes``, the tokens of
            each step. A value of n is accepted even if the form does not depend on it.

    Returns:
        A LogNumber, in bits, for an entropy; a Fraction for an accuracy or a number of steps.

    Raises:
        InputError: For a missing, unknown or wrong parameter, or one outside the form's domain.

    Example:
        >>> evaluate(closed_form("shuffle", "total_correlation"), n=4)
        LogNumber('5 log2(2) - log2(3)')
        >>> evaluate(closed_form("shuffle", "accuracy topk"), n=5, k=2)
        Fraction(8, 15)
        >>> evaluate(closed_form("replace_random", "accuracy sizes tau=1"), sizes=(3, 1))
        Fraction(27, 32)
    """
    value = exact_value(form.expression, _environment(form, values))
    if form.unit == "bits":
        return value if isinstance(value, LogNumber) else LogNumber.rational(value)
    assert isinstance(value, Fraction)
    return value


def evaluate_float(form: ClosedForm, **values: Any) -> Approximate:
    """Return the value of a closed form as a float with a proven error.

    A million positions take milliseconds. A sum or product takes tens of microseconds a term; nested sums take the
    square of their length.

    Args:
        form: The form.
        **values: As in :func:`evaluate`.

    Example:
        >>> found = evaluate_float(closed_form("shuffle", "step_bound k=2"), n=10**6)
        >>> found.value, found.error < 1e-16
        (10.291532710072007, True)
    """
    environment = _environment(form, values)
    with ball_precision():
        return approximate(ball_value(form.expression, environment))


def _environment(form: ClosedForm, values: dict[str, Any]) -> Environment:
    """Return the parameters by name; raise for wrong names or values outside the domain of the form."""
    needed = form.parameters
    name = f"{form.quantity} of {form.task}"
    for key in values:
        if key not in {*needed, "n"}:
            raise InputError(f"{name} has no parameter {key!r}; it takes {', '.join(needed) or 'none'}.")
    given = dict(values)
    environment: dict[str, Fraction | Sequence[Fraction]] = {}
    if "sizes" in given and "sizes" in needed:
        sizes = [positive_int(size, "a size") for size in given.pop("sizes")]
        total = sum(sizes)
        if not sizes or positive_int(given.setdefault("n", total), "n") != total:
            raise InputError(f"sizes must sum to n = {given.get('n')}, got {sizes}.")
        environment["T"] = Fraction(len(sizes))
        environment["s"] = [Fraction(size) for size in sizes]
        environment["m"] = [Fraction(total - sum(sizes[:t])) for t in range(len(sizes))]
        needed = tuple(key for key in needed if key != "sizes")
    missing = [key for key in needed if key not in given]
    if missing:
        raise InputError(f"{name} needs {', '.join(missing)}.")
    environment |= {key: _number(key, value) for key, value in given.items()}
    if not exact_truth(form.domain, environment):
        given_as = ", ".join(f"{key} = {shown(value)}" for key, value in values.items())
        raise InputError(f"{form.quantity} of {form.task} holds for: {form.condition}; got {given_as}.")
    return environment


def _number(key: str, value: Any) -> Fraction:
    number = exact_fraction(value, key)
    if key == "gamma":
        return number
    if key == "j":
        if number.denominator != 1 or number < 0:
            raise InputError(f"j must be a whole number of at least 0, got {shown(value)}.")
        return number
    return Fraction(positive_int(value, key))


def mean_subset_entropies(task: str, n: int) -> list[LogNumber]:
    """Return ``h_0, ..., h_n``: the mean of ``H(y_S)`` over all sets S of j positions.

    They give the information curve ``Z_j = h_1 + h_{j-1} - h_j`` and the cross-entropy of the ideal model when a
    uniformly random set of positions is revealed.

    Args:
        task: ``shuffle`` or ``replace_random``; all sets of a size have the same entropy.
        n: Length of the list.

    Example:
        >>> [str(h) for h in mean_subset_entropies("shuffle", 3)]
        ['0', 'log2(3)', 'log2(2) + log2(3)', 'log2(2) + log2(3)']
    """
    form = closed_form(task, "mean_subset_entropy")
    size = positive_int(n, "n")
    return [cast("LogNumber", evaluate(form, n=size, j=j)) for j in range(size + 1)]
