"""Distributions of the chosen set, read position by position and set by set."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.distributions.weights import SUM_TOLERANCE
from theory.numbers.arithmetic import EXACT, ProvenNumbers
from theory.numbers.rationals import to_fmpq
from theory.policies.plan import SetDistribution
from theory.validation import InputError

__all__ = ["by_set", "inclusion", "usable_distributions"]

_SLACK = arb(SUM_TOLERANCE)


def usable_distributions(
    distributions: list[SetDistribution], kind: ProvenNumbers
) -> tuple[list[SetDistribution], bool]:
    """Return distributions as rationals and balls, and whether their values are proven, as floats are not.

    Args:
        distributions: Those of a plan; a user's rule may use any kind of number.
        kind: The kind of number of the run.

    Raises:
        InputError: For a chance that is not rational in an exact run, or is NaN or negative, or chances that do not sum
            to 1 (with floats among them, within 1e-9).

    Example:
        >>> from theory.numbers.balls import BALLS
        >>> distributions, proven = usable_distributions([((1, 0.5), (2, 0.5))], BALLS)
        >>> [(chosen, float(p)) for chosen, p in distributions[0]], proven
        ([(1, 0.5), (2, 0.5)], False)
    """
    exact = kind is EXACT
    kinds = {type(p) for distribution in distributions for _, p in distribution}
    if kinds <= ({fmpq} if exact else {fmpq, arb}):
        return [_checked(distribution) for distribution in distributions], True
    if exact and kinds & {float, arb}:
        raise InputError(
            "the rule gives chances that are no rationals; return Fractions, or say rational = False in the rule."
        )
    numbers = [
        tuple(
            (s, arb(p) if isinstance(p, float) else p if isinstance(p, arb) else to_fmpq(p))
            for s, p in distribution
        )
        for distribution in distributions
    ]
    return [_checked(distribution) for distribution in numbers], float not in kinds


def _checked(distribution: SetDistribution) -> SetDistribution:
    """Return a checked distribution of rationals and balls; balls are refused only if certainly wrong."""
    for chosen, p in distribution:
        if p < 0 or (isinstance(p, arb) and not p.is_finite()):
            where = [i for i in range(chosen.bit_length()) if chosen >> i & 1]
            raise InputError(
                f"the rule takes positions {where} with chance {_shown(p)}; it must be at least 0."
            )
    total: Any = sum((p for _, p in distribution), fmpq(0))
    if abs(total - 1) > _SLACK if isinstance(total, arb) else total != 1:
        raise InputError(
            f"the chances of the sets that a rule may take sum to {_shown(total)}; they must sum to 1."
        )
    return distribution


def _shown(p: fmpq | arb) -> str:
    return f"{float(p):g}" if isinstance(p, arb) else str(p)


def inclusion(distributions: list[SetDistribution], n: int) -> NDArray[Any]:
    """Return the probability under every distribution that the set holds position i, shape (len(distributions), n)."""
    return np.array(
        [
            [sum((p for s, p in distribution if s >> i & 1), fmpq(0)) for i in range(n)]
            for distribution in distributions
        ],
        dtype=object,
    )


def by_set(distributions: list[SetDistribution]) -> dict[int, list[Any]]:
    """Return for each set its probability under every distribution, in ascending order of the sets."""
    out: dict[int, list[Any]] = {}
    for j, distribution in enumerate(distributions):
        for chosen, p in distribution:
            out.setdefault(chosen, [fmpq(0)] * len(distributions))[j] = p
    return dict(sorted(out.items()))
