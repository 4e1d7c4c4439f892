"""Distributions given by parameters: conditionals, bounds and decodes against enumeration in Fractions."""

import json
from fractions import Fraction
from itertools import product
from math import log, prod, sqrt
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.helpers.intervals import ALPHA, assert_frequencies
from tests.helpers.strategies import ordered_partitions
from tests.helpers.task_truth import expected_marginals, states
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory import decode, parse_policy
from theory.__main__ import main
from theory.bounds.partitions.long import chain_losses, chain_schedule
from theory.bounds.partitions.markov import (
    approximate_entropy,
    approximate_step_bound,
    bisection,
    markov_optimal_bounds,
)
from theory.bounds.partitions.markov_program import next_round
from theory.bounds.partitions.step_bounds import step_bound
from theory.bounds.schedules.markov import markov_curve
from theory.bounds.schedules.random_order import expected_kl
from theory.commands.decode import sampled_answer
from theory.decoding.structured.markov import approximate_accuracy
from theory.distributions.distribution import ListedDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.sampling.estimates import (
    estimate_bounds,
    estimate_profiles,
    estimate_sizes,
    estimate_step_bound,
    mean_curve,
    sample_decodes,
)
from theory.sampling.fixed_schedules import fixed_schedule
from theory.sampling.intervals import estimate_mean, proportion
from theory.sampling.sampled_decode import sampled_decode
from theory.validation import InputError

# --- The definitions, slowly -------------------------------------------------------------------------------


def markov_pmf(n, initial, matrices) -> ref.PMF:
    distribution = {}
    for y in product(range(len(initial)), repeat=n):
        p = initial[y[0]] * prod((matrices[i - 1][y[i - 1]][y[i]] for i in range(1, n)), start=Fraction(1))
        if p:
            distribution[y] = p
    return distribution


def hmm_pmf(n, initial, matrices, emission) -> ref.PMF:
    distribution = {}
    for h, p in markov_pmf(n, initial, matrices).items():
        for y in product(range(len(emission[0])), repeat=n):
            q = p * prod((emission[a][b] for a, b in zip(h, y, strict=True)), start=Fraction(1))
            if q:
                distribution[y] = distribution.get(y, Fraction(0)) + q
    return distribution


def grammar_pmf(n, rules, start) -> ref.PMF:
    """Every sequence of words; its probability sums over all ways to split it."""

    def yields(symbol, words) -> Fraction:
        total = Fraction(0)
        for side, p in rules[symbol].items():
            parts = side.split()
            if len(parts) == 1:
                total += p if words == (side,) else 0
            else:
                for u in range(1, len(words)):
                    left = yields(parts[0], words[:u])
                    total += p * left * yields(parts[1], words[u:]) if left else 0
        return total

    words = sorted(
        {side for sides in rules.values() for side in sides if side not in rules and " " not in side}
    )
    distribution = {y: p for y in product(words, repeat=n) if (p := yields(start, y))}
    total = sum(distribution.values())
    return {y: p / total for y, p in distribution.items()}


def proportional(weights):
    weights = list(weights)
    return [Fraction(w, sum(weights)) for w in weights]


def rows(width, draw):
    return proportional(
        draw(st.lists(st.sampled_from([0, 0, 1, 1, 2, 9]), min_size=width, max_size=width).filter(any))
    )


@st.composite
def chains(draw, hidden=False):
    """(distribution, its pmf by the definition): zeros, and one matrix or one for each step."""
    n, states_ = draw(st.integers(1, 5 if not hidden else 4)), draw(st.integers(1, 3))
    initial = rows(states_, draw)
    count = 1 if draw(st.booleans()) or n == 1 else n - 1
    matrices = [[rows(states_, draw) for _ in range(states_)] for _ in range(count)]
    transition = matrices[0] if count == 1 else matrices
    each = matrices * (n - 1) if count == 1 else matrices
    if not hidden:
        return MarkovDistribution(n=n, initial=initial, transition=transition), markov_pmf(n, initial, each)
    width = draw(st.integers(1, 3))
    emission = [rows(width, draw) for _ in range(states_)]
    distribution = HMMDistribution(n=n, initial=initial, transition=transition, emission=emission)
    return distribution, hmm_pmf(n, initial, each, emission)


