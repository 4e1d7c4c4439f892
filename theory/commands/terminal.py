"""The terminal that tables are printed on, which prints text unchanged."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["terminal"]


def terminal() -> Console:
    """Return a console on stdout that prints text unchanged, without markup or emoji codes.

    A broken pipe raises ``BrokenPipeError``, where rich would end the program with status 1.

    Example:
        >>> terminal().print("we[ir]d :cat: [/b]")
        we[ir]d :cat: [/b]
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Plain(file=sys.stdout, markup=False, emoji=False, highlight=False)
