"""What ``python -m theory frontier`` adds on request: the steps at a given divergence, and diversity in one step."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from theory._checks import InputError
from theory.adaptive.within import depth_within
from theory.diversity import most_accurate, most_accurate_of_any
from theory.expectation import HasContexts
from theory.pmf import JointPMF

__all__ = ["asked_answer"]


def asked_answer(task: HasContexts, *, within: str | None, entropy: str | None) -> dict[str, Any]:
    """Return the entries that were asked for.

    Args:
        task: A task with one context.
        within: Epsilon, bits: ``depth_within`` holds the fewest steps, ``expected`` and ``worst_case``.
        entropy: h, bits: ``diversity`` holds the ``accuracy`` of a one-step decoder of entropy h or more, the
            ``ceiling`` of all such, and ``of_any_law``, what a decoder of many steps may reach.

    Example:
        >>> from synthetic import make_task
        >>> asked_answer(make_task("shuffle", 3), within="1", entropy=None)["depth_within"]["worst_case"]
        2
    """
    if within is None and entropy is None:
        return {}
    pmf, answer = _only_pmf(task), dict[str, Any]()
    if within is not None:
        depth = depth_within(pmf, within)
        answer["depth_within"] = {
            "epsilon": Fraction(within),
            "expected": depth.expected,
            "worst_case": depth.worst_case,
        }
    if entropy is not None:
        point = most_accurate(pmf, entropy)
        total = prod(map(len, pmf.alphabets))
        answer["diversity"] = {
            "entropy": Fraction(entropy),
            "accuracy": point.accuracy,
            "ceiling": point.ceiling,
            "of_any_law": most_accurate_of_any(len(pmf), total, entropy)[1],
        }
    return answer


def _only_pmf(task: HasContexts) -> JointPMF:
    contexts = task.contexts()
    if len(contexts) > 1:
        raise InputError(
            f"--within and --entropy need a task with one context, got {len(contexts)}; ask about one of them."
        )
    return contexts[0].law.pmf()
