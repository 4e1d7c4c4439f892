"""JointPMF: every way to build one, every way to get it wrong, marginals and conditioning."""

import tracemalloc
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from itertools import permutations, product, repeat
from math import inf, nan
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.strategies import subsets, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import entropy, total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.validation import InputError

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
TWO, THREE = [("a",), ("b",)], [("a",), ("b",), ("c",)]


def as_dict(pmf: JointPMF) -> dict:
    distribution = dict(pmf)
    assert len(distribution) == len(pmf) == len(pmf.outcomes) == len(pmf.probabilities)
    return distribution


# --- Building -------------------------------------------------------------------------------------------


@given(target=targets())
def test_the_constructors_agree(target):
    distribution, n = target.distribution, target.n
    denominator = 2 * 3 * 5 * max(p.denominator for p in distribution.values())
    weights = [p * denominator for p in distribution.values()]
    built = [
        JointPMF.from_mapping(distribution),
        JointPMF.from_pairs([list(y) for y in distribution], list(distribution.values())),
        JointPMF.from_pairs(list(distribution), [str(p) for p in distribution.values()]),
        JointPMF.from_weights(list(distribution), weights),
    ]
    for pmf in built:
        assert as_dict(pmf) == distribution
        assert (pmf.n, pmf.is_exact) == (n, True)
        assert all(isinstance(p, Fraction) for p in pmf.probabilities)
        assert [set(alphabet) for alphabet in pmf.alphabets] == [
            {y[i] for y in distribution} for i in range(n)
        ]


@given(target=targets())
def test_a_dense_table_is_the_same_pmf(target):
    alphabets = [sorted({y[i] for y in target.distribution}, key=str) for i in range(target.n)]
    table = np.empty([len(a) for a in alphabets], dtype=object)
    for index in product(*(range(len(a)) for a in alphabets)):
        word = tuple(a[j] for a, j in zip(alphabets, index, strict=True))
        table[index] = target.distribution.get(word, Fraction(0))
    assert as_dict(JointPMF.from_dense(table, alphabets)) == target.distribution
    floats = JointPMF.from_dense(table.astype(float), alphabets)
    assert not floats.is_exact
    assert as_dict(floats) == {y: float(p) for y, p in target.distribution.items()}


def test_dense_defaults_to_indices_as_tokens():
    assert as_dict(JointPMF.from_dense([[0.5, 0.0], [0.25, 0.25]])) == {
        (0, 0): 0.5,
        (1, 0): 0.25,
        (1, 1): 0.25,
    }
    assert as_dict(JointPMF.from_dense(np.array([0, 1, 0]))) == {(1,): 1}


@pytest.mark.parametrize(
    "table", [[0, 1, 0], np.array([0, 1, 0]), [Fraction(0), Fraction(1), 0], ["0", "1", "0"]]
)
def test_a_dense_table_of_exact_numbers_is_exact(table):
    pmf = JointPMF.from_dense(table)
    assert pmf.is_exact
    assert as_dict(pmf) == {(1,): 1}


def test_a_dense_table_of_text():
    pmf = JointPMF.from_dense([["1/3", "0"], ["1/6", "1/2"]])
    assert as_dict(pmf) == {(0, 0): THIRD, (1, 0): Fraction(1, 6), (1, 1): HALF}


@given(target=targets())
def test_dense_and_back(target):
    for pmf in (target.exact, target.floats):
        back = JointPMF.from_dense(pmf.dense(), pmf.alphabets)
        assert as_dict(back) == {y: float(p) for y, p in target.distribution.items()}
        assert back.alphabets == pmf.alphabets


def test_uniform():
    pmf = JointPMF.uniform(permutations("abc"))
    assert as_dict(pmf) == dict.fromkeys(permutations("abc"), Fraction(1, 6))
    assert pmf.alphabets == (("a", "b", "c"),) * 3
    assert as_dict(JointPMF.uniform(["ab", "ba"])) == {("a", "b"): HALF, ("b", "a"): HALF}
    assert as_dict(JointPMF.uniform(np.array([[0, 1], [1, 0]]))) == {(0, 1): HALF, (1, 0): HALF}


