"""Tasks by the name that commands take."""

from __future__ import annotations

from typing import Any

from synthetic.imported import import_task
from synthetic.task import known_tasks, make_task
from theory.distributions.files.task_file import is_task_file, read_task

__all__ = ["find_task"]


def find_task(name: str, n: int | None = None, *, normalise: bool = False, exact: bool = False) -> Any:
    """Return the task of a command-line name.

    Args:
        name: A registered name, perhaps with parameters (``sudoku:clues=0+5+10``), the path of a file that
            :func:`theory.distributions.files.task_file.read_task` reads, or ``module:attribute`` (a task, or a class
            that makes one).
        n: The size of a registered or imported task, or the length of a parametric task file.
        normalise: Divide the probabilities of a file by their sum where they do not sum to one.
        exact: Read numbers of over 12 digits in a file as exact decimals, not as floats.

    Raises:
        InputError: If there is no such task, or it cannot be read.

    Example:
        >>> find_task("shuffle", 3).contexts()[0].distribution.n
        3
    """
    if is_task_file(name):
        return read_task(name, n=n, normalise=normalise, exact=exact)
    if ":" in name and name.partition(":")[0] not in known_tasks():
        return import_task(name, n)
    return make_task(name, n)
