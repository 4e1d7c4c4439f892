"""The distribution of the number of rounds on a task: averaged over contexts, by a lumped chain for many outcomes.

See :mod:`theory.decoding.call_counts` for a single pmf.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import fmpq

from theory.decoding.call_counts import step_distribution
from theory.decoding.call_distribution import StepDistribution, mixed
from theory.decoding.exchangeable import marginal_bits, size_of_alike, step_of_alike
from theory.decoding.tasks.decode import not_lumped
from theory.decoding.tasks.realised import realised
from theory.decoding.tasks.structure import structure_of
from theory.distributions.contexts import HasContexts
from theory.distributions.distribution import occurring
from theory.distributions.lumped_chain import Chain, State
from theory.distributions.tempering import GREEDY_TIES, check_temperature, stays_rational
from theory.limits import CostError, sharing
from theory.numbers.arithmetic import to_fmpq, to_fraction
from theory.numbers.balls import ball_precision, distribution_with_error, to_ball
from theory.policies.policy import Policy
from theory.policies.process import Process
from theory.validation import choice

__all__ = ["lumped_step_distribution", "steps_distribution_answer", "task_step_distribution"]

_LISTED = 7  # positions; longer lists with a lumped chain are not listed
_STRUCTURED = 12  # positions; longer distributions with a structure are not listed
_PAIRS = 20_000  # of a flow, in a command: seconds
_PART = Fraction(1, 8)  # of what a decode may take, in a command


def task_step_distribution(
    task: HasContexts, policy: Policy | Process, *, limit: int | None = None, **switches: Any
) -> StepDistribution | None:
    """Return the distribution of the model calls on a task; ``None`` where it is not known without a long list.

    Args:
        task: A task.
        policy: An unmasking policy or a process.
        limit: As in :func:`theory.decoding.call_counts.step_distribution`.
        **switches: As in :func:`theory.decoding.decoder.decode`.

    Example:
        >>> from synthetic import make_task
        >>> from theory.policies import parse_policy
        >>> distribution = task_step_distribution(make_task("replace_random", 5), parse_policy("factor:f=1"))
        >>> distribution.runs, distribution.data
        ({2: Fraction(61, 125), 3: Fraction(64, 125)}, {2: Fraction(3, 5), 3: Fraction(2, 5)})
    """
    chain = task.chain()
    if chain is not None and chain.n > _LISTED and not_lumped(policy, switches) is None:
        assert not isinstance(policy, Process)
        plain = {key: value for key, value in switches.items() if key in ("temperature", "greedy_ties")}
        return lumped_step_distribution(chain, policy, **plain)
    structure = structure_of(task)
    if chain is None and structure is not None and structure.n > _STRUCTURED:
        known = realised(policy, structure.n) if switches.get("off_support") != "stop" else None
        if known is None:
            return None
        sure = {int(known.calls): Fraction(1)}
        return StepDistribution(runs=sure, data=sure)
    contexts = occurring(task.contexts())
    with sharing(Fraction(1, len(contexts))):
        return mixed(
            [
                (c.weight, step_distribution(c.distribution.pmf(), policy, limit=limit, **switches))
                for c in contexts
            ]
        )


def steps_distribution_answer(
    task: HasContexts, policy: Policy | Process, known: StepDistribution | None = None, **switches: Any
) -> dict[str, Any]:
    """Return the entries of a decode's answer: pairs of (model calls, probability); none where it would take long.

    Keys: ``steps_distribution`` and ``steps_distribution_under_data``; the latter is ``None`` for rules that do not
    follow the data. ``known``: the distribution, if a decode has given it.
    """
    try:
        with sharing(_PART):
            distribution = known or task_step_distribution(task, policy, limit=_PAIRS, **switches)
    except CostError:
        return {}
    if distribution is None:
        return {}
    data = None if distribution.data is None else [list(pair) for pair in distribution.data.items()]
    found: dict[str, Any] = {
        "steps_distribution": [list(pair) for pair in distribution.runs.items()],
        "steps_distribution_under_data": data,
    }
    distributions = {
        "steps_distribution": distribution.runs,
        "steps_distribution_under_data": distribution.data or {},
    }
    floats = [key for key, of in distributions.items() if any(isinstance(p, float) for p in of.values())]
    return found | (
        {}
        if distribution.error is None or not floats
        else {"errors": dict.fromkeys(floats, distribution.error)}
    )


def lumped_step_distribution(
    chain: Chain, policy: Policy, *, temperature: object = 1, greedy_ties: str = "random"
) -> StepDistribution:
    """Return the distribution of the model calls when decoding the distribution of ``chain`` (``decode_lumped``).

    The steps so far are carried along with every state; off the support the ``marginal`` convention holds.
    """
    tau = check_temperature(temperature)
    choice(greedy_ties, "greedy_ties", GREEDY_TIES)
    with ball_precision():
        return _lumped_distribution(
            chain, policy, tau, greedy_ties, exact=stays_rational(tau, marginal_bits(chain))
        )


def _lumped_distribution(
    chain: Chain, policy: Policy, tau: Fraction, greedy_ties: str, *, exact: bool
) -> StepDistribution:
    number: Callable[[Any], Any] = to_fmpq if exact else to_ball
    zero: Any = number(0)
    flows: dict[State, dict[int, list[Any]]] = {chain.start: {0: [number(1), fmpq(1)]}}
    lost: list[dict[int, Any]] = [{} for _ in range(chain.n + 1)]  # by masked positions, then by steps
    for left in range(chain.n, 0, -1):
        for state in [s for s in flows if chain.left(s) == left]:
            here = flows.pop(state)
            size, q = step_of_alike(
                chain.n, policy, chain.marginal(state), left, tau, greedy_ties, exact=exact
            )
            moves = chain.moves(state, size, q)
            chances = [(move.state, number(move.own), to_fmpq(move.data)) for move in moves]
            kept = sum((drawn for _, drawn, _ in chances), zero)
            for steps, (own, data) in here.items():
                for after, drawn, true in chances:
                    flow = flows.setdefault(after, {}).setdefault(steps + 1, [zero, fmpq(0)])
                    flow[0] += own * drawn
                    flow[1] += data * true
                _add(lost[left - size], steps + 1, own * (1 - kept))
        if lost[left]:
            size = size_of_alike(chain.n, policy, chain.fallback(), left)
            for steps, mass in lost[left].items():
                _add(lost[left - size], steps + 1, mass)
    runs, data_distribution = dict(lost[0]), dict[int, Any]()
    for by_steps in flows.values():
        for steps, (own, data) in by_steps.items():
            _add(runs, steps, own)
            _add(data_distribution, steps, data)
    shown, error = distribution_with_error(runs)
    return StepDistribution(
        runs=shown,
        data={calls: to_fraction(p) for calls, p in sorted(data_distribution.items())},
        error=error,
    )


def _add(distribution: dict[int, Any], steps: int, mass: Any) -> None:
    if mass != 0:
        distribution[steps] = distribution.get(steps, 0) + mass
