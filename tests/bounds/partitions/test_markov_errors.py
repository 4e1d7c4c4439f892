"""Errors of float numbers of Markov chains are proven bounds and not too large: against exact numbers.

The truth is in ``tests/reference/chains.py``.
"""

import json
from fractions import Fraction
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from flint import arb, ctx
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.helpers.strategies import ordered_partitions
from tests.helpers.tolerance import USEFUL
from tests.numbers.test_rounding import uneven
from tests.reference.chains import SLACK, Truth, entropy_of, minus_log2
from theory.__main__ import main
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.long import chain_losses, chain_schedule
from theory.bounds.partitions.markov import (
    approximate_dual,
    approximate_entropy,
    approximate_step_bound,
    bisection,
    markov_optimal_bounds,
)
from theory.bounds.schedules.markov import markov_curve
from theory.decoding.structured.markov import approximate_accuracy
from theory.distributions.parametric import likelihood_errors as evidence_errors
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.likelihood_balls import grammar_bits, hmm_bits
from theory.distributions.parametric.likelihood_errors import log_prob_error
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.parametric.markov_errors import power_roundings
from theory.numbers.compiled import has_compiler
from theory.validation import InputError


def within(found, truth: Fraction) -> bool:
    return abs(Fraction(found.value) - truth) <= Fraction(found.error) + SLACK


KINDS = {
    "few": st.sampled_from([0, 0, 1, 1, 2]),  # zeros and ties
    "skewed": st.sampled_from([0, 1, 1, 97, 10**6, 10**15]),
    "uneven": uneven,
    "nearly certain": st.sampled_from([1, 2**60, 2**60, 0]),
}


@st.composite
def chains(draw, longest: int):
    n, width = draw(st.integers(1, longest)), draw(st.integers(1, 4))
    weight = KINDS[draw(st.sampled_from(sorted(KINDS)))]

    def row():
        weights = draw(st.lists(weight, min_size=width, max_size=width).filter(any))
        return [Fraction(w, sum(weights)) for w in weights]

    count = 1 if n < 3 or draw(st.booleans()) else n - 1
    matrices = [[row() for _ in range(width)] for _ in range(count)]
    return MarkovDistribution(n=n, initial=row(), transition=matrices[0] if count == 1 else matrices)


def agrees(distribution: MarkovDistribution, truth: Truth, blocks) -> None:
    n = distribution.n
    g, errors = distribution.gap_entropies, distribution.gap_errors
    for (a, b), value in truth.g.items():
        assert abs(Fraction(float(g[a + 1, b])) - value) <= Fraction(float(errors[a + 1, b])) + SLACK
    assert errors.max() < USEFUL
    for found, wanted in (
        (approximate_entropy(distribution), truth.entropy()),
        (approximate_step_bound(distribution, blocks), truth.step_bound(blocks)),
        (approximate_step_bound(distribution, [range(n)]), truth.step_bound([range(n)])),
        (approximate_dual(distribution), truth.dual()),
        (approximate_accuracy(distribution, blocks), truth.accuracy(blocks)),
    ):
        assert within(found, wanted)
        assert found.error < USEFUL


def means_agree(distribution: MarkovDistribution, truth: Truth, sizes) -> None:
    n, found, means = distribution.n, markov_curve(distribution), truth.means()
    for value, mean in zip(found.curve.means, means, strict=True):
        assert abs(Fraction(value) - mean) <= Fraction(found.curve.error) + SLACK
    for j, z in enumerate(found.curve.z, start=1):
        truth_z = means[1] + means[j - 1] - means[j]
        assert abs(Fraction(z) - truth_z) <= Fraction(found.z_error) + SLACK

    def price(blocks):
        starts = np.cumsum([0, *blocks[:-1]]).tolist()
        rises = (s * (means[i + 1] - means[i]) for s, i in zip(blocks, starts, strict=True))
        return sum(rises, -means[n])

    assert within(found.expected_kl(sizes), price(sizes))
    assert found.expected_kl(sizes).error < USEFUL
    best = optimal_sizes(found.curve)
    error = found.least_error(best.sizes)
    assert error < USEFUL
    least = [price([n])]
    cost = {i: i * means[1] for i in range(1, n + 1)}
    for _ in range(1, n):
        cost = {
            m: min((c + (m - i) * (means[i + 1] - means[i]) for i, c in cost.items() if i < m), default=None)
            for m in range(1, n + 1)
        }
        cost = {m: c for m, c in cost.items() if c is not None}
        least.append(cost[n] - means[n])
    for value, wanted in zip(best.values, least, strict=True):
        assert abs(Fraction(float(value)) - wanted) <= Fraction(error) + SLACK


