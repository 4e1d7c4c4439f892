"""Any rule on a distribution given by parameters: runs in numpy against the exact decoder, scores by brute force."""

import json
from collections import Counter
from fractions import Fraction
from itertools import product
from math import inf, log2, prod
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from tests.distributions.parametric.test_parametric import chains, grammars
from tests.helpers.intervals import FAMILY, assert_frequencies, assert_mean
from tests.helpers.strategies import ordered_partitions
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory import decode, parse_policy
from theory.__main__ import main
from theory.bounds.schedules.random_order import expected_kl
from theory.commands.decode import sampled_answer
from theory.decoding.structured.markov import approximate_accuracy
from theory.distributions.distribution import ListedDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.parametric.batched_model import DistributionModel, row_operations
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.policies import registered_policies
from theory.sampling.fixed_schedules import fixed_schedule, schedule_log_prob
from theory.sampling.intervals import estimate_mean
from theory.sampling.runs import follow_data, sample_runs
from theory.sampling.sampled_decode import sampled_decode
from theory.sampling.task_estimates import estimated_schedule
from theory.sampling.teacher_forcing import NoPathError
from theory.validation import InputError

HALVES = ["1/2", "1/2"]
LAWS = {
    "markov": MarkovDistribution(
        n=4, initial=["1/2", "1/3", "1/6"], transition=[[0, "1/2", "1/2"], ["1/4", "3/4", 0], [1, 0, 0]]
    ),
    "hmm": HMMDistribution(
        n=4,
        initial=["2/3", "1/3"],
        transition=[["3/4", "1/4"], [0, 1]],
        emission=[["1/2", "1/2", 0], [0, "1/8", "7/8"]],
    ),
    "grammar": GrammarDistribution(
        n=4,
        rules={
            "S": {"A B": "2/3", "S S": "1/3"},
            "A": {"x": "1/2", "y": "1/4", "A A": "1/4"},
            "B": {"y": 1},
        },
    ),
}
RUNS = 5_000
EXAMPLES = tuple(cls.example for cls in registered_policies().values())
VARIANTS = (
    "topk:k=2,by=left_to_right",
    "topk:k=3,by=random,ties=lowest",
    "topk:k=2,by=entropy,ties=lowest",
    "topk:k=2,confidence=sampled",
    "threshold:gamma=0.6,ties=lowest",
    "threshold:gamma=0.6,block=2,ties=all",
    "credit:gamma=0.6,ties=lowest",
    "klass:tau=0.4,eps=0.2,history=1,ties=lowest",
    "llada:steps=2,block=2,by=entropy",
)
SWITCHES = (
    {"temperature": 0},
    {"temperature": 0, "greedy_ties": "lowest"},
    {"temperature": "1/2"},
    {"temperature": 3},
    {"top_p": "0.9"},  # no two equal tokens are at this border
    {"top_k": 2, "scored": "after"},
)
FEW = ("topk:k=2", "threshold:gamma=0.6,ties=lowest", "ancestral:steps=2", "credit:gamma=0.6", "wino")
REMASKING = (
    "wino",
    "rcr:steps=2",
    "remdm:steps=2,eta=1/5,variant=rescale",
    "topk:k=3",
    "factor:f=2",
)


def sampled(distribution, rule, **settings):
    """The sampled decode as the command prints it."""
    return sampled_answer(TASK.name, sampled_decode(distribution, rule, **settings))


def all_states(distribution):
    """Every partly masked sequence, with the outcomes that agree."""
    ids = ListedDistribution(distribution.pmf()).ids
    names = list(ListedDistribution(distribution.pmf()).tokens)
    place = [distribution.tokens.index(name) for name in names]
    outcomes = np.array(place)[ids]
    for row in product(range(-1, len(distribution.tokens)), repeat=distribution.n):
        state = np.array(row)
        yield state, outcomes[((state == MASK) | (outcomes == state)).all(axis=1)]


