"""What every command of the project shares: one-line errors, exit status 2, and JSON output."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from fractions import Fraction
from math import inf, isnan
from typing import Any, NoReturn

from theory._checks import InputError
from theory.lognumber import LogNumber

__all__ = ["OneLineParser", "as_json", "guarded", "waiting"]


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message on one line and exit."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def guarded(run: Callable[[], int], program: str) -> int:
    """Run a command and return its exit status.

    Wrong input is one line on stderr and status 2, an interrupt status 130, a reader that has gone (``| head``) 141.
    """
    try:
        status = run()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # what is left of the output goes nowhere, or Python complains of it at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except InputError as error:
        sys.stderr.write(f"{program}: {' '.join(str(error).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"{program}: interrupted\n")
        return 130


@contextmanager
def waiting(text: str) -> Generator[None]:
    """Show on a terminal that something is being computed, while the context lasts."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{text} (Ctrl-C stops)"):
        yield


def as_json(value: Any) -> str:
    """Return JSON text; exact numbers become floats, infinity the text ``"inf"``.

    Example:
        >>> as_json({"kl": inf, "accuracy": Fraction(1, 2)})
        '{"kl": "inf", "accuracy": 0.5}'
    """
    return json.dumps(_plain(value), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (Fraction, LogNumber)):
        return float(value)
    if isinstance(value, float) and (value in (inf, -inf) or isnan(value)):
        return "inf" if value > 0 else str(value)
    return value
