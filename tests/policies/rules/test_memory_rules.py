"""Rules with memory, and rules that ask the model: exact ones against plain recursions, samples against exact ones."""

from dataclasses import replace
from fractions import Fraction
from math import log

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.predictors.ideal import IdealPredictor
from models.sampling.decode import decode
from tests.helpers.draws import examples
from tests.helpers.intervals import assert_frequencies, assert_mean
from tests.helpers.memory_rules import EXAMPLES, RULES, credits
from tests.helpers.small_tasks import small_contexts
from tests.helpers.strategies import targets
from tests.reference import definitions as ref
from tests.reference import processes as rp
from theory.decoding import decoder
from theory.decoding.lookahead import first_batch
from theory.decoding.output import output_distribution
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import EXACT, FLOAT64
from theory.policies import parse_policy
from theory.policies.rules.demask import influence
from theory.policies.rules.lopa import LoPA
from theory.policies.view import View

SHAPES = [(3,), (1, 2), (2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 1, 2), (2, 3, 2)]
ROUNDING = 1e-12


PLAIN = targets(SHAPES, kinds=("dense", "skewed", "sparse"))


@pytest.mark.parametrize("name", RULES)
@settings(max_examples=examples(4))
@given(target=PLAIN, temperature=st.sampled_from([0, 1]), data=st.data())
def test_exact_distribution_and_steps_are_those_of_the_recursion(name, target, temperature, data):
    text, rule = data.draw(RULES[name])
    distribution, steps = rp.distribution_and_steps(target.distribution, rule, temperature)
    policy = parse_policy(text)
    assert output_distribution(target.exact, policy, temperature=temperature) == distribution
    assert sum(distribution.values()) == 1
    result = decoder.decode(target.exact, policy, temperature=temperature)
    assert result.steps == steps
    assert result.accuracy == sum(distribution.get(y, 0) for y in target.distribution)


@given(target=PLAIN, rule=credits(), temperature=st.sampled_from([0, 1]))
def test_credit_is_that_of_the_recursion(target, rule, temperature):
    distribution, steps = rp.distribution_and_steps(target.distribution, rule[1], temperature)
    policy = parse_policy(rule[0])
    found = output_distribution(target.exact, policy, temperature=temperature)
    assert found.keys() == distribution.keys()
    assert all(found[y] == pytest.approx(q, abs=ROUNDING) for y, q in distribution.items())
    result = decoder.decode(target.exact, policy, temperature=temperature)
    assert result.steps == pytest.approx(float(steps), abs=ROUNDING)
    assert result.path_kl == pytest.approx(
        result.kl, abs=1e-9
    )  # one set per state: no randomness but the tokens


@given(target=PLAIN, data=st.data())
def test_memoryless_and_followed_rules_obey_theorem_1(target, data):
    name = data.draw(st.sampled_from(["hierarchy", "klass", "pc", "demask", "slowfast"]))
    result = decoder.decode(target.exact, parse_policy(data.draw(RULES[name])[0]))
    assert result.path_kl is not None
    assert result.path_kl >= result.kl


SMALL_TASKS = ("replace_random", "insert_random", "one_hot_blocks", "markov_chain", "balanced", "city_names")


@pytest.mark.grid(2)
@pytest.mark.parametrize("task", SMALL_TASKS)
def test_tasks_follow_the_recursion(task):
    pmf = small_contexts(task)[0].distribution.pmf()
    target = dict(zip(pmf.outcomes, pmf.probabilities, strict=True))
    for text, rule in EXAMPLES.items():
        distribution, _ = rp.distribution_and_steps(target, rule)
        found = output_distribution(pmf, parse_policy(text))
        assert found.keys() == distribution.keys(), text
        assert all(
            abs(found[y] - q) <= (ROUNDING if "credit" in text else 0) for y, q in distribution.items()
        ), text


# -- the sampler ----------------------------------------------------------------------------------------------