@given(distribution=chains(6), data=st.data())
def test_short_chains(distribution, data):
    blocks = data.draw(ordered_partitions(distribution.n))
    truth = Truth(distribution)
    agrees(distribution, truth, blocks)
    means_agree(distribution, truth, [len(block) for block in blocks])
    best = markov_optimal_bounds(distribution)
    assert best.error < USEFUL
    for steps, value in enumerate(best.values, start=1):
        assert abs(Fraction(value) - truth.best(steps)) <= Fraction(best.error) + SLACK


@settings(max_examples=examples(4))
@given(distribution=chains(14), data=st.data())
def test_longer_chains(distribution, data):
    blocks = data.draw(ordered_partitions(distribution.n))
    truth = Truth(distribution)
    agrees(distribution, truth, blocks)
    means_agree(distribution, truth, [len(block) for block in blocks])


def fixed_chain(n: int, *, steps: bool, seed: int = 0) -> MarkovDistribution:
    """Four tokens: rows with zeros, ties and 1e-9, one matrix or one for each step."""
    rng = np.random.default_rng(seed)
    weights = rng.choice(
        [0, 1, 1, 7, 40, 10**9], (n - 1 if steps else 1, 4, 4), p=[0.2, 0.2, 0.2, 0.2, 0.15, 0.05]
    )
    weights += np.eye(4, dtype=int)
    rows = [[[Fraction(w, sum(r)) for w in r] for r in m] for m in weights.tolist()]
    return MarkovDistribution(
        n=n, initial=["1/10", "2/10", "3/10", "4/10"], transition=rows if steps else rows[0]
    )


@pytest.mark.deep
@pytest.mark.parametrize("steps", [False, True])
def test_thirty_positions(steps):
    distribution = fixed_chain(30, steps=steps)
    truth = Truth(distribution)
    agrees(distribution, truth, [range(0, 30, 3), range(1, 30, 3), range(2, 30, 3)])
    for blocks in (bisection(30), [range(30)]):
        assert within(approximate_accuracy(distribution, blocks), truth.accuracy(blocks))
        assert within(approximate_step_bound(distribution, blocks), truth.step_bound(blocks))
    means_agree(distribution, truth, [1, 2, 3, 4, 5, 6, 9])
    best = markov_optimal_bounds(distribution)
    for t, value in enumerate(best.values[:2], start=1):
        assert abs(Fraction(value) - truth.best(t)) <= Fraction(best.error) + SLACK


def test_the_two_references_agree():
    # the slow one for accuracies against the definition: all answers, all blocks
    distribution = fixed_chain(4, steps=True, seed=3)
    pmf, blocks = dict(distribution.pmf()), ((1, 3), (0,), (2,))
    total = Fraction(0)
    for y in pmf:
        chance, known = Fraction(1), {}
        for block in blocks:
            given_ = {z: p for z, p in pmf.items() if all(z[i] == v for i, v in known.items())}
            for i in block:
                chance *= sum(p for z, p in given_.items() if z[i] == y[i]) / sum(given_.values())
            known |= {i: y[i] for i in block}
        total += chance
    truth = Truth(distribution)
    assert truth.accuracy(blocks) == total
    subsets = [list(combinations(range(4), j)) for j in range(5)]
    assert truth.means() == [sum(map(truth.of, sets), Fraction(0)) / len(sets) for sets in subsets]


