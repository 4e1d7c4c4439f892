r"""Random order on one-hot blocks: a step is a coefficient of a substitution.

**State.** Only the number of blocks without their one and with r hidden positions counts, for r = 2, .., b, and the
number of hidden positions that are sure: one variable ``x_r`` for each such block, ``x_1`` for each sure position. A
polynomial holds the masses of all states; the start is ``x_b^B``.

**A step** takes s of the M hidden positions at random. Let z mark a taken position. A block of r then becomes

    A_r(z) = x_r + sum_{j >= 1} C(r, j) z^j (stay x_{r-j} + go x_1^{r-j}),    A_1(z) = x_1 + z,

stay and go the probabilities that the draws of j positions have no one, or exactly one (r - 1 zeros make the last
position sure). Blocks are independent given what is taken of each, so the step maps P to
``[z^s] P(A_1, .., A_b) / C(M, s)``; what leaves the support is dropped. After all steps P is the accuracy.

**Derivations.** With ``A_z P = P(A_1(z), .., A_b(z))`` the operator ``X(z) = (d/dz A_z) A_z^{-1}`` obeys the product
rule. So it is known from its values at the variables, and ``d/dz A_z = X(z) A_z`` gives them one after the other:
``X(x_r) = A_r' - sum_{q < r} X(x_q) dA_r/dx_q``. With ``X = sum_j z^{j-1} X_j`` the coefficients ``E_s`` of ``A_z``
follow as Newton's identities do,

    s E_s = sum_{j=1}^{s} X_j E_{s-j},    X_j P = sum_r X_j(x_r) dP/dx_r.

No hit pattern is listed: a step costs ``s (s + 1) / 2`` derivations, each some 2 b passes over the states, of which
there are at most ``C(B + b - 1, b - 1)``. All coefficients are integers once ``x_r`` is measured in units of ``1/w_r``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, lcm, log2

from flint import Ordering, fmpz_mpoly, fmpz_mpoly_ctx

__all__ = ["accuracy_by_substitution", "substitution_cost"]

Poly = fmpz_mpoly


def substitution_cost(blocks: int, length: int, sizes: Sequence[int]) -> int:
    """Return about how many words of 64 bits the computation touches; ten nanoseconds each.

    Example:
        >>> substitution_cost(10, 10, [2] * 50) < 10**9 < substitution_cost(31, 31, [2] * 480 + [1])
        True
    """
    states = (
        comb(blocks + length - 1, length - 1) // 4 + 1
    )  # on average: a state must have M hidden positions
    passes = sum(size * (size + 1) // 2 for size in sizes) * 2 * length
    words = 1 + int(blocks * log2(factorial(length)) * max(sizes) + log2(factorial(blocks * length))) // 256
    return passes * states * words


def accuracy_by_substitution(blocks: int, length: int, sizes: Sequence[int]) -> Fraction:
    """Return the accuracy of random order on one-hot blocks, at temperature 1.

    Args:
        blocks: Number of blocks B.
        length: Their length b.
        sizes: Positions of each step; their sum is B b.

    Example:
        >>> accuracy_by_substitution(2, 2, [2, 2])  # both of one block 1/2, one of each 1: 2/6 / 4 + 4/6
        Fraction(3, 4)
        >>> round(float(accuracy_by_substitution(8, 8, [4] * 16)), 9)
        0.646159657
    """
    assert sum(sizes) == blocks * length, (sizes, blocks, length)
    moves = _moves(length, max(sizes))
    total = moves.start**blocks
    scale, hidden = moves.unit**blocks, blocks * length
    for size in sizes:
        total = moves.step(total, size)
        scale *= comb(hidden, size)
        hidden -= size
    return Fraction(int(total.coefficient(0)), scale) if total else Fraction(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Moves:
    """The derivations: ``values[r - 1][j]`` is ``X_{j+1}(x_r)``; ``start`` is x_b, in units of 1/``unit``."""

    start: Poly
    unit: int
    values: Sequence[Sequence[Poly]]

    def step(self, masses: Poly, size: int) -> Poly:
        """Return ``E_s`` of the masses."""
        found = [masses]
        for s in range(1, size + 1):
            total = masses * 0
            for j in range(1, s + 1):
                total += self._derived(found[s - j], j)
            found.append(total // s)  # exact: E_s has whole coefficients
        return found[size]

    def _derived(self, masses: Poly, j: int) -> Poly:
        total = masses * 0
        for variable, values in enumerate(self.values):
            if values[j - 1]:
                total += masses.derivative(variable) * values[j - 1]
        return total


def _moves(length: int, most: int) -> _Moves:
    hits = {r: _hits(r, most) for r in range(2, length + 1)}
    units = _units(hits)
    ring = fmpz_mpoly_ctx.get([f"x{r}" for r in range(1, length + 1)], Ordering.lex)
    x = dict(enumerate(ring.gens(), start=1))
    zero = x[1] * 0
    values: dict[int, list[Poly]] = {1: [zero + (j == 0) for j in range(most)]}
    for r in range(2, length + 1):
        after = {
            j: x[1] ** (r - j) * int(units[r] * go)
            + (x[r - j] * int(units[r] * stay / units[r - j]) if stay else zero)
            for j, (stay, go) in hits[r].items()
        }
        values[r] = []
        for j in range(1, most + 1):
            value = after.get(j, zero) * j
            for i in range(1, j):
                slopes = ((q, after[i].derivative(q - 1)) for q in range(1, r) if i in after)
                value -= sum((values[q][j - i - 1] * slope for q, slope in slopes), zero)
            values[r].append(value)
    return _Moves(start=x[length], unit=units[length], values=[values[r] for r in range(1, length + 1)])


def _hits(hidden: int, most: int) -> dict[int, tuple[Fraction, Fraction]]:
    """Return stay and go, times the number of ways, by the number of positions taken."""
    found: dict[int, tuple[Fraction, Fraction]] = {}
    zero = Fraction(hidden - 1, hidden)
    for j in range(1, min(hidden, most) + 1):
        stay, go = zero**j, Fraction(j, hidden) * zero ** (j - 1)
        if j >= hidden - 1:  # one left: it is sure to be the one; none left: it is too late
            stay, go = Fraction(0), go + (stay if j == hidden - 1 else 0)
        found[j] = comb(hidden, j) * stay, comb(hidden, j) * go
    return found


def _units(hits: Mapping[int, Mapping[int, tuple[Fraction, Fraction]]]) -> dict[int, int]:
    """Return w_r with which all moves have whole coefficients."""
    units = {1: 1}
    for r, moves in hits.items():
        needed = [go.denominator for _, go in moves.values()]
        needed += [(stay / units[r - j]).denominator for j, (stay, _) in moves.items() if stay]
        units[r] = lcm(*needed)
    return units
