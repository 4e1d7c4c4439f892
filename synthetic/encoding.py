"""List tasks as token sequences ``[task] [index] [new] x_1 .. x_n [sep] y_1 .. y_m``.

A task's distribution is written in roles (role j < n is the j-th item of the list, role n the new item). An instance
gives every role a word; everything here follows from the distribution and this map. A slot that the prompt does not use
has the token ``none``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthetic.task import ListTask, known_tasks
from theory.distributions.distribution import Distribution
from theory.validation import InputError, positive_int

__all__ = ["WORDS", "Batch", "Encoding", "context_distributions", "list_task_names"]

Ints = NDArray[np.int64]

# in alphabetical order, so that sorting token ids sorts the words
_TEXT = """
acorn anchor apple arrow barn basket bell bridge candle castle cherry clock cloud comet copper coral daisy
desert dragon drum eagle ember falcon feather fern fiddle flute forest fox garden glacier goat hammer harbor
hazel honey igloo iris island ivory jacket jasmine jewel jungle kettle kite ladder lantern lemon lily magnet
maple marble meadow needle nest oasis ocean olive orchid paddle pearl pepper violin
"""
WORDS = tuple(_TEXT.split())


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Token ids: the words first, then ``mask``, ``sep``, ``none``, one token per task, one per index.

    Attributes:
        items: Number of words that list items are drawn from.
        longest: Largest length n of an input list; indices run from 0 to this number.
        names: Tasks that have a token; all registered list tasks by default.

    Example:
        >>> encoding = Encoding(items=8, longest=4, names=("copy", "shuffle"))
        >>> encoding.mask, encoding.sep, encoding.none, encoding.vocab_size
        (8, 9, 10, 18)
    """

    items: int = 32
    longest: int = 16
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", positive_int(self.items, "items"))
        object.__setattr__(self, "longest", positive_int(self.longest, "longest"))
        object.__setattr__(self, "names", tuple(self.names) or list_task_names())
        if unknown := sorted(set(self.names) - set(list_task_names())):
            raise InputError(f"{unknown[0]!r} is not a list task; known: {', '.join(list_task_names())}.")

    @property
    def mask(self) -> int:
        """The token of a masked position."""
        return self.items

    @property
    def sep(self) -> int:
        """The token between prompt and answer."""
        return self.items + 1

    @property
    def none(self) -> int:
        """The token of a slot that is not used."""
        return self.items + 2

    @property
    def vocab_size(self) -> int:
        """The number of tokens."""
        return self.index_token(self.longest) + 1

    @property
    def longest_sequence(self) -> int:
        """The length of the longest sequence: an answer has at most one item more than the list."""
        return self.answer_start(self.longest) + self.longest + 1

    def task_token(self, name: str) -> int:
        """Return the token of a task."""
        if name not in self.names:
            raise InputError(f"task {name!r} has no token here; known: {', '.join(self.names)}.")
        return self.none + 1 + self.names.index(name)

    def index_token(self, index: int | None) -> int:
        """Return the token of the named position, ``none`` if there is none."""
        return self.none if index is None else self.none + 1 + len(self.names) + index

    def answer_start(self, n: int) -> int:
        """Return the column of ``y_1`` for lists of length n."""
        return n + 4

    def sample_batch(self, task: ListTask, size: int, rng: np.random.Generator) -> Batch:
        """Return ``size`` random instances with true answers; items, index and answer are independent.

        Args:
            task: A list task with a token here and n of at most ``longest``, less than ``items``.
            size: Number of instances B.
            rng: Source of all randomness.
        """
        n, roles = task.n, self._sample_roles(task, size, rng)
        distributions, weights, indices = context_distributions(task), _weights(task), _indices(task)
        context = rng.choice(weights.size, size=size, p=weights)
        start = self.answer_start(n)
        tokens = np.full((size, start + distributions[0].n), self.none, dtype=np.int64)
        tokens[:, 0] = self.task_token(task.name)
        tokens[:, 1] = np.array([self.index_token(index) for index in indices])[context]
        if task.uses_new:
            tokens[:, 2] = roles[:, n]
        tokens[:, 3 : 3 + n] = np.take_along_axis(roles, task.input_roles(rng, size), axis=1)
        tokens[:, 3 + n] = self.sep
        for c, distribution in enumerate(distributions):
            rows = np.flatnonzero(context == c)
            drawn = _roles_of(distribution)[distribution.sample(rng, len(rows))]
            tokens[rows, start:] = np.take_along_axis(roles[rows], drawn, axis=1)
        return Batch(
            encoding=self, task=task, tokens=tokens, answer=slice(start, None), roles=roles, context=context
        )

    def _sample_roles(self, task: ListTask, size: int, rng: np.random.Generator) -> Ints:
        """Return a distinct word for every role, shape (size, n) or, with a new item, (size, n + 1)."""
        if task.n > self.longest:
            raise InputError(f"n must be at most {self.longest} in this encoding, got {task.n}.")
        count = task.n + task.uses_new
        if count > self.items:
            raise InputError(f"{count} distinct items are needed, the encoding has {self.items}.")
        roles = rng.random((size, self.items)).argsort(axis=1)[:, :count]
        if type(task).input_roles is not ListTask.input_roles:
            # the prompt shows the items in any order, so role j is the j-th smallest word
            roles[:, : task.n] = np.sort(roles[:, : task.n], axis=1)
        return roles


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Instances of one task with true answers.

    Attributes:
        encoding: The token ids.
        task: The task.
        tokens: Prompt and answer, shape (B, L).
        answer: The columns of the answer.
        roles: The token of every role, shape (B, R).
        context: Which context of the task each row has, shape (B,).
    """

    encoding: Encoding
    task: ListTask
    tokens: Ints
    answer: slice
    roles: Ints
    context: Ints

    def __len__(self) -> int:
        """Return the number of instances."""
        return self.tokens.shape[0]

    def part(self, rows: Ints) -> Batch:
        """Return the instances with these numbers."""
        return replace(self, tokens=self.tokens[rows], roles=self.roles[rows], context=self.context[rows])


def list_task_names() -> tuple[str, ...]:
    """Return the names of all registered list tasks, sorted."""
    return tuple(name for name, cls in known_tasks().items() if issubclass(cls, ListTask))


@lru_cache(maxsize=512)
def context_distributions(task: ListTask) -> tuple[Distribution, ...]:
    """Return the distributions of a task's contexts, in order; cached, because listing them is slow."""
    return tuple(context.distribution for context in task.contexts())


@lru_cache(maxsize=512)
def _weights(task: ListTask) -> NDArray[np.float64]:
    return np.array([float(context.weight) for context in task.contexts()])


def _indices(task: ListTask) -> tuple[int | None, ...]:
    return tuple(task.indices())


def _roles_of(distribution: Distribution) -> Ints:
    return np.array(distribution.tokens, dtype=np.int64)
