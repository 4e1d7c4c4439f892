"""Whether kernels can be compiled."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["has_compiler"]


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return find_spec("numba") is not None
