"""The distribution of the number of rounds, against an enumeration of every run with its steps counted."""

from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.strategies import rules, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.commands.decode import decode_answer
from theory.commands.tables import print_answer
from theory.decoding import forward as set_decoder
from theory.decoding import process as process_decoder
from theory.decoding.call_distribution import StepDistribution, mixed
from theory.decoding.decoder import decode, step_distribution
from theory.decoding.lumped import decode_lumped
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.realised import realised_calls
from theory.distributions.pmf import JointPMF
from theory.optima.adaptive.frontier import frontier
from theory.policies import parse_policy
from theory.validation import InputError

SMALL = targets([(1,), (2, 2), (3, 2), (2, 2, 2), (3, 1, 2)], kinds=("dense", "skewed", "sparse"))
WALK = ("bernoulli_walk", 4)


def counted_runs(distribution: ref.PMF, select, temperature, greedy_ties, off_support):
    """The distributions of the number of steps (own runs, data), by following every run to its end."""
    n = ref.length(distribution)
    own: dict[int, object] = {}
    data: dict[int, object] = {}

    def go(tokens, steps, weight, true, into):
        fits = {
            y: p
            for y, p in distribution.items()
            if all(t in (None, v) for t, v in zip(tokens, y, strict=True))
        }
        if None not in tokens or (not fits and off_support == "stop"):
            into[steps] = into.get(steps, 0) + weight
            return
        hidden = tuple(i for i in range(n) if tokens[i] is None)
        base = fits or distribution
        marginals = {}
        for i in hidden:
            values: dict = {}
            for y, p in base.items():
                values[y[i]] = values.get(y[i], Fraction(0)) + p / sum(base.values())
            if not fits and off_support == "uniform":
                values = dict.fromkeys(values, Fraction(1, len(values)))
            marginals[i] = values
        for chosen, share in select(marginals, hidden, n).items():
            places = sorted(chosen)
            if true:
                options: dict = {}
                for y, p in fits.items():
                    key = tuple(y[i] for i in places)
                    options[key] = options.get(key, 0) + p / sum(fits.values())
            else:
                distributions = [ref.temper(marginals[i], temperature, greedy_ties) for i in places]
                options = {}
                for pairs in product(*(q.items() for q in distributions)):
                    mass = Fraction(1)
                    for _, q in pairs:
                        mass = mass * q
                    options[tuple(v for v, _ in pairs)] = mass
            for values, p in options.items():
                after = dict(zip(places, values, strict=True))
                follow = tuple(after.get(i, t) for i, t in enumerate(tokens))
                go(follow, steps + 1, weight * share * p, true, into)

    go((None,) * n, 0, Fraction(1), False, own)
    go((None,) * n, 0, Fraction(1), True, data)
    return own, data


@given(
    target=SMALL,
    rule=rules(),
    temperature=st.sampled_from([0, 1]),
    greedy_ties=st.sampled_from(["random", "lowest"]),
    off_support=st.sampled_from(["marginal", "uniform", "stop"]),
)
def test_distribution_is_that_of_all_runs(target, rule, temperature, greedy_ties, off_support):
    switches = {"temperature": temperature, "greedy_ties": greedy_ties, "off_support": off_support}
    found = step_distribution(target.exact, parse_policy(rule.spec), **switches)
    own, data = counted_runs(target.distribution, rule.select, temperature, greedy_ties, off_support)
    assert found.runs == {steps: p for steps, p in own.items() if p}
    assert found.data == {steps: p for steps, p in data.items() if p}
    result = decode(target.exact, parse_policy(rule.spec), **switches)
    assert (found.steps, found.steps_under_data) == (result.steps, result.steps_under_data)


def test_floats_and_other_temperatures():
    pmf = JointPMF.from_mapping({(0, 0, 1): 0.5, (0, 1, 0): 0.25, (1, 1, 1): 0.25})
    own, data = counted_runs(
        {y: Fraction(p) for y, p in pmf}, ref.threshold("0.6"), 0.5, "random", "marginal"
    )
    found = step_distribution(pmf, parse_policy("threshold:gamma=0.6"), temperature="1/2")
    assert dict(found.runs) == pytest.approx({s: float(p) for s, p in own.items()}, abs=ROUNDING)
    assert dict(found.data or {}) == pytest.approx({s: float(p) for s, p in data.items()}, abs=ROUNDING)


@pytest.mark.parametrize("spec", ["dream:steps=5", "ancestral:steps=3", "klass", "llada:steps=2"])
@pytest.mark.parametrize("off_support", ["marginal", "stop"])
def test_clocks_and_memories(spec, off_support):
    pmf = make_task("replace_random", 3).contexts()[0].distribution.pmf()
    found = step_distribution(pmf, parse_policy(spec), off_support=off_support)
    result = decode(pmf, parse_policy(spec), off_support=off_support)
    assert sum(found.runs.values()) == 1
    assert sum((found.data or {}).values()) == 1
    assert (found.steps, found.steps_under_data) == (result.steps, result.steps_under_data)


@pytest.mark.parametrize("spec", ["wino", "topk:k=2,confidence=sampled", "remdm:steps=3,eta=0.1"])
def test_rules_that_do_not_follow_the_data(spec):
    pmf = make_task("shuffle", 3).contexts()[0].distribution.pmf()
    found = step_distribution(pmf, parse_policy(spec))
    assert found.data is None
    assert found.steps_under_data is None
    assert sum(found.runs.values()) == 1
    assert found.steps == decode(pmf, parse_policy(spec)).steps


