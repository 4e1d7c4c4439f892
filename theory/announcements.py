"""What begins now and how long it is expected to take, for whoever shows the progress."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["announce", "announced_to"]

_LISTENER: ContextVar[Callable[[str, float], None] | None] = ContextVar("listener", default=None)


def announce(what: str, seconds: float) -> None:
    """Tell the listener, if there is one, what begins now and its estimated seconds.

    Example:
        >>> announce("adding numbers", 3.0)  # nobody listens
    """
    if (listen := _LISTENER.get()) is not None:
        listen(what, seconds)


@contextmanager
def announced_to(listen: Callable[[str, float], None]) -> Generator[None]:
    """Inside the ``with`` block, call ``listen`` with what begins and its estimated seconds.

    Budgets announce what they allow to start, and compiled functions that they are compiled.

    Example:
        >>> with announced_to(lambda what, seconds: print(f"{what}: about {seconds:.0f} s")):
        ...     announce("adding numbers", 3.0)
        adding numbers: about 3 s
    """
    token = _LISTENER.set(listen)
    try:
        yield
    finally:
        _LISTENER.reset(token)