@pytest.mark.grid(every=22, deep=3)
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("task", ["replace_random", "shuffle", "markov_chain", "one_hot_blocks"])
@pytest.mark.parametrize("text", EXAMPLES)
def test_samples_of_the_ideal_model_follow_the_exact_distribution(text, task, temperature):
    context, policy = small_contexts(task)[0], parse_policy(text)
    pmf, ideal, size = context.distribution.pmf(), IdealPredictor(context.distribution), 3000
    generator = torch.Generator().manual_seed(0)
    done = decode(ideal, ideal.masked(size), policy, generator=generator, temperature=temperature)
    distribution = output_distribution(pmf, policy, temperature=temperature)
    ids = {token: j for j, token in enumerate(context.distribution.tokens)}
    rows = torch.tensor([[ids[token] for token in y] for y in distribution])
    counts = (done.tokens[:, None] == rows).all(dim=2).sum(dim=0).numpy()
    assert counts.sum() == size
    assert_frequencies(counts, [float(q) for q in distribution.values()], size, (text, task))
    steps = decoder.decode(pmf, policy, temperature=temperature).steps
    assert_mean(done.steps.numpy(), float(steps), span=8, label=(text, task))


@pytest.mark.parametrize("text", EXAMPLES)
def test_single_precision_keeps_the_distribution(text, monkeypatch):
    # what a device without float64 computes with
    monkeypatch.setattr("models.sampling.decode_state.float_dtype", lambda _: torch.float32)
    context, size = small_contexts("replace_random")[0], 2000
    ideal = IdealPredictor(context.distribution)
    done = decode(ideal, ideal.masked(size), parse_policy(text), generator=torch.Generator().manual_seed(0))
    exact = decoder.decode(context.distribution.pmf(), parse_policy(text))
    valid = int(context.distribution.contains(done.tokens.numpy()).sum())
    assert_frequencies([valid], [float(exact.accuracy)], size, text)
    assert_mean(done.steps.numpy(), float(exact.steps), span=8, label=text)


@pytest.mark.parametrize("text", EXAMPLES)
@pytest.mark.parametrize("switches", [{"temperature": Fraction(1, 2), "scored": "after"}, {"top_p": "0.7"}])
def test_exact_pmfs_and_floats_agree_under_other_transforms(text, switches):
    distribution = ref.replace_random(3)
    exact = output_distribution(JointPMF.from_mapping(distribution), parse_policy(text), **switches)
    floats = output_distribution(
        JointPMF.from_mapping({y: float(p) for y, p in distribution.items()}), parse_policy(text), **switches
    )
    assert exact.keys() == floats.keys()
    assert all(exact[y] == pytest.approx(q, abs=ROUNDING) for y, q in floats.items())


@pytest.mark.parametrize("text", EXAMPLES)
def test_fixed_tokens_between_the_masks_stay(text):
    context = small_contexts("markov_chain")[0]
    ideal = IdealPredictor(context.distribution)
    tokens = ideal.masked(50)
    tokens[:, 1] = 0
    done = decode(ideal, tokens, parse_policy(text), generator=torch.Generator().manual_seed(0))
    assert (done.tokens[:, 1] == 0).all()
    assert (done.tokens != ideal.mask_id).all()


# -- values by hand -------------------------------------------------------------------------------------------

CERTAIN = JointPMF.uniform([tuple(range(6))])


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("hierarchy:gamma=0.9", 1),
        ("hierarchy:gamma=1,ties=lowest", 6),  # always the first of the one run
        ("klass:tau=0.9", 3),  # two calls without a history of two divergences take one position each
        ("klass:tau=0.9,history=1", 2),
        ("klass:tau=0.9,history=3", 4),
        ("klass:tau=0.9,block=3", 5),  # 1 + 1 + 1, then 1 + 2: marginals are compared from the start
        ("pc:k=2", 3),
        ("demask:budget=0", 1),
        ("credit:gamma=0.9", 1),
        ("slowfast", 3),  # the end is recorded twice, then the span is decoded at once
        ("slowfast:window=1", 2),
        (
            "slowfast:form=released",
            6,
        ),  # all in the first call, then five idle ones
        ("lopa:gamma=0.9,k=3", 1),
        ("lopa:gamma=1,k=2,ties=lowest,equal=anchor", 6),
        ("lopa:gamma=1,k=1,ties=lowest", 6),  # no branch
        ("lopa:gamma=1,k=2,ties=lowest", 4),  # two positions per step, and a call that closes the block
    ],
)
def test_steps_of_a_certain_answer(text, steps):
    assert decoder.decode(CERTAIN, parse_policy(text)).steps == steps