# --- Hundreds of positions -----------------------------------------------------------------------------------


@pytest.mark.deep
@pytest.mark.parametrize("steps", [False, True])
def test_errors_are_small_at_three_hundred(steps):
    distribution = fixed_chain(300, steps=steps, seed=5)
    blocks = [range(i, i + 3) for i in range(0, 300, 3)]
    for found in (
        approximate_entropy(distribution),
        approximate_dual(distribution),
        approximate_step_bound(distribution, blocks),
        approximate_step_bound(distribution, [range(300)]),
        approximate_accuracy(distribution, blocks),
        approximate_accuracy(distribution, [range(300)]),
        approximate_accuracy(distribution, bisection(300)),
        markov_curve(distribution).expected_kl([100, 100, 100]),
    ):
        assert 0 < found.error < USEFUL
    assert markov_curve(distribution).z_error < USEFUL
    lost = approximate_step_bound(distribution, bisection(300))
    assert abs(lost.value) <= lost.error < USEFUL  # the truth is 0
    whole = approximate_accuracy(distribution, [[i] for i in range(300)])
    assert abs(whole.value - 1) <= whole.error < USEFUL


def test_long_products_against_exact_powers():
    # P(y_b | y_a) of two tokens has a closed form: shrink^d; its entropies in exact numbers
    distribution = MarkovDistribution(
        n=200, initial=["1/3", "2/3"], transition=[["9/10", "1/10"], ["1/5", "4/5"]]
    )
    stay = [Fraction(2, 3), Fraction(1, 3)]  # the stationary distribution
    shrink = Fraction(7, 10)
    at = [stay[0] + (Fraction(1, 3) - stay[0]) * shrink**i for i in range(200)]
    for a, b in [(-1, 150), (0, 1), (3, 40), (0, 199), (100, 199), (50, 160)]:
        if a < 0:
            wanted = entropy_of([at[b], 1 - at[b]])
        else:
            first = [stay[0] + (1 - stay[0]) * shrink ** (b - a), stay[0] * (1 - shrink ** (b - a))]
            wanted = sum(w * entropy_of([p, 1 - p]) for w, p in zip([at[a], 1 - at[a]], first, strict=True))
        found, error = float(distribution.gap_entropies[a + 1, b]), float(distribution.gap_errors[a + 1, b])
        assert abs(Fraction(found) - wanted) <= Fraction(error) + SLACK
        assert error < USEFUL / 1000


@pytest.mark.deep
@pytest.mark.skipif(not has_compiler(), reason="numba is absent; numpy takes minutes")
def test_the_optimum_of_three_hundred():
    best = markov_optimal_bounds(fixed_chain(300, steps=False, seed=5))
    assert 0 < best.error < USEFUL
    for steps, blocks in enumerate(best.partitions[:-1], start=1):
        priced = approximate_step_bound(fixed_chain(300, steps=False, seed=5), blocks)
        assert abs(priced.value - best.values[steps - 1]) <= best.error + priced.error


def test_the_roundings_of_an_accuracy_are_counted_member_by_member():
    # a member: its powers, two, V + 1 and the gap before it; the end of a gap: V. A power of d matrices: d + (d - 1) V
    distribution, unit = fixed_chain(4, steps=False, seed=5), Fraction(1, 2**53)
    v = len(distribution.tokens)

    def member(*powers, gap=0):
        return sum(d + (d - 1) * v for d in powers) + 2 + v + 1 + gap

    right = member(1) + member(2) + v  # 2 and 3 after 1 is known; P(y_4 | .), beyond the end, is exact
    whole = member(1) + member(2) + right + v  # 0 and 1 from the start
    for blocks, roundings in (([[0, 1], [2, 3]], whole), ([[1], [0, 2, 3]], None)):
        if roundings is None:  # 0 between the start and 1; 2 and 3 as before; the gap before 1 is that of 0
            left = member(1, 1, 2) + v
            roundings = member(2, gap=left) + right + v
        found = approximate_accuracy(distribution, blocks)
        error = float(Fraction(102, 100) * roundings * unit * Fraction(found.value))
        assert found.error == pytest.approx(error, rel=1e-9, abs=0)


