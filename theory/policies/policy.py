"""Unmasking policies and their registry.

A policy is a frozen dataclass with a method ``plan(view)``; its fields are its parameters. Ranked policies only define
how many positions to take (``count``). A new rule is one class in a file of ``theory/policies/rules/``, with
``@register``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from fractions import Fraction
from functools import cache
from typing import Any, ClassVar, Protocol, TypeVar

from theory.numbers.arithmetic import Array
from theory.policies.plan import Plan
from theory.policies.ranked import TIES, Ranked
from theory.policies.scores import SCORES
from theory.policies.view import View
from theory.validation import InputError, bounded, choice, positive_int

__all__ = ["Policy", "RankedPolicy", "Rule", "parse_policy", "register", "registered_policies"]


class Policy(Protocol):
    """A rule that plans the next step from the marginals."""

    def plan(self, view: View) -> Plan:
        """Return the plan for one step of every row."""
        ...


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The base of every registered rule.

    Class attributes:
        name: Its registered name.
        example: A valid specification.
        source: Where it was published.
        release: The released code that it equals, and with which switches.
        formula: The rule in one line.
        cost: Work per step for n positions and V tokens, beyond the model call.
        clocked: Whether it reads the number of the step; it may then take no position in a step.
        rational: Whether its own random choices have rational probabilities. If not, they are balls (``arb``) from
            :attr:`theory.policies.view.View.reals`, or floats without a proven error.
        asks: Whether it asks the model about other states.
        doubts: Whether it asks only for each position given the others
            (:meth:`theory.policies.run_batch.RunBatch.left_out`).
        scheduled: Whether its numbers per step are known before it starts; ``idle_calls(view)`` then says for how many
            calls from this one on it takes nothing in the first row.
        lumps: Whether, when all masked positions have the same marginal, the number that it takes depends only on how
            many are left and on that marginal: it can then be decoded by a lumped chain.
    """

    name: ClassVar[str] = ""
    example: ClassVar[str] = ""
    source: ClassVar[str] = ""
    release: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    cost: ClassVar[str] = "n log n"
    clocked: ClassVar[bool] = False
    rational: ClassVar[bool] = True
    asks: ClassVar[bool] = False
    doubts: ClassVar[bool] = False
    scheduled: ClassVar[bool] = False
    lumps: ClassVar[bool] = False

    def __str__(self) -> str:
        """Return the specification that :func:`parse_policy` reads, without defaults."""
        required_first = sorted(fields(self), key=lambda f: f.default is not MISSING)
        given = [(f.name, getattr(self, f.name), f.default) for f in required_first]
        parts = [f"{name}={_text(value)}" for name, value, default in given if value != default]
        name = self.name or type(self).__name__
        return f"{name}:{','.join(parts)}" if parts else name