def test_hierarchy_of_equal_scores_is_a_random_search_tree():
    # steps = height: the middle of three first (1/3) gives 2, an end first gives 3
    three = JointPMF.uniform([(0, 1, 2)])
    assert decoder.decode(three, parse_policy("hierarchy:gamma=1")).steps == Fraction(8, 3)


def test_hierarchy_separates_neighbours():
    # middle first: positions 1 and 3 are surest and lie in one run with all the others; then each gap has its own
    pmf = JointPMF.from_pairs([(0, 0, 0), (1, 0, 0), (1, 0, 1)], ["1/4", "1/4", "1/2"])
    result = decoder.decode(pmf, parse_policy("hierarchy:gamma=1"))
    assert result.steps == 2  # the certain middle, then the runs to its left and right at once
    assert result.accuracy == Fraction(7, 8)  # 1 - P(y_0 = 0) P(y_2 = 1) = 1 - 1/4 * 1/2


def test_influences_are_expected_changes():
    # y_0 = y_1 a fair bit, y_2 independent: knowing one token of a pair moves the other by 1/2
    pmf = JointPMF.uniform([(a, a, b) for a in (0, 1) for b in (0, 1)])
    model = ListedModel.by_code(pmf)
    state = np.full((1, 3), -1)
    view = View(model.marginals(state), state == -1, EXACT, tokens=state, model=model)
    d = [[Fraction(int(x.p), int(x.q)) for x in row] for row in influence(view)[0]]
    assert d[0][1] == d[1][0] == Fraction(1, 2)
    assert d[0][2] == d[2][0] == d[1][2] == d[2][1] == 0


def test_influences_are_the_same_by_asking_the_model_and_by_counting():
    class Asked:
        """A model that is no list of outcomes."""

        def __init__(self, model):
            self.ask, self.background = model.ask, model.background

    pmf = JointPMF.from_mapping(ref.replace_random(3))
    model, state = ListedModel.by_code(pmf), np.array([[-1, -1, -1], [0, -1, -1]])
    view = View(model.marginals(state), state == -1, EXACT, tokens=state, model=model)
    assert (influence(view) == influence(replace(view, model=Asked(model)))).all()
    floats = replace(view, probs=EXACT.floats(view.probs), numbers=FLOAT64)
    found = influence(floats)
    assert found.dtype == np.float64
    assert found == pytest.approx(influence(view).astype(float), abs=ROUNDING)


def test_demask_does_not_see_parity():
    parity = JointPMF.from_mapping(ref.parity(4))
    assert decoder.decode(parity, parse_policy("demask:budget=0")).steps == 1
    repeated = JointPMF.from_mapping(ref.repeated_bit(4))
    assert decoder.decode(repeated, parse_policy("demask:budget=0")).accuracy == 1


def test_demask_bounds_the_total_variation_of_two_positions():
    # with two positions sub-additivity is an identity: TV(product, joint) = D_01 = D_10
    pmf = JointPMF.from_pairs([(0, 0), (0, 1), (1, 1)], ["1/2", "1/4", "1/4"])
    distribution = output_distribution(pmf, parse_policy("topk:k=2"))
    target = dict(zip(pmf.outcomes, pmf.probabilities, strict=True))
    distance = sum(abs(q - target.get(y, 0)) for y, q in distribution.items()) / 2
    assert decoder.decode(pmf, parse_policy(f"demask:budget={distance}")).steps == 1
    assert decoder.decode(pmf, parse_policy(f"demask:budget={distance - Fraction(1, 1000)}")).steps == 2


def test_credit_raises_the_best_token():
    pmf = JointPMF.from_pairs([("a",), ("b",)], ["2/3", "1/3"])
    weight = 2 / 3 * (1 + (2 / 3) ** 0.2) ** 0.7
    distribution = output_distribution(pmf, parse_policy("credit:gamma=0.9"))
    assert distribution["a",] == pytest.approx(weight / (weight + 1 / 3), abs=1e-15)
    assert output_distribution(pmf, parse_policy("credit:gamma=0.9,alpha=0"))["a",] == pytest.approx(
        2 / 3, abs=1e-15
    )