# --- The range of floats ---------------------------------------------------------------------------------------

TINY = Fraction(1, 10**200)


def test_probabilities_below_the_smallest_float_are_unknown_not_zero():
    # both ends are drawn at once; from 0 to 2 the only path has 1e-400, and is certain once both ends are known
    rows = [[1 - TINY, TINY, 0], [0, 1 - TINY, TINY], [0, 0, 1]]
    distribution = MarkovDistribution(n=3, initial=["1/2", 0, "1/2"], transition=rows)
    blocks = [[0, 2], [1]]
    truth = Truth(distribution).accuracy(blocks)
    found = approximate_accuracy(distribution, blocks)
    assert distribution.between(0, 2)[0, 2] == 0
    assert distribution.possible(0, 2)[0, 2]
    assert not distribution.possible(0, 2)[2, 0]
    assert abs(Fraction(found.value) - truth) <= Fraction(found.error)
    assert 0.1 < found.error < 0.2  # a quarter of the runs reach the pair: 0 or 1 of it is right
    assert within(approximate_entropy(distribution), Truth(distribution).entropy())


def test_pairs_that_hardly_occur_are_no_loss():
    # 1 survives n steps with 10^-n: below the smallest float, but never drawn
    distribution = MarkovDistribution(n=400, initial=["1/2", "1/2"], transition=[[1, 0], ["9/10", "1/10"]])
    assert distribution.between(0, 399)[1, 1] == 0
    found = approximate_accuracy(distribution, [[0, 399], range(1, 399)])
    assert found.error < USEFUL


@pytest.mark.parametrize("steps", [False, True])
def test_what_is_possible(steps):
    distribution = fixed_chain(9, steps=steps, seed=2)
    truth = Truth(distribution)
    for (a, b), reach in truth.between.items():
        assert distribution.possible(a, b).tolist() == [[bool(p) for p in row] for row in reach]
        floats = distribution.between(a, b)
        for line, exact in zip(floats, reach, strict=True):
            for value, p in zip(line.tolist(), exact, strict=True):
                count = power_roundings(b - a, 4)
                assert abs(Fraction(value) - p) <= p * Fraction(count + 1, 2**53)


def test_subnormal_parameters_are_refused():
    with pytest.raises(InputError, match="below 1e-308"):
        MarkovDistribution(
            n=2, initial=["1e-320", Fraction(1) - Fraction("1e-320")], transition=[[1, 0], [0, 1]]
        )


@given(distribution=chains(6), data=st.data())
def test_log_prob(distribution, data):
    rows = np.array(
        data.draw(
            st.lists(st.tuples(*[st.integers(0, len(distribution.tokens) - 1)] * distribution.n), min_size=1)
        )
    )
    for y, bits, error in zip(
        rows, distribution.log_prob(rows), distribution.log_prob_error(rows), strict=True
    ):
        steps = [
            distribution.transition[0 if len(distribution.transition) == 1 else i][a][b]
            for i, (a, b) in enumerate(pairwise(y))
        ]
        chances = [distribution.initial[y[0]], *steps]
        if not all(chances):
            assert (bits, error) == (-np.inf, 0)
        else:
            wanted = -sum(map(minus_log2, chances), Fraction(0))
            assert abs(Fraction(float(bits)) - wanted) <= Fraction(float(error)) + SLACK
            assert error < USEFUL