def test_adaptive_policies_agree_with_their_decisions():
    pmf = make_task(*WALK).contexts()[0].distribution.pmf()
    for vertex in frontier(pmf).vertices:
        policy = vertex.policy
        found = step_distribution(pmf, policy)
        # a data trajectory ends at step r if its decision there has no decision after it
        ends: dict[int, Fraction] = {}
        for j, decision in enumerate(policy.decisions):
            after = sum(d.probability for d in policy.decisions if d.before == j)
            ends[decision.step] = ends.get(decision.step, Fraction(0)) + decision.probability - after
        assert found.data == {step: p for step, p in ends.items() if p}
        assert max(found.data) == policy.worst_case
        assert (found.steps, found.steps_under_data) == (policy.steps, policy.steps_under_data)


@pytest.mark.parametrize(("name", "n"), [("shuffle", 4), ("replace_random", 4), ("parity", 4)])
@pytest.mark.parametrize("spec", ["factor:f=1", "threshold:gamma=0.6", "topk:k=3,by=random"])
@pytest.mark.parametrize("temperature", [0, 1])
def test_lumped_chains_give_the_same_distribution(name, n, spec, temperature):
    task, policy = make_task(name, n), parse_policy(spec)
    chain = task.chain()
    assert chain is not None
    lumped = decode_lumped(chain, policy, temperature=temperature).step_distribution
    listed = decode_contexts(task, policy, lumped=False, temperature=temperature).step_distribution
    assert lumped is not None
    assert listed is not None
    assert (lumped.runs, lumped.data) == (listed.runs, listed.data)


def test_long_tasks():
    result = decode_contexts(make_task("replace_random", 60), parse_policy("factor:f=1"))
    assert result.step_distribution is not None
    assert len(result.step_distribution.runs) > 1
    assert (result.step_distribution.steps, result.step_distribution.steps_under_data) == (
        result.steps,
        result.steps_under_data,
    )
    sure = realised_calls(parse_policy("topk:k=7,by=left_to_right"), 100)
    assert sure is not None
    assert sure.runs == {15: 1}
    assert realised_calls(parse_policy("threshold:gamma=0.6"), 100) is None


def test_contexts_average():
    result = decode_contexts(make_task("words_to_sentence", 2), parse_policy("threshold:gamma=0.6"))
    assert result.step_distribution is not None
    assert (result.step_distribution.steps, result.step_distribution.steps_under_data) == (
        result.steps,
        result.steps_under_data,
    )


def test_budgets_and_limits():
    distribution = StepDistribution(runs={1: Fraction(1, 4), 3: Fraction(3, 4)}, data=None)
    assert [distribution.within(r) for r in (0, 1, 2, 3)] == [0, Fraction(1, 4), Fraction(1, 4), 1]
    pmf = make_task("shuffle", 4).contexts()[0].distribution.pmf()
    with pytest.raises(InputError, match="off_support"):
        step_distribution(pmf, parse_policy("topk:k=1"), off_support="nowhere")


def test_answers_and_tables(capsys):
    answer = decode_answer(make_task("replace_random", 5), parse_policy("factor:f=1"))
    assert answer["steps_distribution"] == [[2, Fraction(61, 125)], [3, Fraction(64, 125)]]
    assert answer["exact"]["steps_distribution_under_data"] == [[2, "3/5"], [3, "2/5"]]
    print_answer(answer, "")
    assert "2: 61/125, 3: 64/125" in capsys.readouterr().out
    remasked = decode_answer(make_task("shuffle", 3), parse_policy("wino"))
    assert remasked["steps_distribution_under_data"] is None
    print_answer(remasked, "")
    long = decode_answer(make_task("bernoulli_walk", 50), parse_policy("topk:k=7,by=left_to_right"))
    assert long["steps_distribution"] == long["steps_distribution_under_data"] == [[8, 1]]
    unknown = decode_answer(make_task("bernoulli_walk", 50), parse_policy("threshold:gamma=0.6"))
    assert "steps_distribution" not in unknown


@pytest.mark.parametrize(
    ("module", "name", "spec"),
    [
        (process_decoder.ProcessRun, "run", "topk:k=2,confidence=sampled"),
        (set_decoder.PolicyRun, "run", "topk:k=2"),
    ],
)
def test_one_run_gives_the_decode_and_the_distribution_of_its_steps(module, name, spec, monkeypatch):
    runs, run = [], getattr(module, name)
    monkeypatch.setattr(module, name, lambda *settings: runs.append(spec) or run(*settings))
    monkeypatch.setattr("theory.decoding.decoder.PolicyRun", set_decoder.PolicyRun)
    answer = decode_answer(make_task("shuffle", 4), parse_policy(spec))
    assert (answer["steps_distribution"], runs) == ([[2, 1]], [spec])


def test_a_mean_over_contexts_adds_one_rounding_to_the_error():
    thirds = {1: Fraction(1, 3), 2: Fraction(2, 3)}
    error = 2.0**-54  # of each float below
    part = StepDistribution(runs={calls: float(p) for calls, p in thirds.items()}, data=None, error=error)
    mean = mixed([(Fraction(1, 7), part), (Fraction(6, 7), part)])
    assert mean.error == pytest.approx(error + 2.0**-53, rel=1e-12, abs=0)
    assert all(abs(Fraction(p) - thirds[calls]) <= mean.error for calls, p in mean.runs.items())
