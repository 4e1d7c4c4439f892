r"""Random order by twos on one-hot blocks of three: a sum of hypergeometric sums.

Let the step t be marked by ``x_t`` and let Phi be the polynomial of one block
(:mod:`theory.decoding.structured.one_hot_random`). A block of three is lost where two of its positions fall into one
step: with probability 1/9 if they come first, 1/3 if they come last, 5/9 if all three coincide. With the power sums
``p_i = sum_t x_t^i`` therefore

    Phi = p_1^3 - (2/3) p_1 p_2 + (1/9) p_3 + (1/3) D,    D = sum_{s < t} (x_s^2 x_t - x_s x_t^2).

**Random times.** The accuracy is the coefficient of ``prod_t x_t^{2}`` in ``Phi^B``, over that in ``p_1^n``. No step
has a cube, so p_3 drops out. A factor with a square takes a whole step s; all other slots fill the q' = T - q steps
without squares two by two. A factor D is +1 if its s comes before the step t of its single slot, else -1. The
coefficient is a sum over all ways to fill the steps, so the order of the steps may be drawn at random: the mean sign
is a product over the connected sets of steps, since relative orders in disjoint sets are independent. A step t with one
single slot of a D has mean 0; with two of them, ``P(both before or both after) - P(t in the middle) = 2/3 - 1/3``. So
the single slots of the D are matched with each other. Among m slots matched at random, 2v given ones are matched with
each other with probability ``(2v - 1)!! (m - 2v - 1)!! / (m - 1)!!``. For n even

    accuracy = (2^T / n!) sum_q C(B, q) (T)_q (m! / 2^{T-q}) sum_v C(q, 2v) (-2/3)^{q-2v} (1/3)^{2v} (1/3)^v match(v),

``m = 3 B - 2 q``. For n odd one step takes a single position, after b and before a of the others: it holds one slot of
a D with mean sign ``(b - a) / (b + a)``, or of something else. There is no such form for longer blocks that we know of:
their squares and single slots link steps to graphs of any shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb, factorial, perm

from flint import fmpq

from theory.numbers.arithmetic import to_fraction

__all__ = ["accuracy_of_triples", "is_by_twos"]


def is_by_twos(sizes: Sequence[int]) -> bool:
    """Return whether all steps take two positions, but one that may take a single one.

    Example:
        >>> is_by_twos([2, 2, 1]), is_by_twos([1, 2]), is_by_twos([1, 1, 2]), is_by_twos([3])
        (True, True, False, False)
    """
    return set(sizes) <= {1, 2} and sizes.count(1) <= 1


def accuracy_of_triples(blocks: int, sizes: Sequence[int]) -> Fraction:
    """Return the accuracy of random order on one-hot blocks of three, at temperature 1.

    Args:
        blocks: Number of blocks B.
        sizes: Positions of each step: twos and at most one 1 (:func:`is_by_twos`); their sum is 3 B.

    Example:
        >>> accuracy_of_triples(1, [2, 1]), accuracy_of_triples(1, [1, 2])
        (Fraction(8, 9), Fraction(2, 3))
        >>> round(float(accuracy_of_triples(333, [2] * 499 + [1])), 6)
        0.800808
    """
    assert is_by_twos(sizes), sizes
    assert sum(sizes) == 3 * blocks, (sizes, blocks)
    twos, odd = sizes.count(2), sizes.count(1)
    lean = fmpq(0)
    if odd and twos:
        before = list(sizes).index(1)
        lean = fmpq(2 * before - twos, twos)
    total = fmpq(0)
    for squares in range(min(blocks, twos) + 1):
        slots = 3 * blocks - 2 * squares
        fillings = fmpq(factorial(slots), 2 ** (twos - squares))
        chosen = comb(blocks, squares) * perm(twos, squares)
        total += chosen * fillings * _signs(squares, slots, odd, lean)
    return to_fraction(total * 2**twos / factorial(3 * blocks))


def _signs(squares: int, slots: int, odd: int, lean: fmpq) -> fmpq:
    """Return the mean of the product of the q factors ``D/3 - (2/3) p_1 p_2``, a p_1 p_2 counting 1."""
    paired = slots - odd  # slots of the steps with two of them
    total, weight = (
        fmpq(0),
        fmpq(-2, 3) ** squares,
    )  # weight: C(q, d) (-2/3)^{q-d} (1/3)^d match(v) (1/3)^v, d = 2v
    for d in range(0, squares + 1, 2):
        total += weight * fmpq(slots - d, slots) if odd else weight
        if odd and d < squares:  # d + 1 of them, one of which is the slot of the step of one
            more = weight * fmpq(-(squares - d), 2 * (d + 1))
            total += more * lean * fmpq(d + 1, slots)
        if d + 2 > squares:
            break
        # slots >= q >= d + 2 and both are even with paired, so paired > d + 1
        weight *= fmpq((squares - d) * (squares - d - 1), 4 * (d + 2)) / (3 * (paired - d - 1))
    return total
