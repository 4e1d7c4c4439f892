"""Slow reference, written from the definitions alone, for tests to compare the fast code with.

Nothing here imports the product, and nothing but the standard library is used. Everything is exact: a *pmf*
is a dict from outcome (a tuple of tokens) to a positive `Fraction`, and an entropy is a *form*, an exact
number of bits. Forms and the selection rules are in `tests/reference/rules.py` and can be had from here too.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import combinations, permutations, product
from math import fsum, inf, log2

from tests.reference.rules import Form as Form
from tests.reference.rules import Marginal as Marginal
from tests.reference.rules import Select as Select
from tests.reference.rules import add as add
from tests.reference.rules import bits as bits
from tests.reference.rules import factor as factor
from tests.reference.rules import log2_form as log2_form
from tests.reference.rules import scale as scale
from tests.reference.rules import shannon as shannon
from tests.reference.rules import sign as sign
from tests.reference.rules import sub as sub
from tests.reference.rules import threshold as threshold
from tests.reference.rules import to_float as to_float
from tests.reference.rules import topk as topk

Outcome = tuple[Hashable, ...]
PMF = dict[Outcome, Fraction]

# --- Pmfs and information -------------------------------------------------------------------------------


def length(pmf: PMF) -> int:
    """The number n of positions."""
    return len(next(iter(pmf)))


def marginal(pmf: PMF, positions) -> PMF:
    """The distribution of the tuple (y_i for i in positions), in the order in which the positions are given."""
    distribution = {}
    for outcome, probability in pmf.items():
        part = tuple(outcome[i] for i in positions)
        distribution[part] = distribution.get(part, Fraction(0)) + probability
    return distribution


def condition(pmf: PMF, revealed: dict[int, Hashable]) -> PMF:
    """P(Y | y_i = v for every i: v in revealed), over whole outcomes; empty if that has probability zero."""
    kept = {y: p for y, p in pmf.items() if all(y[i] == value for i, value in revealed.items())}
    total = sum(kept.values())
    return {outcome: probability / total for outcome, probability in kept.items()}


def contexts(pmf: PMF, given) -> Iterator[tuple[Fraction, PMF]]:
    """Every realised value of the given positions: its probability and the distribution of Y given it."""
    given = tuple(given)
    for values, probability in marginal(pmf, given).items():
        yield probability, condition(pmf, dict(zip(given, values, strict=True)))


def entropy(pmf: PMF, positions=None) -> Form:
    """H(y_S) = -sum p log2 p, over the distribution of the positions (all of them by default)."""
    return shannon((pmf if positions is None else marginal(pmf, positions)).values())


def conditional_entropy(pmf: PMF, positions, given=()) -> Form:
    """H(S | G) = sum_g P(g) H(S | G = g)."""
    return add(*(scale(entropy(distribution, positions), p) for p, distribution in contexts(pmf, given)))


def total_correlation(pmf: PMF, positions=None, given=()) -> Form:
    """C(S | G) = sum_{i in S} H(y_i | G) - H(S | G)."""
    positions = tuple(range(length(pmf)) if positions is None else positions)
    singles = add(*(conditional_entropy(pmf, (i,), given) for i in positions))
    return sub(singles, conditional_entropy(pmf, positions, given))


def dual_total_correlation(pmf: PMF, positions=None) -> Form:
    """D(S) = H(S) - sum_{i in S} H(y_i | S without i)."""
    positions = tuple(range(length(pmf)) if positions is None else positions)
    rests = ((i, tuple(j for j in positions if j != i)) for i in positions)
    return sub(entropy(pmf, positions), add(*(conditional_entropy(pmf, (i,), rest) for i, rest in rests)))


def kl_exact(p: PMF, q: dict) -> Form | None:
    """D(p || q) = sum_y p(y) log2(p(y) / q(y)); None if q misses part of p's support (infinite)."""
    if any(not q.get(y) for y in p):
        return None
    ratios = Counter()
    for y, probability in p.items():
        ratios[probability / q[y]] += probability
    return add(*(scale(log2_form(ratio), weight) for ratio, weight in ratios.items()))


def kl(p: PMF, q: dict) -> float:
    """D(p || q) in bits as a float, inf if q misses part of p's support; q may hold floats."""
    if any(not q.get(y) for y in p):
        return inf
    if any(isinstance(q[y], float) for y in p):
        return fsum(float(w) * log2(float(w) / float(q[y])) for y, w in p.items())
    return to_float(kl_exact(p, q))


# --- Bounds ---------------------------------------------------------------------------------------------


def block_cost(pmf: PMF, block, given) -> Form:
    """E[C(S | y_G)]: the mean over realised contexts of D(distribution of S || product of its marginals)."""
    block = tuple(block)
    costs = []
    for probability, distribution in contexts(pmf, given):
        joint = marginal(distribution, block)
        singles = [marginal(distribution, (i,)) for i in block]
        independent = {}
        for values in joint:
            independent[values] = Fraction(1)
            for single, value in zip(singles, values, strict=True):
                independent[values] *= single[(value,)]
        costs.append(scale(kl_exact(joint, independent), probability))
    return add(*costs)


