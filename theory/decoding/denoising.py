r"""The exact output distribution of samplers that remove noise in T steps.

Signals ``0 = a_0 < a_1 < ... < a_T = 1``. The first sequence is pure noise. Step t draws every position of the next
sequence independently, from :math:`r_i(.|x)` of :mod:`theory.distributions.noise` with a = a_{t-1} and b = a_t:

- ``prediction="left_out"``: with the leave-one-out posterior, the true transition of each position. All loss is that of
  drawing positions independently; it falls as the steps become small.
- ``prediction="posterior"``: with the posterior of the clean token given all noisy ones in its place, as a model that
  was trained by cross-entropy predicts it and as it is often plugged in. Under uniform noise the loss stays: on
  Shuffle of three items the accuracy is .475 with 16 steps and less than 1/2 with 64 (measured).

With masking the two are one, and equal the rule ``ancestral`` with ``eps=0`` on equally spaced signals. One step
(T = 1) draws from the product of the marginals of P, whatever the noise. Theorem and proof:
:mod:`theory.distributions.noise`.

The distribution over all ``K^n`` sequences of symbols is carried from step to step, so n is small. Exact for exact
pmfs; with ``floats=True`` in float64 and with a bound on the errors. All numbers are sums, products and quotients of
numbers that are not negative, so a value behind k roundings is off by at most the factor ``(1 - 2^-53)^-k``. With N
outcomes, m tokens and K symbols, a posterior has ``4 n + 2 N + m`` of them, r twice as many and ``2 m + 6 + K`` more, a
product over positions n times as many as r and n more, and each step adds ``K^n`` for the sum over sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
from flint import arb
from numpy.typing import NDArray

from theory.decoding.result import AnswerDistribution, ValidSet, divergence, valid_mass
from theory.distributions.given import PMFLike
from theory.distributions.noise import ENTRIES, Noise, NoisyModel
from theory.limits import Budget, require_all, require_memory
from theory.numbers.arithmetic import EXACT, Number
from theory.numbers.balls import BALLS, ball_precision, with_errors
from theory.numbers.lognumber import Bits
from theory.validation import InputError, choice, exact_fraction, positive_int

__all__ = [
    "PREDICTIONS",
    "Denoised",
    "checked_signals",
    "denoise",
    "denoising_cost",
    "equal_signals",
    "reverse_step",
]

PREDICTIONS = ("left_out", "posterior")
_EXACT_SECONDS = 2e-7, 6e-7, 1e-4  # of an entry of a transition; an outcome for two positions; a sequence
_FLOAT_SECONDS = 2e-10, 1.5e-8, 1e-5
_EXACT_BYTES, _FLOAT_BYTES = 100, 8  # of a number
_LIMIT = 200  # seconds
_ROUNDING = 2.0**-53
_LEAST = 1e-290  # below it floats lose digits
_ROWS = 1 << 22  # entries of a batch of transitions


@dataclass(frozen=True, kw_only=True, eq=False)
class Denoised:
    """The result of a sampler, exact as Fractions and LogNumbers, or floats with errors.

    Attributes:
        distribution: ``Q(y)`` for every y of the support of P; ``distribution.error`` bounds the error of each float.
        accuracy: ``Q(V)`` of the valid set V.
        kl: ``D(P || Q)`` in bits; infinite when Q misses part of the support.
        steps: T, the number of model calls.
        errors: Proven bounds on the absolute errors of the floats among ``accuracy`` and ``kl``.
    """

    distribution: AnswerDistribution
    accuracy: Number
    kl: Bits
    steps: int
    errors: Mapping[str, float] = field(default_factory=dict[str, float])


def equal_signals(steps: int) -> tuple[Fraction, ...]:
    """Return the equally spaced signals of T steps.

    Example:
        >>> equal_signals(2)
        (Fraction(0, 1), Fraction(1, 2), Fraction(1, 1))
    """
    count = positive_int(steps, "steps", at_most=4096)
    return tuple(Fraction(t, count) for t in range(count + 1))


def denoise(
    pmf: PMFLike,
    signals: Sequence[Any] | int,
    *,
    noise: Noise | None = None,
    prediction: str = "left_out",
    valid: ValidSet = None,
    floats: bool = False,
) -> Denoised:
    """Return what a sampler of T steps writes, with the ideal model.

    Args:
        pmf: The target.
        signals: The signals from 0 to 1, increasing; or T, for equally spaced ones.
        noise: The noise; uniform over the tokens that occur by default.
        prediction: ``left_out`` or ``posterior``; see the module.
        valid: As in :func:`theory.decoding.decoder.decode`.
        floats: Compute in float64, far faster; a float pmf always is.

    Raises:
        InputError: For arguments out of range.
        CostError: If the sequences of symbols are too many.

    Example:
        >>> cities = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]
        >>> denoise(cities, 1).accuracy, denoise(cities, 2).accuracy
        (Fraction(1, 2), Fraction(189667, 269120))
        >>> denoise(cities, 2, noise=Noise.masking(6)).accuracy
        Fraction(3, 4)
    """
    choice(prediction, "prediction", PREDICTIONS)
    grid = checked_signals(signals)
    model = NoisyModel(pmf, noise, floats=floats)
    size = model.symbols**model.n
    seconds, needed = denoising_cost(model, len(grid) - 1)
    budget = Budget(f"the distribution of {size} noisy sequences", "use fewer positions", limit=_LIMIT)
    require_all(
        lambda: budget.require(ceil(seconds * 10**9), 1e-9),
        lambda: require_memory(needed, f"{size} noisy sequences", remedy="use fewer positions"),
    )
    states = np.stack(np.unravel_index(np.arange(size), (model.symbols,) * model.n), axis=1)
    shares = model.kernel(Fraction(0))[:, 0]
    mass = shares[states].prod(axis=1)
    for a, b in pairwise(grid):
        live = np.flatnonzero(np.asarray(mass != 0, dtype=bool))
        mass = _moved(model, states[live], mass[live], a, b, prediction)
    return _result(model, mass, len(grid) - 1, valid)


def denoising_cost(model: NoisyModel, steps: int) -> tuple[Fraction, int]:
    """Return about how many seconds so many steps take, and how many bytes at most at a time.

    Args:
        model: The ideal model.
        steps: T.
    """
    size, n, outcomes = model.symbols**model.n, model.n, len(model.pmf)
    entry, pair, own = map(Fraction, _EXACT_SECONDS if model.exact else _FLOAT_SECONDS)
    seconds = steps * size * (size * entry + outcomes * n * n * pair + own)
    number = _EXACT_BYTES if model.exact else _FLOAT_BYTES
    left, right = model.symbols ** (n // 2), model.symbols ** (n - n // 2)
    batch = min(size, max(1, _ROWS // right))
    answers = min(size, max(1, ENTRIES // (outcomes * n))) * outcomes
    numbers = 3 * batch * (left + right) + 6 * batch * n * model.symbols + answers + 4 * size
    return seconds, number * numbers + 8 * (3 * answers * n + 4 * size * n)


def reverse_step(
    model: NoisyModel, noisy: NDArray[np.int64], signal: Fraction, after: Fraction, prediction: str
) -> NDArray[Any]:
    """Return the probabilities of the symbols of the next sequence, ``r_i(z|x)``, shape (B, n, K).

    A symbol that the model holds for impossible stays, which does not change accuracy or divergence.

    Args:
        model: The ideal model.
        noisy: Symbols x at ``signal``, shape (B, n).
        signal: a.
        after: b > a.
        prediction: ``left_out`` or ``posterior``.
    """
    answers = model.left_out if prediction == "left_out" else model.posterior
    clean = answers(noisy, signal)
    # sum_v w(v) q_b(z|v), times q_{a/b}(x_i|z)
    weights = (clean @ model.kernel(after)[:, : clean.shape[2]].T) * model.kernel(signal / after)[noisy]
    total = weights.sum(axis=2)
    possible = np.asarray(total != 0, dtype=bool)
    out = np.eye(model.symbols, dtype=np.int64)[noisy].astype(weights.dtype)
    out[possible] = weights[possible] / total[possible][:, None]
    return out


def _moved(
    model: NoisyModel,
    states: NDArray[np.int64],
    mass: NDArray[Any],
    a: Fraction,
    b: Fraction,
    prediction: str,
) -> NDArray[Any]:
    """Return the distribution of the next sequence, shape (K^n,), from that over some sequences."""
    half = model.n // 2
    out: Any = 0
    size = max(1, _ROWS // model.symbols ** (model.n - half))
    for start in range(0, len(states), size):
        part = slice(start, start + size)
        r = reverse_step(model, states[part], a, b, prediction)
        left = _products(r[:, :half]) * mass[part, None]
        right = _products(r[:, half:])
        if not model.exact:
            _check_underflow(left, right)
        out = out + left.T @ right
    return out.reshape(-1)


def _products(r: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities of all words over some positions, the last position fastest, shape (B, K^positions)."""
    out = np.ones((len(r), 1), dtype=r.dtype)
    for i in range(r.shape[1]):
        out = (out[:, :, None] * r[:, i, None, :]).reshape(len(r), -1)
    return out


