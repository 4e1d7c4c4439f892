"""Exact value of a sympy expression made of rationals and logarithms of rationals.

The expression tree is evaluated with Fractions and :class:`~theory.numbers.lognumber.LogNumber`, without rounding and
without sympy's simplification. ``log x`` is stored as ``log2 x`` times ``ln 2``, with the power of ``ln 2`` kept
separately: terms of a sum must agree in that power, and a result must have power zero, as every entropy in bits, a sum
of ``log(x)/log(2)``, has. A product with a zero factor is zero, including ``0 log 0``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, comb, factorial, floor, perm, prod
from typing import Any, NamedTuple

from theory.numbers.lognumber import LogNumber

__all__ = ["Environment", "exact_truth", "exact_value"]

Environment = Mapping[str, "Fraction | Sequence[Fraction]"]


class _LogOfZeroError(ArithmeticError):
    """``log 0``, an error unless multiplied by zero."""


class _Value(NamedTuple):
    """``number * (ln 2)^power``."""

    number: Fraction | LogNumber
    power: int = 0


_ZERO, _ONE = _Value(Fraction(0)), _Value(Fraction(1))


def exact_value(expression: Any, environment: Environment) -> Fraction | LogNumber:
    """Return the exact value: a Fraction if the expression has no logarithm, else a LogNumber.

    Args:
        expression: A sympy expression.
        environment: Symbol name to number; name of an indexed base to a sequence, read from index 1.

    Example:
        >>> import sympy
        >>> n = sympy.Symbol("n")
        >>> exact_value(sympy.log(n) / sympy.log(2), {"n": Fraction(12)})
        LogNumber('2 log2(2) + log2(3)')
    """
    value = _evaluated(expression, environment)
    if value.power != 0:
        raise ValueError(f"{expression} is not a number of bits: divide its logarithms by log(2).")
    return value.number


def exact_truth(condition: Any, environment: Environment) -> bool:
    """Return whether a sympy condition holds, decided exactly."""
    name = type(condition).__name__
    if isinstance(condition, bool) or name in ("BooleanTrue", "BooleanFalse"):
        return bool(condition)
    if name == "And":
        return all(exact_truth(part, environment) for part in condition.args)
    if name == "Or":
        return any(exact_truth(part, environment) for part in condition.args)
    left, right = (_plain(_evaluated(side, environment)) for side in condition.args)
    return _RELATIONS[name](left, right)


_RELATIONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "Equality": lambda a, b: a == b,
    "Unequality": lambda a, b: a != b,
    "StrictLessThan": lambda a, b: a < b,
    "LessThan": lambda a, b: a <= b,
    "StrictGreaterThan": lambda a, b: a > b,
    "GreaterThan": lambda a, b: a >= b,
}


def _evaluated(node: Any, env: Environment) -> _Value:
    if node.is_Rational:
        return _Value(Fraction(int(node.p), int(node.q)))
    name = type(node).__name__
    if name in _RATIONAL_FUNCTIONS:
        arguments = [_plain(_evaluated(argument, env)) for argument in node.args]
        return _Value(Fraction(_RATIONAL_FUNCTIONS[name](*arguments)))
    if name not in _RULES:
        raise TypeError(f"no exact value of {name} in {node}.")
    return _RULES[name](node, env)


def _symbol(node: Any, env: Environment) -> _Value:
    number = env[node.name]
    assert isinstance(number, Fraction)
    return _Value(number)


def _indexed(node: Any, env: Environment) -> _Value:
    sequence, index = env[str(node.base)], _integer(_evaluated(node.indices[0], env))
    assert not isinstance(sequence, Fraction)
    assert index >= 1
    return _Value(sequence[index - 1])


def _log(node: Any, env: Environment) -> _Value:
    argument = _plain(_evaluated(node.args[0], env))
    if argument == 0:
        raise _LogOfZeroError("log 0")
    return _Value(LogNumber.log2(argument), 1)


def _add(node: Any, env: Environment) -> _Value:
    return _sum([_evaluated(term, env) for term in node.args])


def _mul(node: Any, env: Environment) -> _Value:
    undefined: _LogOfZeroError | None = None
    factors: list[_Value] = []
    for argument in node.args:
        try:
            factors.append(_evaluated(argument, env))
        except _LogOfZeroError as error:
            undefined = error
            continue
        if factors[-1].number == 0:
            return _ZERO
    if undefined is not None:
        raise undefined
    return _product(factors)


def _pow(node: Any, env: Environment) -> _Value:
    base, exponent = _evaluated(node.args[0], env), _integer(_evaluated(node.args[1], env))
    return _Value(_rational(base) ** exponent, base.power * exponent)


def _finite_sum(node: Any, env: Environment) -> _Value:
    return _sum([_evaluated(node.args[0], inner) for inner in _range(node, env)])


def _finite_product(node: Any, env: Environment) -> _Value:
    return _product([_evaluated(node.args[0], inner) for inner in _range(node, env)])


def _range(node: Any, env: Environment) -> Iterator[Environment]:
    (index, first, last) = node.limits[0]
    for step in range(_integer(_evaluated(first, env)), _integer(_evaluated(last, env)) + 1):
        yield {**env, index.name: Fraction(step)}


def _piecewise(node: Any, env: Environment) -> _Value:
    for value, condition in node.args:
        if exact_truth(condition, env):
            return _evaluated(value, env)
    raise ValueError(f"no piece of {node} applies.")


_RULES: dict[str, Callable[[Any, Environment], _Value]] = {
    "Symbol": _symbol,
    "Indexed": _indexed,
    "log": _log,
    "Add": _add,
    "Mul": _mul,
    "Pow": _pow,
    "Sum": _finite_sum,
    "Product": _finite_product,
    "Piecewise": _piecewise,
}

_RATIONAL_FUNCTIONS: dict[str, Callable[..., Fraction | int]] = {
    "factorial": lambda a: factorial(_whole(a)),
    "factorial2": lambda a: prod(range(_whole(a), 0, -2)),
    "FallingFactorial": lambda a, b: perm(_whole(a), _whole(b)),
    "binomial": lambda a, b: comb(_whole(a), _whole(b)),
    "floor": floor,
    "ceiling": ceil,
    "Mod": lambda a, b: a % b,
    "Min": min,
    "Max": max,
}


def _sum(terms: Sequence[_Value]) -> _Value:
    live = [term for term in terms if term.number != 0]
    if not live:
        return _ZERO
    powers = {term.power for term in live}
    if len(powers) > 1:
        raise ValueError("a sum mixes rationals and logarithms that are not divided by log(2).")
    return _Value(_halves([term.number for term in live]), powers.pop())


def _halves(numbers: Sequence[Fraction | LogNumber]) -> Any:
    """Add by halves, so that a LogNumber with many bases is copied log2(N) times, not N."""
    if len(numbers) == 1:
        return numbers[0]
    middle = len(numbers) // 2
    return _halves(numbers[:middle]) + _halves(numbers[middle:])


def _product(factors: Sequence[_Value]) -> _Value:
    scale, logarithm, power = Fraction(1), None, 0
    for factor in factors:
        power += factor.power
        if logarithm is None and isinstance(factor.number, LogNumber) and not _is_rational(factor.number):
            logarithm = factor.number
        else:
            scale *= _rational(factor)
    return _Value(scale if logarithm is None else logarithm * scale, power)


def _is_rational(number: LogNumber) -> bool:
    return number.terms.keys() <= {2}


def _rational(value: _Value) -> Fraction:
    """Return the number as a Fraction; a logarithm must be a rational multiple of ``ln 2``."""
    if isinstance(value.number, Fraction):
        return value.number
    if not _is_rational(value.number):
        raise ValueError(f"{value.number} must be rational here.")
    return value.number.terms.get(2, Fraction(0))


def _plain(value: _Value) -> Fraction:
    if value.power != 0:
        raise ValueError(f"{value.number} ln 2 must be rational here.")
    return _rational(value)


def _integer(value: _Value) -> int:
    return _whole(_plain(value))


def _whole(number: Fraction) -> int:
    if number.denominator != 1:
        raise ValueError(f"{number} must be a whole number here.")
    return int(number)
