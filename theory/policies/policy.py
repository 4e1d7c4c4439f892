"""Unmasking policies: *score x count x block*, and their registry.

A policy is a frozen dataclass with a method ``plan(view)``; its fields are its parameters. Ranked policies say
only how many positions to take (``count``). To add one: a class in a file of its own here, with ``@register``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from theory._checks import InputError, choice, positive_int
from theory.arithmetic import Array
from theory.policies.ranked import TIES, Ranked, SetLaw
from theory.policies.scores import SCORES
from theory.policies.view import View

__all__ = ["Plan", "Policy", "RankedPolicy", "parse_policy", "policies", "register"]


class Plan(Protocol):
    """One step of a policy on a batch: the law of the chosen set, or a draw from it."""

    def distribution(self) -> tuple[NDArray[np.int64], list[SetLaw]]:
        """Return an index per row into a list of set laws."""
        ...

    def sizes(self) -> NDArray[np.int64]:
        """Return the number of chosen positions per row, shape (B,)."""
        ...

    def sample(self, uniforms: Array) -> Array:
        """Return a chosen set per row, bool, shape (B, n)."""
        ...


class Policy(Protocol):
    """Anything that plans the next step from the marginals."""

    def plan(self, view: View) -> Plan:
        """Return the plan for one step of every row."""
        ...


@dataclass(frozen=True, kw_only=True)
class RankedPolicy:
    """A policy that takes the best of a score.

    Attributes:
        by: The score: confidence, margin, entropy, left_to_right or random.
        ties: Equal scores: ``random``, ``lowest`` index (torch.topk-like) or ``all`` of the best (dInfer).
        block: Block length of semi-autoregressive decoding; ``None`` decodes the whole as one group.
    """

    name: ClassVar[str] = ""
    example: ClassVar[str] = ""
    by: str = "confidence"
    ties: str = "random"
    block: int | None = None

    def __post_init__(self) -> None:
        choice(self.by, "score", SCORES)
        choice(self.ties, "ties", TIES)
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return how many positions to take, shape (B,)."""
        raise TypeError(f"{type(self).__name__} does not say how many positions to take.")

    def plan(self, view: View) -> Ranked:
        """Return the ranking and the number to take."""
        view = view.within_blocks(self.block)
        scores = view.numbers.xp.broadcast_to(SCORES[self.by](view), view.masked.shape)
        return Ranked(view, scores, self.count(view, scores), self.ties)

    def __str__(self) -> str:
        """Return the specification that :func:`parse_policy` reads; defaults are left out."""
        required_first = sorted(fields(self), key=lambda f: f.default is not MISSING)
        given = [(f.name, getattr(self, f.name), f.default) for f in required_first]
        parts = [f"{name}={_text(value)}" for name, value, default in given if value != default]
        return f"{self.name}:{','.join(parts)}" if parts else self.name


_REGISTRY: dict[str, type[RankedPolicy]] = {}
_P = TypeVar("_P", bound=type[RankedPolicy])


def register(name: str) -> Callable[[_P], _P]:
    """Register a policy class under the name of its specifications."""

    def add(cls: _P) -> _P:
        cls.name = name
        _REGISTRY[name] = cls
        return cls

    return add


@cache
def policies() -> dict[str, type[RankedPolicy]]:
    """Return all registered policies by name."""
    package = importlib.import_module("theory.policies")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"theory.policies.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def parse_policy(spec: str) -> RankedPolicy:
    """Return the policy of a specification ``name:key=value,...``.

    Raises:
        InputError: For an unknown name or key, a missing key, or a value out of range.

    Example:
        >>> parse_policy("topk:k=2,by=random")
        TopK(by='random', ties='random', block=None, k=2, remainder='last')
        >>> str(parse_policy("threshold:gamma=0.90,strict=false"))
        'threshold:gamma=9/10,strict=false'
    """
    name, _, rest = spec.strip().partition(":")
    known = policies()
    cls = known[choice(name, "policy", known)]
    given: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise InputError(f"policy {spec!r}: {part!r} must have the form key=value.")
        if key in given:
            raise InputError(f"policy {spec!r}: {key!r} stands twice.")
        given[key] = value
    keys = {f.name: f for f in fields(cls)}
    for key in given:
        if key not in keys:
            raise InputError(f"policy {name!r} has no key {key!r}; known: {', '.join(sorted(keys))}.")
    missing = [key for key, f in keys.items() if f.default is MISSING and key not in given]
    if missing:
        raise InputError(f"policy {name!r} needs {missing[0]!r}, for example {cls.example}.")
    for key, value in given.items():
        if isinstance(keys[key].default, bool):
            given[key] = choice(value.lower(), f"value of {key}", ("true", "false")) == "true"
    return cls(**given)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(Fraction(value)) if isinstance(value, (int, Fraction)) else str(value)
