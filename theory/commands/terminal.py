"""The terminal that tables are printed on: text stays as it is, and a reader that has gone is told apart."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["terminal"]


def terminal() -> Console:
    """Return a console on stdout that reads no markup and no emoji codes: file names and tokens print as they are.

    A broken pipe is raised as it is; rich would end the program with status 1.

    Example:
        >>> terminal().print("we[ir]d :cat: [/b]")
        we[ir]d :cat: [/b]
    """
    from rich.console import Console

    class Plain(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Plain(file=sys.stdout, markup=False, emoji=False, highlight=False)
