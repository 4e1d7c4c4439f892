"""Numbers for readers, in few digits, in percent and as LaTeX."""

from __future__ import annotations

import re
from decimal import MIN_EMIN, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from math import inf, isfinite
from typing import Any

from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import ratio_text
from theory.validation import shortened

__all__ = [
    "at_least",
    "blocks",
    "exact_form",
    "interval",
    "latex",
    "latex_name",
    "number",
    "share",
    "with_error",
    "with_unit",
]

_WIDE = 20  # standard errors; a wider interval says little
_ROUNDING = 1e-9  # what is smaller in a float result is not told from 0


def number(value: Any, digits: int = 4) -> str:
    """Return a number with few digits; a float that cannot be told from zero is ``~0``.

    Example:
        >>> number(LogNumber.log2(3)), number(Fraction(1, 3)), number(-4e-14), number(inf), number(None), number(12)
        ('1.585', '0.3333', '~0', 'inf', '-', '12')
        >>> number({"estimate": 0.5, "standard_error": 0.1, "low": 0, "high": 116, "interval": "bernstein"})
        '0.5 +- 0.1 (standard error)'
    """
    if value is None:
        return "-"
    if isinstance(value, dict):
        return _estimate(value, digits)
    if isinstance(value, str):
        return value
    near = float(value)
    if not isfinite(near):
        return "inf" if near > 0 else str(near)
    if isinstance(value, float) and value and abs(value) < _ROUNDING:
        return "~0"
    return f"{near:.{digits}g}"


def _estimate(value: dict[str, Any], digits: int) -> str:
    return f"{value['estimate']:.{digits}g}{_around(value, digits)}"


def _around(value: dict[str, Any], digits: int = 4) -> str:
    """Return what stands behind an estimate, nothing where it varies no more than rounding."""
    if value["high"] - value["low"] < _ROUNDING or 0 < value.get("standard_error", 0) < _ROUNDING:
        return ""
    text = interval(value, digits)
    return f" {text}" if text.startswith("+-") else f" ({text})"


def interval(value: dict[str, Any], digits: int = 4) -> str:
    """Return the interval of an estimate; its standard error where an interval for any sample size says little.

    Example:
        >>> interval({"estimate": 0.5, "standard_error": 0.1, "low": 0.25, "high": 0.75})
        '0.25 to 0.75'
        >>> interval({"estimate": 0.5, "standard_error": 0.1, "low": 0, "high": 116})
        '+- 0.1 (standard error)'
    """
    low, high, error = value["low"], value["high"], value.get("standard_error")
    if error and high - low > _WIDE * error:
        return f"+- {error:.2g} (standard error)"
    return f"{low:.{digits}g} to {high:.{digits}g}"


def with_unit(value: Any, unit: str) -> str:
    """Return a number with its unit: ``probability`` in percent, others in the plural unless it is one.

    Example:
        >>> with_unit(Fraction(1, 2), "probability"), with_unit(1, "bits"), with_unit(1, "tokens a call")
        ('50 %', '1 bit', '1 token a call')
        >>> with_unit(None, "bits"), with_unit(3, "")
        ('-', '3')
        >>> with_unit({"estimate": 0.5, "low": 0.25, "high": 0.75}, "bits")
        '0.5 bits (0.25 to 0.75)'
    """
    if unit == "probability":
        return share(value)
    if isinstance(value, dict):
        return f"{with_unit(value['estimate'], unit)}{_around(value)}"
    text = number(value)
    if text == "1":
        unit = re.sub(r"s(?= a |$)", "", unit, count=1)
    return text if value is None else f"{text} {unit}".rstrip()


def with_error(value: Any, unit: str) -> str:
    """Return a number with its unit, as ``with_unit``, and the standard error of an estimate before its interval.

    Example:
        >>> with_error({"estimate": 0.62, "standard_error": 0.0686, "low": 0.4717, "high": 0.7535}, "probability")
        '62 % +- 6.9 % (47.17 % to 75.35 %)'
        >>> with_error({"estimate": 2.5, "standard_error": 0.02, "low": 2.4, "high": 2.6}, "tokens a call")
        '2.5 tokens a call +- 0.02 (2.4 to 2.6)'
        >>> with_error(Fraction(1, 2), "bits")
        '0.5 bits'
    """
    text = with_unit(value, unit)
    error = value.get("standard_error", 0) if isinstance(value, dict) else 0
    if error < _ROUNDING or text.endswith("(standard error)"):  # none that is seen, or said already
        return text
    middle, rest = text[:-1].rsplit(" (", 1)
    said = f"{100 * error:.2g} %" if unit == "probability" else f"{error:.2g}"
    return f"{middle} +- {said} ({rest})"