@st.composite
def hidden(draw):
    chain = draw(chains(4))
    width = draw(st.integers(1, 3))
    weight = KINDS[draw(st.sampled_from(["few", "skewed", "uneven"]))]
    rows = [draw(st.lists(weight, min_size=width, max_size=width).filter(any)) for _ in chain.tokens]
    shows = [[Fraction(w, sum(row)) for w in row] for row in rows]
    return HMMDistribution(n=chain.n, initial=chain.initial, transition=chain.transition, emission=shows)


@given(distribution=hidden())
def test_log_prob_of_hidden_chains(distribution):
    rows = np.array(list(product(range(len(distribution.tokens)), repeat=distribution.n)))
    check_log_probs(distribution, rows, hidden_chances(distribution, rows.tolist()))


def hidden_chances(distribution, rows):
    """P(y) of each row, by the forward algorithm in Fractions."""
    moves = [
        distribution.transition[0 if len(distribution.transition) == 1 else i]
        for i in range(distribution.n - 1)
    ]
    truth = []
    for y in rows:
        ways = [p * row[y[0]] for p, row in zip(distribution.initial, distribution.emission, strict=True)]
        for v, move in zip(y[1:], moves, strict=True):
            after = [sum((p * move[g][h] for g, p in enumerate(ways)), Fraction(0)) for h in range(len(ways))]
            ways = [p * row[v] for p, row in zip(after, distribution.emission, strict=True)]
        truth.append(sum(ways, Fraction(0)))
    return truth


def check_log_probs(distribution, rows, truth):
    for bits, error, p in zip(
        distribution.log_prob(rows), log_prob_error(distribution, rows), truth, strict=True
    ):
        if p == 0:
            assert (bits, error) == (-np.inf, 0)
        else:
            assert abs(Fraction(float(bits)) + minus_log2(p)) <= Fraction(float(error)) + SLACK
            assert error < USEFUL


AMBIGUOUS = {
    "S": {"S S": "1/7", "A B": "2/7", "a": "4/7"},
    "A": {"a": "1/3", "b": "2/3"},
    "B": {"S A": "9/10", "b": "1/10"},
}


@pytest.mark.parametrize("words", [(), ("a",), ("a", "b")])
@pytest.mark.parametrize("n", [2, 5])
def test_log_prob_of_grammars(n, words):
    distribution = GrammarDistribution(n=n, rules=AMBIGUOUS, words=words)
    pmf = {tuple(distribution.tokens.index(w) for w in y): p for y, p in distribution.pmf()}
    rows = list(product(range(len(distribution.tokens)), repeat=n))
    check_log_probs(distribution, np.array(rows), [pmf.get(y, Fraction(0)) for y in rows])


def test_log_prob_where_floats_end(monkeypatch):
    # the state that the last token needs has a share below the least float on the way: logarithms take over
    rows, shows = [[1, 0], [0, 1]], [[1 - TINY, TINY], [TINY, 1 - TINY]]
    distribution = HMMDistribution(n=5, initial=["1/2", "1/2"], transition=rows, emission=shows)
    answers = np.array([[0, 0, 0, 0, 1], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]])
    errors, truths = log_prob_error(distribution, answers), hidden_chances(distribution, answers.tolist())
    assert errors.max() < USEFUL
    for bits, error, p in zip(distribution.log_prob(answers), errors, truths, strict=True):
        assert abs(Fraction(float(bits)) + minus_log2(p)) <= Fraction(float(error)) + SLACK
    none = HMMDistribution(n=3, initial=[1, 0], transition=rows, emission=[[1, 0], [0, 1]])
    assert log_prob_error(none, np.array([[1, 1, 1]])).tolist() == [0]
    deep = GrammarDistribution(
        n=40, rules={"S": {"S S": "1/1000", "x": "999/2000", "y": "999/2000"}}, words=()
    )
    assert log_prob_error(deep, np.zeros((1, 40), dtype=int))[0] < USEFUL
    deeper = GrammarDistribution(
        n=90, rules={"S": {"S S": "1/1000", "x": "999/2000", "y": "999/2000"}}, words=()
    )
    assert log_prob_error(deeper, np.zeros((1, 90), dtype=int))[0] < USEFUL  # by balls
    monkeypatch.setattr(evidence_errors, "MOST", 1000)
    assert log_prob_error(deeper, np.zeros((1, 90), dtype=int))[0] == np.inf  # too many products


