"""Accuracy with the best setting for each sample, a ceiling for adaptive parameters.

Figure 7 of ParallelBench (arXiv 2510.04767) picks the best threshold sample by sample, which the paper calls an oracle.
Exactly: each setting decodes the sample once, independently; the best one takes the fewest model calls among the
correct outcomes, or the calls of the last setting, which should be the most careful one, if none is correct.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from flint import fmpq

from theory.decoding.process import process_ends
from theory.distributions.distribution import HasContexts, occurring
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import Number
from theory.numbers.balls import ball_precision, with_errors
from theory.numbers.rationals import to_fmpq
from theory.policies.as_process import run_as
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import InputError

__all__ = ["BestSetting", "best_of_ends", "best_setting"]

Ends = dict[tuple[int, bool], Any]  # rationals, or balls


@dataclass(frozen=True, kw_only=True)
class BestSetting:
    """The ``accuracy`` with the best setting for each sample, and the expected ``steps`` of the runs chosen.

    Attributes:
        accuracy: A Fraction where all settings are exact, else a float.
        steps: The same.
        errors: Proven bounds on the errors of floats, by name; none where a rule gives its chances as floats.
    """

    accuracy: Number
    steps: Number
    errors: Mapping[str, float] = field(default_factory=dict[str, float], hash=False)


def best_setting(task: HasContexts, policies: Sequence[Policy | Process], **switches: Any) -> BestSetting:
    """Return the accuracy and steps with the best of the given settings for each sample, with the ideal model.

    Args:
        task: A task.
        policies: The settings, the most careful one last.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> settings = [parse_policy(f"threshold:gamma={gamma}") for gamma in ("0.5", "0.9")]
        >>> best_setting(make_task("replace_random", 3), settings).accuracy
        Fraction(1, 1)
    """
    if not policies:
        raise InputError("the best setting needs at least one setting, got none.")
    settings = {key: value for key, value in switches.items() if key != "off_support"}
    transform, off_support = Transform(**settings), switches.get("off_support", "marginal")

    def ends(pmf: JointPMF, policy: Policy | Process) -> tuple[Ends, bool]:
        return process_ends(pmf, run_as(policy, transform), transform, off_support)

    contexts = occurring(task.contexts())
    total, proven = [zero := fmpq(0), zero], True
    with ball_precision():
        for context in contexts:
            found = [ends(context.distribution.pmf(), policy) for policy in policies]
            proven &= all(known for _, known in found)
            numbers = best_of_ends([run for run, _ in found])
            total = [mean + to_fmpq(context.weight) * part for mean, part in zip(total, numbers, strict=True)]
        values, errors = with_errors(dict[str, Any](zip(("accuracy", "steps"), total, strict=True)))
    return BestSetting(**values, errors=errors if proven else {})


def best_of_ends(runs: Sequence[Ends]) -> tuple[Any, Any]:
    """Return accuracy and steps of the best of independent runs, each a joint distribution of (model calls, correct).

    The last run, the most careful, is taken where none is correct:
    ``P(no correct answer within s calls) = prod_j (1 - P_j(correct, calls <= s))``.
    """
    counts = sorted({calls for run in runs for calls, _ in run})
    none_before: Any = 1
    steps: Any = 0
    for calls in counts:
        none = prod(1 - sum(p for (c, right), p in run.items() if right and c <= calls) for run in runs)
        steps += calls * (none_before - none)
        none_before = none
    *others, last = runs
    others_wrong = prod(sum(p for (_, right), p in run.items() if not right) for run in others)
    steps += others_wrong * sum(c * p for (c, right), p in last.items() if not right)
    return 1 - none_before, steps
