"""Compiling kernels with numba, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

__all__ = ["compile_kernel", "has_compiler"]


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def compile_kernel(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba, kept on disk where that can be.

    numba writes beside the source file, or into ``NUMBA_CACHE_DIR``, or below the home directory. In a read-only
    installation without a home it finds none and refuses; what it finds may be full, or hold damaged files. Then the
    function is compiled anew in every process.

    Args:
        function: Of numbers and arrays.
        **options: Of ``numba.njit``.

    Example:
        >>> compile_kernel(lambda x: x + 1)(1)
        2
    """
    from numba import njit

    kernel: Any = njit(**options)(function)
    with suppress(RuntimeError):  # no locator available
        kernel._cache = _kept(function)  # as njit(cache=True) does, which raises what a full disk raises
    return kernel


def _kept(function: Callable[..., Any]) -> Any:
    """Return numba's cache of one function, without the errors of its files."""
    from numba.core.caching import FunctionCache

    class Kept(FunctionCache):
        # a damaged pickle raises anything, in saving too: numba reads the index first
        def load_overload(self, sig: Any, target_context: Any) -> Any:
            with suppress(Exception):
                return super().load_overload(sig, target_context)

        def save_overload(self, sig: Any, data: Any) -> None:
            with suppress(Exception):
                super().save_overload(sig, data)

    return Kept(function)
