"""Laws of the chosen set, read position by position and set by set."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import arb, fmpq
from numpy.typing import NDArray

from theory.distributions.weights import SUM_TOLERANCE
from theory.numbers.arithmetic import to_fmpq
from theory.policies.ranked import SetLaw
from theory.validation import InputError

__all__ = ["by_set", "inclusion", "usable_laws"]

_SLACK = arb(SUM_TOLERANCE)


def usable_laws(laws: list[SetLaw], *, exact: bool) -> tuple[list[SetLaw], bool]:
    """Return laws of rationals and balls, and whether those are the true values: floats are of unknown error.

    Args:
        laws: As a plan gives them; a rule of one's own may use any kind of number.
        exact: Whether the run is one of rationals.

    Raises:
        InputError: For a chance that is no rational where the run needs one, or is NaN or negative, and for chances
            that do not sum to 1 (with floats among them: to 1e-9).

    Example:
        >>> laws, proven = usable_laws([((1, 0.5), (2, 0.5))], exact=False)
        >>> [(chosen, float(p)) for chosen, p in laws[0]], proven
        ([(1, 0.5), (2, 0.5)], False)
    """
    kinds = {type(p) for law in laws for _, p in law}
    if kinds <= ({fmpq} if exact else {fmpq, arb}):
        return [_checked(law) for law in laws], True
    if exact and kinds & {float, arb}:
        raise InputError(
            "the rule gives chances that are no rationals; return Fractions, or say rational = False in the rule."
        )
    numbers = [
        tuple(
            (s, arb(p) if isinstance(p, float) else p if isinstance(p, arb) else to_fmpq(p)) for s, p in law
        )
        for law in laws
    ]
    return [_checked(law) for law in numbers], float not in kinds


def _checked(law: SetLaw) -> SetLaw:
    """Return a law of rationals and balls that may be one; of balls only what is surely wrong is refused."""
    for chosen, p in law:
        if p < 0 or (isinstance(p, arb) and not p.is_finite()):
            where = [i for i in range(chosen.bit_length()) if chosen >> i & 1]
            raise InputError(
                f"the rule takes positions {where} with chance {_shown(p)}; it must be at least 0."
            )
    total: Any = sum((p for _, p in law), fmpq(0))
    if abs(total - 1) > _SLACK if isinstance(total, arb) else total != 1:
        raise InputError(
            f"the chances of the sets that a rule may take sum to {_shown(total)}; they must sum to 1."
        )
    return law


def _shown(p: fmpq | arb) -> str:
    return f"{float(p):g}" if isinstance(p, arb) else str(p)


def inclusion(laws: list[SetLaw], n: int) -> NDArray[Any]:
    """Return the probability under every law that the set holds position i, shape (len(laws), n)."""
    return np.array(
        [[sum((p for s, p in law if s >> i & 1), fmpq(0)) for i in range(n)] for law in laws], dtype=object
    )


def by_set(laws: list[SetLaw]) -> dict[int, list[Any]]:
    """Return for each set its probability under every law, in ascending order of the sets."""
    out: dict[int, list[Any]] = {}
    for j, law in enumerate(laws):
        for chosen, p in law:
            out.setdefault(chosen, [fmpq(0)] * len(laws))[j] = p
    return dict(sorted(out.items()))
