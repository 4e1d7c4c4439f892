"""Arrays of token ids from ``.npy`` and ``.npz`` files."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.files import read_bytes
from theory.validation import InputError

__all__ = ["number_list", "read_arrays", "token_rows"]

Arrays = Mapping[str, NDArray[Any]]


def read_arrays(path: Path, what: str, main: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by name.

    Args:
        path: A ``.npy`` file, whose array is called ``main``, or a ``.npz`` file; a single unnamed array in it
            (``arr_0``) is called ``main`` too.
        what: What the file holds, for the error.
        main: A name.

    Raises:
        InputError: If it cannot be read, or holds Python objects.
    """
    data = io.BytesIO(read_bytes(path, what))
    try:
        loaded: Any = np.load(data, allow_pickle=False)
        found = (
            {main: loaded} if isinstance(loaded, np.ndarray) else {key: loaded[key] for key in loaded.files}
        )
    except (ValueError, OSError, EOFError, MemoryError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"cannot read {what} {path}: it holds no plain arrays ({reason}).") from None
    if list(found) == ["arr_0"]:
        return {main: found["arr_0"]}
    return found


def token_rows(arrays: Arrays, name: str) -> list[list[int]]:
    """Return the token ids of one array, a row for each sequence.

    Raises:
        InputError: If it is missing or no 2-D array of whole numbers.

    Example:
        >>> token_rows({"samples": np.array([[1, 2], [3, 4]])}, "samples")
        [[1, 2], [3, 4]]
    """
    if name not in arrays:
        raise InputError(f"needs an array {name!r}, got {', '.join(map(repr, arrays)) or 'none'}.")
    array = arrays[name]
    if array.ndim != 2 or array.dtype.kind not in "iu":
        shape = " x ".join(map(str, array.shape)) or "one number"
        raise InputError(
            f"{name} must be a 2-D array of whole numbers, one row per sequence; got {shape} of {array.dtype}."
        )
    return array.tolist()


def number_list(array: NDArray[Any], name: str) -> Sequence[int | float]:
    """Return a 1-D array of numbers as Python numbers; shorter floats become float64.

    Raises:
        InputError: If it is another kind of array.

    Example:
        >>> number_list(np.array([0.5, 0.5]), "weights")
        [0.5, 0.5]
    """
    if array.ndim != 1 or array.dtype.kind not in "iuf" or array.dtype.itemsize > 8:
        raise InputError(
            f"{name} must be a 1-D array of numbers of at most 64 bits, got {array.ndim}-D of {array.dtype}."
        )
    return array.tolist()
