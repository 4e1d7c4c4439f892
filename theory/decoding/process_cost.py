"""Time of an exact decode of a rule with memory.

The nanoseconds were measured once; the same run costs the same on every machine, and refusals do not depend on a clock.
"""

from __future__ import annotations

from dataclasses import dataclass

from theory.distributions.listed_model import ListedModel
from theory.limits import require_memory, require_operations

__all__ = ["RunCost"]

_LIMIT = 6 * 10**10  # nanoseconds: about a minute
_PLACE = 2000  # of a row and position, while the numbers are short
_SHORT = 1000  # bits
_ROWS = 2_000_000  # rows of one step
_CELL, _ROW = 8, 600  # bytes of a marginal, which rows share but for the reference, and of a row beside


@dataclass(kw_only=True)
class RunCost:
    """The work of one run so far, and its limit.

    Attributes:
        what: What is computed, for messages.
        remedy: What to do where it is too much.
        model: The model that the run asks.
        rows: Nanoseconds of the rows so far.
        before: What the model had worked when the run began.
    """

    what: str
    remedy: str
    model: ListedModel
    rows: int = 0
    before: int = 0

    def begin(self) -> None:
        """Forget what was done so far."""
        self.rows, self.before = 0, self.model.agreement.work

    @property
    def spent(self) -> int:
        """Nanoseconds so far."""
        return self.rows + self.model.agreement.work - self.before

    def of_rows(self, rows: int, bits: int = 0) -> int:
        """Return the nanoseconds of a step that ends with so many rows, of numbers of so many bits."""
        return rows * self.model.n * _PLACE * (_SHORT + bits) // _SHORT

    def require(self, ahead: int = 0) -> None:
        """Raise unless the work so far and ``ahead`` nanoseconds more are affordable."""
        require_operations(self.spent + ahead, self.what, limit=_LIMIT, remedy=self.remedy)

    def affords(self, nanoseconds: int, share: int) -> bool:
        """Return whether something takes no more than one part in ``share`` of the limit."""
        return nanoseconds * share <= _LIMIT

    def require_rows(self, rows: int, what: str) -> None:
        """Raise unless so many rows of one step are affordable, before they are made."""
        require_operations(rows, what, limit=_ROWS, remedy=self.remedy)
        size = rows * (self.model.n * self.model.width * _CELL + _ROW)
        require_memory(size, what, remedy=self.remedy)
        self.require(self.of_rows(rows))
