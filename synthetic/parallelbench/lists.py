"""Samples of the ten list tasks of the waiting line.

The answers come from the list tasks of :mod:`synthetic`, which are written in roles: role j is the j-th person of the
list, role n the new one. A sample gives the roles names, so that no operation is described twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np

from synthetic.parallelbench.people import draw_people
from synthetic.parallelbench.protocol import Protocol
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.task import list_task

__all__ = ["list_sample", "list_text", "sort_key"]

MASKED = "[MASK]"
_KNOWN_LENGTH = ("copy", "shuffle", "insert_index", "insert_random", "replace_index", "replace_random")


def list_text(items: Sequence[str]) -> str:
    """Return a list as the benchmark writes it.

    Example:
        >>> list_text(["Ada Klein", "Otto Frost"])
        '["Ada Klein", "Otto Frost"]'
    """
    return "[" + ", ".join(f'"{item}"' for item in items) + "]"


def sort_key(by: str) -> Any:
    """Return the key of the sort task: ``whole`` names, as released, or ``last`` names, as its prompt asks."""
    return (lambda name: name) if by == "whole" else (lambda name: (name.split()[-1], name))


def list_sample(
    task: BenchTask, n: int, protocol: Protocol, rng: Random, *, sharing: bool = False, by: str = "whole"
) -> Sample:
    """Return one sample.

    Args:
        task: A task of the waiting line.
        n: The number of people in the line.
        protocol: How places are counted.
        rng: Source of all randomness.
        sharing: Whether people may share a first or a last name.
        by: What sort compares: ``whole`` names by code points (as released, so first names decide), or ``last``
            names (as the prompt says).

    Example:
        >>> from synthetic.parallelbench.protocol import PROTOCOLS
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> made = list_sample(bench_task("insert_index"), 2, PROTOCOLS["v2"], Random(0))
        >>> made.input["index"], made.input["word"], made.answer
        (2, 'Astrid Marlow', '["Matteo Forsberg", "Nora Munoz", "Astrid Marlow"]')
    """
    name = task.name.partition("/")[2]
    operation = list_task(str(task.operation), n)
    people = draw_people(rng, n + operation.uses_new, sharing=sharing)
    line, word = people[:n], (people[n] if operation.uses_new else None)
    indices = list(operation.indices())
    if name == "insert_index" and not protocol.inserts_in_front:
        indices = indices[1:]
    index = rng.choice(indices)
    seeded = np.random.default_rng(rng.getrandbits(64))
    distribution = operation.distribution(index)
    roles = np.array(distribution.tokens)[distribution.sample(seeded, 1)[0]].tolist()
    named = [*(sorted(line, key=sort_key(by)) if name == "sort" else line), word]
    answer = [str(named[role]) for role in roles]
    asked: dict[str, Any] = {"context": list_text(line)}
    asked |= {} if word is None else {"word": word}
    # an insertion gives the place itself, counted from 0, which is the person before it, counted from 1
    asked |= (
        {} if index is None else {"index": index + (0 if name == "insert_index" else protocol.first_place)}
    )
    known: dict[str, Any] = {"length": n}
    known |= (
        {"index": index}
        if "index" in name or name in ("insert_random", "remove_random", "replace_random")
        else {}
    )
    known |= {} if word is None else {"word": word}
    many = {"input": line} | ({"word": word} if "word" in task.needs else {}) | {"example": list_text(answer)}
    return Sample(
        input=asked,
        answer=many if task.needs else list_text(answer),
        metadata=known,
        output_format=list_text([MASKED] * len(answer)) if name in _KNOWN_LENGTH else None,
    )