def step_bound(pmf: PMF, partition) -> Form:
    """L_T = sum_t E over y_{S_<t} of C(S_t | y_{S_<t}), for an ordered partition of the positions."""
    blocks = [tuple(block) for block in partition]
    before = [tuple(i for block in blocks[:t] for i in block) for t in range(len(blocks))]
    return add(*(block_cost(pmf, block, given) for block, given in zip(blocks, before, strict=True)))


def ordered_partitions(n: int, steps: int) -> Iterator[tuple[tuple[int, ...], ...]]:
    """Every way to split 0..n-1 into exactly that many non-empty blocks, the order of blocks counting."""
    for labels in product(range(steps), repeat=n):
        if len(set(labels)) == steps:
            yield tuple(tuple(i for i in range(n) if labels[i] == t) for t in range(steps))


def optimal_bound(pmf: PMF, steps: int) -> tuple[Form, list[tuple[tuple[int, ...], ...]]]:
    """L*_T = the least L_T over all ordered partitions into T blocks, and every partition that attains it."""
    cost = cache(lambda block, given: block_cost(pmf, block, sorted(given)))
    best, winners = None, []
    for partition in ordered_partitions(length(pmf), steps):
        before = [frozenset(i for block in partition[:t] for i in block) for t in range(steps)]
        value = add(*map(cost, partition, before))
        comparison = -1 if best is None else sign(sub(value, best))
        if comparison < 0:
            best, winners = value, []
        if comparison <= 0:
            winners.append(partition)
    return best, winners


# --- The decoder ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decoded:
    """What a decode reports. Exact fields are None when infinite or when the temperature is not 0 or 1."""

    distribution: (
        dict  # output -> probability, outputs off the support included; None marks what stayed masked
    )
    accuracy: Fraction | float  # Q(support of P)
    kl: float  # D(P || Q)
    kl_exact: Form | None
    path_kl: float  # E_P E_omega sum_t log2 P(y_S | y_C) / prod_{i in S} q_i(y_i | y_C)
    path_kl_exact: Form | None
    steps: Fraction | float  # expected number of steps of the decoder's own runs
    steps_under_data: Fraction  # the same along trajectories whose tokens are drawn from P


def sorted_tokens(values) -> list:
    """The alphabet's order: Python's, integers before strings."""
    return sorted(values, key=lambda value: (isinstance(value, str), value))


def temper(distribution: Marginal, temperature, greedy_ties: str = "random") -> dict:
    """q(v) ~ p(v)^(1/tau). At 0: uniform over the argmax set, or all on its lowest token."""
    if temperature == 1:
        return distribution
    highest = max(distribution.values())
    if temperature == 0:
        best = sorted_tokens(value for value, p in distribution.items() if p == highest)
        best = best[:1] if greedy_ties == "lowest" else best
        return {value: Fraction(1, len(best)) for value in best}
    powers = {value: float(p / highest) ** (1 / temperature) for value, p in distribution.items()}
    return {value: power / fsum(powers.values()) for value, power in powers.items() if power}


def visits(n: int, transitions: Callable[[Outcome], dict]) -> dict:
    """The probability that a run which starts all masked ever stands at each state (None = masked).

    A step only reveals, so states are settled in the order of their number of revealed positions.
    """
    levels = [{} for _ in range(n + 1)]
    levels[0][(None,) * n] = Fraction(1)
    for level in levels:
        for state, weight in level.items():
            for after, probability in transitions(state).items():
                target = levels[n - after.count(None)]
                target[after] = target.get(after, 0) + weight * probability
    return {state: weight for level in levels for state, weight in level.items()}


def _revealing(state: Outcome, positions, values) -> Outcome:
    """The state after the values have been written at the positions."""
    written = dict(zip(positions, values, strict=True))
    return tuple(written.get(i, token) for i, token in enumerate(state))


