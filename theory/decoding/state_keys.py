"""Keys that identify the rows of a run, from tokens and memory.

The memory of a rule may have any hashable value in any shape. Each distinct object is numbered once, by value; rows are
then compared as integers, which is far faster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import row_keys
from theory.numbers.balls import ball_key
from theory.policies.process import Process
from theory.policies.run_batch import RunBatch
from theory.validation import InputError

__all__ = ["StateKeys"]


class StateKeys:
    """Keys of the states of one run, equal if and only if the states are.

    Args:
        process: The rule, for messages.

    Example:
        >>> from fractions import Fraction
        >>> keys = StateKeys(None)
        >>> keys.numbered(np.array([Fraction(1, 2), 3, Fraction(2, 4)], dtype=object)).tolist()
        [0, 1, 0]
    """

    def __init__(self, process: Process | None) -> None:
        self.process = process
        self._codes: dict[Any, int] = {}

    def of(self, batch: RunBatch) -> list[bytes]:
        """Return the key of each row."""
        rows = len(batch.tokens)
        if not rows:
            return []
        parts = [np.asarray(batch.tokens, dtype=np.int64).reshape(rows, -1)]
        for name in sorted(batch.memory):
            values = np.asarray(batch.memory[name])
            part = self.numbered(values).reshape(rows, -1)
            # a number is meaningful only for one name and one kind of values
            label = np.full((rows, 1), self._code((name, values.dtype.kind)), dtype=np.int64)
            parts += [label, part]
        return row_keys(np.concatenate(parts, axis=1))

    def numbered(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """Return integers of the same shape, equal where the values are."""
        if values.dtype.kind in "bi":
            return values.astype(np.int64)
        if values.dtype == np.float64:
            return (values + 0.0).view(np.int64)  # one zero, not two
        held = values.astype(object)
        flat = held.reshape(-1)
        # objects are compared by identity first, since splitting rows copies references
        names = np.asarray(np.frompyfunc(id, 1, 1)(flat), dtype=np.int64)
        _, first, index = np.unique(names, return_index=True, return_inverse=True)
        codes = np.array([self._code(_frozen(value)) for value in flat[first].tolist()], dtype=np.int64)
        return codes[index.reshape(-1)].reshape(values.shape)

    def _code(self, value: Any) -> int:
        try:
            return self._codes.setdefault(value, len(self._codes))
        except TypeError as error:
            raise InputError(
                f"the memory of rule {self.process} cannot be compared by value: {error}."
            ) from None


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _frozen(value.tolist())
    return tuple(map(_frozen, value)) if isinstance(value, list) else ball_key(value)