def smallest_conditional(distribution) -> float:
    """The least positive probability of a token in any possible state."""
    states = np.array([state for state, agree in all_states(distribution) if len(agree)])
    probs = distribution.conditional(states)
    return float(probs[probs > 0].min())


LEAST = {name: smallest_conditional(distribution) for name, distribution in LAWS.items()}


def ids_of(distribution, outcome):
    return tuple(distribution.tokens.index(token) for token in outcome)


def check(name: str, spec: str, off_support: str = "marginal", **switches) -> None:
    distribution, rule, label = LAWS[name], parse_policy(spec), (name, spec, off_support, switches)
    exact = decode(distribution.pmf(), rule, off_support=off_support, **switches)
    own, along = np.random.default_rng([0, EXAMPLES.index(spec) if spec in EXAMPLES else 99]).spawn(2)
    runs = sample_runs(distribution, rule, samples=RUNS, rng=own, off_support=off_support, **switches)
    rows = {ids_of(distribution, y): float(q) for y, q in exact.distribution.items()}
    found = Counter(map(tuple, runs.tokens.tolist()))
    counts = [found[y] for y in rows]
    valid = int(distribution.contains(runs.tokens).sum())
    assert sum(counts) == valid
    assert_frequencies([*counts, valid], [*rows.values(), float(exact.accuracy)], RUNS, label)
    span = max(1, int(runs.steps.max()) - 1)
    assert_mean(runs.steps, float(exact.steps), span=span, label=label)
    if exact.path_kl is None:
        with pytest.raises(NoPathError):
            follow_data(distribution, rule, samples=50, rng=along, **switches)
        return
    done = follow_data(distribution, rule, samples=RUNS, rng=along, **switches)
    span = max(1, int(done.steps.max()) - 1)
    assert_mean(done.steps, float(exact.steps_under_data), span=span, label=label)
    lost = done.log_p - done.log_q
    if exact.path_kl == inf:
        assert np.isinf(lost).any(), label
        assert np.isinf(done.expected).any(), label
        return
    assert np.isfinite(lost).all()
    tau = Fraction(switches.get("temperature", 1))
    power = 1 / float(tau) if tau else 0.0
    # q >= p^(1/tau) / V; the credit raises a probability by at most 6^0.7 before it is normalised
    bits = distribution.n * (max(1.0, power) * log2(1 / LEAST[name]) + log2(len(distribution.tokens)) + 2)
    if not done.tilted and not switches.get("top_p") and not switches.get("top_k"):
        assert (
            done.expected.max()
            <= distribution.n * max(1.0, power) * log2(len(distribution.tokens)) + ROUNDING
            or not tau
        )
    most = (
        distribution.n * max(1.0, power) * log2(len(distribution.tokens)) if tau and not done.tilted else bits
    )
    for values, upper in ((lost, bits), (done.log_p + done.expected, most)):
        assert_mean(values, float(exact.path_kl), span=upper + distribution.largest_surprise(), label=label)


@pytest.mark.grid(1)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", LAWS)
def test_every_rule_against_the_exact_decoder(name, part):
    for spec in (*EXAMPLES, *VARIANTS)[part::4]:
        check(name, spec)


@pytest.mark.deep
@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_every_transform_against_the_exact_decoder(switches):
    for name in LAWS:
        for spec in FEW:
            check(name, spec, **switches)


@pytest.mark.deep
@pytest.mark.parametrize("off_support", ["uniform", "stop"])
def test_what_the_model_says_off_the_support(off_support):
    for name in LAWS:
        for spec in REMASKING:
            check(name, spec, off_support)
    # the convention must affect the numbers
    pmf, rule = LAWS["markov"].pmf(), parse_policy("factor:f=2")
    assert decode(pmf, rule, off_support=off_support).steps != decode(pmf, rule).steps


