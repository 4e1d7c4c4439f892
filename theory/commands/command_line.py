"""One-line errors, exit statuses and JSON output of every command."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from fractions import Fraction
from math import inf, isnan
from time import monotonic
from typing import Any, NoReturn

from theory.limits import CostError, allowing
from theory.numbers.lognumber import LogNumber
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["OneLineParser", "as_json", "guarded", "process_count", "waiting", "whole", "within_limits"]

_EVERY = 10.0  # seconds between two lines of progress


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose errors are one line on stderr with exit status 2."""

    def error(self, message: str) -> NoReturn:
        """Print the message on one line and exit."""
        self.exit(2, f"{self.prog}: {' '.join(message.split())} (see {self.prog} --help)\n")


def guarded(run: Callable[[], int], program: str) -> int:
    """Run a command and return its exit status.

    Wrong input, and output that cannot be written, is one line on stderr and status 2; an interrupt is status 130, a
    closed pipe (``| head``) 141.
    """
    if not sys.stdout:  # closed by ``>&-``; refused before any work
        return _refused(program, "stdout is closed; nothing can be written.")
    try:
        status = run()
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        _drop_output()
        return 141
    except InputError as error:
        return _refused(program, str(error))
    except OSError as error:
        # an error without a file name is a failed write
        what = f"use {error.filename}" if error.filename else "write the output"
        return _refused(program, f"cannot {what}: {error.strerror or error}.")
    except KeyboardInterrupt:
        _say(f"{program}: interrupted")
        return 130


def _refused(program: str, text: str) -> int:
    _say(f"{program}: {' '.join(text.split())}")
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        _drop_output()
    return 2


def _say(line: str) -> None:
    with suppress(OSError, AttributeError):  # stderr may be full or closed as well
        sys.stderr.write(f"{line}\n")


def _drop_output() -> None:
    """Discard the remaining output, of which Python would complain at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def whole(text: str) -> int:
    """Return a whole number in ASCII digits, for arguments.

    Example:
        >>> whole("-3")
        -3
    """
    try:
        return int(text if text.isascii() else "")
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text[:40]!r}") from None


def process_count(value: object, name: str) -> int:
    """Return a number of workers, from 1 to the greater of 64 and four per core.

    Example:
        >>> process_count("2", "--jobs")
        2
    """
    return positive_int(value, name, at_most=max(64, 4 * (os.cpu_count() or 1)))


def within_limits(args: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Run a command under its ``--limit``; a refusal names the option that lets it pass."""
    with allowing(exact_fraction(getattr(args, "limit", "1"), "--limit")):
        try:
            return run(args)
        except CostError as error:
            if not hasattr(args, "limit"):
                raise
            raise InputError(error.advice) from None


@contextmanager
def waiting(text: str) -> Generator[Callable[[str], None]]:
    """Show that something is being computed, inside the ``with`` block; call it to say how far.

    A spinning line on a terminal; elsewhere a line every ten seconds, of what is said.
    """
    if not sys.stderr.isatty():
        last = [monotonic()]

        def write(more: str) -> None:
            if monotonic() - last[0] > _EVERY:
                last[0] = monotonic()
                sys.stderr.write(f"{text}: {more} (Ctrl-C stops)\n")
                sys.stderr.flush()

        yield write
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{text} (Ctrl-C stops)") as status:
        yield lambda more: status.update(f"{text}: {more} (Ctrl-C stops)")


def as_json(value: Any) -> str:
    """Return JSON text; exact numbers become floats, infinity the text ``"inf"``, tokens of other kinds their text.

    Example:
        >>> as_json({"kl": inf, "accuracy": Fraction(1, 2)})
        '{"kl": "inf", "accuracy": 0.5}'
    """
    return json.dumps(_plain(value), allow_nan=False, default=str)


def _plain(value: Any) -> Any:
    if type(value) is int:  # most of a long schedule
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (Fraction, LogNumber)):
        return float(value)
    if isinstance(value, float) and (value in (inf, -inf) or isnan(value)):
        return "inf" if value > 0 else str(value)
    return value
