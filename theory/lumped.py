"""Decoding by a lumped chain: laws whose masked positions are exchangeable, at any length.

Where all masked positions of a state look alike (the same multiset of probabilities) every policy takes a
*number* of positions, and which ones does not matter. The 2^n revealed sets collapse into a few states, for
example "m positions left" for Shuffle. Lumped and unlumped results are equal wherever both can be computed.

KL: if the law and the decoder are symmetric under a group that acts transitively on the support, then Q is
constant on it, ``Q(y) = accuracy * P(y)``, hence ``kl = -log2 accuracy``. A policy without random choices has
``kl = path_kl``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any, Protocol

import numpy as np

from theory._checks import InputError, choice
from theory.arithmetic import EXACT, Number, to_fmpq, to_fraction
from theory.correlation import Bits
from theory.lognumber import LogNumber
from theory.policies.policy import Policy, RankedPolicy
from theory.policies.view import View
from theory.temper import GREEDY_TIES, check_temperature, tempered

__all__ = ["Chain", "LumpedDecode", "Move", "decode_lumped", "tie_interval_lumped"]

State = Hashable


@dataclass(frozen=True, kw_only=True)
class Move:
    """One way in which drawing s positions can go inside the support.

    Attributes:
        state: The next state.
        data: Its probability when the tokens follow P.
        own: Its probability when the tokens are drawn from the tempered marginals.
        draws: (count, q) pairs: how many of the true tokens are drawn with probability q, on average.
    """

    state: State
    data: Fraction
    own: Any
    draws: tuple[tuple[Any, Any], ...]


class Chain(Protocol):
    """A law seen through states in which all masked positions look alike."""

    @property
    def n(self) -> int:
        """The number of positions."""
        ...

    @property
    def start(self) -> State:
        """The fully masked state."""
        ...

    @property
    def token_symmetric(self) -> bool:
        """Whether relabelling tokens alone is transitive on the support, whatever the positions do."""
        ...

    @property
    def ties_free(self) -> bool:
        """Whether at every tied state some tie rule keeps all sets of a size in the support and another none.

        Then the extremes over tie rules follow state by state.
        """
        ...

    def left(self, state: State) -> int:
        """Return the number of masked positions."""
        ...

    def marginal(self, state: State) -> Sequence[Fraction]:
        """Return the probabilities of the tokens at a masked position, in the order of the alphabet."""
        ...

    def moves(self, state: State, size: int, q: Sequence[Any]) -> Sequence[Move]:
        """Return the moves inside the support when ``size`` positions are drawn from ``q``."""
        ...

    def fallback(self) -> Sequence[Fraction]:
        """Return the one-position marginal off the support (the ``marginal`` convention)."""
        ...


@dataclass(frozen=True, kw_only=True)
class LumpedDecode:
    """What a lumped decode gives; the fields mean the same as in :class:`theory.decoder.Decode`.

    ``kl`` is ``None`` where the symmetry argument does not apply (random choices that treat positions unequally).
    """

    accuracy: Number
    kl: Bits | None
    path_kl: Bits
    steps: Number
    steps_under_data: Number
    n: int

    @property
    def tokens_per_step(self) -> Number:
        """``n / steps``."""
        return self.n / self.steps


def decode_lumped(
    chain: Chain, policy: Policy, *, temperature: object = 1, greedy_ties: str = "random"
) -> LumpedDecode:
    """Return the exact result of decoding the law of ``chain`` with ``policy`` and the ideal model.

    Exact for temperature 0 and 1. Off the support the ``marginal`` convention holds.
    """
    tau = check_temperature(temperature)
    choice(greedy_ties, "greedy_ties", GREEDY_TIES)
    one: Any = Fraction(1) if tau in (0, 1) else 1.0
    flows: dict[State, list[Any]] = {chain.start: [one, one]}
    lost = [one - one] * (chain.n + 1)  # mass off the support by number of masked positions
    steps = steps_data = accuracy = one - one
    draws: list[tuple[Any, Any]] = []
    for left in range(chain.n, 0, -1):
        for state in [s for s in flows if chain.left(s) == left]:
            own, data = flows.pop(state)
            steps, steps_data = steps + own, steps_data + data
            size, q = _step(chain, policy, chain.marginal(state), left, tau, greedy_ties)
            kept = one - one
            for move in chain.moves(state, size, q):
                flow = flows.setdefault(move.state, [one - one, one - one])
                flow[0] += own * move.own
                flow[1] += data * move.data
                kept += move.own
                draws += [(data * move.data * count, p) for count, p in move.draws]
            lost[left - size] += own * (1 - kept)
        if lost[left]:
            steps += lost[left]
            size, _ = _step(chain, policy, chain.fallback(), left, tau, greedy_ties)
            lost[left - size] += lost[left]
    accuracy = sum((flow[0] for flow in flows.values()), one - one)
    path_kl = _path_kl(chain, draws, exact=tau in (0, 1))
    kl = _kl(chain, policy, accuracy, path_kl, symmetric=tau != 0 or greedy_ties == "random")
    return LumpedDecode(
        accuracy=accuracy, kl=kl, path_kl=path_kl, steps=steps, steps_under_data=steps_data, n=chain.n
    )


def _step(
    chain: Chain, policy: Policy, marginal: Sequence[Fraction], left: int, tau: Fraction, greedy_ties: str
) -> tuple[int, list[Any]]:
    """Return the number of positions the policy takes and the tempered marginal."""
    row = np.array([to_fmpq(p) for p in marginal], dtype=object)
    probs = row[None, None, :]  # all positions look alike
    # the first positions count as revealed: which ones they are changes nothing, and blocks fill in order
    masked = np.arange(chain.n)[None, :] >= chain.n - left
    size = int(policy.plan(View(probs, masked, EXACT)).sizes()[0])
    q = tempered(row, tau, EXACT, greedy_ties=greedy_ties)
    return size, [to_fraction(p) if tau in (0, 1) else float(p) for p in q.tolist()]


def _path_kl(chain: Chain, draws: Sequence[tuple[Any, Any]], *, exact: bool) -> Bits:
    live = [(count, q) for count, q in draws if count != 0]
    if any(q == 0 for _, q in live):
        return inf
    entropy = LogNumber.weighted_sum(_entropy_terms(chain))
    if exact:
        return -LogNumber.weighted_sum(live) - entropy
    return float(-sum(float(count) * np.log2(float(q)) for count, q in live)) - float(entropy)


def _entropy_terms(chain: Chain) -> list[tuple[Fraction, Fraction]]:
    """``H(Y)`` by revealing one position at a time: each adds the entropy of its marginal at every state."""
    terms: list[tuple[Fraction, Fraction]] = []
    flows: dict[State, Fraction] = {chain.start: Fraction(1)}
    for left in range(chain.n, 0, -1):
        for state in [s for s in flows if chain.left(s) == left]:
            reach, marginal = flows.pop(state), list(chain.marginal(state))
            terms += [(-reach * count * p, p) for p, count in Counter(marginal).items() if p]
            for move in chain.moves(state, 1, marginal):
                flows[move.state] = flows.get(move.state, Fraction(0)) + reach * move.data
    return terms


def _kl(chain: Chain, policy: Policy, accuracy: Number, path_kl: Bits, *, symmetric: bool) -> Bits | None:
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


def _log2(value: Number) -> Bits:
    return LogNumber.log2(value) if isinstance(value, Fraction) else float(np.log2(value))


def tie_interval_lumped(chain: Chain, policy: Policy) -> tuple[Fraction, Fraction]:
    """Return the least and the greatest greedy accuracy over all deterministic tie-breaks.

    A deterministic tie-break names one of the most probable tokens for every state and masked position. Where a
    single set can be drawn, every choice on it is possible. Where several can, the rule is shared by them: the
    extremes then follow state by state only if the chain is ``ties_free``.

    Raises:
        InputError: If they do not; use :func:`theory.ties.tie_interval`.
    """
    value: dict[State, tuple[Fraction, Fraction]] = {}

    def extremes(state: State) -> tuple[Fraction, Fraction]:
        left = chain.left(state)
        if left == 0:
            return Fraction(1), Fraction(1)
        if state not in value:
            size, q = _step(chain, policy, chain.marginal(state), left, Fraction(0), "random")
            moves = [move for move in chain.moves(state, size, q) if move.own]
            ends = [extremes(move.state) for move in moves]
            if sum((move.own for move in moves), Fraction(0)) < 1:  # some choice leaves the support
                if size < left and not chain.ties_free and not _is_deterministic(policy):
                    raise InputError("the tie interval is not known in lumped form here; list a smaller n.")
                ends.append((Fraction(0), Fraction(0)))
            value[state] = min(low for low, _ in ends), max(high for _, high in ends)
        return value[state]

    return extremes(chain.start)