@st.composite
def grammars(draw):
    """A random ambiguous grammar of three symbols and up to three words."""
    symbols = ["S", "A", "B"]
    sides = [f"{b} {c}" for b in symbols for c in symbols] + ["x", "y", "z"]
    rules = {}
    for symbol in symbols:
        chosen = draw(st.lists(st.sampled_from(sides), min_size=1, max_size=4, unique=True))
        weights = draw(st.lists(st.integers(1, 5), min_size=len(chosen), max_size=len(chosen)))
        rules[symbol] = dict(zip(chosen, proportional(weights), strict=True))
    return draw(st.integers(1, 4)), rules


def agrees(distribution, truth: ref.PMF) -> None:
    """All methods of the protocol against the definition."""
    tokens = distribution.tokens
    assert dict(distribution.pmf()) == truth
    assert distribution.n == ref.length(truth)
    shown = states(truth, tokens, Random(repr(sorted(truth.items()))), 12)
    wanted = np.array([expected_marginals(truth, tokens, row) for row in shown])
    np.testing.assert_allclose(distribution.conditional(np.array(shown)), wanted, rtol=0, atol=ROUNDING)
    words = list(product(range(-1, len(tokens) + 1), repeat=distribution.n))[:500]
    named = [tuple(tokens[j] if 0 <= j < len(tokens) else None for j in word) for word in words]
    assert distribution.contains(np.array(words)).tolist() == [y in truth for y in named]
    logs = distribution.log_prob(np.array(words))
    for y, bits in zip(named, logs.tolist(), strict=True):
        assert bits == (pytest.approx(log(truth[y], 2), abs=ROUNDING) if y in truth else -np.inf)
    assert distribution.largest_surprise() >= max(-log(p, 2) for p in truth.values()) - ROUNDING
    assert distribution.support_size() >= len(truth)


@given(pair=chains())
@settings(max_examples=examples(10))
def test_markov_chains(pair):
    distribution, truth = pair
    agrees(distribution, truth)
    assert distribution.support_size() == len(truth)


@given(pair=chains(hidden=True))
def test_hidden_markov_models(pair):
    distribution, truth = pair
    agrees(distribution, truth)
    assert distribution.support_size() == len(truth)


@given(drawn=grammars())
def test_grammars(drawn):
    n, rules = drawn
    truth = grammar_pmf(n, rules, "S")
    if not truth:
        with pytest.raises(InputError, match="no sentence"):
            GrammarDistribution(n=n, rules=rules, start="S")
        return
    distribution = GrammarDistribution(n=n, rules=rules, start="S")
    assert distribution.tokens == tuple(sorted({w for y in truth for w in y}))
    agrees(distribution, truth)


@given(drawn=grammars(), held=st.lists(st.sampled_from("xyz"), min_size=1, max_size=2))
def test_grammars_with_given_words(drawn, held):
    n, rules = drawn
    whole = grammar_pmf(n, rules, "S")
    kept = {y: p for y, p in whole.items() if set(held) <= set(y)}
    total = sum(kept.values())
    if not kept:
        with pytest.raises(InputError, match=r"no sentence|is no word"):
            GrammarDistribution(n=n, rules=rules, start="S", words=held)
        return
    distribution = GrammarDistribution(n=n, rules=rules, start="S", words=held)
    agrees(distribution, {y: p / total for y, p in kept.items()})


def test_words_that_cannot_be_held():
    rules = {"S": ["S S", "a", "b"]}
    with pytest.raises(InputError, match="'c' is no word of the grammar"):
        GrammarDistribution(n=3, rules=rules, words=("c",))
    with pytest.raises(InputError, match="no sentence of 1 words with a, b"):
        GrammarDistribution(n=1, rules=rules, words=("a", "b"))
    with pytest.raises(InputError, match="at most 6, got 7"):
        GrammarDistribution(n=3, rules={"S": list("abcdefg")}, words=tuple("abcdefg"))


# --- Markov chains: bounds by gaps -------------------------------------------------------------------------


