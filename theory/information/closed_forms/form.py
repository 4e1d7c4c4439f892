"""What a closed form is, and the symbols that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

__all__ = ["DERIVED", "PAPER", "SECTION", "TOPK", "ClosedForm", "Symbols", "derived_forms", "symbols"]

PAPER = "arXiv 2510.04767"
SECTION = f"{PAPER}, Section 4"
DERIVED = "derived here, see docs/closed_forms.md"
TOPK = "any score; score ties random or lowest"


@dataclass(frozen=True, kw_only=True)
class ClosedForm:
    """One quantity of one task as an expression.

    Attributes:
        task: The registered task, or the name of a set of grids: ``latin_square``, ``sudoku_4``, ``sudoku_unique``.
        quantity: Its name, such as ``total_correlation`` or ``accuracy topk tau=1 remainder=first``; switches not named
            have their defaults, or do not matter (see ``condition``).
        expression: A sympy expression in the symbols of :class:`Symbols`; entropies in bits, ``0 log 0 = 0``.
        condition: For which n, k, gamma and switches it holds.
        source: A place in the paper, or where it is derived.
        domain: The condition on the parameters, as a sympy condition.
        limit: The limit as n grows with the other parameters fixed; ``None`` if there is none.
        asymptote: A simpler expression for large n: an entropy minus it tends to 0, a rate divided by it to 1.
    """

    task: str
    quantity: str
    expression: Any
    condition: str
    source: str
    domain: Any = True
    limit: Any = None
    asymptote: Any = None

    @property
    def unit(self) -> Literal["bits", "steps", ""]:
        """``bits`` for entropies, ``steps`` for numbers of steps, empty for accuracies."""
        kind = self.quantity.split()[0]
        return "steps" if kind == "steps" else "" if kind == "accuracy" else "bits"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that :func:`~theory.information.closed_forms.evaluate` needs, sorted."""
        free = self.expression.free_symbols | getattr(self.domain, "free_symbols", set())
        names = {symbol.name for symbol in free if not hasattr(symbol, "base")}  # s for s[t]
        sized = names & {"s", "m", "T"}
        return tuple(sorted((names - sized) | ({"sizes"} if sized else set())))


def derived_forms(
    task: str, forms: Mapping[str, tuple[Any, ...]], *, condition: str, domain: Any = True
) -> list[ClosedForm]:
    """Return the forms of a task that are derived here, from quantity to expression, limit and asymptote.

    What is left out at the end of a tuple is ``None``.

    Example:
        >>> import sympy as sp
        >>> derived_forms("sure", {"entropy": (sp.Integer(0),)}, condition="all n")[0].unit
        'bits'
    """
    names = ("expression", "limit", "asymptote")
    settings: dict[str, Any] = {"task": task, "condition": condition, "domain": domain, "source": DERIVED}
    return [
        ClosedForm(quantity=quantity, **settings, **dict(zip(names, parts, strict=False)))
        for quantity, parts in forms.items()
    ]


@dataclass(frozen=True)
class Symbols:
    """The symbols of the closed forms.

    Attributes:
        n: Length of the input list; order of a Latin square.
        k: Tokens per step.
        j: Size of a set of positions.
        gamma: The threshold.
        T: Number of steps.
        s: ``s[t]``, the number of tokens of step t, from 1.
        m: ``m[t]``, the number still masked before step t.
        t: A step in a sum or product.
        u: An earlier step.
        i: Any other index of summation.
    """

    n: Any
    k: Any
    j: Any
    gamma: Any
    T: Any
    s: Any
    m: Any
    t: Any
    u: Any
    i: Any


@cache
def symbols() -> Symbols:
    """Return the shared symbols."""
    import sympy as sp

    n, k, T, t, u = sp.symbols("n k T t u", integer=True, positive=True)
    j, i = sp.symbols("j i", integer=True, nonnegative=True)
    s, m = (sp.IndexedBase(name, integer=True, positive=True) for name in ("s", "m"))
    return Symbols(n=n, k=k, j=j, gamma=sp.Symbol("gamma", real=True), T=T, s=s, m=m, t=t, u=u, i=i)