def share(value: Any) -> str:
    """Return a probability in percent.

    Example:
        >>> share(Fraction(3, 8)), share(1), share(1e-7), share(0.99999)
        ('37.5 %', '100 %', '1e-05 %', '99.999 %')
        >>> share({"estimate": 1.0, "low": 0.9289, "high": 1.0, "interval": "exact"})
        '100 % (92.89 % to 100 %)'
    """
    if isinstance(value, dict):
        if (error := value.get("standard_error")) and value["high"] - value["low"] > _WIDE * error:
            return f"{share(value['estimate'])} +- {share(error)} (standard error)"
        return f"{share(value['estimate'])} ({share(value['low'])} to {share(value['high'])})"
    if value is None:
        return "-"
    percent = 100 * float(value)
    digits = 4 if percent <= 99.9 or percent == 100 else 7
    return f"{percent:.{digits}g} %"


def at_least(bits: Any) -> str:
    """Return the accuracy ``2^-bits`` in percent, rounded down: a lower bound.

    Example:
        >>> at_least(LogNumber.log2(3)), at_least(LogNumber.log2(1)), at_least(30.5), at_least(None)
        ('33.33 %', '100 %', '6.585e-8 %', '-')
    """
    if bits is None:
        return "-"
    if not isinstance(bits, float) and bits == 0:
        return "100 %"
    wide = Context(prec=30, Emin=MIN_EMIN)
    percent = wide.multiply(wide.power(Decimal(2), -Decimal(float(bits))), Decimal(100))
    short = Context(prec=4, Emin=MIN_EMIN).create_decimal(percent)
    # the nearest four digits, unless that is above: decided exactly where the bits are exact
    if isinstance(bits, LogNumber):
        above = (LogNumber.log2(Fraction(short) / 100) + bits).sign() > 0
    else:
        above = short > percent
    if above:
        short = Context(prec=4, rounding=ROUND_FLOOR, Emin=MIN_EMIN).create_decimal(
            percent * (1 - Decimal("1e-12"))
        )
    return f"{short:.3e} %" if percent < Decimal("0.001") else f"{short.normalize():f} %"


def exact_form(value: Any) -> str:
    """Return the exact form of a number, empty for floats.

    Example:
        >>> exact_form(LogNumber.log2(12)), exact_form(Fraction(3, 8)), exact_form(0.5)
        ('2 log2(2) + log2(3)', '3/8', '')
    """
    if isinstance(value, Fraction):
        return ratio_text(value)
    return str(value) if isinstance(value, (LogNumber, int)) else ""


def latex(value: Any) -> str:
    r"""Return an exact number as LaTeX.

    Example:
        >>> latex(LogNumber.log2(Fraction(8, 3))), latex(Fraction(3, 8)), latex(inf)
        ('3 - \\log_2 3', '\\tfrac{3}{8}', '\\infty')
    """
    if value == inf:
        return r"\infty"
    text = exact_form(value) or f"{float(value):.6g}"
    text = re.sub(r"(?<!\d )log2\(2\)", "1", text)
    text = re.sub(r" log2\(2\)", "", text)
    text = re.sub(r"log2\((\d+)\)", r"\\log_2 \1", text)
    return re.sub(r"(\d+)/(\d+)", r"\\tfrac{\1}{\2}", text)


def latex_name(name: str) -> str:
    r"""Return the name of a quantity as LaTeX.

    Example:
        >>> latex_name("L*_12"), latex_name("accuracy")
        ('L^*_{12}', '\\text{accuracy}')
    """
    found = re.fullmatch(r"L\*_(\d+)", name)
    return f"L^*_{{{found[1]}}}" if found else rf"\text{{{name}}}"


def blocks(partition: Any, width: int = 60) -> str:
    """Return an ordered partition as the commands take it.

    Example:
        >>> blocks([[0, 1], [2]]), blocks([[0]] * 9, 12), blocks([range(9)], 8)
        ('0,1|2', '0|0|0|... of 9 blocks', '0,1,2,3,...')
    """
    parts = [",".join(map(str, block)) for block in partition]
    text = "|".join(parts)
    if len(text) <= width:
        return text
    kept = text[: width - 6].rpartition("|")[0]
    return f"{kept}|... of {len(parts)} blocks" if kept else shortened(text, width)
