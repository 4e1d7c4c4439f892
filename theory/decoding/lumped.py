"""Exact decodes by lumped chains, at any length.

If all masked positions of a state have the same multiset of probabilities, every policy takes a *number* of positions,
and which ones does not matter. The 2^n revealed sets collapse into a few states, for example "m positions left" for
Shuffle. Lumped and unlumped results are equal wherever both can be computed.

KL: if the distribution and the decoder are symmetric under a group that acts transitively on the support, then Q is
constant on it, ``Q(y) = accuracy * P(y)``, hence ``kl = -log2 accuracy``. A policy without random choices has
``kl = path_kl``.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import inf
from typing import Any

from flint import arb, fmpq

from theory.decoding.call_distribution import distribution_of_calls
from theory.decoding.exchangeable import (
    exchangeable_size,
    exchangeable_step,
    marginal_bits,
    question_seconds,
    states_budget,
    states_left,
)
from theory.decoding.path_divergence import path_divergence
from theory.decoding.result import LumpedDecode
from theory.distributions.lumped_chain import LumpedChain, State
from theory.distributions.tempering import GREEDY_TIES, check_temperature, numbers_of_powers
from theory.numbers.arithmetic import EXACT, ProvenNumbers
from theory.numbers.balls import ball_precision, to_ball, with_errors
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq, to_fraction
from theory.policies.given import PolicyLike, as_policy
from theory.policies.policy import Policy, RankedPolicy
from theory.validation import InputError, choice, shortened

__all__ = ["decode_lumped", "tie_interval_lumped"]

_Masses = dict[int, tuple[Any, Any]]  # of own runs and of the data, by number of calls so far

_POSITION, _BIT = 1e-6, 2e-8  # seconds of a position, and of a bit of a probability, in each state


def decode_lumped(
    chain: LumpedChain, policy: PolicyLike, *, temperature: object = 1, greedy_ties: str = "random"
) -> LumpedDecode:
    """Return the exact result of decoding the distribution of ``chain`` with ``policy`` and the ideal model.

    Exact for temperature 0 and 1, and 1/m with m small; else floats with errors. Off the support the ``marginal``
    convention holds.

    Raises:
        InputError: For rules that depend on more than the number of positions left and their marginals.
    """
    tau = check_temperature(temperature)
    rule: Any = as_policy(policy)
    _check_lumps(rule, tau)
    choice(greedy_ties, "greedy_ties", GREEDY_TIES)
    with ball_precision():
        return _decoded(chain, rule, tau, greedy_ties, numbers_of_powers(tau, marginal_bits(chain)))


def _decoded(
    chain: LumpedChain, policy: Policy, tau: Fraction, greedy_ties: str, numbers: ProvenNumbers
) -> LumpedDecode:
    number, exact = numbers.const, numbers is EXACT
    zero = number(0)
    budget, spent = states_budget(chain.n, shortened(str(policy), 80)), 0.0
    masses: dict[State, _Masses] = {chain.start: {0: (number(1), fmpq(1))}}
    lost: list[dict[int, Any]] = [{} for _ in range(chain.n + 1)]  # mass off the support by masked positions
    steps, steps_data = zero, fmpq(0)
    draws: list[tuple[Any, Any]] = []
    for left in range(chain.n, 0, -1):
        for state in [s for s in masses if chain.left(s) == left]:
            here = masses.pop(state)
            own: Any = sum((o for o, _ in here.values()), zero)
            data: Any = sum((d for _, d in here.values()), fmpq(0))
            bits = int(own.q).bit_length() if exact else 0
            seconds = question_seconds(chain.n) + chain.n * _POSITION + bits * _BIT
            spent += seconds
            budget.spend(seconds, states_left(chain.n, left, spent))
            steps, steps_data = steps + own, steps_data + data
            size, q = exchangeable_step(
                chain.n, policy, chain.marginal(state), left, tau, greedy_ties, numbers
            )
            kept = zero
            for move in chain.moves(state, size, q):
                drawn, true = number(move.decoder), to_fmpq(move.data)
                _move(masses.setdefault(move.state, {}), here, drawn, true)
                kept += drawn
                draws += [(data * true * to_fmpq(count), p) for count, p in move.draws]
            if kept != 1 or not exact:
                for calls, (mass, _) in here.items():
                    _add(lost[left - size], calls + 1, mass * (1 - kept))
        if lost[left] or not exact:
            steps += sum(lost[left].values(), zero)
            size = exchangeable_size(chain.n, policy, chain.fallback(), left)
            for calls, mass in lost[left].items():
                _add(lost[left - size], calls + 1, mass)
    ends = [end for here in masses.values() for end in here.items()]
    accuracy = sum((own for _, (own, _) in ends), zero)
    path_kl = path_divergence(draws, LogNumber.weighted_sum(_entropy_terms(chain)), numbers)
    kl = _kl(chain, policy, accuracy, path_kl, symmetric=tau != 0 or greedy_ties == "random")
    values, errors = with_errors({"accuracy": accuracy, "kl": kl, "path_kl": path_kl, "steps": steps})
    return LumpedDecode(
        **values,
        steps_under_data=to_fraction(steps_data),
        n=chain.n,
        errors=errors,
        step_distribution=distribution_of_calls(
            [*lost[0].items(), *((calls, own) for calls, (own, _) in ends)],
            [(calls, true) for calls, (_, true) in ends],
        ),
    )


def _move(there: _Masses, here: _Masses, drawn: Any, true: Any) -> None:
    """Add the masses of a state, one call later, to those of a state that it leads to."""
    for calls, (own, data) in here.items():
        before = there.get(calls + 1, (0, 0))
        there[calls + 1] = before[0] + own * drawn, before[1] + data * true


def _add(distribution: dict[int, Any], calls: int, mass: Any) -> None:
    distribution[calls] = distribution.get(calls, 0) + mass


def _check_lumps(policy: Policy, tau: Fraction) -> None:
    sampled = (
        tau != 0 and getattr(policy, "confidence", "max") != "max"
    )  # greedy tokens are the most probable ones
    if sampled or not getattr(policy, "lumps", False):
        raise InputError(f"{policy} looks at more than how many positions are left; list a smaller n.")


def _entropy_terms(chain: LumpedChain) -> list[tuple[Fraction, Fraction]]:
    """Return the terms of ``H(Y)``, the entropies of the marginals when revealing one position at a time."""
    terms: list[tuple[Fraction, Fraction]] = []
    masses: dict[State, Fraction] = {chain.start: Fraction(1)}
    for left in range(chain.n, 0, -1):
        for state in [s for s in masses if chain.left(s) == left]:
            reach, marginal = masses.pop(state), list(chain.marginal(state))
            values, counts = {id(p): p for p in marginal}, Counter(map(id, marginal))
            terms += [(-reach * counts[key] * p, p) for key, p in values.items() if p]
            for move in chain.moves(state, 1, marginal):
                masses[move.state] = masses.get(move.state, Fraction(0)) + reach * move.data
    return terms


def _kl(chain: LumpedChain, policy: Policy, accuracy: Any, path_kl: Any, *, symmetric: bool) -> Any:
    if accuracy == 0:
        return inf
    if _is_deterministic(policy):
        return path_kl
    whole = isinstance(policy, RankedPolicy) and policy.block is None
    if symmetric and (chain.token_symmetric or whole):
        return -_log2(accuracy)
    return None


def _is_deterministic(policy: Policy) -> bool:
    return isinstance(policy, RankedPolicy) and (policy.by == "left_to_right" or policy.ties != "random")


def _log2(value: Any) -> Any:
    return value.log() / to_ball(2).log() if isinstance(value, arb) else LogNumber.log2(value)


def tie_interval_lumped(chain: LumpedChain, policy: PolicyLike) -> tuple[Fraction, Fraction]:
    """Return the least and the greatest greedy accuracy over all deterministic tie-breaks.

    A deterministic tie-break chooses one of the most probable tokens for every state and masked position. If a single
    set can be drawn, every choice on it is possible. If several can, they share the tie-break: the extremes then follow
    state by state only if the chain is ``ties_free``.

    Raises:
        InputError: If they do not; use :func:`theory.decoding.tie_breaks.tie_interval`.
    """
    rule: Any = as_policy(policy)
    _check_lumps(rule, Fraction(0))
    value: dict[State, tuple[Fraction, Fraction]] = {}

    def extremes(state: State) -> tuple[Fraction, Fraction]:
        left = chain.left(state)
        if left == 0:
            return Fraction(1), Fraction(1)
        if state not in value:
            marginal = chain.marginal(state)
            size, q = exchangeable_step(chain.n, rule, marginal, left, Fraction(0), "random", EXACT)
            moves = [move for move in chain.moves(state, size, q) if move.decoder]
            ends = [extremes(move.state) for move in moves]
            if sum((move.decoder for move in moves), Fraction(0)) < 1:  # some choices leave the support
                if size < left and not chain.ties_free and not _is_deterministic(rule):
                    raise InputError("the tie interval is not known in lumped form here; list a smaller n.")
                ends.append((Fraction(0), Fraction(0)))
            value[state] = min(low for low, _ in ends), max(high for _, high in ends)
        return value[state]

    return extremes(chain.start)
