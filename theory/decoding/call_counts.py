"""The distribution of the number of rounds R: how often a decoder needs 1, 2, 3, ... model calls.

``steps`` and ``steps_under_data`` of a decode are its means, under the decoder's own runs (Q) and along trajectories
driven by P; the two distributions differ (arXiv 2608.25505, Remark 1). The number of steps so far becomes a part of
the state: the same flow as :mod:`theory.decoding.forward`, one layer for each (revealed set, steps).

``P(R <= r)`` is what a fixed budget of r calls is worth, and ``max R`` is the depth of the rule.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from theory.decoding.call_distribution import StepDistribution
from theory.decoding.decoder import as_process
from theory.decoding.forward import Flow
from theory.decoding.process import decode_process
from theory.decoding.result import OFF_SUPPORT
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import require_operations
from theory.numbers.balls import ball_precision, distribution_with_error
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import InputError, choice

__all__ = ["step_distribution"]


def step_distribution(
    pmf: JointPMF,
    policy: Policy | Process,
    *,
    off_support: str = "marginal",
    limit: int | None = None,
    **switches: Any,
) -> StepDistribution:
    """Return the exact distribution of the number of model calls of a decode.

    Args:
        pmf: The target.
        policy: An unmasking policy, an adaptive policy or a process.
        off_support: As in :func:`theory.decoding.decoder.decode`; with ``stop`` a run ends with the impossible token.
        limit: Give up (:class:`CostError`) beyond so many pairs of (revealed set and step, chosen set); by default the
            limit of a decode.
        **switches: As in :func:`theory.decoding.decoder.decode`. Exact pmfs give exact distributions at temperature
            0, 1 and 1/m where :func:`theory.distributions.tempering.stays_rational`.

    Example:
        >>> from theory.policies import parse_policy
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        >>> distribution = step_distribution(pmf, parse_policy("threshold:gamma=0.4"))
        >>> distribution.runs, distribution.data
        ({1: Fraction(1, 1)}, {1: Fraction(1, 1)})
    """
    transform = Transform(**switches)
    choice(off_support, "off_support", OFF_SUPPORT)
    process = as_process(policy, transform)
    if process is not None:
        distribution = decode_process(pmf, process, transform, off_support, None).step_distribution
        assert distribution is not None
        return distribution
    assert not isinstance(policy, Process)
    flow = _CountedFlow(pmf, policy, transform, off_support, limit)
    flow.run()
    return flow.step_distribution()


class _NoDraws:
    """The path divergence is not wanted here."""

    def add(self, reach: NDArray[Any], probs: NDArray[Any], q: NDArray[Any]) -> None:
        """Keep nothing."""


class _CountedFlow(Flow):
    """The flow whose clock is the number of steps, whether the policy reads it or not."""

    def __init__(
        self, pmf: JointPMF, policy: Policy, transform: Transform, off_support: str, limit: int | None
    ) -> None:
        super().__init__(pmf, policy, transform, off_support)
        self._limit, self._may_wait = limit, self.clocked
        self.clocked = True  # the clock is a part of every state
        self.draws: Any = _NoDraws()
        self.stopped: dict[int, Any] = {}  # mass of runs that stop off the support, by steps

    def _after(self, key: tuple[int, int], chosen: int) -> tuple[int, int]:
        if not chosen and not self._may_wait:
            raise InputError(f"policy {self.policy} takes no position; it must take at least one.")
        return super()._after(key, chosen)

    def _advance(self, key: tuple[int, int], layer: Any) -> None:
        super()._advance(key, layer)
        if self._limit is not None:
            require_operations(
                self.cost.pairs, "the distribution of the steps", limit=self._limit, remedy="raise the limit"
            )

    def _idle_calls(self, key: tuple[int, int]) -> int:
        if self.off_support == "stop" and (mass := self.lost.pop(key, None)) is not None:
            self.stopped[key[1]] = self.stopped.get(key[1], self._zero()) + mass
        return super()._idle_calls(key)

    def step_distribution(self) -> StepDistribution:
        """Return the distribution; the flow has run."""
        with ball_precision():
            return self._step_distribution()

    def _step_distribution(self) -> StepDistribution:
        runs, data = dict(self.stopped), dict[int, Any]()
        for (mask, step), layer in self.layers.items():
            if mask == self.full:
                runs[step] = runs.get(step, self._zero()) + layer.own.sum()
                data[step] = data.get(step, self._zero()) + layer.data.sum()
        for (mask, step), mass in self.lost.items():
            if mask == self.full:
                runs[step] = runs.get(step, self._zero()) + mass
        own, error = distribution_with_error({step: mass for step, mass in runs.items() if mass != 0})
        of_data, more = distribution_with_error({step: mass for step, mass in data.items() if mass != 0})
        return StepDistribution(runs=own, data=of_data, error=max(error, more) if self.proven else None)
