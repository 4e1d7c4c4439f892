"""The command ``python -m models``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from types import ModuleType

if (
    __name__ == "__main__"
    and sys.path[0] in ("", str(Path.cwd()))
    and Path.cwd() != Path(__file__).parents[1]
):
    sys.path.append(sys.path.pop(0))  # modules of the working folder that have our names come last

from models.commands import finetune, gap, train, verify
from models.commands.train import PRESET_NAMES
from theory.commands.command_line import OneLineParser, guarded
from theory.commands.shadows import name_shadows
from theory.validation import InputError

__all__ = ["PRESET_NAMES", "build_parser", "main"]

COMMANDS = {
    "train": (train, "train a model from scratch; seeded, resumable"),
    "verify": (verify, "decode with a trained model and compare with exact values"),
    "gap": (gap, "what parallel decoding costs any model, without labels"),
    "finetune": (finetune, "LoRA on list tasks with the recipe of the paper; resumable"),
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = OneLineParser(prog="python -m models", description=__doc__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    for name, (module, text) in COMMANDS.items():
        module.add(commands.add_parser(name, help=text))
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status.

    0: done, and every row that can be compared agrees; 1: a row does not; 2: wrong input.
    """
    arguments = build_parser().parse_args(argv)
    module, _ = COMMANDS[arguments.command]
    return guarded(lambda: _run(module, arguments), "python -m models")


def _run(module: ModuleType, arguments: argparse.Namespace) -> int:
    """Run a command; a full disk or a missing permission is reported like any other wrong input."""
    try:
        return module.run(arguments)
    except BrokenPipeError:  # the pipe was closed, which is not an error
        raise
    except OSError as error:
        # an error without a file name is a failed write
        used = f"use {error.filename}" if error.filename else f"write into {arguments.out or 'the output'}"
        raise InputError(f"cannot {used}: {error.strerror or error}.") from None


if __name__ == "__main__":
    name_shadows("python -m models")
    sys.exit(main())