def test_zero_probabilities_are_dropped():
    for zero in (0, Fraction(0), "0", "0/7"):
        pmf = JointPMF.from_pairs(THREE, [HALF, zero, HALF])
        assert as_dict(pmf) == {("a",): HALF, ("c",): HALF}
        assert pmf.alphabets == (("a", "c"),)
    for zero in (0.0, -0.0, 0):
        pmf = JointPMF.from_pairs(THREE, [0.5, zero, 0.5])
        assert as_dict(pmf) == {("a",): 0.5, ("c",): 0.5}
        assert pmf.alphabets == (("a", "c"),)
    assert as_dict(JointPMF.from_weights(THREE, [0, 3, 0])) == {("b",): 1}


def test_probabilities_off_the_support_are_zero_of_the_same_kind():
    exact = JointPMF.from_pairs(TWO, [THIRD, 1 - THIRD])
    assert exact.probability(["a"]) == THIRD
    assert exact.probability(("c",)) == exact.probability(("a", "a")) == 0
    assert isinstance(exact.probability(("c",)), Fraction)
    floats = JointPMF.from_pairs(TWO, [0.25, 0.75])
    assert floats.probability(("b",)) == 0.75
    assert isinstance(floats.probability(("c",)), float)


@pytest.mark.parametrize("one", [1, "1", "1.0", "2/2", Fraction(1), np.int64(1)])
def test_exact_one_of_every_kind(one):
    pmf = JointPMF.from_pairs([("a",)], [one])
    assert pmf.is_exact
    assert pmf.probabilities == (1,)


@pytest.mark.parametrize("one", [1.0, np.float64(1), np.float32(1)])
def test_float_one_of_every_kind(one):
    assert not JointPMF.from_pairs([("a",)], [one]).is_exact


def test_decimal_text_is_exact_and_a_float_is_not():
    assert JointPMF.from_pairs(TWO, ["0.1", "0.9"]).probabilities == (Fraction(1, 10), Fraction(9, 10))
    assert JointPMF.from_pairs(TWO, [0.1, 0.9]).probabilities == (0.1, 0.9)


def test_a_float_sum_may_miss_one_by_rounding_only():
    assert not JointPMF.from_pairs(THREE, [1 / 3, 1 / 3, 1 / 3]).is_exact
    many = JointPMF.from_pairs([(i,) for i in range(49)], [1 / 49] * 49)
    assert many.floats().sum() == pytest.approx(1, abs=ROUNDING)


def test_weights_beyond_64_bits_stay_exact():
    weights = [3**90, 5**60, 7**50 + 1]
    pmf = JointPMF.from_weights([("a", 0), ("b", 0), ("b", 1)], weights)
    total = sum(weights)
    assert pmf.probabilities == tuple(Fraction(w, total) for w in weights)
    assert pmf.marginal([1]).probabilities == (Fraction(3**90 + 5**60, total), Fraction(7**50 + 1, total))
    rest = Fraction(5**60, 5**60 + 7**50 + 1)
    assert pmf.condition({0: "b"}).probabilities == (rest, 1 - rest)
    assert pmf.floats() == pytest.approx([w / total for w in weights])


def test_numpy_integers_do_not_overflow():
    pmf = JointPMF.from_weights(TWO, np.array([2**62, 2**62]))
    assert pmf.probabilities == (HALF, HALF)
    pmf = JointPMF.from_weights(THREE, np.array([2**62 - 1, 2**62, 2**62 + 1]))
    assert pmf.probability(("a",)) == Fraction(2**62 - 1, 3 * 2**62)


# --- Wrong input ----------------------------------------------------------------------------------------

