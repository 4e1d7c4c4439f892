"""A task, a file or a pmf with everything that can be asked of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from theory.distributions.distribution import Context, occurring
from theory.distributions.given import as_pmf
from theory.distributions.pmf import JointPMF
from theory.policies.given import PolicyLike

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from parabounds.results import Bounds, DecodeResult, Result
    from parabounds.trace import Trace

__all__ = ["Subject"]


@dataclass(frozen=True, eq=False)
class Subject:
    """What bounds, decodes and plots are about.

    Attributes:
        task: A task with a name, a size and contexts.
    """

    task: Any = field(repr=False)

    @property
    def name(self) -> str:
        """What it is called."""
        return self.task.name

    @property
    def n(self) -> int:
        """Its size."""
        return self.task.n

    @cached_property
    def pmf(self) -> JointPMF:
        """The joint pmf, where there is one context and it can be listed."""
        return as_pmf(self.task)

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts of positive weight."""
        return occurring(self.task.contexts())

    def chain(self) -> Any:
        """Return the lumped chain, if there is one."""
        from theory.distributions.contexts import chain_of

        return chain_of(self.task)

    def __repr__(self) -> str:
        """Return one line."""
        return f"Task({self.name}, n = {self.n})"

    def bounds(self, partition: str | None = None, **options: Any) -> Bounds:
        """Return entropies, the least losses ``L*_T`` of T steps and a verdict.

        Args:
            partition: An ordered partition to price, ``"0,1|2,3"`` or ``"equal:2"``.
            **options: ``adaptive``, ``randomized``, ``count``, ``samples``, ``seed``, ``float``; see
                :func:`theory.commands.bounds.bounds_answer`.
        """
        from parabounds.results import ask_bounds

        return ask_bounds(self.task, partition, **options)

    def decode(self, policy: PolicyLike, **switches: Any) -> DecodeResult:
        """Return what a policy gives with the ideal model: accuracy, divergence, steps.

        Args:
            policy: A specification such as ``"topk:k=2"``, or an object.
            **switches: ``temperature``, ``greedy_ties``, ``off_support``, ``top_p``, ...; see
                :func:`theory.decoding.decoder.decode`.
        """
        from parabounds.results import ask_decode

        return ask_decode(self.task, policy, **switches)

    def compare(self, policies: Sequence[PolicyLike], *, temperature: Any = 1, **switches: Any) -> Result:
        """Return several policies side by side, with their distance to the optimum of all adaptive policies.

        Args:
            policies: Specifications or objects.
            temperature: One, or a list: each policy at each.
            **switches: As of :meth:`decode`.
        """
        from parabounds.compare import comparison

        return comparison(self.task, policies, temperature=temperature, **switches)

    def schedule(self, **options: Any) -> Result:
        """Return the information curve and the best block sizes in random order."""
        from parabounds.results import ask_schedule

        return ask_schedule(self.task, **options)

    def frontier(self, **options: Any) -> Result:
        """Return the least loss at any expected number of steps, over all policies that look at the tokens.

        Args:
            **options: ``rules``, ``samples``, ``seed``, ``seconds``; see :func:`parabounds.results.ask_frontier`.
        """
        from parabounds.results import ask_frontier

        return ask_frontier(self.task, **options)

    def policy(self, steps: int | None = None) -> Result:
        """Return the best policy of at most so many steps; by default of the fewest that lose nothing."""
        from parabounds.results import ask_policy

        return ask_policy(self.task, steps)

    def trace(
        self, policy: PolicyLike, *, along: Any = None, seed: int = 0, context: int = 0, **switches: Any
    ) -> Trace:
        """Return one run step by step: marginals, scores, ties, the chosen positions and what the step costs.

        Args:
            policy: A specification or an object that reads the marginals.
            along: A true answer whose tokens are revealed; without it tokens are drawn.
            seed: Of the draws.
            context: Which context, by its place.
            **switches: As of :meth:`decode`.
        """
        from parabounds.trace import trace

        distribution = self.contexts()[context].distribution
        return trace(distribution.pmf(), policy, along=along, seed=seed, **switches)

    def marginals(self, given: Mapping[int, Any] | None = None) -> dict[int, dict[Any, Any]]:
        """Return what the ideal model says of every position, given some tokens: probabilities by token.

        Args:
            given: Tokens by position.

        Example:
            >>> from parabounds import pmf
            >>> pmf([("New", "York"), ("Mexico", "City")]).marginals({0: "New"})[1]
            {'York': Fraction(1, 1)}
        """
        now = self.pmf.condition(given) if given else self.pmf
        return {i: {token: p for (token,), p in now.marginal([i])} for i in range(now.n)}

    def plot_marginals(self, given: Mapping[int, Any] | None = None, ax: Axes | None = None) -> Axes:
        """Draw what the ideal model returns at every position, given some tokens; return the Axes.

        Args:
            given: Tokens by position.
            ax: Where to draw; by default a new figure.
        """
        from parabounds.plots import plot_marginals

        return plot_marginals(self.pmf, given or {}, ax, title=f"{self.name}, n = {self.n}")