@pytest.mark.grid(1)
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", LAWS)
def test_the_probability_of_each_path_is_exact(name, part):
    """A rule without chance draws y with Q(y); with chance the mean over its choices is Q(y)."""
    distribution = LAWS[name]
    for spec in (*EXAMPLES, *VARIANTS)[part::4]:
        rule = parse_policy(spec)
        exact = decode(distribution.pmf(), rule)
        if exact.path_kl is None:
            continue
        rng = np.random.default_rng(7)
        done = follow_data(distribution, rule, samples=2_500, rng=rng)
        data = distribution.sample(np.random.default_rng(7), 2_500)  # the same first draws
        logs = {ids_of(distribution, y): log2(q) for y, q in exact.distribution.items()}
        wanted = np.array([logs[tuple(row)] for row in data.tolist()])
        known = "ties=lowest" in spec or "left_to_right" in spec or spec.startswith(("dus", "bisection"))
        if known:
            assert done.certain, spec
            np.testing.assert_allclose(done.log_q, wanted, rtol=0, atol=10 * ROUNDING, err_msg=spec)
        for y, bits in logs.items():
            mine = (data == np.array(y)).all(axis=1)
            if mine.sum() > 100:
                assert_mean(2 ** done.log_q[mine], 2**bits, span=1.0, label=(name, spec, y))


def test_long_sequences_are_scored_alike_both_ways():
    """Running a rule along y and scoring y under its blocks share only the distribution's conditionals."""
    long = MarkovDistribution(n=150, initial=HALVES, transition=[["3/4", "1/4"], [1, 0]])
    hidden = HMMDistribution(
        n=90, initial=HALVES, transition=[["3/4", "1/4"], [0, 1]], emission=[HALVES, ["1/8", "7/8"]]
    )
    rules = {"S": {"S S": "1/2", "A B": "1/4", "B A": "1/4"}, "A": ["a", "c"], "B": ["b", "c"]}
    for distribution, spec in (
        (long, "topk:k=7,by=left_to_right"),
        (hidden, "dus:base=3"),
        (GrammarDistribution(n=16, rules=rules), "llada:steps=3,by=left_to_right"),
    ):
        rule = parse_policy(spec)
        done = follow_data(distribution, rule, samples=30, rng=np.random.default_rng(7))
        data = distribution.sample(np.random.default_rng(7), 30)
        blocks = fixed_schedule(rule, distribution.n).partition
        scored = schedule_log_prob(distribution, blocks, data)
        np.testing.assert_allclose(done.log_q, scored, rtol=0, atol=1e-9)
        np.testing.assert_allclose(done.log_p, distribution.log_prob(data), rtol=0, atol=0)
        assert set(done.steps.tolist()) == {len(blocks)}
        assert np.abs(done.log_p - done.log_q).max() > 0.1


@pytest.mark.parametrize("tau", [Fraction(1), Fraction(1, 2), Fraction(3)])
@pytest.mark.parametrize("name", LAWS)
def test_the_bounded_form_is_the_mean_of_every_draw(name, tau):
    """``sum_i sum_v p_i(v) log2 1/q_i(v)`` along y, by the definition."""
    distribution = LAWS[name]
    truth = dict(distribution.pmf())
    blocks = [(0, 1), (2, 3)]
    done = follow_data(
        distribution,
        parse_policy("topk:k=2,by=left_to_right"),
        samples=40,
        rng=np.random.default_rng(7),
        temperature=tau,
    )
    data = distribution.sample(np.random.default_rng(7), 40)
    for row, found in zip(data.tolist(), done.expected.tolist(), strict=True):
        wanted, revealed = 0.0, {}
        for block in blocks:
            here = ref.condition(truth, revealed)
            for i in block:
                p = [float(x) for x in ref.marginal(here, (i,)).values()]
                powers = [x ** float(1 / tau) for x in p]
                wanted -= sum(x * log2(q / sum(powers)) for x, q in zip(p, powers, strict=True))
            revealed |= {i: distribution.tokens[row[i]] for i in block}
        assert found == pytest.approx(wanted, abs=10 * ROUNDING)


