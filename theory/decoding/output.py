"""The whole output distribution of a decoder, also outside the support of P.

After an impossible token the ideal model's marginals no longer depend on the tokens, so the positions still masked are
drawn independently, whatever sets the policy picks: the distribution there is the mass that leaves the support at each
draw times a product of tempered marginals.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.decoding.forward import Moving, PolicyRun, total
from theory.decoding.lookahead import require_runs
from theory.decoding.process import process_distribution
from theory.decoding.result import OFF_SUPPORT, AnswerDistribution
from theory.decoding.set_states import Asked, positions_of
from theory.distributions.given import PMFLike, as_pmf
from theory.distributions.tempering import Transform
from theory.limits import Budget
from theory.numbers.balls import ball_precision
from theory.policies.as_process import as_process
from theory.policies.given import PolicyLike, as_policy
from theory.policies.process import Process
from theory.validation import InputError, choice

__all__ = ["output_distribution"]

_STEP, _LIMIT = 2e-6, 200  # seconds of an outcome and a pair of position sets; at most


def output_distribution(
    pmf: PMFLike,
    policy: PolicyLike,
    *,
    off_support: str = "marginal",
    **switches: Any,
) -> AnswerDistribution:
    """Return ``Q(y)`` of every sequence y that the decoder can give; the values sum to one.

    Args:
        pmf: The target.
        policy: An unmasking policy.
        off_support: ``marginal`` or ``uniform``; with ``stop`` some runs are unfinished and there is no distribution.
        **switches: As in :func:`theory.decoding.decoder.decode`; Fractions for exact pmfs at temperature 0, 1 and
            1/m where :func:`theory.distributions.tempering.stays_rational`.

    Returns:
        A dictionary whose ``error`` bounds the error of each float; see
        :class:`theory.decoding.result.AnswerDistribution`.

    Raises:
        InputError: For switches out of range.
        CostError: If the product of the alphabets is too large to list.

    Example:
        >>> distribution = output_distribution([("New", "York"), ("Mexico", "City")], "topk:k=2")
        >>> distribution[("New", "City")], sum(distribution.values())
        (Fraction(1, 4), Fraction(1, 1))
    """
    pmf, policy, transform = as_pmf(pmf), as_policy(policy), Transform(**switches)
    if choice(off_support, "off_support", OFF_SUPPORT) == "stop":
        raise InputError("off_support=stop leaves outcomes unfinished; use marginal or uniform.")
    process = as_process(policy, transform)
    if process is not None:
        return process_distribution(pmf, process, transform, off_support)
    assert not isinstance(policy, Process)
    cells = prod(len(alphabet) for alphabet in pmf.alphabets)
    budget = Budget(f"the distribution of {cells} answers", "use fewer positions", limit=_LIMIT)
    budget.require(cells * 3**pmf.n, _STEP)
    run = _WholeRun(pmf, policy, transform, off_support)
    require_runs([run])
    run.run()
    return run.whole_distribution()


class _WholeRun(PolicyRun):
    """The run that also keeps where the mass goes that leaves the support."""

    def __init__(self, *settings: Any) -> None:
        super().__init__(*settings)
        self.left: dict[tuple[int, ...], Any] = {}
        with ball_precision():
            self.outside = [_possible(row) for row in self.states.drawn_outside()]

    def whole_distribution(self) -> AnswerDistribution:
        """Return the distribution of the finished run, on the support and off it."""
        alphabets = self.pmf.alphabets
        distribution = {y: q for y, q in zip(self.pmf.outcomes, self.ends().tolist(), strict=True) if q != 0}
        for codes, mass in self.left.items():
            distribution[tuple(alphabets[i][v] for i, v in enumerate(codes))] = mass
        return AnswerDistribution(distribution, proven=self.states.proven)

    def _reveal(
        self, key: tuple[int, int], chosen: int, row_of: NDArray[np.int64], asked: Asked, moving: Moving
    ) -> None:
        super()._reveal(key, chosen, row_of, asked, moving)
        mask, own = key[0], total(masses.decoder for masses in moving.values())
        shown = positions_of(mask | chosen)
        support = set(map(tuple, self.pmf.codes[:, shown].tolist()))
        for group in np.flatnonzero(row_of >= 0).tolist():
            row = row_of[group]
            if own[row] == 0:
                continue
            codes = self.pmf.codes[asked.groups.first[group]].tolist()
            options = [
                _possible(asked.q[row, i])
                if chosen >> i & 1
                else [(codes[i], 1)]
                if mask >> i & 1
                else self.outside[i]
                for i in range(self.pmf.n)
            ]
            for draw in product(*options):
                if tuple(draw[i][0] for i in shown) not in support:
                    answer = tuple(v for v, _ in draw)
                    mass = prod((p for _, p in draw), start=own[row])
                    self.left[answer] = self.left.get(answer, self.states.kind.const(0)) + mass


def _possible(row: Sequence[Any]) -> list[tuple[int, Any]]:
    """Return the tokens of positive probability with their probabilities."""
    return [(v, p) for v, p in enumerate(row) if p != 0]