def decode(
    pmf: PMF,
    select: Select,
    temperature=1,
    greedy_ties: str = "random",
    off_support: str = "marginal",
) -> Decoded:
    """Run the decoder on the ideal model of a pmf, enumerating every set it may pick and every value drawn.

    One step: `select(marginals, masked, n)` gives the distribution of the set A of masked positions; each token in A
    is drawn independently from its tempered marginal given the revealed tokens. When the revealed tokens
    have probability zero, the marginals are those of P (`marginal`), uniform over each position's alphabet
    (`uniform`), or decoding ends with the rest masked (`stop`).
    """
    assert greedy_ties in ("random", "lowest")
    assert off_support in ("marginal", "uniform", "stop")
    assert sum(pmf.values()) == 1
    n = length(pmf)

    def one_position(distribution: PMF, i: int) -> Marginal:
        return {value: p for (value,), p in marginal(distribution, (i,)).items()}

    def masked(state):
        return tuple(i for i in range(n) if state[i] is None)

    @cache
    def conditional(state) -> PMF:
        return condition(pmf, {i: token for i, token in enumerate(state) if token is not None})

    @cache
    def marginals(state) -> dict[int, Marginal]:
        """The ideal model's answer at each masked position."""
        distribution = conditional(state)
        if distribution or off_support == "marginal":
            return {i: one_position(distribution or pmf, i) for i in masked(state)}
        alphabets = {i: set(one_position(pmf, i)) for i in masked(state)}
        return {i: dict.fromkeys(tokens, Fraction(1, len(tokens))) for i, tokens in alphabets.items()}

    @cache
    def tempered(state) -> dict[int, dict]:
        return {
            i: temper(distribution, temperature, greedy_ties) for i, distribution in marginals(state).items()
        }

    def choices(state):
        if None not in state or (off_support == "stop" and not conditional(state)):
            return
        distribution = select(marginals(state), masked(state), n)
        assert sum(distribution.values()) == 1
        for chosen, probability in distribution.items():
            assert chosen, "a step must reveal something"
            assert chosen <= set(masked(state))
            yield sorted(chosen), probability

    @cache
    def own_step(state) -> dict:
        """The next state when the tokens are drawn by the decoder."""
        distribution = {}
        for chosen, probability in choices(state):
            for draws in product(*(tempered(state)[i].items() for i in chosen)):
                weight = probability
                for _, p in draws:
                    weight = weight * p
                after = _revealing(state, chosen, [value for value, _ in draws])
                distribution[after] = distribution.get(after, 0) + weight
        return distribution

    @cache
    def data_step(state) -> dict:
        """The next state when the sets are chosen by the decoder and the tokens are drawn from P."""
        distribution = {}
        for chosen, probability in choices(state):
            for values, p in marginal(conditional(state), chosen).items():
                distribution[_revealing(state, chosen, values)] = (
                    probability * p
                )  # another set, another next state
        return distribution

    def log_ratios() -> Iterator[tuple[Fraction, Fraction, Fraction | float]]:
        """(weight, P(y_S | y_C), prod_{i in S} q_i(y_i | y_C)) for every step of a data-driven run."""
        for state, weight in under_data.items():
            for after, probability in data_step(state).items():
                chosen = [i for i in range(n) if state[i] is None and after[i] is not None]
                drawn = Fraction(1)
                for i in chosen:
                    drawn = drawn * tempered(state)[i].get(after[i], 0)
                true = marginal(conditional(state), chosen)[tuple(after[i] for i in chosen)]
                yield weight * probability, true, drawn

    own, under_data = visits(n, own_step), visits(n, data_step)
    distribution = {state: weight for state, weight in own.items() if not own_step(state)}
    exact = temperature in (0, 1)
    ratios = list(log_ratios())
    path_exact, path = None, inf
    if all(drawn for _, _, drawn in ratios) and exact:
        path_exact = add(*(scale(log2_form(true / drawn), weight) for weight, true, drawn in ratios))
        path = to_float(path_exact)
    elif all(drawn for _, _, drawn in ratios):
        path = fsum(float(weight) * log2(float(true) / drawn) for weight, true, drawn in ratios)
    return Decoded(
        distribution=distribution,
        accuracy=sum((distribution.get(y, Fraction(0)) for y in pmf), Fraction(0)),
        kl=kl(pmf, distribution),
        kl_exact=kl_exact(pmf, distribution) if exact else None,
        path_kl=path,
        path_kl_exact=path_exact,
        steps=sum(weight for state, weight in own.items() if own_step(state)),
        steps_under_data=sum(weight for state, weight in under_data.items() if data_step(state)),
    )


# --- Closed list of targets -----------------------------------------------------------------------------


def uniform(outcomes) -> PMF:
    """The uniform pmf on distinct outcomes."""
    outcomes = [tuple(outcome) for outcome in outcomes]
    assert len(set(outcomes)) == len(outcomes)
    return {outcome: Fraction(1, len(outcomes)) for outcome in outcomes}


def shuffle(n: int) -> PMF:
    """Any order of 0..n-1."""
    return uniform(permutations(range(n)))


def shuffle_strict(n: int) -> PMF:
    """Any order of 0..n-1 but the given one."""
    return uniform(order for order in permutations(range(n)) if order != tuple(range(n)))


def replace_random(n: int) -> PMF:
    """0..n-1 with one item replaced by the new item n."""
    return uniform((*range(j), n, *range(j + 1, n)) for j in range(n))


def insert_random(n: int) -> PMF:
    """0..n-1 with the new item n put in one of the n + 1 gaps."""
    return uniform((*range(j), n, *range(j, n)) for j in range(n + 1))


def remove_random(n: int) -> PMF:
    """0..n-1 with one item left out."""
    return uniform(combinations(range(n), n - 1))


def city_names() -> PMF:
    """New York, New Orleans, Mexico City or Panama City."""
    return uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])


def parity(n: int) -> PMF:
    """n bits with an even number of ones."""
    return uniform(word for word in product((0, 1), repeat=n) if sum(word) % 2 == 0)


def repeated_bit(n: int) -> PMF:
    """One fair bit written n times."""
    return uniform([(0,) * n, (1,) * n])