@given(pair=chains(), data=st.data())
@settings(max_examples=examples(6))
def test_bounds_of_chains_are_those_of_the_listed_distribution(pair, data):
    distribution, truth = pair
    assert approximate_entropy(distribution).value == pytest.approx(
        ref.to_float(ref.entropy(truth)), abs=ROUNDING
    )
    blocks = data.draw(ordered_partitions(distribution.n))
    table = subset_entropies(distribution.pmf())
    assert approximate_step_bound(distribution, blocks).value == pytest.approx(
        float(step_bound(table, blocks)), abs=ROUNDING
    )
    means = [float(h) for h in information_curve(table).means]
    np.testing.assert_allclose(markov_curve(distribution).curve.means, means, rtol=0, atol=ROUNDING)
    best = markov_optimal_bounds(distribution)
    assert len(best.values) == distribution.n.bit_length()
    for t, (value, partition) in enumerate(zip(best.values, best.partitions, strict=True), start=1):
        assert len(partition) <= t
        assert value == pytest.approx(
            ref.to_float(ref.optimal_bound(truth, min(t, distribution.n))[0]), abs=ROUNDING
        )
        assert approximate_step_bound(distribution, partition).value == pytest.approx(value, abs=ROUNDING)


@pytest.mark.parametrize("n", [1, 2, 3, 40])
def test_the_compiled_round_is_the_plain_one(n):
    pytest.importorskip("numba")
    rows_ = np.random.default_rng(n).integers(0, 5, (n, 3, 3)) + np.eye(3, dtype=int)
    distribution = (
        MarkovDistribution(
            n=n,
            initial=["1/2", "1/3", "1/6"],
            transition=[[proportional(map(int, r)) for r in m] for m in rows_[1:]],
        )
        if n > 2
        else MarkovDistribution.from_counts([3, 2, 1], rows_[0].tolist(), n=n)
    )
    g = distribution.gap_entropies
    cost = np.where(np.tri(n + 1, k=-1) > 0, np.inf, np.random.default_rng(0).random((n + 1, n + 1)))
    plain, fast = (next_round(cost, g, compiled=compiled) for compiled in (False, True))
    assert (plain == fast).all()


def accuracy_by_definition(truth: ref.PMF, blocks) -> Fraction:
    """Sum over valid answers of the product of the conditionals of each block, drawn independently."""
    total = Fraction(0)
    for y in truth:
        p, revealed = Fraction(1), {}
        for block in blocks:
            distribution = ref.condition(truth, revealed)
            p *= prod((ref.marginal(distribution, (i,))[(y[i],)] for i in block), start=Fraction(1))
            revealed |= {i: y[i] for i in block}
        total += p
    return total


@given(pair=chains(), data=st.data())
def test_accuracy_of_chains(pair, data):
    distribution, truth = pair
    blocks = data.draw(ordered_partitions(distribution.n))
    wanted = float(accuracy_by_definition(truth, blocks))
    assert approximate_accuracy(distribution, blocks).value == pytest.approx(wanted, abs=ROUNDING)


def test_left_to_right_is_the_exact_decode():
    distribution = MarkovDistribution(
        n=6, initial=["1/3", "1/2", "1/6"], transition=[["1/2", "1/2", 0], [0, "1/4", "3/4"], [1, 0, 0]]
    )
    for spec in ("topk:k=2", "topk:k=4,remainder=first", "topk:k=2,block=3"):
        policy = parse_policy(f"{spec},by=left_to_right")
        exact = decode(distribution.pmf(), policy)
        blocks = fixed_schedule(policy, 6).partition
        assert len(blocks) == exact.steps
        assert approximate_accuracy(distribution, blocks).value == pytest.approx(
            float(exact.accuracy), abs=ROUNDING
        )
        assert approximate_step_bound(distribution, blocks).value == pytest.approx(
            float(exact.kl), abs=ROUNDING
        )


def test_long_chains_have_closed_forms():
    stick = 2 - 0.75 * log(3, 2)  # the entropy of a bit that stays with probability 3/4
    distribution = MarkovDistribution(
        n=300, initial=["1/2", "1/2"], transition=[["3/4", "1/4"], ["1/4", "3/4"]]
    )
    assert approximate_entropy(distribution).value == pytest.approx(1 + 299 * stick, abs=1e-10)
    blocks = bisection(300)
    assert len(blocks) == 9
    assert sorted(i for block in blocks for i in block) == list(range(300))
    assert abs(approximate_step_bound(distribution, blocks).value) < 1e-10
    pairs = [range(i, i + 2) for i in range(0, 300, 2)]
    # the second of a pair is drawn without the first: H(y_1) - H(y_1 | y_0), then H(y_2 | y_0) - H(y_2 | y_1) each
    two = -(0.625 * log(0.625, 2) + 0.375 * log(0.375, 2))
    assert approximate_step_bound(distribution, pairs).value == pytest.approx(
        1 - stick + 149 * (two - stick), abs=1e-10
    )


