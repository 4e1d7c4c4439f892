"""A claim with its statement, the exact computation that tests it, and its verdict.

A test gives *numbers* and *facts*, each fact decided exactly. A fact has a role:

- ``stated``: the claim as the paper states it;
- ``suggested``: a reading that the text suggests and does not state;
- ``condition``: the claim or reading under a condition;
- ``convention``: whether a result is the same for the usual choices that the text leaves open;
- ``released``: whether released code or data does what the text says;
- ``also``: a remark, in no verdict.

The verdict is computed. A claim *holds* if every stated fact is true; it *holds under a condition* if one is false and
all facts under the condition (at least one) are true; otherwise it *fails*. For a reading the same, after "suggested".
A convention or release with a false fact is named after that, or alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Literal

__all__ = ["ROLES", "VERDICTS", "Claim", "Evidence", "verdict_of"]

VERDICTS = (
    "holds",
    "holds under a condition",
    "fails",
    "suggested; holds under a condition",
    "suggested; fails",
    "holds; convention not discussed",
    "holds; release differs",
    "convention not discussed",
    "release differs",
)
"""The verdicts that occur."""
Role = Literal["number", "stated", "suggested", "condition", "convention", "released", "also"]
ROLES: dict[str, str] = {
    "stated": "as stated",
    "suggested": "as suggested",
    "condition": "under the condition",
    "convention": "whatever the convention",
    "released": "as released",
    "also": "also checked",
}
"""How the page calls the roles of facts."""


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
        refuted: The facts that are false; all others are true.
        page: The page that shows it.
    """

    id: str
    title: str
    claim: str
    place: str
    test: str
    evidence: Callable[[], Evidence]
    verdict: str
    condition: str
    numbers: Mapping[str, str]
    refuted: tuple[str, ...] = ()
    page: Literal["claims", "errata"] = "claims"


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
        """Add an instance of the claim as the paper states it."""
        self._add("stated", fact, _word(holds), None)

    def suggested(self, fact: str, holds: bool) -> None:
        """Add an instance of a reading that the text suggests."""
        self._add("suggested", fact, _word(holds), None)

    def condition(self, fact: str, holds: bool) -> None:
        """Add an instance where the condition holds."""
        self._add("condition", fact, _word(holds), None)

    def convention(self, fact: str, same: bool) -> None:
        """Add whether a result is the same for the usual choices that the text leaves open."""
        self._add("convention", fact, _word(same), None)

    def released(self, fact: str, holds: bool) -> None:
        """Add whether a release does what the text says."""
        self._add("released", fact, _word(holds), None)

    def also(self, fact: str, holds: bool) -> None:
        """Add a fact of the remarks."""
        self._add("also", fact, _word(holds), None)

    def _add(self, role: Role, quantity: str, exact: str, value: float | str | None) -> None:
        if any(line["quantity"] == quantity for line in self.lines):
            raise ValueError(f"{quantity!r} is a duplicate; quantities need different names.")
        self.lines.append({"role": role, "quantity": quantity, "exact": exact, "value": value})


def verdict_of(lines: Iterable[Mapping[str, Any]]) -> str:
    """Return the verdict that follows from the facts.

    Example:
        >>> found = Evidence()
        >>> found.stated("the accuracy is 1", True)
        >>> found.released("the accuracy is 1 in the released code", False)
        >>> verdict_of(found.lines)
        'holds; release differs'
    """
    facts: dict[str, list[bool]] = {role: [] for role in ROLES}
    for line in lines:
        if line["role"] != "number":
            facts[line["role"]].append(line["exact"] == "yes")
    tested = facts["stated"] + facts["suggested"]
    if not tested + facts["convention"] + facts["released"]:
        raise ValueError("a claim needs a fact that tests it: as stated, suggested, left open or released.")
    parts: list[str] = []
    if tested and not facts["stated"]:
        parts.append("suggested")
    if tested and all(tested + facts["condition"]):
        parts.append("holds")
    elif tested:
        parts.append("holds under a condition" if facts["condition"] and all(facts["condition"]) else "fails")
    if not all(facts["convention"]):
        parts.append("convention not discussed")
    if not all(facts["released"]):
        parts.append("release differs")
    return "; ".join(parts) or "holds"


def _word(holds: object) -> str:
    if not isinstance(holds, bool):  # a numpy bool or None would hide a wrong comparison
        raise TypeError(f"a fact must be decided by a bool, got {holds!r}.")
    return "yes" if holds else "no"