def test_deep_rules_of_ones_own_are_sampled_too():
    distribution = LAWS["markov"]

    class Backwards:
        """A policy that is no registered rule: the last masked position."""

        def plan(self, view):
            last = view.masked & (np.cumsum(view.masked[:, ::-1], axis=1)[:, ::-1] == 1)

            class Plan:
                def sample(self, uniforms):  # noqa: ARG002
                    return last

                def sizes(self):
                    return np.ones(len(last), dtype=np.int64)

                def distribution(self):
                    raise AssertionError("a sampler asks for draws alone")

            return Plan()

    runs = sample_runs(distribution, Backwards(), samples=500, rng=np.random.default_rng(0))
    assert distribution.contains(runs.tokens).all()
    assert set(runs.steps.tolist()) == {4}
    done = follow_data(distribution, Backwards(), samples=500, rng=np.random.default_rng(0))
    np.testing.assert_allclose(done.log_p, done.log_q, rtol=0, atol=ROUNDING)
    assert not done.certain


class Idle:
    """A process that does nothing."""

    def start(self, batch):
        return batch

    def step(self, batch, chance):  # noqa: ARG002
        return batch

    def finished(self, batch):
        return np.zeros(len(batch.tokens), dtype=bool)


def test_rules_that_do_nothing_are_refused():
    with pytest.raises(InputError, match="makes no progress"):
        sample_runs(LAWS["hmm"], Idle(), samples=2, rng=np.random.default_rng(0))

    class Early(Idle):
        def finished(self, batch):
            return np.ones(len(batch.tokens), dtype=bool)

    with pytest.raises(NoPathError, match="before everything is revealed"):
        follow_data(LAWS["hmm"], Early(), samples=2, rng=np.random.default_rng(0))


def test_underflow_along_the_data_is_an_error():
    with pytest.raises(InputError, match="underflow"):
        follow_data(
            LAWS["hmm"],
            parse_policy("topk:k=4"),
            samples=9,
            rng=np.random.default_rng(0),
            temperature="1/5000",
        )


# --- The model ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_support", ["marginal", "uniform", "stop"])
@pytest.mark.parametrize("name", LAWS)
def test_impossible_states_are_told_from_possible_ones(name, off_support):
    distribution = LAWS[name]
    states, agreeing = zip(*all_states(distribution), strict=True)
    tokens = np.array(states)
    model = DistributionModel(distribution, off_support)
    probs = model.marginals(np.repeat(tokens, 2, axis=0))[::2]
    none = np.array([len(agree) == 0 for agree in agreeing])
    assert (model.impossible(tokens, probs) == none).all()
    base = distribution.conditional(np.full((1, distribution.n), MASK))
    if off_support == "uniform":
        base = (base > 0) / (base > 0).sum(axis=2, keepdims=True)
    np.testing.assert_allclose(probs[none], np.repeat(base, none.sum(), axis=0), rtol=0, atol=ROUNDING)
    np.testing.assert_allclose(probs[~none], distribution.conditional(tokens[~none]), rtol=0, atol=0)
    assert model.asked == 2 * len(tokens)
    assert model.ask(tokens[:6].reshape(2, 3, distribution.n)).shape == (
        2,
        3,
        distribution.n,
        len(distribution.tokens),
    )
    assert row_operations(distribution) > 0


# --- Fixed schedules ----------------------------------------------------------------------------------------


def score(truth: ref.PMF, blocks, y) -> Fraction:
    """``Q(y)`` by the definition; off the support the marginals."""
    total, revealed = Fraction(1), {}
    for block in blocks:
        agree = any(all(x[i] == v for i, v in revealed.items()) for x in truth)
        distribution = ref.condition(truth, revealed) if agree else truth
        total *= prod(
            (ref.marginal(distribution, (i,)).get((y[i],), Fraction(0)) for i in block), start=Fraction(1)
        )
        revealed |= {i: y[i] for i in block}
    return total