@pytest.mark.parametrize("n", [*range(1, 20), 255, 256, 257])
def test_bisection_has_the_least_number_of_blocks(n):
    assert len(bisection(n)) == n.bit_length()


def test_long_sequences_do_not_underflow():
    distribution = HMMDistribution(
        n=400, initial=[1], transition=[[1]], emission=[[Fraction(1, 2**20), 1 - Fraction(1, 2**20)]]
    )
    rare = np.zeros((1, 400), dtype=np.int64)
    assert distribution.log_prob(rare)[0] == pytest.approx(-8000)
    assert distribution.contains(rare).all()
    rare[0, 0] = MASK
    assert distribution.conditional(rare)[0, 0, 0] == pytest.approx(2.0**-20)
    rules = {"S": {"A S": "1/1024", "x": "1023/1024"}, "A": {"x": 1}}
    words = GrammarDistribution(n=120, rules=rules)  # a probability of about 2^-1190
    assert words.log_prob(np.zeros((1, 120), dtype=np.int64)).tolist() == [0.0]
    assert words.conditional(np.full((1, 120), MASK)).tolist() == [[[1.0]] * 120]


# --- Samples, torch, estimates -----------------------------------------------------------------------------

STICKY = [["3/4", "1/4"], ["1/4", "3/4"]]
LAWS = {
    "markov": MarkovDistribution(
        n=4, initial=["1/2", "1/3", "1/6"], transition=[[0, "1/2", "1/2"], ["1/4", "3/4", 0], [1, 0, 0]]
    ),
    "hmm": HMMDistribution(
        n=4, initial=["1/2", "1/2"], transition=STICKY, emission=[["1/2", "1/2", 0], [0, "1/8", "7/8"]]
    ),
    "grammar": GrammarDistribution(
        n=4,
        rules={"S": {"S S": "1/3", "A S": "1/3", "x": "1/3"}, "A": {"x": "1/2", "y": "1/4", "S A": "1/4"}},
    ),
}


@pytest.mark.parametrize("name", LAWS)
def test_samples_follow_the_distribution(name):
    distribution = LAWS[name]
    size = 20_000
    ids = distribution.sample(np.random.default_rng(5), size)
    assert distribution.contains(ids).all()
    pmf = distribution.pmf()
    seen = {y: 0 for y in pmf.outcomes}
    for row in ids.tolist():
        seen[tuple(distribution.tokens[j] for j in row)] += 1
    assert_frequencies([seen[y] for y in pmf.outcomes], pmf.floats(), size, name)
    assert distribution.sample(np.random.default_rng(0), 0).shape == (0, 4)
    assert (
        distribution.sample(np.random.default_rng(5), 50) == distribution.sample(np.random.default_rng(5), 50)
    ).all()


@pytest.mark.parametrize("name", LAWS)
def test_torch_gives_the_same_conditionals(name):
    torch = pytest.importorskip("torch")
    distribution = LAWS[name]
    shown = distribution.sample(np.random.default_rng(1), 30)
    shown[np.random.default_rng(2).random(shown.shape) < 0.5] = MASK
    ours = distribution.conditional(torch.tensor(shown))
    assert ours.dtype == torch.float64
    np.testing.assert_allclose(ours.numpy(), distribution.conditional(shown), rtol=0, atol=ROUNDING)


def reach(estimate, samples, span) -> float:
    """How far a mean may be off with probability 1 - ALPHA (empirical Bernstein)."""
    scale = log(4 / ALPHA)
    return estimate.standard_error * sqrt(2 * scale) + 7 * span * scale / (3 * (samples - 1)) + ROUNDING


