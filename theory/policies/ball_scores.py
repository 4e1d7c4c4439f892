"""Scores of positions in ball arithmetic."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.numbers.balls import balls, zeros_of
from theory.policies.scores import SCORES
from theory.policies.view import View

__all__ = ["ball_scores"]


def ball_scores(by: str, view: View) -> NDArray[Any]:
    """Return the scores of a view as balls.

    Args:
        by: The name of the score.
        view: A view with exact marginals, or with marginals in balls.

    Example:
        >>> from flint import fmpq
        >>> from theory.numbers.arithmetic import EXACT
        >>> probs = np.array([[[fmpq(1, 4), fmpq(3, 4)]]], dtype=object)
        >>> ball_scores("margin", View(probs, np.array([[True]]), EXACT))[0, 0] == 0.5
        True
    """
    probs, kind = view.reals
    if by == "entropy":
        return -kind.entropy(probs)
    if by not in ("confidence", "margin"):
        return balls(np.asarray(SCORES[by](view)))
    best = [_two_best(row) for row in probs.reshape(-1, probs.shape[-1])]
    scores = zeros_of(len(best))
    scores[:] = [first - second if by == "margin" else first for first, second in best]
    return scores.reshape(probs.shape[:-1])


def _two_best(row: NDArray[Any]) -> tuple[arb, arb]:
    """Return balls that hold the largest and the second largest number, 0 if there is one."""
    zero = arb(0), arb(0)
    return reduce(lambda best, p: (best[0].max(p), best[1].max(best[0].min(p))), row.tolist(), zero)