def test_credit_without_weight_is_dinfer():
    for distribution in (ref.shuffle(3), ref.replace_random(3)):
        pmf = JointPMF.from_mapping(distribution)
        credit = output_distribution(pmf, parse_policy("credit:gamma=0.6,alpha=0"))
        plain = output_distribution(pmf, parse_policy("dinfer:gamma=0.6"))
        assert credit.keys() == plain.keys()
        assert all(abs(credit[y] - float(q)) < ROUNDING for y, q in plain.items())


def test_pc_takes_rare_tokens_first():
    # "the" is at two of three positions; at equal confidence the rarer word goes first
    pmf = JointPMF.uniform([("the", "cat", "the")])
    policy = parse_policy("pc:k=1,lam=0")
    state = np.full((1, 3), -1)
    model = ListedModel.by_code(pmf)
    view = View(model.marginals(state), state == -1, EXACT, tokens=state, model=model)
    assert policy.plan(view).distribution()[1] == [((0b010, 1),)]
    late = parse_policy("pc:k=1,lam=5").plan(view).distribution()[1]
    assert late == [((0b001, 1),)]


def test_lopa_starts_with_the_lowest_entropy_and_k_1_is_no_branch():
    # (.52, .16, .16, .16) and (.5, .5): the second has the lower entropy, the first the higher confidence
    pmf = JointPMF.from_mapping(
        {("a", 0): "1/2", ("a", 1): "1/50", ("b", 1): "4/25", ("c", 1): "4/25", ("d", 1): "4/25"}
    )
    by_entropy = output_distribution(pmf, parse_policy("lopa:gamma=0.97,k=1"), temperature=0)
    assert by_entropy == {("a", 0): Fraction(1, 2), **{(v, 1): Fraction(1, 6) for v in "bcd"}}
    assert output_distribution(pmf, parse_policy("lopa:gamma=0.97,k=1,by=confidence"), temperature=0) == {
        ("a", 0): 1
    }
    # without branches, and with the confidence, it is the threshold
    for distribution in (ref.shuffle(3), ref.replace_random(3), ref.repeated_bit(3)):
        lone, plain = (
            decoder.decode(JointPMF.from_mapping(distribution), parse_policy(spec))
            for spec in ("lopa:gamma=0.6,k=1,by=confidence", "threshold:gamma=0.6")
        )
        assert (lone.distribution, lone.steps) == (plain.distribution, plain.steps)


def test_the_value_of_a_branch_of_lopa():
    # three positions: after the first, equal bits; the branch is worth weight * own + (1 - weight) * rest
    pmf = JointPMF.uniform([(a, b, b) for a in (0, 1) for b in (0, 1)])
    rule = LoPA(gamma="0.9", k=2, by="confidence", lowest="1/2", weight="1/4")
    batch = first_batch(ListedModel.by_code(pmf), Transform())
    states = np.array([[[0, -1, -1], [0, 0, -1]]])  # the anchor, and a branch that adds the second position
    added = np.array([[[False, False, False], [False, True, False]]])
    assert rule._value(batch, states, added).tolist() == [[0.25 + 0.75 * 0.5, 0.25 * 0.5 + 0.75]]
    (nats,) = replace(rule, by="entropy")._value(batch, states, added).tolist()
    assert nats == pytest.approx([0.25 - 0.75 * log(2), -0.25 * log(2)], abs=1e-15)


def test_the_divergence_of_klass_is_in_nats():
    # knowing y_0 moves the others from 0.9 to 0.937 or 0.863: 0.0086 or 0.0069 nats, 0.0125 or 0.00995 bits
    share = {0: Fraction(937, 1000), 1: Fraction(863, 1000)}
    pmf = JointPMF.from_mapping(
        {
            (a, b, c): Fraction(1, 2) * (share[a] if b else 1 - share[a]) * (share[a] if c else 1 - share[a])
            for a in (0, 1)
            for b in (0, 1)
            for c in (0, 1)
        }
    )
    rule = "klass:tau=0.6,history=1,by=left_to_right"
    assert str(parse_policy("klass:eps=0.01")) == "klass"  # the release's value is the default
    for eps, steps in (("0.01", 2), ("0.008", Fraction(5, 2)), ("0.0065", 3)):
        assert decoder.decode(pmf, parse_policy(f"{rule},eps={eps}")).steps == steps