@pytest.mark.grid(1)
@pytest.mark.parametrize("name", LAWS)
def test_estimates_find_the_exact_values(name):
    distribution, samples = LAWS[name], 8_000
    truth = dict(distribution.pmf())
    blocks = ((1, 2), (0, 3))
    table = subset_entropies(distribution.pmf())
    span = distribution.largest_surprise() + distribution.n * log(len(distribution.tokens), 2)
    found = estimate_bounds(distribution, samples=samples, rng=np.random.default_rng(1))
    found["bound"] = estimate_step_bound(distribution, blocks, samples=samples, rng=np.random.default_rng(2))
    wanted = {
        "entropy": ref.to_float(ref.entropy(truth)),
        "total_correlation": ref.to_float(ref.total_correlation(truth)),
        "dual_total_correlation": ref.to_float(ref.dual_total_correlation(truth)),
        "bound": float(step_bound(table, blocks)),
    }
    for key, value in wanted.items():
        off = abs(found[key].estimate - value)
        assert off <= reach(found[key], samples, span), key
        assert off > 0, "a sampled value is never exact"
        assert found[key].low <= value <= found[key].high
    profiles = estimate_profiles(distribution, samples=samples, rng=np.random.default_rng(3))
    means, errors = mean_curve(profiles)
    for mean, error, exact in zip(means, errors, information_curve(table).means, strict=True):
        scale = log(4 / ALPHA)
        assert (
            abs(mean - float(exact))
            <= error * sqrt(2 * scale) + 7 * span * scale / (3 * (samples - 1)) + ROUNDING
        )
    curve = information_curve(table)
    sizes = [(4,), (1, 3), (3, 1), (1, 2, 1), (1, 1, 1, 1)]
    for blocks, priced in zip(sizes, estimate_sizes(distribution, sizes, profiles), strict=True):
        exact = float(expected_kl(curve, blocks))
        assert abs(priced.estimate - exact) <= reach(priced, samples, span), blocks
        assert priced.low <= exact <= priced.high


def test_intervals_are_wider_for_fewer_samples_and_hold_constants():
    values = np.array([0.0, 1.0] * 50)
    narrow, wide = estimate_mean(np.tile(values, 10), 0.0, 1.0), estimate_mean(values, 0.0, 1.0)
    assert wide.low < narrow.low < 0.5 < narrow.high < wide.high
    with pytest.raises(InputError, match="at least 2 samples"):
        estimate_mean(np.array([1.0]), 0.0, 1.0)


@pytest.mark.grid(1)
@pytest.mark.parametrize("name", LAWS)
def test_sampled_decodes_follow_the_decoder(name):
    distribution, size = LAWS[name], 20_000
    blocks = ((0, 3), (1, 2))
    drawn = sample_decodes(distribution, blocks, samples=size, rng=np.random.default_rng(4))
    wanted = accuracy_by_definition(dict(distribution.pmf()), blocks)
    assert_frequencies([distribution.contains(drawn).sum()], [float(wanted)], size, name)
    random = sample_decodes(distribution, [2, 2], samples=size, rng=np.random.default_rng(4))
    exact = decode(distribution.pmf(), parse_policy("topk:k=2,by=random"))
    assert_frequencies([distribution.contains(random).sum()], [float(exact.accuracy)], size, name)


# --- Answers -----------------------------------------------------------------------------------------------


def test_chains_agree_with_listing():
    distribution = LAWS["markov"]
    table = subset_entropies(distribution.pmf())
    found = {key: value for key, (value, _) in chain_losses(distribution, ((0, 1), (2, 3))).items()}
    assert found["partition_bound"] == pytest.approx(float(step_bound(table, ((0, 1), (2, 3)))), abs=ROUNDING)
    assert len(found["optimal_bound"]) == 4
    curve = information_curve(table)
    assert found["total_correlation"] == pytest.approx(float(curve.total_correlation), abs=ROUNDING)
    assert found["dual_total_correlation"] == pytest.approx(float(curve.dual_total_correlation), abs=ROUNDING)
    schedule = chain_schedule(distribution)
    assert schedule["information_curve"][0] == pytest.approx([float(z) for z in curve.z], abs=ROUNDING)
    policy = parse_policy("topk:k=3,by=random")
    decoded = sampled_answer(
        "a task", sampled_decode(distribution, policy, temperature=1, samples=4000, seed=0)
    )
    exact = decode(distribution.pmf(), policy)
    assert decoded["path_kl"] == pytest.approx(float(exact.path_kl), abs=ROUNDING)
    assert decoded["kl"] is None
    assert_frequencies([decoded["accuracy"]["estimate"] * 4000], [float(exact.accuracy)], 4000)


