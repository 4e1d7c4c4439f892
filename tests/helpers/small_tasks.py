"""Every registered task at a size at which everything can be listed, new ones included."""

from __future__ import annotations

from functools import cache

from synthetic.task import known_tasks, make_task
from theory.distributions.distribution import Context
from theory.validation import InputError

NAMES = tuple(known_tasks())
OUTCOMES = 150  # of one context: exact decodes by every policy stay quick
SIZES = (3, 4, 2, 5, 6, 7, 8)  # three tokens are enough to show a difference, if the task has such a size


@cache
def small_contexts(name: str) -> tuple[Context, ...]:
    """Return at most four contexts of a task at its first usable size."""
    if not known_tasks()[name].sizes:
        return make_task(name).contexts()[:4]
    for n in SIZES:
        try:
            contexts = make_task(name, n).contexts()[:4]
        except InputError:  # some tasks need an even size, or the like
            continue
        if all(len(context.distribution.pmf()) <= OUTCOMES for context in contexts):
            return contexts
    raise AssertionError(f"no usable size of {name} among {SIZES}")
