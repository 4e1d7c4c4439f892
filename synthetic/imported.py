"""Tasks from a user's own Python as ``module:attribute``, checked.

A task is an object with ``contexts()``, which returns a tuple of ``theory.Context(weight=..., distribution=...)``
whose weights are Fractions that sum to one. It may have ``name``, ``n`` (the positions of its longest answers) and
``chain()``, which gives a lumped chain or ``None``. A distribution is made with ``theory.ListedDistribution(pmf)``,
pmf a ``theory.JointPMF``. Where a class is named, the command makes one object of it, with ``n=...``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from numbers import Rational
from typing import Any, TypeVar

from synthetic.task import SizedTask
from theory.distributions.contexts import chain_of
from theory.distributions.distribution import Context, check_weights, occurring
from theory.distributions.lumped_chain import LumpedChain
from theory.distributions.pmf import JointPMF
from theory.validation import InputError, positive_int, shown

__all__ = ["ImportedTask", "import_task", "task_of"]

_PAGE = "see python -m pydoc synthetic.imported"
_T = TypeVar("_T")


def import_task(name: str, n: int | None = None) -> ImportedTask:
    """Return the task that ``module:attribute`` names: an object, or a class, which is made with ``n``.

    Anything else is refused; a function is never called.

    Raises:
        InputError: If it cannot be loaded or made, or is no task.

    Example:
        >>> import_task("synthetic.tasks.shuffle:Shuffle", 3).contexts()[0].distribution.n
        3
    """
    module, _, attribute = name.partition(":")
    found: Any = _one_line(f"cannot load task {name!r}", lambda: getattr(import_module(module), attribute))
    if isinstance(found, type):
        _require(found, name)
        cls: Any = found
        try:
            found = _one_line(f"cannot make task {name!r}", lambda: cls() if n is None else cls(n=n))
        except InputError as error:
            if n is None and isinstance(error.__cause__, TypeError):
                raise InputError(f"{str(error).rstrip('.')}; give its size with -n.") from None
            raise
    made = task_of(found, name)
    if n is not None and n != made.n:
        raise InputError(f"task {name!r} has the size n = {made.n}, got n = {n}; leave -n out.")
    return made


def task_of(found: Any, name: str) -> ImportedTask:
    """Return an object with ``contexts()`` as a task; ``name``, ``n`` and ``chain()`` may be left out.

    Raises:
        InputError: If it has no ``contexts``, or a name or a size that is none.

    Example:
        >>> from types import SimpleNamespace
        >>> from synthetic.task import make_task
        >>> task_of(SimpleNamespace(contexts=make_task("shuffle", 3).contexts), "three").n
        3
    """
    _one_line(f"task {name!r}", lambda: _require(found, name))
    title: Any = _one_line(f"task {name!r}: name", lambda: getattr(found, "name", name))
    size: Any = _one_line(f"task {name!r}: n", lambda: getattr(found, "n", None))
    if size is None:
        size = _longest(found, name)
    if isinstance(size, bool) or not isinstance(size, Rational) or not isinstance(title, str):
        raise InputError(
            f"task {name!r}: n must be a whole number and name a text, got {size!r} and {title!r}."
        )
    size = positive_int(size, f"task {name!r}: n")
    return ImportedTask(source=name, made=found, name=title, n=size)


@dataclass(frozen=True, kw_only=True)
class ImportedTask:
    """A user's own task, whose contexts are checked on first use.

    Attributes:
        source: ``module:attribute``, for errors.
        made: The object, with its optional methods (``structure``, ``closed_distribution``).
        name: Its name.
        n: Its size.
    """

    source: str
    made: Any
    name: str
    n: int

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts, at least one, with weights that sum to one, the longest of n positions.

        For :class:`synthetic.task.SizedTask`, whose n is the length of the input, the answers may be of any length.
        """
        return self._contexts

    def chain(self) -> LumpedChain | None:
        """Return the lumped chain, if there is one."""
        chain: Any = _one_line(f"task {self.source!r}: chain()", lambda: chain_of(self.made))
        if chain is not None and not all(hasattr(chain, part) for part in ("n", "start", "moves")):
            raise InputError(
                f"task {self.source!r}: chain() must return None or a chain, got {shown(chain)}."
            )
        return chain

    @cached_property
    def _contexts(self) -> tuple[Context, ...]:
        where = f"task {self.source!r}: contexts()"
        contexts = _listed_contexts(self.made, where)
        try:
            check_weights(contexts)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        longest = max(context.distribution.n for context in contexts)
        if longest != self.n and not isinstance(self.made, SizedTask):
            raise InputError(
                f"{where}: the longest answers have {longest} positions, but n = {self.n}; {_PAGE}."
            )
        return occurring(contexts)

    def __getattr__(self, key: str) -> Any:
        """Return another attribute of the object."""
        if key.startswith("__") or key == "made":
            raise AttributeError(key)
        return getattr(self.made, key)


def _listed_contexts(made: Any, where: str) -> tuple[Any, ...]:
    found: Any = _one_line(where, lambda: made.contexts())
    if not isinstance(found, (tuple, list)) or not found:
        raise InputError(f"{where} must return a tuple of at least one Context, got {shown(found)}; {_PAGE}.")
    contexts: tuple[Any, ...] = tuple(found)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    for j, context in enumerate(contexts):
        _check_context(context, f"{where}[{j}]")
    return contexts


def _longest(made: Any, name: str) -> int:
    contexts = _listed_contexts(made, f"task {name!r}: contexts()")
    return max(context.distribution.n for context in contexts)


def _one_line(what: str, run: Callable[[], _T]) -> _T:
    """Return ``run()``; any exception of a user's code, an exit included, becomes one line."""
    try:
        return run()
    except InputError:
        raise
    except (Exception, SystemExit) as error:
        raise InputError(f"{what}: {type(error).__name__}: {error}.") from error


def _require(found: Any, name: str) -> None:
    if not hasattr(found, "contexts"):
        hint = "; name a class or an object, not a function" if callable(found) else ""
        raise InputError(f"{name!r} is no task: it has no contexts{hint}; {_PAGE}.")


def _check_context(context: Any, where: str) -> None:
    if not isinstance(context, Context):
        raise InputError(
            f"{where} must be a Context(weight=..., distribution=...), got {shown(context)}; {_PAGE}."
        )
    distribution: Any = context.distribution
    weight: Any = context.weight
    if isinstance(distribution, JointPMF):
        raise InputError(f"{where}: distribution is a JointPMF; write distribution=ListedDistribution(pmf).")
    size: Any = getattr(distribution, "n", None)
    if not isinstance(size, int) or size < 1 or not callable(getattr(distribution, "pmf", None)):
        raise InputError(
            f"{where}: distribution must be a distribution, such as ListedDistribution(pmf), got "
            f"{shown(distribution)}; {_PAGE}."
        )
    if isinstance(weight, bool) or not isinstance(weight, Rational):
        raise InputError(f"{where}: weight must be a Fraction, got {shown(weight)}.")
