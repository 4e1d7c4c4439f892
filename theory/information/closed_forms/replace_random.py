"""Closed forms of Replace Random; its bound and top-k accuracy also serve Insert Random."""

from __future__ import annotations

from typing import Any

from theory.information.closed_forms.curve import curve_forms
from theory.information.closed_forms.form import DERIVED, SECTION, TOPK, ClosedForm, symbols
from theory.information.closed_forms.schedules import REMAINDERS, Schedule, any_sizes, topk

__all__ = ["replace_accuracy", "replace_bound", "replace_random_forms"]


def replace_random_forms() -> list[ClosedForm]:
    """Return the forms of ``replace_random``."""
    return [*_entropies(), *_bounds(), *_sampled(), *_greedy(), *_threshold()]


def _form(quantity: str, expression: Any, condition: str = "all n", **more: Any) -> ClosedForm:
    more.setdefault("source", DERIVED)
    return ClosedForm(
        task="replace_random", quantity=quantity, expression=expression, condition=condition, **more
    )


def replace_bound(schedule: Schedule, n: Any) -> Any:
    """Return ``(1/n) sum_t s_t phi(m_t) - log2 n`` with ``phi(m) = m log2 m - (m-1) log2(m-1)``."""
    import sympy as sp

    t = symbols().t
    left = schedule.left(t)
    phi = left * sp.log(left) - (left - 1) * sp.log(left - 1)
    return (sp.Sum(schedule.size(t) * phi, (t, 1, schedule.steps)) / n - sp.log(n)) / sp.log(2)


def replace_accuracy(schedule: Schedule) -> Any:
    """Return ``sum_t P(no new item before step t) P(exactly one in step t)``."""
    import sympy as sp

    t, u = symbols().t, symbols().u
    size, left = schedule.size(t), schedule.left(t)
    absent = sp.Product((1 - 1 / schedule.left(u)) ** schedule.size(u), (u, 1, t - 1))
    once = size / left * (1 - 1 / left) ** (size - 1)
    return sp.Sum(absent * once, (t, 1, schedule.steps))


def _entropies() -> list[ClosedForm]:
    import sympy as sp

    n = symbols().n
    two = sp.log(2)

    def mean(j: Any) -> Any:  # the new item is at each of the j positions with probability 1/n, else outside
        outside = 1 - sp.sympify(j) / n
        return (j * sp.log(n) / n - outside * sp.log(outside)) / two

    correlation = (n - 1) * (sp.log(n) - sp.log(n - 1)) / two
    return [
        _form("entropy", sp.log(n) / two, limit=sp.oo),
        _form("total_correlation", correlation, limit=1 / two, source=SECTION),
        _form("dual_total_correlation", sp.log(n) / two, limit=sp.oo),
        *curve_forms("replace_random", mean, sp.Integer(0)),
    ]


def _bounds() -> list[ClosedForm]:
    import sympy as sp

    n, k = symbols().n, symbols().k
    return [
        _form("step_bound", replace_bound(any_sizes(), n), "blocks of any sizes, in any order of positions"),
        *(
            _form(
                f"step_bound topk{suffix}",
                replace_bound(topk(n, k, remainder), n),
                "k positions per step, in any fixed order",
                limit=sp.Integer(0),
            )
            for remainder, suffix in REMAINDERS
        ),
    ]


def _sampled() -> list[ClosedForm]:
    import sympy as sp

    n, k = symbols().n, symbols().k
    return [
        _form("accuracy sizes tau=1", replace_accuracy(any_sizes()), "blocks of any sizes"),
        *(
            _form(
                f"accuracy topk tau=1{suffix}",
                replace_accuracy(topk(n, k, remainder)),
                TOPK,
                limit=sp.Integer(1),
            )
            for remainder, suffix in REMAINDERS
        ),
        _form(
            "accuracy one step tau=1",
            ((n - 1) / n) ** (n - 1),
            limit=sp.exp(-1),
            source=SECTION,
        ),
    ]


def _greedy() -> list[ClosedForm]:
    """Return greedy accuracies, which depend only on the size r of the last step."""
    import sympy as sp

    z = symbols()
    ties = "greedy ties random and independent (lowest: 0 instead of 1/2)"

    def accuracy(r: Any) -> Any:
        return sp.Piecewise((1, sp.Eq(r, 1)), (sp.Rational(1, 2), sp.Eq(r, 2)), (0, True))

    schedules = {suffix: topk(z.n, z.k, remainder) for remainder, suffix in REMAINDERS}
    return [
        _form("accuracy sizes tau=0", accuracy(z.s[z.T]), f"blocks of any sizes; {ties}"),
        *(
            _form(
                f"accuracy topk tau=0{suffix}",
                accuracy(schedule.size(schedule.steps)),
                f"{ties}; {TOPK}",
                source=DERIVED if suffix else f"{DERIVED}; k dividing n: {SECTION}",
            )
            for suffix, schedule in schedules.items()
        ),
    ]


def _threshold() -> list[ClosedForm]:
    """Return the forms: one step if the confidence ``1 - 1/n`` passes, else one token per step up to the new item."""
    import sympy as sp

    n, gamma = symbols().n, symbols().gamma
    first = (n - 1) / n
    condition = "any gamma; score confidence; score ties random or lowest"
    greedy = sp.Piecewise((1, sp.Eq(n, 1)), (sp.Rational(1, 2), sp.Eq(n, 2)), (0, True))
    passing = {
        "": (sp.Lt(gamma, first), sp.Lt(gamma, 1)),
        " strict=false": (sp.Le(gamma, first), sp.Le(gamma, 1)),
    }
    forms: list[ClosedForm] = []
    for suffix, (at_once, certain) in passing.items():
        waiting = sp.Piecewise(((n + 3) / 2 - 1 / n, certain), (n, True))
        forms += [
            _form(
                f"accuracy threshold tau=1{suffix}",
                sp.Piecewise((first ** (n - 1), at_once), (1, True)),
                condition,
                limit=sp.Piecewise((sp.exp(-1), sp.Lt(gamma, 1)), (1, True)),
            ),
            _form(
                f"accuracy threshold tau=0{suffix}",
                sp.Piecewise((greedy, at_once), (1, True)),
                f"{condition}; greedy ties random (they matter at n = 2 only)",
                limit=sp.Piecewise((0, sp.Lt(gamma, 1)), (1, True)),
                source=DERIVED if suffix else f"{SECTION}, there for n > 2",
            ),
            _form(f"steps threshold tau=1{suffix}", sp.Piecewise((1, at_once), (waiting, True)), condition),
            _form(f"steps threshold tau=0{suffix}", sp.Piecewise((1, at_once), (n, True)), condition),
        ]
    return forms
