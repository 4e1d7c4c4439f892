"""Forward-backward algorithm along hidden states, for a batch of evidence.

A chain of K hidden states with ``P(h_0)`` and ``P(h_i | h_{i-1})`` and evidence ``e_i(h) >= 0`` at each
position. The forward message is ``a_i(h) ~ e_i(h) sum_g a_{i-1}(g) P(h | g)``, the backward message ``b_i(g)
~ sum_h P(h | g) e_{i+1}(h) b_{i+1}(h)``; ``P(h_i | evidence) ~ a_i b_i``. Messages are divided by their sum
at every position, so that long chains do not underflow; rows with a share of a message near the smallest
float are computed again in logarithms (:mod:`theory.distributions.parametric.forward_backward_logs`).
Rabiner, "A tutorial on hidden Markov models" (1989), Section III. Long chains use compiled code
(:mod:`theory.distributions.parametric.forward_backward_kernel`) where numba is installed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from theory.distributions.parametric.forward_backward_kernel import compiled_messages
from theory.distributions.parametric.forward_backward_logs import (
    faint,
    faint_rows,
    log_others,
    log_posterior,
    log_total,
)
from theory.distributions.parametric.messages import step
from theory.numbers.arithmetic import Array
from theory.numbers.compiled import has_compiler

__all__ = ["log_evidence", "one_hot", "others_posterior", "possible", "posterior", "strained"]

_COMPILE_FROM, _LONG = (
    4096,
    200,
)  # numbers of evidence, positions: below both, numpy takes less time than loading numba
_SAFE = 900.0  # bits below the largest evidence at which underflow cannot matter


def one_hot(ids: Array, size: int, dtype: Any) -> Array:
    """Return 1 where ``ids`` equals 0..size-1 along a new last axis; a row of zeros for any other id."""
    xp = array_namespace(ids)
    places = xp.arange(size, dtype=ids.dtype, device=_device(ids))
    return xp.astype(ids[..., None] == places, dtype)


def posterior(initial: Array, transitions: Array, evidence: Array, *, compiled: bool | None = None) -> Array:
    """Return ``P(h_i | evidence)`` up to a factor for each (row, position), zero where the evidence is impossible.

    Args:
        initial: ``P(h_0)``, shape (K,).
        transitions: ``P(h_i | h_{i-1})`` at index i - 1, shape (n - 1, K, K) or, the same at each step, (1, K, K).
        evidence: Shape (B, n, K).
        compiled: Use numba; by default when it is installed and the evidence is not small.

    Returns:
        Shape (B, n, K), the library and dtype of ``evidence``.
    """
    xp = array_namespace(evidence)
    if _is_long(evidence) if compiled is None else compiled:
        forward, _, backward, least, _ = compiled_messages(initial, transitions, evidence)
        found, rows = forward * backward, faint_rows([initial, transitions], evidence, least)
    else:
        forward, backward = _forward(initial, transitions, evidence), _backward(transitions, evidence)
        found = xp.stack([a * b for a, b in zip(forward, backward, strict=True)], axis=1)
        rows = faint([initial, transitions], evidence, [forward, backward])
    if xp.any(rows):
        found[rows] = log_posterior(initial, transitions, evidence[rows])
    return found


def others_posterior(
    initial: Array, transitions: Array, evidence: Array, *, compiled: bool | None = None
) -> Array:
    """Return ``P(h_i | evidence at all positions but i)`` up to a factor, zero where that evidence is impossible.

    ``(sum_g a_{i-1}(g) P(h | g)) b_i(h)``: neither message contains ``e_i``. Arguments and shape are those of
    :func:`posterior`.

    Example:
        >>> start, stay = np.array([0.5, 0.5]), np.eye(2)[None]
        >>> seen = np.array([[[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]])  # 0 and 1 cannot both be
        >>> others_posterior(start, stay, seen).tolist()
        [[[0.0, 0.5], [0.0, 0.0], [1.0, 0.0]]]
    """
    xp = array_namespace(evidence)
    if _is_long(evidence) if compiled is None else compiled:
        _, reached, backward, *least = compiled_messages(initial, transitions, evidence)
        found = _scaled(reached) * backward
        rows = faint_rows([initial, transitions], evidence, np.minimum(*least))
    else:
        forward = _forward(initial, transitions, evidence)
        listed = [xp.zeros_like(forward[0]) + initial]
        listed += [a @ step(transitions, i) for i, a in enumerate(forward[:-1], start=1)]
        back = _backward(transitions, evidence)
        found = _scaled(xp.stack(listed, axis=1)) * xp.stack(back, axis=1)
        rows = faint([initial, transitions], evidence, [forward, listed, back])
    if xp.any(rows):
        found[rows] = log_others(initial, transitions, evidence[rows])
    return found


def _is_long(evidence: Array) -> bool:
    """Return whether compiled code is worth loading."""
    if not isinstance(evidence, np.ndarray) or not has_compiler():
        return False
    return evidence.shape[1] >= _LONG or evidence.size >= _COMPILE_FROM


def _forward(initial: Array, transitions: Array, evidence: Array) -> list[Array]:
    messages = [_scaled(initial[None, :] * evidence[:, 0])]
    for i in range(1, evidence.shape[1]):
        messages.append(_scaled((messages[-1] @ step(transitions, i)) * evidence[:, i]))
    return messages


def _backward(transitions: Array, evidence: Array) -> list[Array]:
    xp = array_namespace(evidence)
    messages = [xp.ones_like(evidence[:, 0])]
    for i in range(evidence.shape[1] - 1, 0, -1):
        moved = (evidence[:, i] * messages[-1]) @ xp.permute_dims(step(transitions, i), (1, 0))
        messages.append(_scaled(moved))
    return messages[::-1]


def log_evidence(
    initial: NDArray[np.float64], transitions: NDArray[np.float64], evidence: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return ``log2 sum_h P(h) prod_i e_i(h_i)`` for each row, ``-inf`` where it is zero; shape (B,).

    Rows of :func:`strained` are computed in logarithms.
    """
    total = _log_evidence(initial, transitions, evidence)
    rows = strained(initial, transitions, evidence, total)
    if rows.any():
        total[rows] = log_total(initial, transitions, evidence[rows])
    return total


def strained(
    initial: NDArray[np.float64],
    transitions: NDArray[np.float64],
    evidence: NDArray[np.float64],
    bits: NDArray[np.float64],
    spare: float = 0.0,
) -> NDArray[np.bool_]:
    """Return which possible rows may have lost digits to underflow; ``bits`` is their logarithm.

    What underflows before step j is below ``2^-1074``, and at most ``prod_{i >= j} max_h e_i(h)`` of it
    reaches the end, so nothing matters while the sum of ``log2 max_h e_i(h)`` is within 900 of the result.
    ``spare`` lowers the 900.
    """
    finite = np.isfinite(bits)
    with np.errstate(divide="ignore"):  # a token that no state emits
        most = np.log2(evidence.max(axis=2)).sum(axis=1)
    rows = ~finite | (np.where(finite, most - np.where(finite, bits, 0.0), 0.0) > _SAFE - spare)
    rows[rows] = possible(initial, transitions, evidence[rows])
    return rows


def possible(
    initial: NDArray[np.float64], transitions: NDArray[np.float64], evidence: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which rows have positive probability, from signs alone."""
    reached = np.sign(initial)[None, :] * np.sign(evidence[:, 0])
    for i in range(1, evidence.shape[1]):
        reached = np.sign(reached @ np.sign(step(transitions, i))) * np.sign(evidence[:, i])
    return np.asarray(reached.any(axis=1), dtype=bool)


def _log_evidence(
    initial: NDArray[np.float64], transitions: NDArray[np.float64], evidence: NDArray[np.float64]
) -> NDArray[np.float64]:
    total = np.zeros(len(evidence))
    message = initial[None, :] * evidence[:, 0]
    for i in range(evidence.shape[1]):
        if i:
            message = (message @ step(transitions, i)) * evidence[:, i]
        mass = message.sum(axis=1)
        with np.errstate(divide="ignore"):  # log2(0) = -inf is the answer
            total += np.log2(mass)
        message = message / np.where(mass > 0, mass, 1.0)[:, None]
    return total


def _scaled(message: Array) -> Array:
    xp = array_namespace(message)
    total = xp.sum(message, axis=-1, keepdims=True)
    return message / xp.where(total > 0, total, xp.ones_like(total))


def _device(values: Array) -> Any:
    from array_api_compat import device

    return device(values)
