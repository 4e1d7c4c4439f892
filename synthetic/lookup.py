"""Tasks by the name that commands take: a registered name, a task file, or ``module:attribute``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from synthetic.task import known_tasks, make_task
from theory._checks import InputError
from theory.taskfile import read_task

__all__ = ["find_task"]


def find_task(name: str, n: int | None = None, *, normalise: bool = False) -> Any:
    """Return the task of a command-line name.

    Args:
        name: A registered name, perhaps with parameters (``sudoku:clues=0+5+10``), a path that ends in ``.json`` or
            ``.csv``, or ``module:attribute`` (a task, or a class or function that makes one).
        n: The size of a registered or imported task, or the length of a structured task file.
        normalise: Divide the probabilities of a file by their sum where they do not sum to one.

    Raises:
        InputError: If there is no such task, or it cannot be read.

    Example:
        >>> find_task("shuffle", 3).contexts()[0].law.n
        3
    """
    if name.endswith((".json", ".csv")):
        return read_task(name, n=n, normalise=normalise)
    if ":" in name and name.partition(":")[0] not in known_tasks():
        return _imported(name, n)
    return make_task(name, n)


def _imported(name: str, n: int | None) -> Any:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except Exception as error:  # whatever the user's module raises is one line
        raise InputError(f"cannot load task {name!r}: {type(error).__name__}: {error}.") from None
    if callable(found) and (isinstance(found, type) or not hasattr(found, "contexts")):
        try:
            found = found() if n is None else found(n=n)
        except TypeError as error:
            raise InputError(f"cannot make task {name!r}: {error}; give its size with -n.") from None
    for needed in ("contexts", "chain", "name", "n"):
        if not hasattr(found, needed):
            raise InputError(f"{name!r} is no task: it has no {needed}; see docs/your_task.md.")
    return found
