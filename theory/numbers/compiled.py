"""Compiling kernels with numba, where it is installed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from typing import Any

from theory.announcements import announce

__all__ = ["compile_kernel", "has_compiler"]

_SECONDS_A_BYTE = 1.2e-3  # of bytecode: all loops of this project are 37,000 bytes and take 45 s


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None


def compile_kernel(function: Callable[..., Any], **options: Any) -> Any:
    """Return a function compiled by numba, kept on disk where that can be.

    numba writes beside the source file, or into ``NUMBA_CACHE_DIR``, or below the home directory. In a read-only
    installation without a home it finds none and refuses; what it finds may be full, or hold damaged files. Then the
    function is compiled anew in every process. What is compiled is announced with an estimate of its seconds.

    Args:
        function: Of numbers and arrays.
        **options: Of ``numba.njit``.

    Example:
        >>> compile_kernel(lambda x: x + 1)(1)
        2
    """
    from numba import njit

    _announcing()
    kernel: Any = njit(**options)(function)
    with suppress(RuntimeError):  # no locator available
        kernel._cache = _kept(function)  # as njit(cache=True) does, which raises what a full disk raises
    return kernel


@cache
def _announcing() -> None:
    """Announce each function that numba compiles from now on, but not those of numba itself."""
    from numba.core.event import Event, Listener, register

    class Announcer(Listener):
        def __init__(self) -> None:
            self.seconds = 0.0  # of all so far: they follow each other

        def on_start(self, event: Event) -> None:
            details: Any = event.data
            function = details["dispatcher"].py_func
            if not str(function.__module__).startswith("numba."):
                self.seconds += len(function.__code__.co_code) * _SECONDS_A_BYTE
                announce("compiling loops, once for this machine", self.seconds)

        def on_end(self, event: Event) -> None:
            pass

    register("numba:compile", Announcer())


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
