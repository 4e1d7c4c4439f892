"""Compiling kernels with numba, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

__all__ = ["compile_kernel", "has_compiler"]


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def compile_kernel(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba, kept on disk where a folder for it can be written.

    numba writes beside the source file, into ``NUMBA_CACHE_DIR``, or below the home directory. Where none of
    them can be written, the function is compiled again in every process.

    Args:
        function: Of numbers and arrays.
        **options: Of ``numba.njit``.

    Example:
        >>> compile_kernel(lambda x: x + 1)(1)
        2
    """
    from numba import njit

    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # no locator available
        return njit(**options)(function)
