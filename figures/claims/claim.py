"""A claim with its statement, the exact computation that tests it, and its verdict.

A test gives *numbers* and *facts*, each fact decided exactly. Facts have a role: ``stated`` is the claim in full
generality, ``condition`` the claim under its condition, ``also`` a fact of the remarks. The verdict is computed:

- holds: every stated fact is true;
- holds under a condition: a stated fact is false, and all facts under the condition (at least one) are true;
- fails: otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

__all__ = ["VERDICTS", "Claim", "Evidence", "Verdict", "verdict_of"]

Verdict = Literal["holds", "holds under a condition", "fails"]
VERDICTS: tuple[Verdict, ...] = ("holds", "holds under a condition", "fails")
Role = Literal["number", "stated", "condition", "also"]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim.

    Attributes:
        id: Short name.
        title: One line.
        claim: The statement of the paper, in our words.
        place: Its place in the paper.
        test: The computation that tests it.
        evidence: The function of that computation.
        verdict: The expected verdict.
        condition: The condition under which it holds, the counter-example, or a note.
        numbers: The expected value of each number, as exact text.
    """

    id: str
    title: str
    claim: str
    place: str
    test: str
    evidence: Callable[[], Evidence]
    verdict: Verdict
    condition: str
    numbers: Mapping[str, str]


@dataclass
class Evidence:
    """Numbers and facts, in the order in which they were added; plain JSON values.

    Example:
        >>> from fractions import Fraction
        >>> found = Evidence()
        >>> found.number("accuracy", Fraction(3, 8))
        >>> found.stated("the accuracy is 1/2", False)
        >>> found.lines[0]["exact"], verdict_of(found.lines)
        ('3/8', 'fails')
    """

    lines: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def number(self, quantity: str, value: Any, exact: str | None = None) -> None:
        """Add an exact number; `exact` is a shorter text for it."""
        if isinstance(value, float) and value != inf:
            raise TypeError(f"{quantity}: a number must be exact, got the float {value!r}.")
        shown = "inf" if value == inf else float(value)
        self._add("number", quantity, exact or str(value), shown)

    def stated(self, fact: str, holds: bool) -> None:
        """Add an instance of the claim as it is stated."""
        self._add("stated", fact, _word(holds), None)

    def condition(self, fact: str, holds: bool) -> None:
        """Add an instance of the claim where the condition holds."""
        self._add("condition", fact, _word(holds), None)

    def also(self, fact: str, holds: bool) -> None:
        """Add a fact of the remarks."""
        self._add("also", fact, _word(holds), None)

    def _add(self, role: Role, quantity: str, exact: str, value: float | str | None) -> None:
        if any(line["quantity"] == quantity for line in self.lines):
            raise ValueError(f"{quantity!r} is a duplicate; quantities need different names.")
        self.lines.append({"role": role, "quantity": quantity, "exact": exact, "value": value})


def verdict_of(lines: Iterable[Mapping[str, Any]]) -> Verdict:
    """Return the verdict that follows from the facts."""
    facts = [(line["role"], line["exact"] == "yes") for line in lines]
    stated = [holds for role, holds in facts if role == "stated"]
    restricted = [holds for role, holds in facts if role == "condition"]
    if not stated:
        raise ValueError("a claim needs a fact that tests it as stated.")
    if all(stated) and all(restricted):
        return "holds"
    return "holds under a condition" if restricted and all(restricted) else "fails"


def _word(holds: object) -> str:
    if not isinstance(holds, bool):  # a numpy bool or None would hide a wrong comparison
        raise TypeError(f"a fact must be decided by a bool, got {holds!r}.")
    return "yes" if holds else "no"