def assert_scores(distribution, truth, blocks) -> None:
    ids = list(product(range(len(distribution.tokens)), repeat=distribution.n))[:400]
    wanted = [score(truth, blocks, tuple(distribution.tokens[j] for j in row)) for row in ids]
    found = schedule_log_prob(distribution, blocks, np.array(ids))
    for row, bits, q in zip(ids, found.tolist(), wanted, strict=True):
        assert bits == (pytest.approx(log2(q), abs=10 * ROUNDING) if q else -inf), row
    if len(ids) == len(distribution.tokens) ** distribution.n:
        assert sum(2**bits for bits in found.tolist()) == pytest.approx(1, abs=1e-9)


@given(pair=st.booleans().flatmap(lambda hidden: chains(hidden=hidden)), data=st.data())
def test_scores_of_chains_are_brute_force(pair, data):
    distribution, truth = pair
    blocks = data.draw(ordered_partitions(distribution.n))
    assert_scores(distribution, truth, blocks)
    if isinstance(distribution, MarkovDistribution):
        ids = np.array(list(product(range(len(distribution.tokens)), repeat=distribution.n)))
        ids = ids[distribution.contains(ids)]
        total = (2 ** schedule_log_prob(distribution, blocks, ids)).sum()
        assert total == pytest.approx(approximate_accuracy(distribution, blocks).value, abs=1e-9)


@given(drawn=grammars(), data=st.data())
def test_scores_of_grammars_are_brute_force(drawn, data):
    n, rules = drawn
    try:
        distribution = GrammarDistribution(n=n, rules=rules, start="S")
    except InputError:
        return  # no sentence of this length
    assert_scores(distribution, dict(distribution.pmf()), data.draw(ordered_partitions(n)))


def test_bad_sequences_are_refused():
    distribution = LAWS["hmm"]
    for ids, message in (
        ([0, 1, 2, 0], "of shape"),
        ([[0, 1, 2]], "of shape"),
        ([[0.0, 1, 2, 0]], "whole numbers"),
        ([[0, 1, 3, 0]], "must lie in 0..2"),
        ([[0, 1, -1, 0]], "must lie in 0..2"),
    ):
        with pytest.raises(InputError, match=message):
            schedule_log_prob(distribution, [[0, 1], [2, 3]], ids)
    with pytest.raises(InputError, match="every position"):
        schedule_log_prob(distribution, [[0, 1]], [[0, 1, 2, 0]])
    assert schedule_log_prob(distribution, [[0, 1, 2, 3]], np.zeros((0, 4), dtype=int)).shape == (0,)


FIXED = (
    "topk:k=2",
    "topk:k=3,by=random",
    "topk:k=3,remainder=first,block=4",
    "sizes:sizes=1+3",
    "llada:steps=3",
    "dream:steps=6,eps=1e-3",
    "dllm:steps=4,block=3",
    "maskgit:steps=5",
    "dus:base=2",
    "bisection:order=1",
)


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("spec", FIXED)
def test_what_is_certain_of_a_rule_is_what_the_decoder_does(spec):
    distribution = MarkovDistribution(n=6, initial=HALVES, transition=[["3/4", "1/4"], [0, 1]])
    for by in ("", ",by=left_to_right", ",by=random", ",by=margin,ties=lowest", ",by=random,ties=lowest"):
        if by and ("by=" in spec or spec.startswith(("dus", "bisection"))):
            continue
        rule = parse_policy(spec + by)
        known, exact = fixed_schedule(rule, 6), decode(distribution.pmf(), rule)
        assert known.steps == exact.steps == exact.steps_under_data, by
        assert sum(known.sizes) == 6
        if known.partition is not None:
            table = subset_entropies(distribution.pmf())
            assert sorted(i for block in known.partition for i in block) == list(range(6))
            assert float(exact.kl) == pytest.approx(float(step_cost(table, known.partition)), abs=ROUNDING)
            assert approximate_accuracy(distribution, known.partition).value == pytest.approx(
                float(exact.accuracy), abs=ROUNDING
            )
        if known.random:
            curve = information_curve(subset_entropies(distribution.pmf()))
            assert float(expected_kl(curve, known.sizes)) == pytest.approx(float(exact.path_kl), abs=ROUNDING)


