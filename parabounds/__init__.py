"""Exact bounds, decodes and plots of parallel decoding (``import parabounds as pb``).

    shuffle = pb.task("shuffle", n=4)       # a registered task, or an object with contexts()
    places = pb.load("places.json")         # a task file
    coins = pb.pmf({"ab": "1/2", "ba": "1/2"})  # a mapping, rows of tokens, or an array of token ids
    seen = pb.samples("seen.csv")           # observed sequences: rows, an array, a data frame or a file

Each has bounds(), decode("topk:k=2"), compare([...]), schedule(), frontier(), policy(steps=3), trace("topk:k=2") and
marginals(); results have plot() and to_dataframe(). `pb.audit("dream", masked=10, steps=10)` says what a decoder does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from parabounds.open import audit as audit
    from parabounds.open import load as load
    from parabounds.open import pmf as pmf
    from parabounds.open import samples as samples
    from parabounds.open import task as task

__all__ = []  # what stands here help() prints whole: it would fit no screen

_DOORS = ("audit", "load", "pmf", "samples", "task")


def __getattr__(name: str) -> Any:
    """Load what is asked for: the import alone takes no time."""
    if name in _DOORS:
        from importlib import import_module

        return getattr(import_module("parabounds.open"), name)
    if name == "__version__":
        from importlib.metadata import version

        return version("parabounds")
    raise AttributeError(f"module 'parabounds' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return the public names."""
    return [*_DOORS, "__version__"]
