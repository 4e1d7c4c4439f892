"""Numbers of a task file, all exact or all float64."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.written_numbers import is_float, is_rounding
from theory.validation import InputError

__all__ = ["FileNumbers"]


@dataclass(kw_only=True)
class FileNumbers:
    """How the numbers of a file are read, and which kinds were found.

    Attributes:
        normalise: Divide by sums that are not one.
        exact: Read decimals of any length exactly.
        floats: Whether floats were found.
        off: The largest distance of their sums from one.

    Example:
        >>> numbers = FileNumbers(normalise=False, exact=False)
        >>> numbers.are_floats(["1/2", 0.5]), numbers.are_floats([0.1 + 0.2]), numbers.floats
        (False, True, True)
    """

    normalise: bool
    exact: bool
    floats: bool = False
    off: float = 0.0

    def are_floats(self, values: list[Any]) -> bool:
        """Return whether one of the numbers is a float, and record it."""
        found = not self.exact and any(map(is_float, values))
        self.floats |= found
        return found

    def missed(self, off: float) -> None:
        """Record by how much a sum missed one."""
        self.off = max(self.off, off)

    def settled(self, contexts: list[Context]) -> list[Context]:
        """Return the contexts with weights that sum to one, in floats if any number is a float."""
        total = sum((context.weight for context in contexts), Fraction(0))
        if self.normalise or (self.floats and is_rounding(total)):
            if total <= 0:
                raise InputError(f"weights of the contexts sum to {total}; they cannot be normalised.")
            self.missed(float(abs(total - 1)))
            contexts = [replace(context, weight=context.weight / total) for context in contexts]
        if not self.floats:
            return contexts
        listed = [isinstance(context.distribution, ListedDistribution) for context in contexts]
        return [
            replace(context, distribution=ListedDistribution(context.distribution.pmf().rounded()))
            if known
            else context
            for context, known in zip(contexts, listed, strict=True)
        ]

    def note(self) -> str:
        """Return one line on what was done to the numbers; empty if nothing."""
        if not self.floats:
            return ""
        off = (
            "" if self.normalise or not self.off else f"; sums miss 1 by {self.off:.1e}, which is divided out"
        )
        return f"numbers of over 12 digits are read as float64{off} (--exact takes them as they are written)"
