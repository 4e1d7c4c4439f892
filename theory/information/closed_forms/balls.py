"""Values of closed forms in ball arithmetic, for large sizes.

Conditions, sizes and zero factors are exact rationals; factorials, large powers and logarithms are balls.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

from flint import arb, fmpq

from theory.information.closed_forms.exact import Environment, exact_truth
from theory.numbers.rationals import to_fmpq

__all__ = ["ball_value"]

_SHORT = 64  # the largest power that is computed as a rational


def ball_value(node: Any, env: Environment) -> Any:
    """Return the value of a sympy expression: a rational (``fmpq``), or a ball (``arb``) of the current precision.

    Example:
        >>> import sympy
        >>> orders = ball_value(sympy.log(sympy.factorial(sympy.Symbol("n"))), {"n": Fraction(10**6)})
        >>> round(float(orders.mid()), 6)
        12815518.384658
    """
    if node.is_Rational:
        return fmpq(int(node.p), int(node.q))
    name = type(node).__name__
    if name == "Symbol":
        return to_fmpq(env[node.name])
    if name == "Indexed":
        numbers: Any = env[str(node.base)]
        return to_fmpq(numbers[int(ball_value(node.indices[0], env)) - 1])
    if name == "Piecewise":
        return ball_value(next(value for value, holds in node.args if exact_truth(holds, env)), env)
    if name in ("Sum", "Product"):
        index, first, last = node.limits[0]
        steps = range(int(ball_value(first, env)), int(ball_value(last, env)) + 1)
        terms = (arb(ball_value(node.args[0], {**env, index.name: Fraction(step)})) for step in steps)
        return sum(terms, arb(0)) if name == "Sum" else prod(terms, start=arb(1))
    return _FUNCTIONS[name](*[ball_value(part, env) for part in node.args])


def _product(*factors: Any) -> Any:
    return fmpq(0) if any(factor == 0 for factor in factors) else prod(factors[1:], start=factors[0])


def _double_factorial(m: fmpq) -> arb:
    odd = (arb(2) / arb.pi()).sqrt() if int(m) % 2 else 1
    return odd * arb(2) ** arb(m / 2) * arb(m / 2 + 1).gamma()


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Add": lambda *terms: sum(terms[1:], start=terms[0]),
    "Mul": _product,
    "Pow": lambda a, e: (a if abs(e) <= _SHORT else arb(a)) ** int(e),
    "log": lambda a: arb(a).log(),
    "factorial": lambda m: arb(m + 1).gamma(),
    "factorial2": _double_factorial,
    "FallingFactorial": lambda a, b: arb(a - b + 1).rising(int(b)),
    "floor": lambda a: fmpq(a.floor()),
    "ceiling": lambda a: fmpq(a.ceil()),
    "Mod": lambda a, b: a - b * (a / b).floor(),
    "Min": min,
    "Max": max,
}