def step_cost(table, partition):
    from theory.bounds.partitions.step_bounds import step_bound

    return step_bound(table, partition)


@pytest.mark.parametrize(
    "spec",
    ["threshold:gamma=0.9", "topk:k=2,ties=all", "plackett_luce:k=2,alg_temp=0.2", "ancestral:steps=2"],
)
def test_other_rules_are_not_certain(spec):
    assert fixed_schedule(parse_policy(spec), 6) is None


# --- Answers ------------------------------------------------------------------------------------------------

TASK = SimpleNamespace(name="a task")


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    "spec", ["topk:k=2", "threshold:gamma=0.6,ties=lowest", "topk:k=2,by=left_to_right", "topk:k=3,by=random"]
)
def test_answers_hold_the_exact_values(name, spec):
    distribution, rule = LAWS[name], parse_policy(spec)
    exact = decode(distribution.pmf(), rule)
    answer = sampled(distribution, rule, samples=3_000, seed=5)
    kinds = answer["arithmetic"]
    for key in ("accuracy", "kl", "path_kl", "steps", "steps_under_data", "tokens_per_step"):
        value, wanted = answer[key], float(getattr(exact, key))
        if value is None:
            assert key == "kl"
            assert "at most path_kl" in answer["notes"]["kl"]
        elif kinds[key] == "estimate":
            assert value["low"] - ROUNDING <= wanted <= value["high"] + ROUNDING, key
            assert value["interval"] in ("exact", "bernstein")
        else:
            assert value == pytest.approx(wanted, abs=ROUNDING), key
    assert (answer["kl"] is None) == ("lowest" not in spec and "left" not in spec)
    if isinstance(distribution, MarkovDistribution) and "left_to_right" in spec:
        assert set(kinds.values()) == {"float64", "exact"}
        assert "samples" not in answer
    assert sampled(distribution, rule, samples=3_000, seed=5) == answer


def test_answers_say_what_is_not_defined():
    distribution = LAWS["hmm"]
    answer = sampled(distribution, parse_policy("wino"), samples=200)
    assert answer["kl"] is answer["path_kl"] is answer["steps_under_data"] is None
    assert "looks at drawn tokens" in answer["notes"]["path_kl"]
    assert set(answer["notes"]) == {"kl", "path_kl", "steps_under_data"}
    assert answer["steps"]["interval"] == "normal"
    coins = sampled_answer(
        TASK.name,
        sampled_decode(distribution, parse_policy("remdm:steps=2,eta=1/5,variant=rescale"), samples=50),
    )
    assert "by coins" in coins["notes"]["path_kl"]
    released = sampled_answer(
        TASK.name, sampled_decode(distribution, parse_policy("topk:k=2,confidence=sampled"), samples=50)
    )
    assert released["path_kl"] is None
    assert (released["steps"], released["steps_under_data"]) == (2, None)


def test_switches_are_named_and_a_lost_token_is_infinite():
    distribution = LAWS["grammar"]
    answer = sampled_answer(
        TASK.name,
        sampled_decode(
            distribution, parse_policy("topk:k=2"), samples=300, temperature=0, off_support="stop"
        ),
    )
    assert (answer["temperature"], answer["off_support"]) == (0.0, "stop")
    assert (answer["path_kl"], answer["arithmetic"]["path_kl"]) == (inf, "exact")
    sure = MarkovDistribution(n=5, initial=[1, 0], transition=[[0, 1], [1, 0]])
    answer = sampled_answer(
        TASK.name, sampled_decode(sure, parse_policy("topk:k=5"), samples=20, top_p="0.9")
    )
    assert answer["path_kl"]["estimate"] == 0
    assert "finite in every state met" in answer["notes"]["path_kl"]
    assert "no proof" in sampled(sure, parse_policy("wino"), samples=20)["notes"]["steps"]
    assert answer["top_p"] == 0.9


