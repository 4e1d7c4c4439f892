"""The exact decoder: the output law of an unmasking policy with the ideal model.

The ideal model returns ``p_i = P(y_i | revealed)`` at every masked position. One step: the policy picks a set A
from the marginals; each token of A is drawn independently from its tempered marginal. States are the revealed
sets C with the tokens on them. States inside the support are kept one by one; outside it the ideal model's
marginals no longer depend on the tokens, so that one state per C is enough for exact step counts.

Two flows run through the same states: the decoder's own runs (law, accuracy, kl, steps) and the runs driven by
``y ~ P`` (path_kl, steps_under_data). Identity used: ``path_kl = -H(Y) - E sum_t sum_{i in S_t} log2 q_i(y_i | C_t)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from theory._checks import InputError, choice
from theory.arithmetic import EXACT, FLOAT64, Number, Numbers, sum_by_value, to_fmpq, to_fraction
from theory.correlation import Bits, entropy
from theory.grouping import Groups
from theory.limits import require_memory, require_operations
from theory.lognumber import LogNumber
from theory.pmf import JointPMF, Outcome
from theory.policies.policy import Policy
from theory.policies.ranked import SetLaw
from theory.policies.view import View
from theory.temper import GREEDY_TIES, check_temperature, check_underflow, tempered

__all__ = ["OFF_SUPPORT", "Decode", "Flow", "decode"]

OFF_SUPPORT = ("marginal", "uniform", "stop")
_PAIRS = 400_000  # (revealed set, chosen set) pairs: one to several minutes


@dataclass(frozen=True, kw_only=True, eq=False)
class Decode:
    """What decoding a pmf with a policy gives; Fractions and LogNumbers when exact, floats otherwise.

    Attributes:
        law: ``Q(y)`` for every y of the support of P; the rest is ``1 - sum`` (:func:`theory.output_law.output_law`
            lists it).
        accuracy: ``Q(V)`` of the valid set V.
        kl: ``D(P || Q)`` in bits; infinite when Q misses part of the support.
        path_kl: The divergence along the realised path, at least ``kl``; equal for a policy without random choices.
        steps: Expected number of model calls of the decoder's own runs.
        steps_under_data: The same along trajectories driven by P.
        n: Number of positions.
    """

    law: Mapping[Outcome, Number]
    accuracy: Number
    kl: Bits
    path_kl: Bits
    steps: Number
    steps_under_data: Number
    n: int

    @property
    def tokens_per_step(self) -> Number:
        """``n / steps``."""
        return self.n / self.steps


def decode(
    pmf: JointPMF,
    policy: Policy,
    *,
    temperature: object = 1,
    greedy_ties: str = "random",
    off_support: str = "marginal",
    valid: Iterable[Outcome] | Callable[[Outcome], bool] | None = None,
) -> Decode:
    """Return the exact result of decoding ``pmf`` with ``policy`` and the ideal model.

    Args:
        pmf: The target.
        policy: An unmasking policy.
        temperature: tau >= 0; exact pmfs give exact results for 0 and 1.
        greedy_ties: Equal tokens at tau = 0: ``random`` (independent) or ``lowest``.
        off_support: What the ideal model returns after an impossible token: the one-position ``marginal``s, the
            ``uniform`` law on the alphabet, or ``stop``. It changes ``steps`` only.
        valid: The outcomes counted as correct, a part of the support (which is the default).

    Raises:
        InputError: For switches out of range.
        CostError: If the states would not fit in memory.

    Example:
        >>> from theory.policies import parse_policy
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        >>> result = decode(pmf, parse_policy("topk:k=2,by=random"))
        >>> result.accuracy, result.kl
        (Fraction(1, 2), LogNumber('log2(2)'))
    """
    tau = check_temperature(temperature)
    choice(greedy_ties, "greedy_ties", GREEDY_TIES)
    choice(off_support, "off_support", OFF_SUPPORT)
    flow = Flow(pmf, policy, tau, greedy_ties, off_support)
    flow.run()
    return flow.result(valid)


@dataclass(eq=False)
class _Layer:
    """The states with one revealed set: a row per group of outcomes that agree on it."""

    own: NDArray[Any]  # probability that the decoder's own run visits the state
    data: NDArray[Any]  # the same for runs driven by P


class Flow:
    """Probability flowing from the fully masked state to the outcomes, revealed set by revealed set."""

    def __init__(
        self, pmf: JointPMF, policy: Policy, tau: Fraction, greedy_ties: str, off_support: str
    ) -> None:
        self.pmf, self.policy, self.tau = pmf, policy, tau
        self.greedy_ties, self.off_support = greedy_ties, off_support
        self.scores: Numbers = EXACT if pmf.is_exact else FLOAT64
        self.exact = pmf.is_exact and tau in (0, 1)
        self.full = (1 << pmf.n) - 1
        self.pairs = 0  # (revealed set, chosen set) pairs so far
        self.width = max(len(a) for a in pmf.alphabets)
        size = len(pmf) * pmf.n * self.width * (120 if pmf.is_exact else 24)
        require_memory(
            size, f"the marginals of {len(pmf)} states", remedy="use fewer outcomes, or a lumped chain"
        )
        self.layers: dict[int, _Layer] = {0: _Layer(self._ones(1), self._ones(1))}
        self.lost: dict[int, Any] = {}  # mass off the support, by revealed set
        self.steps = self._zero()
        self.steps_under_data = self._zero()
        # (token probability q, expected number of draws with it when the tokens follow P)
        self.draws: list[tuple[Any, Any]] = []

    # numbers of the flow: exact where the result can be, else float64
    def _zero(self) -> Any:
        return fmpq(0) if self.exact else 0.0

    def _ones(self, size: int) -> NDArray[Any]:
        return np.array([fmpq(1)] * size, dtype=object) if self.exact else np.ones(size)

    def _zeros(self, size: int) -> NDArray[Any]:
        return np.array([fmpq(0)] * size, dtype=object) if self.exact else np.zeros(size)

    def _flow_numbers(self, values: Any) -> NDArray[Any]:
        array = np.asarray(values, dtype=object)
        return array if self.exact else _floats(array)

    def _groups(self, mask: int) -> Groups:
        return self.pmf.groups(_positions(mask))

    def run(self) -> None:
        """Visit the revealed sets in ascending order: every step leads to a superset, a larger integer."""
        while True:
            pending = [mask for mask in {*self.layers, *self.lost} if mask != self.full]
            if not pending:
                return
            mask = min(pending)
            if mask in self.layers:
                self._advance(mask, self.layers.pop(mask))
            if mask in self.lost:
                self._advance_lost(mask, self.lost.pop(mask))

    # -- one revealed set -------------------------------------------------------------------------------------

    def _advance(self, mask: int, layer: _Layer) -> None:
        groups = self._groups(mask)
        weights = self.pmf.group_weights(groups)
        active = np.flatnonzero((layer.own != 0) | (layer.data != 0))
        probs = self._marginals(mask, groups, weights)[active]
        masked = np.array([[not mask >> i & 1 for i in range(self.pmf.n)]] * len(active))
        revealed = np.where(masked, -1, self.pmf.codes[groups.first[active]])
        index, laws = self.policy.plan(View(probs, masked, self.scores, revealed=revealed)).distribution()
        q = tempered(probs, self.tau, self.scores, greedy_ties=self.greedy_ties)
        check_underflow(probs, q, self.tau)
        row_of = np.full(groups.count, -1)
        row_of[active] = np.arange(len(active))
        own, data = layer.own[active], layer.data[active]
        self.steps += own.sum()
        self.steps_under_data += data.sum()
        self._count_draws(index, laws, data, probs, q)
        sets = _by_set(laws)
        self.pairs += len(sets)
        require_operations(
            self.pairs, "decoding set by set", limit=_PAIRS, remedy="use fewer positions, or a lumped chain"
        )
        for chosen, share in sets.items():
            part = self._flow_numbers(share)[index]
            self._reveal(mask, chosen, row_of, groups, weights, q, own * part, data * part)

    def _marginals(self, mask: int, groups: Groups, weights: NDArray[Any]) -> NDArray[Any]:
        """Return ``P(y_i = v | state)``, shape (G, n, V), zero rows at revealed positions."""
        counts = np.zeros((groups.count, self.pmf.n, self.width), dtype=self.pmf.weights.dtype)
        for i in range(self.pmf.n):
            if not mask >> i & 1:
                np.add.at(counts[:, i, :], (groups.inverse, self.pmf.codes[:, i]), self.pmf.weights)
        return self.scores.ratio(counts, weights[:, None, None])

    def _reveal(
        self,
        mask: int,
        chosen: int,
        row_of: NDArray[np.int64],
        groups: Groups,
        weights: NDArray[Any],
        q: NDArray[Any],
        own: NDArray[Any],
        data: NDArray[Any],
    ) -> None:
        """Move the mass of each state that picks the set ``chosen`` to the states after the draw."""
        after = self._groups(mask | chosen)
        parent = groups.inverse[after.first]
        rows = row_of[parent]
        live = np.flatnonzero(rows >= 0)
        rows = rows[live]
        drawn = own[rows]
        for i in _positions(chosen):
            drawn = drawn * q[rows, i, self.pmf.codes[after.first[live], i]]
        true = self.pmf.group_weights(after)[live]
        ratio = self.scores.ratio(true, weights[parent[live]])
        layer = self.layers.setdefault(
            mask | chosen, _Layer(self._zeros(after.count), self._zeros(after.count))
        )
        layer.own[live] += drawn
        layer.data[live] += data[rows] * (ratio if self.exact else _floats(ratio))
        self.lost[mask | chosen] = self.lost.get(mask | chosen, self._zero()) + (own.sum() - drawn.sum())

    def _count_draws(
        self,
        index: NDArray[np.int64],
        laws: list[SetLaw],
        data: NDArray[Any],
        probs: NDArray[Any],
        q: NDArray[Any],
    ) -> None:
        """Add ``P(the data path draws token v at position i here)`` under its probability q."""
        inclusion = np.array(
            [[sum((p for s, p in law if s >> i & 1), fmpq(0)) for i in range(self.pmf.n)] for law in laws],
            dtype=object,
        )
        reach = data[:, None] * self._flow_numbers(inclusion)[index]
        rows, positions, tokens = np.nonzero(probs)
        expected = reach[rows, positions] * (probs if self.exact else _floats(probs))[rows, positions, tokens]
        values = q[rows, positions, tokens]
        if not self.exact:
            values = values.astype(np.float64)
        self.draws += [(q_value, amount) for q_value, amount in sum_by_value(values, expected) if amount != 0]

    def _advance_lost(self, mask: int, mass: Any) -> None:
        """Mass off the support: the marginals are the same whatever the tokens, so only C matters."""
        if self.off_support == "stop" or mass == 0:
            return
        masked = np.array([[not mask >> i & 1 for i in range(self.pmf.n)]])
        view = View(self._fallback, masked, self.scores, revealed=np.where(masked, -1, -2))
        _, laws = self.policy.plan(view).distribution()
        self.steps += mass
        for chosen, p in laws[0]:
            share = mass * (p if self.exact else float(int(p.p) / int(p.q)))
            self.lost[mask | chosen] = self.lost.get(mask | chosen, self._zero()) + share

    @cached_property
    def _fallback(self) -> NDArray[Any]:
        """The marginals that the ideal model returns off the support, shape (1, n, V)."""
        if self.off_support == "marginal":
            groups = self._groups(0)
            return self._marginals(0, groups, self.pmf.group_weights(groups))
        sizes = np.array([len(a) for a in self.pmf.alphabets])
        used = (np.arange(self.width)[None, :] < sizes[:, None]).astype(np.int64)
        return self.scores.ratio(used, sizes[:, None])[None]

    # -- the result -------------------------------------------------------------------------------------------

    def result(self, valid: Iterable[Outcome] | Callable[[Outcome], bool] | None) -> Decode:
        """Return what the finished flow says; ``valid`` as in :func:`decode`."""
        groups = self._groups(self.full)
        end = self.layers.get(self.full)
        own = end.own[groups.inverse] if end is not None else self._zeros(len(self.pmf))
        law = dict(zip(self.pmf.outcomes, map(self._public, own.tolist()), strict=True))
        return Decode(
            law=law,
            accuracy=self._accuracy(law, valid),
            kl=self._kl(own),
            path_kl=self._path_kl(),
            steps=self._public(self.steps),
            steps_under_data=self._public(self.steps_under_data),
            n=self.pmf.n,
        )

    def _public(self, value: Any) -> Number:
        return to_fraction(value) if self.exact else float(value)

    def _accuracy(self, law: Mapping[Outcome, Number], valid: Any) -> Number:
        if valid is None:
            return sum(law.values(), Fraction(0) if self.exact else 0.0)
        chosen = None if callable(valid) else set(map(tuple, valid))
        if chosen is not None and not chosen <= set(law):
            raise InputError("the valid set must be a part of the support of the pmf.")
        accepted = valid if chosen is None else chosen.__contains__
        return sum((q for y, q in law.items() if accepted(y)), Fraction(0) if self.exact else 0.0)

    def _kl(self, own: NDArray[Any]) -> Bits:
        if any(q == 0 for q in own.tolist()):
            return inf
        if self.exact:
            p = [to_fmpq(x) for x in self.pmf.probabilities]
            return LogNumber.weighted_sum((a, a / b) for a, b in zip(p, own.tolist(), strict=True))
        p = self.pmf.floats()
        return float(np.sum(p * np.log2(p / own)))

    def _path_kl(self) -> Bits:
        if any(q == 0 for q, _ in self.draws):  # a token that the data path needs is never drawn
            return inf
        if self.exact:
            return -LogNumber.weighted_sum((amount, q) for q, amount in self.draws) - entropy(self.pmf)
        values, amounts = np.array(self.draws, dtype=np.float64).T
        return float(-np.sum(amounts * np.log2(values)) - float(entropy(self.pmf)))


def _positions(mask: int) -> list[int]:
    return [i for i in range(mask.bit_length()) if mask >> i & 1]


def _by_set(laws: list[SetLaw]) -> dict[int, list[Any]]:
    """Return for each set its probability under every law, in ascending order of the sets."""
    out: dict[int, list[Any]] = {}
    for j, law in enumerate(laws):
        for chosen, p in law:
            out.setdefault(chosen, [fmpq(0)] * len(laws))[j] = p
    return dict(sorted(out.items()))


def _floats(array: NDArray[Any]) -> NDArray[np.float64]:
    if array.dtype != np.dtype(object):
        return array.astype(np.float64)
    if array.size == 0:
        return np.zeros(array.shape)
    return np.vectorize(
        lambda p: int(p.p) / int(p.q) if isinstance(p, fmpq) else float(p), otypes=[np.float64]
    )(array)
