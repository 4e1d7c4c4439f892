"""The command ``parabounds explorer``, which writes the page."""

from __future__ import annotations

import argparse
from pathlib import Path

from theory.commands.progress import working
from theory.files import write_atomically
from theory.validation import InputError

__all__ = ["add_arguments", "run"]

_USUAL = "explorer.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    parser.add_argument(
        "--out", metavar="FILE", default=_USUAL, help=f"the .html file to write (default {_USUAL})"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page and return the exit status.

    Raises:
        InputError: If the file does not end in .html, or cannot be written.
    """
    from parabounds.explorer.build import page  # what it needs is loaded for this command alone
    from parabounds.explorer.embedded import embedded

    path = Path(args.out)
    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--out {args.out}: the file must end in .html.")
    if path.is_dir():
        raise InputError(f"--out {args.out} is a folder; give the name of a file in it.")
    with working("parabounds explorer") as work:
        text = page(embedded(work.parts))
    try:
        write_atomically(path, text)
    except OSError as error:
        raise InputError(f"--out {args.out} cannot be written: {error.strerror}.") from None
    print(f"{path} ({len(text.encode()) / 1000:.0f} kB): open it in a browser; it needs no network.")
    return 0
