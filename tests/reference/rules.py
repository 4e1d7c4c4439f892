"""Exact entropies and, resting on their exact comparison, the selection rules of the reference decoder.

An entropy is a *form*: a dict {prime p: rational r_p} that means sum_p r_p log2 p bits. Zero coefficients are
absent. The logarithms of distinct primes are linearly independent over the rationals, so two forms are the
same number iff they are the same dict, and a form is zero iff it is empty.

A rule is a function of (marginals of the masked positions, masked positions, n) that returns the exact distribution of
the set to reveal. Every score is a form (a rational r is r log2 2), so all scores are compared exactly. Give
gamma and f as ints, Fractions or strings ("9/10"); a float stands for its binary value.
"""

from collections import Counter
from collections.abc import Callable, Hashable
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache, cmp_to_key
from itertools import chain, combinations, compress, count
from math import comb

Form = dict[int, Fraction]
Marginal = dict[Hashable, Fraction]
Select = Callable[[dict[int, Marginal], tuple[int, ...], int], dict[frozenset[int], Fraction]]

# --- Forms ----------------------------------------------------------------------------------------------


@cache
def small_primes() -> list[int]:
    """The primes below 2^22, by the sieve of Eratosthenes."""
    sieve = bytearray([1]) * (1 << 22)
    sieve[:2] = bytes(2)
    for divisor in range(2, 1 << 11):
        if sieve[divisor]:
            sieve[divisor * divisor :: divisor] = bytes(len(range(divisor * divisor, len(sieve), divisor)))
    return list(compress(range(len(sieve)), sieve))


@cache
def factorise(number: int) -> tuple[tuple[int, int], ...]:
    """The prime factors of a positive integer with their exponents, by trial division."""
    factors = Counter()
    for divisor in chain(small_primes(), count((1 << 22) + 1, 2)):
        if divisor * divisor > number:
            break
        while number % divisor == 0:
            factors[divisor] += 1
            number //= divisor
    if number > 1:
        factors[number] += 1
    return tuple(sorted(factors.items()))


def add(*forms: Form) -> Form:
    """The sum of forms."""
    total = {}
    for form in forms:
        for prime, coefficient in form.items():
            total[prime] = total.get(prime, Fraction(0)) + coefficient
    return {prime: coefficient for prime, coefficient in sorted(total.items()) if coefficient}


def scale(form: Form, factor: Fraction | int) -> Form:
    """A rational multiple of a form."""
    return {prime: coefficient * factor for prime, coefficient in form.items() if factor}


def sub(left: Form, right: Form) -> Form:
    """The difference left - right."""
    return add(left, scale(right, -1))


def bits(number: Fraction | int) -> Form:
    """A rational number of bits as a form: r = r log2 2."""
    return {2: Fraction(number)} if number else {}


def log2_form(number: Fraction | int) -> Form:
    """log2 of a positive rational number."""
    number = Fraction(number)
    over = {prime: Fraction(exponent) for prime, exponent in factorise(number.numerator)}
    under = {prime: Fraction(exponent) for prime, exponent in factorise(number.denominator)}
    return sub(over, under)


@cache
def _ln(number: int, digits: int) -> Decimal:
    with localcontext() as context:
        context.prec = digits
        return Decimal(number).ln()


def _terms(form: Form, digits: int) -> list[Decimal]:
    """r_p log2 p for every prime, each with a relative error of a few units in the last of the digits."""
    with localcontext() as context:
        context.prec = digits
        return [
            Decimal(r.numerator) / Decimal(r.denominator) * _ln(prime, digits) / _ln(2, digits)
            for prime, r in form.items()
        ]


def sign(form: Form) -> int:
    """The exact sign, -1, 0 or 1: 0 iff the form is empty, otherwise digits are added until it shows."""
    if not form:
        return 0
    if form.keys() == {2}:
        return 1 if form[2] > 0 else -1
    digits = 60
    while True:
        terms = _terms(form, digits)
        with localcontext() as context:
            context.prec = digits
            value = sum(terms)
            if abs(value) > sum(map(abs, terms)) * Decimal(10) ** (10 - digits):
                return 1 if value > 0 else -1
        digits *= 2


def to_float(form: Form) -> float:
    """The value in bits, to the nearest float (120 digits are carried, so cancellation does no harm)."""
    with localcontext() as context:
        context.prec = 120
        return float(sum(_terms(form, 120)))


def shannon(probabilities) -> Form:
    """-sum p log2 p over the positive probabilities."""
    counts = Counter(probabilities)
    return add(*(scale(log2_form(p), -p * count) for p, count in counts.items()))


