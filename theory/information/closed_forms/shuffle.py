"""Closed forms of Shuffle, and of the strict Shuffle, which excludes the input order."""

from __future__ import annotations

from typing import Any

from theory.information.closed_forms.curve import curve_forms
from theory.information.closed_forms.form import (
    DERIVED,
    PAPER,
    SECTION,
    TOPK,
    ClosedForm,
    derived_forms,
    symbols,
)
from theory.information.closed_forms.schedules import REMAINDERS, Schedule, any_sizes, topk

__all__ = ["shuffle_forms"]

GREEDY = "any tau; greedy ties random and independent"


def shuffle_forms() -> list[ClosedForm]:
    """Return the forms of ``shuffle`` and ``shuffle_strict``."""
    return [*_entropies(), *_bounds(), *_accuracies(), *_threshold(), *_strict()]


def _form(quantity: str, expression: Any, condition: str = "all n", **more: Any) -> ClosedForm:
    more.setdefault("source", DERIVED)
    return ClosedForm(task="shuffle", quantity=quantity, expression=expression, condition=condition, **more)


def _correlation_asymptote() -> Any:
    import sympy as sp

    n = symbols().n
    return (n - sp.log(2 * sp.pi * n) / 2) / sp.log(2)


def _one_step_asymptote() -> Any:
    import sympy as sp

    n = symbols().n
    return sp.sqrt(2 * sp.pi * n) * sp.exp(-n)


def _entropies() -> list[ClosedForm]:
    import sympy as sp

    n = symbols().n
    two, orders = sp.log(2), sp.log(sp.factorial(n))
    return [
        _form("entropy", orders / two, limit=sp.oo),
        _form(
            "total_correlation",
            (n * sp.log(n) - orders) / two,
            limit=sp.oo,
            asymptote=_correlation_asymptote(),
            source=SECTION,
        ),
        _form("dual_total_correlation", orders / two, limit=sp.oo),
        *curve_forms("shuffle", lambda j: sp.log(sp.ff(n, j)) / two, sp.oo),
    ]


def _bounds() -> list[ClosedForm]:
    import sympy as sp

    z = symbols()
    n, k = z.n, z.k
    two, orders = sp.log(2), sp.log(sp.factorial(n))
    return [
        _form(
            "step_bound",
            (sp.Sum(z.s[z.t] * sp.log(z.m[z.t]), (z.t, 1, z.T)) - orders) / two,
            "blocks of any sizes, in any order of positions",
            source=SECTION,
        ),
        _form(
            "step_bound k=2",
            sp.log(sp.factorial2(n) / sp.factorial2(n - 1)) / two,
            "n even, two positions per step",
            domain=sp.Eq(sp.Mod(n, 2), 0),
            limit=sp.oo,
            asymptote=sp.log(sp.pi * n / 2) / (2 * two),
            source=SECTION,
        ),
        _form(
            "step_bound topk",
            (n * sp.log(k) + k * sp.log(sp.factorial(n / k)) - orders) / two,
            "k divides n, k positions per step",
            domain=sp.Eq(sp.Mod(n, k), 0),
            limit=sp.Piecewise((0, sp.Eq(k, 1)), (sp.oo, True)),
            asymptote=((k - 1) * sp.log(2 * sp.pi * n) - k * sp.log(k)) / (2 * two),
        ),
    ]


def _accuracies() -> list[ClosedForm]:
    import sympy as sp

    n, k = symbols().n, symbols().k
    return [
        _form("accuracy sizes", _accuracy(any_sizes()), f"blocks of any sizes; {GREEDY}"),
        *(
            _form(
                f"accuracy topk{suffix}",
                _accuracy(topk(n, k, remainder)),
                f"{GREEDY}; {TOPK}",
                limit=sp.Piecewise((1, sp.Eq(k, 1)), (0, True)),
                source=DERIVED if suffix else f"{PAPER}, Eq. (5), there for k dividing n",
            )
            for remainder, suffix in REMAINDERS
        ),
        _form(
            "accuracy topk k=2",
            sp.factorial2(n - 1) / sp.factorial2(n),
            f"n even; {GREEDY}; {TOPK}",
            domain=sp.Eq(sp.Mod(n, 2), 0),
            limit=sp.Integer(0),
            asymptote=sp.sqrt(2 / (sp.pi * n)),
            source=SECTION,
        ),
        _form(
            "accuracy one step",
            _at_once(n),
            GREEDY,
            limit=sp.Integer(0),
            asymptote=_one_step_asymptote(),
            source=SECTION,
        ),
    ]


def _accuracy(schedule: Schedule) -> Any:
    import sympy as sp

    t = symbols().t
    size, left = schedule.size(t), schedule.left(t)
    return sp.Product(sp.ff(left, size) / left**size, (t, 1, schedule.steps))


def _threshold() -> list[ClosedForm]:
    """Return the forms: one token per step until m* are left, then one step; ``1/m`` passes iff m <= m*."""
    import sympy as sp

    n, gamma = symbols().n, symbols().gamma
    condition = "any gamma and tau; score confidence; score ties random or lowest, greedy ties random"
    passing = {"": sp.ceiling(1 / gamma) - 1, " strict=false": sp.floor(1 / gamma)}
    all_pass = sp.Le(gamma, 0)
    forms: list[ClosedForm] = []
    for suffix, largest in passing.items():
        last = sp.Min(n, largest)
        forms += [
            _form(
                f"accuracy threshold{suffix}",
                sp.Piecewise((_at_once(n), all_pass), (_at_once(last), True)),
                condition,
                limit=sp.Piecewise((0, all_pass), (_at_once(largest), True)),
                source=f"{DERIVED}; gamma > 1/2: {SECTION}",
            ),
            _form(
                f"steps threshold{suffix}",
                sp.Piecewise((1, all_pass), (n - sp.Max(last, 1) + 1, True)),
                condition,
            ),
        ]
    return forms


def _at_once(m: Any) -> Any:
    import sympy as sp

    return sp.factorial(m) / m**m


def _strict() -> list[ClosedForm]:
    import sympy as sp

    n, i = symbols().n, symbols().i
    two, orders, one_place = sp.log(2), sp.factorial(n), sp.factorial(n - 1)
    count = orders - 1
    # position i: (n-1)! orders for each other item, one less for item i
    spread = (n - 1) * one_place * sp.log(one_place) + (one_place - 1) * sp.log(one_place - 1)
    series = sp.Sum((-1) ** i / (sp.factorial(i) * one_place**i), (i, 0, n))
    permanent: Any = orders / n**n * (orders / count) ** n * series
    forms = {
        "entropy": (sp.log(count) / two, sp.oo, None),
        "total_correlation": (
            ((n - 1) * sp.log(count) - n * spread / count) / two,
            sp.oo,
            _correlation_asymptote(),
        ),
        "dual_total_correlation": (sp.log(count) / two, sp.oo, None),
        "accuracy one step tau=1": (
            permanent - ((one_place - 1) / count) ** n,
            sp.Integer(0),
            _one_step_asymptote(),
        ),
    }
    return derived_forms("shuffle_strict", forms, condition="n >= 2", domain=sp.Ge(n, 2))