def _check_underflow(left: NDArray[np.float64], right: NDArray[np.float64]) -> None:
    least = [float(side[side > 0].min(initial=1.0)) for side in (left, right)]
    if least[0] * least[1] < _LEAST:
        raise InputError("probabilities below the range of floats occur; leave floats out.")


def _result(model: NoisyModel, mass: NDArray[Any], steps: int, valid: ValidSet) -> Denoised:
    own = mass[np.ravel_multi_index(tuple(model.ids.T), (model.symbols,) * model.n)]
    if not model.exact:
        own = _as_balls(own, _roundings(model, steps) * _ROUNDING)
    distribution = dict(zip(model.pmf.outcomes, own.tolist(), strict=True))
    with ball_precision():
        found = {
            "accuracy": valid_mass(distribution, valid),
            "kl": divergence(model.pmf, own, EXACT if model.exact else BALLS),
        }
        values, errors = with_errors(found)
    return Denoised(
        distribution=AnswerDistribution(distribution, proven=True), steps=steps, errors=errors, **values
    )


def _roundings(model: NoisyModel, steps: int) -> int:
    """Return how many roundings a probability of the last sequence is behind; see the module."""
    n, m, size = model.n, len(model.tokens), model.symbols
    predicted = 4 * n + 2 * len(model.pmf) + m
    step = 2 * (predicted + m + 3) + size
    return 2 * n + steps * (n * step + n + size**n)


def _as_balls(values: NDArray[np.float64], share: float) -> NDArray[Any]:
    relative = 2 * share  # above share / (1 - share), of the float itself
    if share > 0.1:
        raise InputError("too many steps for floats; leave floats out.")
    out = np.empty(len(values), dtype=object)
    out[:] = [arb(value, value * relative) if value else arb(0) for value in values.tolist()]
    return out


def checked_signals(signals: Sequence[Any] | int) -> tuple[Fraction, ...]:
    """Return the signals of a sampler, equally spaced if only their number is given.

    Raises:
        InputError: Unless they increase from 0 to 1.
    """
    if isinstance(signals, int):
        return equal_signals(signals)
    grid = tuple(exact_fraction(signal, "signal") for signal in signals)
    if len(grid) < 2 or grid[0] != 0 or grid[-1] != 1 or any(a >= b for a, b in pairwise(grid)):
        raise InputError(f"signals must increase from 0 to 1, got {[str(a) for a in grid]}.")
    return grid
