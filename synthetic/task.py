"""Tasks and their registry.

A task defines ``P(Y|X)`` once; bounds, distributions, training data, figures and commands all use it. List tasks are
written in *roles*: role j < n is the j-th item of the input list, role n the new item. A model's instance maps roles to
words, which does not change the distribution, since all items are distinct.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import Context, Distribution, ListedDistribution
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF
from theory.limits import require_memory
from theory.validation import InputError, choice, positive_int

__all__ = ["ListTask", "SizedTask", "Task", "known_tasks", "list_task", "make_task", "register"]


class Task(Protocol):
    """A weighted set of contexts, each with the exact distribution of the outcome."""

    name: ClassVar[str]

    @property
    def n(self) -> int:
        """The size that the task is parametrised by."""
        ...

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts; their weights sum to one."""
        ...

    def chain(self) -> LumpedChain | None:
        """Return a lumped chain of the distribution, the same in every context, or ``None`` if there is none."""
        ...


@dataclass(frozen=True, kw_only=True)
class SizedTask:
    """A task of some size; subclasses define its contexts.

    Attributes:
        n: The size.
    """

    name: ClassVar[str] = ""
    sizes: ClassVar[bool] = True  # takes -n
    smallest: ClassVar[int] = 1
    n: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "n", positive_int(self.n, "n"))
        if self.n < self.smallest:
            raise InputError(f"{self.name} needs n of at least {self.smallest}, got {self.n}.")

    def chain(self) -> LumpedChain | None:
        """Return a lumped chain of the distribution, the same in every context, or ``None`` if there is none."""
        return None


@dataclass(frozen=True, kw_only=True)
class ListTask(SizedTask):
    """An operation on a list of n distinct items; subclasses define the valid answers.

    Attributes:
        n: Length of the input list.
    """

    uses_new: ClassVar[bool] = False  # the prompt names a new item, role n

    def indices(self) -> Iterable[int | None]:
        """Return the positions that the prompt may name, all equally likely; ``None`` if it names none."""
        return (None,)

    def answers(self, index: int | None) -> Iterable[tuple[int, ...]]:  # noqa: ARG002
        """Return the equally likely answers in roles."""
        raise TypeError(f"{type(self).__name__} does not say what its answers are.")

    def distribution(self, index: int | None = None) -> Distribution:
        """Return the distribution of the answer given the named position."""
        require_memory(60 * self.n, f"one answer of about {self.n} tokens", remedy="use a smaller n")
        return ListedDistribution(JointPMF.uniform(self.answers(index)))

    def contexts(self) -> tuple[Context, ...]:
        """Return one context per position that the prompt may name."""
        indices = tuple(self.indices())
        weight = Fraction(1, len(indices))
        return tuple(
            Context(weight=weight, distribution=self.distribution(i), label="" if i is None else f"index={i}")
            for i in indices
        )

    def input_roles(self, rng: np.random.Generator, size: int) -> NDArray[np.int64]:  # noqa: ARG002
        """Return the order in which the prompt shows the items, in roles, shape (size, n)."""
        return np.tile(np.arange(self.n), (size, 1))


LARGEST = 10**8  # n of a registered task, above every closed form in floats
_REGISTRY: dict[str, Callable[..., Any]] = {}
_T = TypeVar("_T", bound=type)


def register(name: str) -> Callable[[_T], _T]:
    """Register a task class under the name that commands use."""

    def add(cls: _T) -> _T:
        cls.name = name  # type: ignore[attr-defined]
        _REGISTRY[name] = cls
        return cls

    return add


@cache
def known_tasks() -> dict[str, Any]:
    """Return all registered task classes by name; each module of ``synthetic/tasks`` is one."""
    package = importlib.import_module("synthetic.tasks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"synthetic.tasks.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def make_task(name: str, n: int | None = None) -> Task:
    """Return a registered task.

    Args:
        name: Its registered name; parameters follow as ``name:key=value,key=value``, lists joined by ``+``.
        n: Its size; a task of one fixed size takes none.

    Raises:
        InputError: For an unknown name or key, a wrong value, or a size that does not fit.

    Example:
        >>> make_task("replace_random", 4).contexts()[0].distribution.pmf().outcomes[0]
        (4, 1, 2, 3)
        >>> make_task("markov_chain:stay=9/10", 2).contexts()[0].distribution.pmf().probability((1, 1))
        Fraction(9, 20)
    """
    known = known_tasks()
    if n is not None:
        n = positive_int(n, "n", at_most=LARGEST)
    plain, _, text = name.partition(":")
    cls = known[choice(plain.strip(), "task", known)]
    given = _parameters(cls, name, text)
    if not cls.sizes:
        made = cls(**given)
        if n is not None and n != made.n:
            raise InputError(f"task {cls.name!r} has the fixed size n = {made.n}, got n = {n}.")
    elif n is None:
        raise InputError(f"task {cls.name!r} needs a size, for example -n 4.")
    else:
        made = cls(n=n, **given)
    if given:  # results show the name with its parameters
        object.__setattr__(made, "name", f"{cls.name}:" + ",".join(f"{k}={v}" for k, v in given.items()))
    return made


def _parameters(cls: Any, name: str, text: str) -> dict[str, str]:
    """Return the parameters of a specification; the task itself reads and checks the values."""
    known = [f.name for f in fields(cls) if f.name != "n"]
    given: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise InputError(f"task {name!r}: {part!r} must have the form key=value.")
        if key not in known:
            hint = f"known: {', '.join(known)}" if known else "it takes none"
            raise InputError(f"task {cls.name!r} has no parameter {key!r}; {hint}.")
        if key in given:
            raise InputError(f"task {name!r}: {key!r} is given twice.")
        given[key] = value
    return given


def list_task(name: str, n: int) -> ListTask:
    """Return a registered list task, the only kind that a trained model knows."""
    task = make_task(name, n)
    if not isinstance(task, ListTask):
        raise InputError(f"task {name!r} is no list task; a trained model knows list tasks only.")
    return task
