"""Every registered task at a size at which everything can be listed, new ones included."""

from __future__ import annotations

from functools import cache

from synthetic.task import known_tasks, make_task
from theory._checks import InputError
from theory.law import Context

NAMES = tuple(known_tasks())
SIZES = (3, 4, 2, 5, 6, 7, 8)  # three tokens are enough to show a difference, if the task has such a size


@cache
def small_contexts(name: str) -> tuple[Context, ...]:
    """Return at most four contexts of a task at its first usable size."""
    if not known_tasks()[name].sizes:
        return make_task(name).contexts()[:4]
    for n in SIZES:
        try:
            return make_task(name, n).contexts()[:4]
        except InputError:  # some tasks need an even size, or the like
            continue
    raise AssertionError(f"no usable size of {name} among {SIZES}")
