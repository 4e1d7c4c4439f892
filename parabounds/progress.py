"""What a command is doing, on stderr, once it takes longer than two seconds."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from time import monotonic

__all__ = ["Report", "working"]

_AFTER, _EVERY = 2.0, 10.0  # seconds
Report = Callable[..., None]  # done, of; or ``text=`` with what is done


@contextmanager
def working(text: str) -> Generator[Report]:
    """Say what is done while the context lasts: a line that counts on a terminal, else a line every ten seconds.

    Args:
        text: What it is.

    Yields:
        A function to call with how many of how many parts are done; then the time left is estimated. Or with a text
        that says it all.
    """
    stop, start, parts, said = threading.Event(), monotonic(), [0, 0], [""]

    def line() -> str:
        seconds = monotonic() - start
        done, total = parts
        if said[0]:
            return f"{text}: {said[0]} (Ctrl-C stops)"
        left = f", {done} of {total} done, about {seconds * (total - done) / done:.0f} s left" if done else ""
        return f"{text}: {seconds:.0f} s{left} (Ctrl-C stops)"

    def on_terminal() -> None:
        from rich.console import Console

        if stop.wait(_AFTER):
            return
        with Console(stderr=True).status(line()) as status:
            while not stop.wait(1.0):
                status.update(line())

    def piped() -> None:
        while not stop.wait(_EVERY):
            sys.stderr.write(f"{line()}\n")
            sys.stderr.flush()

    thread = threading.Thread(target=on_terminal if sys.stderr.isatty() else piped, daemon=True)
    thread.start()

    def report(done: int = 0, total: int = 0, *, text: str = "") -> None:
        parts[:], said[0] = [done, total], text

    try:
        yield report
    finally:
        stop.set()
        thread.join()