# --- Selection rules ------------------------------------------------------------------------------------


def _margin(distribution: Marginal) -> Fraction:
    """The largest minus the second largest probability; the second is 0 when there is one token."""
    ranked = sorted(distribution.values(), reverse=True)
    return ranked[0] - (ranked[1] if len(ranked) > 1 else 0)


SCORES: dict[str, Callable[[Marginal, int], Form]] = {
    "confidence": lambda distribution, _: bits(max(distribution.values())),
    "margin": lambda distribution, _: bits(_margin(distribution)),
    "entropy": lambda distribution, _: scale(shannon(distribution.values()), -1),
    "left_to_right": lambda _, position: bits(-position),
    "random": lambda _distribution, _position: {},
}


def score(distribution: Marginal, position: int, by: str) -> Form:
    """The score of a position: larger is revealed earlier."""
    return SCORES[by](distribution, position)


def group(masked, n: int, block: int | None) -> range:
    """The positions among which the rule works: all, or the first block that still has a masked one."""
    if block is None:
        return range(n)
    start = min(masked) // block * block
    return range(start, min(start + block, n))


def ranking(scores: dict[int, Form]) -> list[int]:
    """Positions by descending score, lower index first among equals."""
    descending = cmp_to_key(lambda i, j: sign(sub(scores[j], scores[i])))
    return sorted(sorted(scores), key=descending)


def take_best(scores: dict[int, Form], m: int, ties: str) -> dict[frozenset[int], Fraction]:
    """The distribution of the m best positions.

    Equal scores: `random`, uniform over all ways to break ties; `lowest`, lower index first; `all`, the m
    best and every position whose score equals the m-th best.
    """
    order = ranking(scores)
    m = min(m, len(order))
    if ties == "lowest":
        return {frozenset(order[:m]): Fraction(1)}
    tied = [i for i in order if scores[i] == scores[order[m - 1]]]
    better = order[: order.index(tied[0])]
    if ties == "all":
        return {frozenset(better + tied): Fraction(1)}
    assert ties == "random"
    places = m - len(better)
    each = Fraction(1, comb(len(tied), places))
    return {frozenset(better).union(rest): each for rest in combinations(tied, places)}


def size_of_step(k: int, size: int, left: int, remainder: str) -> int:
    """How many of the `left` masked positions of a group of that size a top-k step reveals.

    `last`: k, the last step takes the rest. `first`: T = ceil(size / k) steps, of which the first size mod T
    take floor(size / T) + 1 and the others floor(size / T); min(k, left) if `left` is not on that schedule.
    """
    if remainder == "first":
        steps = -(-size // k)
        scheduled = size
        for t in range(steps):
            count = size // steps + (t < size % steps)
            if scheduled == left:
                return count
            scheduled -= count
    else:
        assert remainder == "last"
    return min(k, left)


def _competing(marginals: dict[int, Marginal], members: range, by: str) -> dict[int, Form]:
    return {i: score(distribution, i, by) for i, distribution in marginals.items() if i in members}


def topk(k: int, by: str, ties: str = "random", remainder: str = "last", block: int | None = None) -> Select:
    """The k best, all when fewer are left."""

    def select(marginals, masked, n):
        members = group(masked, n, block)
        scores = _competing(marginals, members, by)
        return take_best(scores, size_of_step(k, len(members), len(scores), remainder), ties)

    return select


def threshold(
    gamma, by: str = "confidence", strict: bool = True, ties: str = "random", block: int | None = None
) -> Select:
    """Every position with score > gamma (>= if not strict); if none, the single best."""
    bar = bits(Fraction(gamma))

    def select(marginals, masked, n):
        scores = _competing(marginals, group(masked, n, block), by)
        above = [i for i, value in scores.items() if sign(sub(value, bar)) >= (1 if strict else 0)]
        return {frozenset(above): Fraction(1)} if above else take_best(scores, 1, ties)

    return select


def factor(
    f, by: str = "confidence", strict: bool = True, ties: str = "random", block: int | None = None
) -> Select:
    """The largest m with (m + 1)(1 - c_(m)) < f (<= if not strict), c_(m) the m-th best score; at least 1."""
    bar = bits(Fraction(f))

    def select(marginals, masked, n):
        scores = _competing(marginals, group(masked, n, block), by)
        best = 1
        for m, i in enumerate(ranking(scores), start=1):
            gap = sub(bar, scale(add(bits(1), scale(scores[i], -1)), m + 1))
            if sign(gap) >= (1 if strict else 0):
                best = m
        return take_best(scores, best, ties)

    return select