PAIRS = JointPMF.from_pairs
BAD = {
    "negative": (lambda: PAIRS(TWO, [Fraction(3, 2), Fraction(-1, 2)]), r"\('b',\) is negative: -1/2"),
    "negative float": (lambda: PAIRS(TWO, [1.5, -0.5]), r"\('b',\) is negative: -0.5"),
    "negative text": (lambda: PAIRS(TWO, ["3/2", "-1/2"]), r"\('b',\) is negative: -1/2"),
    "negative weight": (lambda: JointPMF.from_weights(TWO, [2, -1]), r"\('b',\) is negative: -1"),
    "negative dense": (lambda: JointPMF.from_dense([1.5, -0.5]), r"\(1,\) is negative: -0.5"),
    "nan": (lambda: PAIRS(TWO, [nan, 1.0]), r"\('a',\) is nan; it must be a finite number"),
    "nan text": (lambda: PAIRS(TWO, ["nan", "1"]), "must be a finite number or a ratio.*got 'nan'"),
    "nan dense": (lambda: JointPMF.from_dense([nan, 1.0]), r"\(0,\) is nan; it must be a finite number"),
    "nan among exact": (lambda: PAIRS(TWO, [nan, 1]), r"\('a',\) is nan; it must be a finite number"),
    "inf": (lambda: PAIRS(TWO, [inf, 0.0]), r"\('a',\) is inf; it must be a finite number"),
    "minus inf": (lambda: PAIRS(TWO, [-inf, 1.0]), r"\('a',\) is -inf; it must be a finite number"),
    "inf text": (lambda: PAIRS(TWO, ["inf", "0"]), "must be a finite number or a ratio.*got 'inf'"),
    "inf weight": (lambda: JointPMF.from_weights(TWO, [inf, 1]), "must be a finite number.*got inf"),
    "no number": (lambda: PAIRS(TWO, ["half", "1/2"]), "must be a finite number or a ratio.*got 'half'"),
    "none": (lambda: PAIRS(TWO, [None, 1]), "must be a finite number or a ratio.*got None"),
    "division by zero": (lambda: PAIRS(TWO, ["1/0", "1"]), "must be a finite number or a ratio.*got '1/0'"),
    "sum below": (lambda: PAIRS(TWO, [HALF, Fraction(1, 4)]), r"must sum to 1, got 3/4 \(= 0.75\); divide"),
    "sum above": (lambda: PAIRS(TWO, ["2/3", "2/3"]), "must sum to 1, got 4/3"),
    "sum far above": (lambda: PAIRS(TWO, ["1e400", 0]), "must sum to 1"),
    "sum barely off": (lambda: PAIRS(TWO, [HALF, HALF + Fraction(1, 10**30)]), "must sum to 1, got"),
    "float sum": (lambda: PAIRS(TWO, [0.5, 0.25]), "must sum to 1, got 0.75; divide by the sum first"),
    "float sum barely off": (lambda: PAIRS(TWO, [0.5, 0.5 + 1e-8]), "must sum to 1, got 1.00000001"),
    "all zero": (lambda: PAIRS(TWO, [0, 0]), "must sum to 1, got 0"),
    "all weights zero": (lambda: JointPMF.from_weights(TWO, [0, 0]), "weights must not all be zero"),
    "twice": (lambda: PAIRS([("a",), ("a",)], [HALF, HALF]), r"outcome \('a',\) is a duplicate"),
    "twice uniform": (lambda: JointPMF.uniform([(0, 1), (1, 0), (0, 1)]), r"outcome \(0, 1\) is a duplicate"),
    "twice float": (lambda: PAIRS([("a",), ("a",)], [0.5, 0.5]), r"outcome \('a',\) is a duplicate"),
    "twice weights": (lambda: JointPMF.from_weights([(0,), (0,)], [1, 1]), r"outcome \(0,\) is a duplicate"),
    "twice with zero": (lambda: PAIRS([("a",), ("a",)], [1, 0]), r"outcome \('a',\) is a duplicate"),
    "equal tokens": (lambda: JointPMF.uniform([(1,), (True,)]), "is a duplicate"),
    "dense alphabet": (lambda: JointPMF.from_dense([0.5, 0.5], [["a", "a"]]), r"\('a',\) is a duplicate"),
    "ragged": (lambda: JointPMF.uniform([(0, 1), (0,)]), r"one length, got 2 for \(0, 1\) and 1 for \(0,\)"),
    "ragged pairs": (lambda: PAIRS([("a",), ("a", "b")], [HALF, HALF]), "one length, got 1 .* and 2"),
    "ragged zero": (lambda: PAIRS([("a",), ("a", "b")], [1, 0]), "one length, got 1 .* and 2"),
    "no outcomes": (lambda: JointPMF.uniform([]), "at least one outcome, got an empty support"),
    "no pairs": (lambda: PAIRS([], []), "at least one outcome, got an empty support"),
    "no mapping": (lambda: JointPMF.from_mapping({}), "at least one outcome, got an empty support"),
    "empty dense": (lambda: JointPMF.from_dense(np.zeros((2, 0))), "at least one outcome|must sum to 1"),
    "no tokens": (lambda: JointPMF.uniform([()]), "at least one token, got an empty sequence"),
    "scalar table": (lambda: JointPMF.from_dense(1.0), "at least one axis"),
    "mixed": (lambda: PAIRS(TWO, [HALF, 0.5]), r"\('a',\) is exact \(1/2\) among floats"),
    "mixed int": (lambda: PAIRS(TWO, [2, 0.5]), r"\('a',\) is exact \(2\) among floats"),
    "mixed text": (lambda: PAIRS(TWO, ["1/2", 0.5]), r"\('a',\) is exact \('?1/2'?\) among floats"),
    "mixed decimal text": (lambda: PAIRS(TWO, ["0.5", 0.5]), r"\('a',\) is exact .*0.5.* among floats"),
    "none among floats": (lambda: PAIRS(TWO, [None, 0.5]), r"\('a',\)"),
    "too few": (lambda: PAIRS(TWO, [1]), "2 outcomes but 1 probabilities"),
    "too few weights": (lambda: JointPMF.from_weights(TWO, [1]), "2 outcomes but 1"),
    "too many weights": (lambda: JointPMF.from_weights(TWO, [1, 1, 1]), "2 outcomes but 3"),
    "wrong alphabets": (lambda: JointPMF.from_dense([0.5, 0.5], [["a"]]), r"\[1\] do not fit .* \(2,\)"),
    "unhashable": (
        lambda: PAIRS([(["a"], "b")], [1]),
        r"token \['a'\] of type list cannot be hashed; use a text",
    ),
    "unhashable uniform": (
        lambda: JointPMF.uniform([(0, {1: 2})]),
        r"token \{1: 2\} of type dict cannot be hashed",
    ),
    "unhashable array": (lambda: JointPMF.uniform([[np.eye(9)]]), r"of type ndarray cannot be hashed"),
    "unhashable weights": (lambda: JointPMF.from_weights([([],)], [1]), r"token \[\] of type list"),
    "unhashable dense": (
        lambda: JointPMF.from_dense([0.5, 0.5], [["a", ["b"]]]),
        r"token \['b'\] of type list",
    ),
    "unhashable in a tuple": (lambda: JointPMF.uniform([(("a", []),)]), r"token \('a', \[\]\) of type tuple"),
    "nan token": (lambda: PAIRS([(nan,), ("a",)], [HALF, HALF]), "token nan does not equal itself"),
    "nan key": (lambda: JointPMF.from_mapping({nan: HALF, 1.0: HALF}), "token nan does not equal itself"),
    "two nans": (lambda: JointPMF.uniform([(nan,), (float("nan"),)]), "token nan does not equal itself"),
    "nan in a tuple": (
        lambda: JointPMF.uniform([((1, (nan,)),), ("a",)]),
        r"\(1, \(nan,\)\) does not equal itself",
    ),
    "numpy nan": (lambda: JointPMF.uniform(np.array([[0.0], [nan]])), "nan.* does not equal itself"),
    "decimal nan": (lambda: JointPMF.uniform([(Decimal("nan"),)]), r"Decimal\('NaN'\) does not equal itself"),
    "signalling nan": (lambda: JointPMF.uniform([(Decimal("snan"),)]), "of type Decimal cannot be hashed"),
    "no time": (lambda: JointPMF.uniform([(np.datetime64("nat", "s"),)]), "does not equal itself"),
    "nan dense token": (
        lambda: JointPMF.from_dense([0.5, 0.5], [[1.0, nan]]),
        "token nan does not equal itself",
    ),
    "no sequence": (lambda: JointPMF.uniform([1, 2]), "an outcome must be a sequence of tokens, got 1"),
    "no sequence pairs": (lambda: PAIRS([None], [1]), "an outcome must be a sequence of tokens, got None"),
    "too many alphabets": (lambda: JointPMF.from_dense([1.0], [["a"], ["b"]]), "do not fit"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    build, message = BAD[name]
    with pytest.raises(InputError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


class Colour(Enum):
    RED = 1
    BLUE = 2


@dataclass(frozen=True)
class Named:
    name: str


class Unnamed:
    """Equal to itself alone."""


KEYS = [
    [0, 1],
    [0.5, 1.5],
    [Fraction(1, 2), None],
    [Colour.RED, Colour.BLUE],
    [Named("a"), Named("b")],
    [frozenset("ab"), frozenset("cd")],
    [True, "x"],
    [Unnamed(), Unnamed()],
    [np.int64(3), np.float32(4)],
    [int, str],
]


@pytest.mark.parametrize("keys", KEYS, ids=range(len(KEYS)))
def test_any_hashable_key_is_an_outcome_of_one_token(keys):
    pmf = JointPMF.from_mapping({keys[0]: "1/4", keys[1]: "3/4"})
    assert pmf.n == 1
    assert {outcome[0]: p for outcome, p in pmf} == {keys[0]: Fraction(1, 4), keys[1]: Fraction(3, 4)}
    assert [pmf.probability(key) for key in keys] == [Fraction(1, 4), Fraction(3, 4)]
    assert entropy(pmf) == 2 - LogNumber.log2(3) * Fraction(3, 4)
    pairs = JointPMF.from_mapping({(keys[0], keys[1]): 0.5, (keys[1], keys[0]): 0.5})
    assert total_correlation(pairs) == 1


def test_a_key_that_is_a_sequence_is_one_of_tokens():
    pmf = JointPMF.from_mapping({"ab": "1/4", ("b", "a"): "1/4", range(2): "1/2"})
    assert set(pmf.outcomes) == {("a", "b"), ("b", "a"), (0, 1)}
    assert (pmf.probability("ab"), pmf.probability([0, 1])) == (Fraction(1, 4), Fraction(1, 2))
    assert pmf.probability(np.array([0, 1])) == Fraction(1, 2)
    assert pmf.probability(7) == 0


PMF = JointPMF.uniform([(0, 0), (0, 1), (1, 0)])
BAD_USE = {
    "marginal outside": (lambda: PMF.marginal([2]), r"position 2 is outside 0\.\.1"),
    "marginal negative": (lambda: PMF.marginal([-1]), r"position -1 is outside 0\.\.1"),
    "marginal twice": (lambda: PMF.marginal([0, 0]), r"\[0, 0\] contain one twice"),
    "condition outside": (lambda: PMF.condition({5: 0}), r"position 5 is outside 0\.\.1"),
    "impossible": (lambda: PMF.condition({0: 1, 1: 1}), "{0: 1, 1: 1} has probability zero"),
    "unknown token": (lambda: PMF.condition({0: "x"}), "has probability zero"),
}


@pytest.mark.parametrize("name", BAD_USE)
def test_wrong_use(name):
    use, message = BAD_USE[name]
    with pytest.raises(InputError, match=message):
        use()


# --- Size -----------------------------------------------------------------------------------------------

WORD = JointPMF.uniform([range(26)])
WIDE = JointPMF.uniform([(v, v) for v in range(4000)])
TOO_LARGE = {
    "table": (
        lambda: subset_entropies(WORD),
        r"2\^26 subset entropies would need about .*the limit is 2 GiB",
    ),
    "decode": (
        lambda: decode(WIDE, parse_policy("topk:k=1")),
        "the states of this decode would need about .*2 GiB",
    ),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_too_large_is_said_before_anything_is_allocated(name):
    work, message = TOO_LARGE[name]
    with pytest.raises(CostError, match=message):
        work()  # modules that it imports late are no part of what it allocates
    tracemalloc.start()
    try:
        with pytest.raises(CostError, match=message):
            work()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_listing_outcomes_stops_at_the_limit():
    word = tuple(range(2000))  # 2^31 / (16 * 2000) = 67,109 such outcomes are the limit

    def endless():
        yield from repeat(word, 500_000)
        pytest.fail("the outcomes are listed far beyond the limit")

    with pytest.raises(CostError, match="the limit is 2 GiB"):
        JointPMF.uniform(endless())


def test_too_many_positions_for_the_optimal_partition():
    table = EntropyTable(n=30, h=np.zeros(0))
    with pytest.raises(CostError, match=r"30 positions would take about 16.7 days, the limit is"):
        optimal_bounds(table)


# --- Marginals and conditioning -------------------------------------------------------------------------


@given(target=targets(), data=st.data())
def test_marginal(target, data):
    positions = data.draw(subsets(target.n, smallest=1))
    expected = ref.marginal(target.distribution, positions)
    marginal = target.exact.marginal(positions)
    assert as_dict(marginal) == expected
    assert sum(marginal.probabilities) == 1
    floats = target.floats.marginal(positions)
    assert as_dict(floats) == pytest.approx({y: float(p) for y, p in expected.items()}, abs=ROUNDING)


@given(target=targets(), data=st.data())
def test_condition(target, data):
    outcome = data.draw(st.sampled_from(list(target.distribution)))
    given_values = {i: outcome[i] for i in data.draw(subsets(target.n))}
    expected = ref.condition(target.distribution, given_values)
    conditional = target.exact.condition(given_values)
    assert as_dict(conditional) == expected
    assert conditional.is_exact
    floats = target.floats.condition(given_values)
    assert not floats.is_exact
    assert as_dict(floats) == pytest.approx({y: float(p) for y, p in expected.items()}, rel=ROUNDING)


@given(target=targets(), data=st.data())
def test_conditioning_twice_is_conditioning_once(target, data):
    outcome = data.draw(st.sampled_from(list(target.distribution)))
    first, second = data.draw(subsets(target.n)), data.draw(subsets(target.n))
    pmf = target.exact
    twice = pmf.condition({i: outcome[i] for i in first}).condition({i: outcome[i] for i in second})
    assert as_dict(twice) == as_dict(pmf.condition({i: outcome[i] for i in {*first, *second}}))


@pytest.mark.parametrize(("n", "width"), [(45, 3), (70, 2), (3, 2**22)])
def test_grouping_when_the_key_does_not_fit_a_word(n, width):
    rng = Random(n)
    base = [tuple(rng.randrange(width) for _ in range(n)) for _ in range(5)]
    rows = {tuple(rng.choice(base)[i] for i in range(n)) for _ in range(60)}
    distribution = ref.uniform(sorted(rows))
    pmf = JointPMF.from_mapping(distribution)
    for positions in (range(n), range(n - 1, -1, -1), range(0, n, 2), [n - 1]):
        assert as_dict(pmf.marginal(list(positions))) == ref.marginal(distribution, positions)


@given(target=targets(), data=st.data())
def test_relabelling_tokens_changes_no_number(target, data):
    names = {0: ["q", "p", "r"], 1: [7, 5, 6], 2: [(), (1,), (0, 0)]}[data.draw(st.integers(0, 2))]
    maps = []
    for i in range(target.n):
        tokens = sorted({y[i] for y in target.distribution}, key=str)
        maps.append(dict(zip(tokens, data.draw(st.permutations(names)), strict=False)))
    renamed = {tuple(m[v] for m, v in zip(maps, y, strict=True)): p for y, p in target.distribution.items()}
    pmf = JointPMF.from_mapping(renamed)
    assert as_dict(pmf) == renamed
    for mask in range(1 << target.n):
        positions = [i for i in range(target.n) if mask >> i & 1]
        assert entropy(pmf, positions) == entropy(target.exact, positions)


def test_alphabets_are_sorted_and_mixed_kinds_do_not_clash():
    assert JointPMF.uniform([(10,), (9,), (2,)]).alphabets == ((2, 9, 10),)
    mixed = JointPMF.uniform([(1,), ("1",), (None,), ("a",), (2,)])
    assert len(mixed.alphabets[0]) == len(mixed) == 5
    assert mixed.alphabets == JointPMF.uniform([("a",), (2,), (None,), ("1",), (1,)]).alphabets


NUMBERS = st.one_of(st.integers(-3, 3), st.integers(-(2**70), 2**70), st.integers(2**62, 2**62 + 2))


@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=9, unique=True), data=st.data()
)
def test_integers_are_coded_as_other_tokens_are(rows, data):
    weights = data.draw(st.lists(st.integers(0, 9), min_size=len(rows), max_size=len(rows)).filter(any))
    fast = JointPMF.from_weights(rows, weights)
    slow = JointPMF.from_weights([tuple(map(Fraction, row)) for row in rows], list(map(Fraction, weights)))
    assert fast.codes.tolist() == slow.codes.tolist()
    assert fast.alphabets == slow.alphabets
    assert {type(token) for alphabet in fast.alphabets for token in alphabet} == {int}
    assert (fast.weights.tolist(), fast.total) == (slow.weights.tolist(), slow.total)
    assert fast.probabilities == tuple(Fraction(w, sum(weights)) for w in weights if w)


def test_duplicates_are_found_behind_many_equal_positions():
    rows = [(0,) * 30 + (j,) for j in range(40)]
    assert len(JointPMF.uniform(rows)) == 40
    with pytest.raises(InputError, match="0, 7\\) is a duplicate"):
        JointPMF.uniform([*rows, rows[7]])


def test_truth_values_are_no_integers():
    assert JointPMF.uniform([(True, 0), (False, 0)]).alphabets[0] == (False, True)
    assert type(JointPMF.uniform([(True, 0), (False, 0)]).alphabets[0][0]) is bool
