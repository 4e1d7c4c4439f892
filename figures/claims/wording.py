"""Errata on wording, from the axis of Figure 6 to the prompt of Table 3."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from itertools import product

from figures.claims.claim import Claim, Evidence
from synthetic.parallelbench.puzzle_graders import latin_rows, latin_wrong

__all__ = ["ENTRIES"]

SIZES = (1, 2, 4, 8, 16, 32)


def figure_6_axis() -> Evidence:
    """Compute the horizontal coordinate of Figure 6 for an easy and a hard task."""
    found = Evidence()
    easy = _centre(dict.fromkeys(SIZES, Fraction(1)))
    hard = _centre({k: Fraction(k == 1) for k in SIZES})
    found.number("right at every k: x", easy)
    found.number("right at k = 1 alone: x", hard)
    found.stated("a smaller x is harder", hard < easy)
    found.stated("further to the right, at a larger x, is harder", hard > easy)
    found.condition("on a reversed axis right is harder", -hard > -easy)
    return found


def _centre(scores: Mapping[int, Fraction]) -> Fraction:
    """Return ``sum_k k s_k / sum_k s_k``, the tokens per step weighted by the score s_k there."""
    return sum((k * s for k, s in scores.items()), Fraction(0)) / sum(scores.values(), Fraction(0))


def latin_size() -> Evidence:
    """Look for a square of order 3 that holds four symbols in each row."""
    found = Evidence()
    symbols = "ABCD"
    rows = [",".join(row) for row in product(symbols, repeat=3)]
    fitting = sum(bool(latin_rows(row, symbols)) for row in rows)
    found.number("rows of three cells that hold the four symbols", fitting)
    found.stated("a square of size 3 with four symbols can pass the grader", fitting > 0)
    square = "A,B,C,D\nB,C,D,A\nC,D,A,B\nD,A,B,C"
    found.condition("a square of size 4 can", not latin_wrong(latin_rows(square, symbols), symbols))
    return found


ENTRIES = (
    Claim(
        id="figure-6-axis",
        page="errata",
        title="Where Figure 6 is harder",
        claim="On the horizontal axis of Figure 6 right is harder, and a smaller value is harder.",
        place="Appendix G.1 and Figure 6",
        test="The definition, x = sum k s_k / sum s_k, for a task that is right at every k and for one that "
        "is right at k = 1 alone.",
        evidence=figure_6_axis,
        verdict="holds under a condition",
        refuted=("further to the right, at a larger x, is harder",),
        condition="The axis is reversed, which the figure, without a scale, does not say: by the definition a "
        "smaller x is harder.",
        numbers={"right at every k: x": "21/2", "right at k = 1 alone: x": "1"},
    ),
    Claim(
        id="latin-size",
        page="errata",
        title="The size of the Latin square in Table 3",
        claim="The example prompt asks for a Latin square of size 3 with four symbols.",
        place="Table 3",
        test="All rows of three cells under the released grader, which wants each symbol in every row.",
        evidence=latin_size,
        verdict="holds under a condition",
        refuted=("a square of size 3 with four symbols can pass the grader",),
        condition="With size 4, as in all released samples: four symbols do not fit into three cells.",
        numbers={"rows of three cells that hold the four symbols": "0"},
    ),
)
