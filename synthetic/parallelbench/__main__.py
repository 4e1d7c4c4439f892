"""The command ``python -m synthetic.parallelbench``."""

from __future__ import annotations

import sys

from synthetic.parallelbench.command import add, run
from theory.commands.command_line import OneLineParser, guarded

__all__ = ["main"]

PROGRAM = "python -m synthetic.parallelbench"


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 for wrong input."""
    parser = OneLineParser(prog=PROGRAM, description=__doc__)
    add(parser)
    arguments = parser.parse_args(argv)
    return guarded(lambda: run(arguments), PROGRAM)


if __name__ == "__main__":
    sys.exit(main())
