"""Forward-backward algorithm in logarithms, for evidence that underflows.

Where hidden states hardly mix, evidence can lower the share of a state in the message below the smallest
float and raise it again later. Logarithms keep both shares; a step costs a K x K table per row instead of a
matrix product, so only rows that need it are computed this way (:func:`faint`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from array_api_compat import array_namespace

from theory.distributions.parametric.messages import least_positive, step
from theory.numbers.arithmetic import Array

__all__ = ["faint", "faint_rows", "log_others", "log_posterior", "log_total"]

_CELLS = 8_000_000  # of a step for a batch of rows: 64 MB
_LN2 = 0.6931471805599453
_EDGE, _STEP = 0.4, 0.5  # shares of the exponent range: messages down to 2^-409, one step by 2^-511


def faint(parameters: Sequence[Array], evidence: Array, messages: Sequence[Sequence[Array]]) -> Array:
    """Return for each row whether an entry of a scaled message is so small that underflow could matter.

    This is noticed before any entry is lost: while all positive ones stay above ``least^0.4``, with ``least``
    the smallest normal float, a step leaves them above ``least^0.9``; where it could not, every row is
    reported. Products of two messages stay above ``least^0.8``.

    Args:
        parameters: Initial and transition probabilities.
        evidence: Shape (B, n, K).
        messages: Lists of messages of shape (B, K).

    Example:
        >>> even = np.array([[0.5, 0.5], [1.0, 1e-200]])
        >>> faint([even], np.ones((2, 1, 2)), [[even]]).tolist()
        [True, True]
        >>> faint([even[:1]], np.ones((2, 1, 2)), [[even]]).tolist()
        [False, True]
    """
    xp = array_namespace(evidence)
    smallest = xp.ones_like(evidence[:, 0, 0])
    for message in (m for listed in messages for m in listed):
        positive = xp.where(message > 0, message, xp.ones_like(message))
        smallest = xp.minimum(smallest, xp.min(positive, axis=-1))
    return faint_rows(parameters, evidence, smallest)


def faint_rows(parameters: Sequence[Array], evidence: Array, smallest: Array) -> Array:
    """Return :func:`faint`, given the smallest positive entry of the messages of each row, at most 1, shape (B,)."""
    xp = array_namespace(evidence)
    least = float(xp.finfo(evidence.dtype).smallest_normal)
    if min(map(least_positive, parameters)) * least_positive(evidence) < least**_STEP:
        return smallest <= 1
    return smallest < least**_EDGE


def log_posterior(initial: Array, transitions: Array, evidence: Array) -> Array:
    """Return :func:`theory.distributions.parametric.forward_backward.posterior` by logarithms."""
    return _in_batches(partial(_posterior, initial, transitions), evidence)


def log_others(initial: Array, transitions: Array, evidence: Array) -> Array:
    """Return :func:`theory.distributions.parametric.forward_backward.others_posterior` by logarithms."""
    return _in_batches(partial(_others, initial, transitions), evidence)


def log_total(initial: Array, transitions: Array, evidence: Array) -> Array:
    """Return :func:`theory.distributions.parametric.forward_backward.log_evidence` by logarithms, bits, shape (B,).

    Example:
        >>> apart, seen = np.eye(2)[None], np.array([[[1e-5, 1.0]] * 200 + [[1.0, 1e-5]] * 200])
        >>> bool(abs(log_total(np.array([0.5, 0.5]), apart, seen)[0] - 200 * np.log2(1e-5)) < 1e-9)
        True
    """
    return _in_batches(partial(_total, initial, transitions), evidence)


def _posterior(initial: Array, transitions: Array, evidence: Array) -> Array:
    forward = _forward(initial, transitions, evidence)
    return _shares([a + b for a, b in zip(forward, _backward(transitions, evidence), strict=True)])


def _others(initial: Array, transitions: Array, evidence: Array) -> Array:
    xp = array_namespace(evidence)
    forward = _forward(initial, transitions, evidence)
    moves = _log(transitions)
    reached = [xp.zeros_like(forward[0]) + _log(initial)]
    reached += [_moved(a, step(moves, i)) for i, a in enumerate(forward[:-1], start=1)]
    return _shares([a + b for a, b in zip(reached, _backward(transitions, evidence), strict=True)])


def _total(initial: Array, transitions: Array, evidence: Array) -> Array:
    xp = array_namespace(evidence)
    seen, moves = _log(evidence), _log(transitions)
    message, total = _log(initial) + seen[:, 0], 0.0
    for i in range(1, evidence.shape[1]):
        top = _top(message)  # keeps the digits of numbers near zero
        total = total + top[:, 0]
        message = _moved(message - top, step(moves, i)) + seen[:, i]
    return (total + _log_sum(message, 1)) / _LN2 + xp.zeros_like(message[:, 0])


def _forward(initial: Array, transitions: Array, evidence: Array) -> list[Array]:
    seen, moves = _log(evidence), _log(transitions)
    messages = [_log(initial) + seen[:, 0]]
    for i in range(1, evidence.shape[1]):
        message = _moved(messages[-1], step(moves, i)) + seen[:, i]
        messages.append(message - _top(message))
    return messages


def _backward(transitions: Array, evidence: Array) -> list[Array]:
    xp = array_namespace(evidence)
    seen, moves = _log(evidence), _log(transitions)
    messages = [xp.zeros_like(evidence[:, 0])]
    for i in range(evidence.shape[1] - 1, 0, -1):
        message = _moved(messages[-1] + seen[:, i], xp.permute_dims(step(moves, i), (1, 0)))
        messages.append(message - _top(message))
    return messages[::-1]


def _moved(message: Array, move: Array) -> Array:
    """Return ``log sum_g exp(message_g + move_gh)``, shape (B, K)."""
    return _log_sum(message[:, :, None] + move[None], 1)


def _log_sum(values: Array, axis: int) -> Array:
    xp = array_namespace(values)
    top = _top(values, axis)
    total = _log(xp.sum(xp.exp(values - top), axis=axis, keepdims=True)) + top
    return xp.squeeze(total, axis=axis)


def _top(values: Array, axis: int = -1) -> Array:
    """Return the largest of each row, 0 where all are ``-inf``."""
    xp = array_namespace(values)
    top = xp.max(values, axis=axis, keepdims=True)
    return xp.where(xp.isfinite(top), top, xp.zeros_like(top))


def _shares(logs: list[Array]) -> Array:
    """Return the exponentials, the largest of each row and position at one; shape (B, n, K)."""
    xp = array_namespace(logs[0])
    return xp.exp(xp.stack([x - _top(x) for x in logs], axis=1))


def _log(values: Array) -> Array:
    with np.errstate(divide="ignore"):  # log(0) = -inf is the answer
        return array_namespace(values).log(values)


def _in_batches(compute: Callable[[Array], Array], evidence: Array) -> Array:
    xp = array_namespace(evidence)
    rows = max(1, _CELLS // evidence.shape[2] ** 2)
    return xp.concat(
        [compute(evidence[start : start + rows]) for start in range(0, evidence.shape[0], rows)], axis=0
    )