def test_proportions_are_exact_intervals():
    whole = proportion(10, 10)
    assert whole["high"] == 1.0
    assert whole["low"] == pytest.approx(0.025 ** (1 / 10))


def _run(capsys, tmp_path, data, *argv):
    path = tmp_path / "t.json"
    path.write_text(json.dumps(data))
    status = main([argv[0], str(path), *argv[1:], "--json"])
    out = capsys.readouterr()
    return (json.loads(out.out) if status == 0 else out.err), status


MARKOV = {"markov": {"length": 100, "tokens": ["a", "b"], "initial": ["1/2", "1/2"], "transition": STICKY}}
HMM = {
    "hmm": {
        "length": 40,
        "initial": [0.5, 0.5],
        "transition": STICKY,
        "emission": [["1/2", "1/2", 0], [0, 0.1, 0.9]],
    }
}
GRAMMAR = {"grammar": {"length": 19, "start": "S", "rules": {"S": {"S S": "1/2", "a": "1/4", "b": "1/4"}}}}


def test_commands_take_structured_files(capsys, tmp_path):
    answer, _ = _run(capsys, tmp_path, MARKOV, "bounds", "--partition", "equal:50")
    stick = 2 - 0.75 * log(3, 2)
    assert answer["total_correlation"] == pytest.approx(99 * (1 - stick))
    assert answer["optimal_bound"][0] == pytest.approx(99 * (1 - stick))
    assert answer["optimal_bound"][6:] == [0.0] * 94
    assert answer["partition_accuracy"] == pytest.approx(1)
    short, _ = _run(capsys, tmp_path, MARKOV, "bounds", "-n", "3")
    assert short["exact"]["total_correlation"] == "-2 log2(2) + 3/2 log2(3)"
    decoded, _ = _run(capsys, tmp_path, MARKOV, "decode", "--policy", "topk:k=50,by=left_to_right")
    assert decoded["kl"] == answer["partition_bound"]
    assert decoded["tokens_per_step"] == 50


@pytest.mark.deep
@pytest.mark.parametrize("data", [HMM, GRAMMAR])
def test_large_models_are_estimated_and_say_so(capsys, tmp_path, data):
    answer, _ = _run(
        capsys, tmp_path, data, "bounds", "--samples", "50", "--seed", "3", "--partition", "equal:10"
    )
    assert answer["arithmetic"] == "estimate"
    for key in ("entropy", "total_correlation", "dual_total_correlation", "partition_bound"):
        assert answer[key]["low"] <= answer[key]["estimate"] <= answer[key]["high"] or answer[key]["low"] == 0
    again, _ = _run(
        capsys, tmp_path, data, "bounds", "--samples", "50", "--seed", "3", "--partition", "equal:10"
    )
    assert again == answer
    schedule, _ = _run(capsys, tmp_path, data, "schedule", "--samples", "20")
    assert len(schedule["expected_kl"]) == schedule["n"]
    decoded, _ = _run(
        capsys, tmp_path, data, "decode", "--policy", "topk:k=10,by=left_to_right", "--samples", "20"
    )
    assert decoded["accuracy"]["high"] <= 1