def test_too_many_questions_are_refused_before_they_are_asked():
    distribution = MarkovDistribution(n=400, initial=HALVES, transition=[["3/4", "1/4"], ["1/4", "3/4"]])
    with pytest.raises(
        CostError, match=r"decoding 2000000 samples of 400 positions by wino.*use fewer --samples"
    ):
        sampled(distribution, parse_policy("wino"), samples=2_000_000)
    with pytest.raises(InputError, match="at least 2 samples"):
        sampled(LAWS["hmm"], parse_policy("threshold:gamma=1/2"), samples=1)


def test_intervals_cover():
    """The guaranteed intervals of 60 seeds miss no more often than one in twenty allows."""
    distribution, rule = LAWS["markov"], parse_policy("threshold:gamma=0.6")
    exact = decode(distribution.pmf(), rule)
    missed = dict.fromkeys(("accuracy", "path_kl", "steps", "steps_under_data"), 0)
    for seed in range(60):
        answer = sampled(distribution, rule, samples=200, seed=seed)
        for key in missed:
            value = answer[key]
            missed[key] += not value["low"] <= float(getattr(exact, key)) <= value["high"]
    assert all(binom.sf(count - 1, 60, 0.05) > FAMILY for count in missed.values()), missed


def test_schedules_are_priced_on_fresh_samples():
    """The intervals hold the exact price of the chosen sizes."""
    for name in ("hmm", "grammar"):
        distribution = LAWS[name]
        answer = estimated_schedule(distribution, samples=4_000, seed=2)
        curve = information_curve(subset_entropies(distribution.pmf()))
        for sizes, priced in zip(answer["optimal_sizes"], answer["expected_kl"], strict=True):
            assert priced["low"] <= float(expected_kl(curve, sizes)) <= priced["high"]
        again = estimated_schedule(distribution, samples=4_000, seed=3)
        assert again["expected_kl"] != answer["expected_kl"]


def test_the_command_decodes_by_any_rule(capsys, tmp_path):
    path = tmp_path / "chain.json"
    chain = {"length": 20, "initial": HALVES, "transition": [["3/4", "1/4"], ["1/2", "1/2"]]}
    path.write_text(json.dumps({"markov": chain}))
    argv = ["decode", str(path), "--samples", "40", "--seed", "1", "--json", "--policy"]
    for more in (
        ["threshold:gamma=0.7"],
        ["factor:f=1.0", "--temperature", "0.5"],
        ["klass:tau=0.6,eps=0.01", "--top-p", "0.9", "--scored", "after"],
        ["rcr:steps=4", "--off-support", "uniform"],
        ["saber", "--temperature", "0", "--greedy-ties", "lowest", "--samples", "4"],
        ["bisection:order=1"],
    ):
        assert main([*argv, *more]) == 0
        answer = json.loads(capsys.readouterr().out)
        steps = answer["steps"]["estimate"] if isinstance(answer["steps"], dict) else answer["steps"]
        assert 1 <= steps <= 40
    assert (answer["accuracy"], answer["arithmetic"]["accuracy"]) == (pytest.approx(1), "float64")
    assert main([*argv[:-2], "--policy", "threshold:gamma=0.7"]) == 0
    shown = capsys.readouterr().out
    assert "estimate, 95 % exact" in shown
    assert "bernstein" in shown


def test_estimates_of_constants():
    assert estimate_mean(np.array([2.0, 2.0]), 2.0, 2.0).high == 2.0
