r"""Random top-k on one-hot blocks: closed forms, a coefficient of a power, or a polynomial in the states.

The T sets of the steps are a uniform ordered partition of the n positions with sizes s_1, .., s_T. Given how many
positions of each block a step takes, the blocks are independent. So with B blocks of length b

    accuracy = [x_1^{s_1} .. x_T^{s_T}] Phi(x)^B / (n! / (s_1! .. s_T!)),
    Phi(x) = sum over j_1 + .. + j_T = b of  b! / (j_1! .. j_T!) a(j) x^j,

a(j) the probability that the draws of one block, j_t positions in step t, have exactly one one: it is drawn in one of
the steps, of ``r_t = j_t + .. + j_T`` hidden positions,
``a(j) = sum_t prod_{u < t} ((r_u - 1)/r_u)^{j_u} (j_t/r_t) ((r_t - 1)/r_t)^{j_t - 1}``.

**Few steps.** Phi is homogeneous, so x_T = 1; the others are powers of one variable. The work grows like ``n^{T-1}``.

**Few blocks, or short ones.** Step by step through the multisets of hidden positions of the blocks, some
``C(B + b - 1, b - 1)``: :mod:`theory.decoding.structured.one_hot_substitution`.

**Blocks of three by twos**: :mod:`theory.decoding.structured.one_hot_triples`.

**Blocks of two** lose only where both positions fall into one step: ``a = 1/2`` there, else 1. So Phi is
``p_1^2 - p_2 / 2`` with the power sums ``p_i = sum_t x_t^i``, and for any number of steps

    accuracy = (s_1! .. s_T! / n!) sum_j C(B, j) (-1/2)^j j! (n - 2j)! [y^j] prod_t sum_i y^i / (i! (s_t - 2i)!).

**Beyond.** For many long blocks in many steps no polynomial form is known. The sum runs over the contingency tables
of T rows and B columns with sums s_t and b. With the weight 1 for tables of zeros and ones and 0 for others it would
count 0-1 matrices with constant row and column sums (OEIS A008300), for which no polynomial algorithm is known either.

The rule commutes with all permutations inside the blocks, so ``kl = -log2 accuracy`` (:mod:`theory.decoding.lumped`);
``path_kl`` is the expected divergence of random order (:func:`theory.information.curves.structures.expected_kl_of`),
the steps are T.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import comb, factorial, prod

from flint import fmpq, fmpq_poly

from theory.decoding.lumped import LumpedDecode
from theory.decoding.structured.one_hot_substitution import accuracy_by_substitution, substitution_cost
from theory.decoding.structured.one_hot_triples import accuracy_of_triples, is_by_twos
from theory.information.curves.structures import Copies, expected_kl_of
from theory.limits import require_operations
from theory.numbers.arithmetic import to_fraction
from theory.numbers.lognumber import LogNumber

__all__ = ["decode_one_hot_random", "random_is_known"]

_LIMIT = 10**9  # bits of the power, or words of the states: some ten seconds


def decode_one_hot_random(law: Copies, sizes: Sequence[int]) -> LumpedDecode:
    """Return the exact decode at temperature 1 with these block sizes in random order.

    Raises:
        CostError: If there are too many steps and states, for blocks of three or more.

    Example:
        >>> from theory.information.curves.structures import Exchangeable
        >>> two = Copies(Exchangeable(2, lambda j: [(Fraction(2 - j), Fraction(2))]), 2)  # 01 or 10, twice
        >>> decode_one_hot_random(two, [2, 2]).accuracy  # both of one block 1/2, one of each 1
        Fraction(3, 4)
    """
    steps = Fraction(len(sizes))
    remedy = "use fewer or shorter blocks, or schedule for the expected KL"
    what = f"{len(sizes)} random steps among {law.copies} blocks of {law.block.n}"
    cost, accuracy_of = min(_ways(law, sizes), key=lambda way: way[0])
    require_operations(cost, what, limit=_LIMIT, remedy=remedy)
    accuracy = accuracy_of()
    return LumpedDecode(
        accuracy=accuracy,
        kl=-LogNumber.log2(accuracy),
        path_kl=expected_kl_of(law, sizes),
        steps=steps,
        steps_under_data=steps,
        n=law.n,
    )


def random_is_known(law: Copies, sizes: Sequence[int]) -> bool:
    """Return whether that takes seconds."""
    return min(cost for cost, _ in _ways(law, sizes)) <= _LIMIT


def _ways(law: Copies, sizes: Sequence[int]) -> list[tuple[int, Callable[[], Fraction]]]:
    """Return the forms that hold here with their costs, some ten nanoseconds each."""
    blocks, b, n = law.copies, law.block.n, law.n
    if b == 2:
        return [(n * n * n.bit_length(), lambda: _accuracy_of_pairs(blocks, sizes))]
    free = min(len(sizes) - 1, 40)  # beyond everything
    ways = [
        ((n + 1) ** free * blocks * len(sizes) * b * b.bit_length(), lambda: _accuracy(blocks, b, sizes)),
        (substitution_cost(blocks, b, sizes), lambda: accuracy_by_substitution(blocks, b, sizes)),
    ]
    if b == 3 and is_by_twos(sizes):
        ways.append((n**3 // 10, lambda: accuracy_of_triples(blocks, sizes)))
    return ways


def _accuracy(copies: int, b: int, sizes: Sequence[int]) -> Fraction:
    n, free = copies * b, len(sizes) - 1
    digits = [(n + 1) ** t for t in range(free)]
    phi = [fmpq(0)] * (b * sum(digits) + 1)
    for parts in _compositions(b, len(sizes)):
        ways = factorial(b) // prod(map(factorial, parts))
        phi[sum(j * d for j, d in zip(parts, digits, strict=False))] += ways * _one_block(parts)
    wanted = sum(size * d for size, d in zip(sizes, digits, strict=False))
    power = fmpq_poly(phi) ** copies
    return to_fraction(power[wanted] * prod(map(factorial, sizes)) / factorial(n))


def _accuracy_of_pairs(copies: int, sizes: Sequence[int]) -> Fraction:
    n, spread = 2 * copies, fmpq_poly([1])
    for size, times in Counter(sizes).items():
        one = [fmpq(factorial(size), factorial(i) * factorial(size - 2 * i)) for i in range(size // 2 + 1)]
        spread *= fmpq_poly(one) ** times
    terms = (
        (-1) ** j * c * fmpq(comb(copies, j) * factorial(j) * factorial(n - 2 * j), 2**j)
        for j, c in enumerate(spread.coeffs())
    )
    return to_fraction(sum(terms, fmpq(0)) / factorial(n))


def _one_block(parts: Sequence[int]) -> fmpq:
    """Return the probability that draws of these numbers of positions have exactly one one."""
    total, none, hidden = fmpq(0), fmpq(1), sum(parts)
    for j in parts:
        if j:
            zero = fmpq(hidden - 1, hidden)
            total += none * fmpq(j, hidden) * zero ** (j - 1)
            none *= zero**j
            hidden -= j
    return total


def _compositions(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    if parts == 1:
        yield (total,)
        return
    for first in range(total + 1):
        for rest in _compositions(total - first, parts - 1):
            yield (first, *rest)
