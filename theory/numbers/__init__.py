"""Numbers with proven errors, exact logarithms, rationals and balls."""

from theory.numbers.arithmetic import EXACT, FLOAT64
from theory.numbers.balls import BALLS
from theory.numbers.lognumber import LogNumber
from theory.numbers.rounding import Approximate

__all__ = ["BALLS", "EXACT", "FLOAT64", "Approximate", "LogNumber"]