@given(distribution=hidden())
def test_log_prob_of_hidden_chains_in_balls(distribution):
    rows = list(product(range(len(distribution.tokens)), repeat=distribution.n))
    for y, p in zip(rows, hidden_chances(distribution, rows), strict=True):
        if p:
            error = abs(float(hmm_bits(distribution, y).mid()) + float(minus_log2(p)))
            assert error < 1e-14 * max(1.0, float(minus_log2(p)))


@pytest.mark.parametrize("words", [(), ("a", "b")])
def test_log_prob_of_grammars_in_balls(words):
    distribution = GrammarDistribution(n=5, rules=AMBIGUOUS, words=words)
    for y, p in distribution.pmf():
        assert float(grammar_bits(*distribution.split, y).mid()) == pytest.approx(
            -float(minus_log2(p)), abs=1e-14
        )


def test_numpy_logarithms_are_within_four_units():
    # the assumptions of the proof, also next to one and in vector loops
    near_one = np.concatenate([1 - 2.0 ** -np.arange(1, 54), 1 + 2.0 ** -np.arange(1, 53)])
    x = np.concatenate(
        [
            near_one,
            np.random.default_rng(0).random(500),
            2.0 ** -np.random.default_rng(1).uniform(0, 1000, 300),
        ]
    )
    before, ctx.prec = ctx.prec, 200
    try:
        for value, result in zip(x.tolist(), np.log2(x).tolist(), strict=True):
            truth = arb(value).log() / arb(2).log()
            assert bool(abs(arb(result) - truth) <= abs(truth) * 8 * arb(2) ** -53)
    finally:
        ctx.prec = before


# --- Answers ---------------------------------------------------------------------------------------------------


def test_numbers_carry_their_errors():
    distribution = fixed_chain(40, steps=False)
    blocks = [range(i, i + 4) for i in range(0, 40, 4)]
    found, truth = chain_losses(distribution, blocks), Truth(distribution)
    wanted = {
        "entropy": truth.entropy(),
        "total_correlation": truth.step_bound([range(40)]),
        "dual_total_correlation": truth.dual(),
        "partition_bound": truth.step_bound(blocks),
    }
    for key, exact in wanted.items():
        value, error = found[key]
        assert abs(Fraction(value) - exact) <= Fraction(error) + SLACK
    schedule = chain_schedule(distribution)
    rounded = [found[key][1] for key in (*wanted, "optimal_bound")]
    rounded += [schedule[key][1] for key in ("information_curve", "expected_kl")]
    assert all(0 < error < USEFUL for error in rounded)


@pytest.mark.deep
def test_commands_print_the_errors(capsys, tmp_path):
    path = tmp_path / "chain.json"
    chain = {"length": 60, "initial": ["1/2", "1/2"], "transition": [["3/4", "1/4"], ["1/4", "3/4"]]}
    path.write_text(json.dumps({"markov": chain}))
    for words, keys in (
        (["bounds", "--partition", "equal:3"], {"entropy", "partition_accuracy", "optimal_bound"}),
        (["schedule"], {"information_curve", "expected_kl"}),
        (["decode", "--policy", "topk:k=3,by=left_to_right"], {"accuracy", "kl", "path_kl"}),
        (["decode", "--samples", "20", "--policy", "topk:k=3,by=random"], {"path_kl"}),
    ):
        command = [words[0], str(path), *words[1:]]
        assert main([*command, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert keys <= set(answer["errors"])
        assert all(0 < answer["errors"][key] < USEFUL for key in keys)
        assert main(command) == 0
        assert "off by at most" in capsys.readouterr().out