BAD = [
    ({"markov": []}, (), "markov: must be an object"),
    ({"markov": {"initial": [1]}}, (), "markov: needs 'transition'"),
    ({"markov": {"initial": [1], "transition": [[1]], "states": 1}}, (), "markov: unknown key 'states'"),
    ({"markov": {"initial": [1], "transition": [[1]]}}, (), 'needs a "length", or give one with -n'),
    ({"markov": {"initial": ["1/2", "1/3"], "transition": STICKY}}, ("-n", "3"), "got 5/6"),
    (
        {"markov": {"initial": ["1/2", "1/2"], "transition": [["1/2", "1/4"], [0, 1]]}},
        ("-n", "3"),
        r"transition[0] must sum",
    ),
    (
        {"markov": {"initial": ["1/2", "1/2"], "transition": [STICKY]}},
        ("-n", "3", "--samples", "x"),
        "must be a whole number, got 'x'",
    ),
    (
        {"markov": {"initial": ["1/2", "1/2"], "transition": [STICKY] * 3}},
        ("-n", "3"),
        "n - 1 = 2 matrices, got 3",
    ),
    (
        {"markov": {"initial": ["1/2", "1/2"], "transition": STICKY, "tokens": ["a"]}},
        ("-n", "3"),
        "2 distinct",
    ),
    ({"markov": {"initial": ["3/2", "-1/2"], "transition": STICKY}}, ("-n", "3"), "negative"),
    ({"markov": {"initial": [1], "transition": [[1]]}, "hmm": {}}, ("-n", "3"), "unknown key 'hmm'"),
    (
        {"hmm": {"initial": [1], "transition": [[1]], "emission": [[1], [1]]}},
        ("-n", "3"),
        "emission must have 1 rows",
    ),
    ({"grammar": {"start": "S", "rules": {"S": {"A B C": 1}}}}, ("-n", "3"), "two symbols or one word"),
    (
        {"grammar": {"start": "S", "rules": {"S": {"x": 1}}, "words": "x"}},
        ("-n", "1"),
        "words must be a list",
    ),
    ({"grammar": {"start": "T", "rules": {"S": {"x": 1}}}}, ("-n", "3"), "'T' has no rules"),
    ({"grammar": {"start": "S", "rules": {"S": {"x": 1}}}}, ("-n", "3"), "no sentence of 3 words"),
    ({"grammar": {"start": "S", "rules": {"S": {"x": "1/2"}}}}, ("-n", "1"), "sum to 1, got 1/2"),
    (MARKOV, ("--adaptive",), "use a smaller n"),
    (MARKOV, ("--partition", "0|1"), "every position"),
]


@pytest.mark.parametrize(("data", "argv", "message"), BAD)
def test_bad_files_are_one_line(capsys, tmp_path, data, argv, message):
    try:
        error, status = _run(capsys, tmp_path, data, "bounds", *argv)
    except SystemExit as stop:
        error, status = capsys.readouterr().err, stop.code
    assert status == 2
    assert message in error
    assert error.count("\n") == 1


def test_rows_can_be_normalised(capsys, tmp_path):
    data = {
        "hmm": {"length": 3, "initial": [1, 1], "transition": [[3, 1], [1, 3]], "emission": [[3, 1], [1, 3]]}
    }
    answer, _ = _run(capsys, tmp_path, data, "bounds", "--normalise")
    same = {"hmm": {"length": 3, "initial": ["1/2", "1/2"], "transition": STICKY, "emission": STICKY}}
    wanted, _ = _run(capsys, tmp_path, same, "bounds")
    assert answer["exact"] == wanted["exact"]


def test_the_frontier_of_a_large_distribution_is_bracketed(capsys, tmp_path):
    answer, _ = _run(capsys, tmp_path, MARKOV, "frontier")
    assert "use bounds (best fixed blocks), decode" in answer["notes"]["vertices"]
    assert all(bracket["lower"] <= bracket["upper"] for bracket in answer["adaptive_bounds"])


def test_distributions_too_large_are_said_before():
    distribution = MarkovDistribution(n=2_000, initial=["1/2", "1/2"], transition=STICKY)
    with pytest.raises(CostError, match="best partitions"):
        markov_optimal_bounds(distribution)
    with pytest.raises(CostError, match="listing"):
        distribution.pmf()


def test_counts_make_a_chain():
    distribution = MarkovDistribution.from_counts([3, 1], [[1, 1], [0, 5]], n=2, tokens=("a", "b"))
    assert distribution.pmf().probability(("a", "b")) == Fraction(3, 8)
    with pytest.raises(InputError, match="needs a positive count"):
        MarkovDistribution.from_counts([1, 1], [[1, 1], [0, 0]], n=2)


def test_listed_distributions_know_log_probabilities():
    distribution = ListedDistribution(LAWS["markov"].pmf())
    ids = distribution.sample(np.random.default_rng(0), 20)
    np.testing.assert_allclose(
        distribution.log_prob(ids), LAWS["markov"].log_prob(ids), rtol=0, atol=ROUNDING
    )


def test_sizes_are_refused_before_the_curve(monkeypatch, capsys):
    monkeypatch.setattr("theory.bounds.partitions.long.markov_curve", None)
    assert main(["schedule", "markov_chain", "-n", "1000"]) == 2
    assert "the best block sizes of 1000 positions would take about 20 seconds" in capsys.readouterr().err