@dataclass(frozen=True, kw_only=True)
class RankedPolicy(Rule):
    """A policy that takes the best of a score.

    Class attributes:
        scores_alone: Whether it reads the marginals through the score ``by`` alone, unless it has a memory or asks.

    Attributes:
        by: The score: confidence, margin, entropy, left_to_right or random.
        ties: Equal scores: ``random``, ``lowest`` index (torch.topk-like) or ``all`` of the best (dInfer).
        block: Block length of semi-autoregressive decoding; ``None`` for a single block.
        confidence: With ``by=confidence`` and tau > 0: the ``max`` probability (the papers), or that of a token
            ``sampled`` first at every competing position (the released LLaDA, Dream and Fast-dLLM code).
    """

    scores_alone: ClassVar[bool] = True
    by: str = "confidence"
    ties: str = "random"
    block: int | None = None
    confidence: str = "max"

    def __post_init__(self) -> None:
        choice(self.by, "score", SCORES)
        choice(self.ties, "ties", TIES)
        choice(self.confidence, "confidence", ("max", "sampled"))
        if self.confidence == "sampled" and self.by != "confidence":
            raise InputError(f"confidence=sampled needs by=confidence, got by={self.by}.")
        if self.block is not None:
            object.__setattr__(self, "block", positive_int(self.block, "block"))

    @property
    def reads_places(self) -> bool:
        """Whether it looks at where positions lie, beyond blocks and the order from left to right."""
        return False

    def score_limit(self, name: str) -> None:
        """Check the field ``name``, a value that scores are compared with.

        Raises:
            InputError: If it is outside 0..1 for a confidence or a margin, or above 1 for another score. Those are at
                most 0, but released settings use limits such as 0.9 for them.
        """
        least = 0 if self.by in ("confidence", "margin") else None
        object.__setattr__(self, name, bounded(getattr(self, name), name, least, 1))

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return how many positions to take, shape (B,)."""
        raise TypeError(f"{type(self).__name__} does not say how many positions to take.")

    def score(self, view: View) -> Array:
        """Return the scores, shape (B, n)."""
        return SCORES[self.by](view)

    def plan(self, view: View) -> Plan:
        """Return the ranking and the number to take."""
        view = view.within_blocks(self.block)
        return self.rank(view, view.numbers.xp.broadcast_to(self.score(view), view.masked.shape))

    def with_memory(self) -> Any:
        """Return the rule with memory that its settings make of it, ``None`` if they make none."""
        return None

    def rank(self, view: View, scores: Array) -> Plan:
        """Return the ranking of given scores (B, n) and the number to take."""
        return Ranked(view, scores, self.count(view, scores), self.ties, least=0 if self.clocked else 1)


_REGISTRY: dict[str, type[Rule]] = {}
_P = TypeVar("_P", bound=type[Rule])


def register(name: str) -> Callable[[_P], _P]:
    """Register a policy class under the name of its specifications."""

    def add(cls: _P) -> _P:
        cls.name = name
        _REGISTRY[name] = cls
        return cls

    return add


@cache
def registered_policies() -> dict[str, type[Rule]]:
    """Return all registered rules by name, policies and rules with memory (:mod:`theory.policies.process`)."""
    package = importlib.import_module("theory.policies.rules")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"theory.policies.rules.{module.name}")
    return dict(sorted(_REGISTRY.items()))


def parse_policy(spec: str) -> Any:
    """Return the rule of a specification ``name:key=value,...``.

    ``name`` is registered, or ``module:attribute`` for a class or an object of the user's own.

    Raises:
        InputError: For an unknown name or key, a missing key, or a value out of range.

    Example:
        >>> parse_policy("topk:k=2,by=random")
        TopK(by='random', ties='random', block=None, confidence='max', k=2, remainder='last')
        >>> str(parse_policy("threshold:gamma=0.90,strict=false"))
        'threshold:gamma=9/10,strict=false'
        >>> parse_policy("theory.policies.rules.topk:TopK:k=3").k
        3
    """
    name, _, rest = spec.strip().partition(":")
    known = registered_policies()
    if name not in known and rest.partition(":")[0].isidentifier():
        attribute, _, rest = rest.partition(":")
        name = f"{name}:{attribute}"
        found = _imported(name)
    else:
        found = known[choice(name, "policy", known)]
    given = _pairs(spec, rest)
    if not isinstance(found, type):
        if given:
            raise InputError(f"policy {name!r} is an object; it takes no keys, got {next(iter(given))!r}.")
        return _usable(found, name)
    return _usable(_made(found, name, given), name)


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # any exception of the user's module becomes one line
        known = ", ".join(registered_policies())
        raise InputError(
            f"cannot load policy {name!r}: {type(error).__name__}: {error}; known: {known}, or module:attribute."
        ) from None


def _usable(made: Any, name: str) -> Any:
    if hasattr(made, "plan") or all(hasattr(made, method) for method in ("start", "step", "finished")):
        return made
    raise InputError(f"{name!r} is no policy: it has no method plan(view), nor start, step and finished.")


def _pairs(spec: str, text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = part.partition("=")
        if not equals or not value:
            raise InputError(f"policy {spec!r}: {part!r} must have the form key=value.")
        if key in given:
            raise InputError(f"policy {spec!r}: {key!r} is given twice.")
        given[key] = value
    return given


def _made(cls: type, name: str, given: dict[str, Any]) -> Any:
    if not is_dataclass(cls):
        raise InputError(f"policy {name!r} must be a dataclass, so that its keys are known, or an object.")
    keys = {f.name: f for f in fields(cls)}
    for key in given:
        if key not in keys:
            raise InputError(f"policy {name!r} has no key {key!r}; known: {', '.join(sorted(keys))}.")
    needed = [k for k, f in keys.items() if f.default is MISSING and f.default_factory is MISSING]
    missing = [key for key in needed if key not in given]
    if missing:
        example = getattr(cls, "example", "") or f"{name}:{missing[0]}=..."
        raise InputError(f"policy {name!r} needs {missing[0]!r}, for example {example}.")
    for key, value in given.items():
        if isinstance(keys[key].default, bool):
            given[key] = choice(value.lower(), f"value of {key}", ("true", "false")) == "true"
        elif isinstance(keys[key].default, int) and value.lstrip("-").isdigit():
            given[key] = int(value)
    try:
        return cls(**given)
    except InputError as error:
        raise InputError(f"policy {name!r}: {error}") from None
    except (Exception, SystemExit) as error:
        if name in registered_policies():
            raise
        raise InputError(f"cannot make policy {name!r}: {type(error).__name__}: {error}.") from None


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return _ratio(Fraction(value)) if isinstance(value, (int, Fraction)) else str(value)


def _ratio(value: Fraction) -> str:
    """Return a ratio as text, or ``1e400`` and the like where that is far shorter.

    Example:
        >>> _ratio(Fraction(9, 10)), _ratio(Fraction(12, 10**40)), _ratio(Fraction(10**400))
        ('9/10', '12e-40', '1e400')
    """
    text = str(value)
    if len(text) <= 40:
        return text
    twos, fives = (_multiplicity(value.denominator, p) for p in (2, 5))
    if value.denominator != 2**twos * 5**fives:
        return text  # no finite decimal
    exponent = -max(twos, fives)
    digits = str(value * 10**-exponent)
    short = digits.rstrip("0")
    short = f"{short}e{exponent + len(digits) - len(short)}"
    return min(text, short, key=len)


def _multiplicity(number: int, prime: int) -> int:
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return count
