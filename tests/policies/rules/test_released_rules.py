"""Rules against their releases, restated in a few slow lines: exact distributions and steps on drawn targets."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.evaluation.trials import ideal_trials
from models.predictors.ideal import IdealPredictor
from models.runs.row_streams import Streams
from models.sampling.decode import decode as sampled
from models.sampling.parallel_score import score
from synthetic import make_task
from tests.helpers.intervals import assert_frequencies
from tests.helpers.memory_rules import spec
from tests.helpers.small_tasks import small_contexts
from tests.policies.rules.test_memory_rules import PLAIN
from tests.reference import processes as rp
from tests.reference import released as rel
from theory.commands.decode import sampled_answer
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.decoding.tasks.realised import realised
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy
from theory.policies.rules.fixed_order import Dilated, dilated_rounds
from theory.policies.rules.prophet import Prophet
from theory.sampling.sampled_decode import sampled_decode
from theory.validation import InputError

FLOORS = ("0.3", "1/2", "2/3", "0.9")


# -- DUS ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("base", [2, 3, 4, 5])
def test_rounds_of_dus(base, merge):
    for length in range(1, 129):
        rounds = dilated_rounds(length, base, merge)
        levels = rel.dus_levels(length, base, merge)
        assert [[i for i in range(length) if rounds[i] == j] for j in range(max(rounds) + 1)] == [
            sorted(level) for level in levels
        ]


@pytest.mark.parametrize("merge", [True, False])
def test_rounds_of_dus_by_halves(merge):
    for length in range(1, 129):
        rounds = Dilated(order="binary", merge=merge).rounds(length)
        levels = rel.binary_levels(length, merge)
        assert [[i for i in range(length) if rounds[i] == j] for j in range(max(rounds) + 1)] == [
            sorted(level) for level in levels
        ]
        for block in (1, 5, 8):
            blocks = Dilated(order="binary", merge=merge, block=block).rounds(length)
            expected = [rel.binary_levels(min(block, length - k), merge) for k in range(0, length, block)]
            for k, levels in zip(range(0, length, block), expected, strict=True):
                assert {(i, j) for j, level in enumerate(levels) for i in level} == {
                    (i, blocks[k + i]) for i in range(min(block, length - k))
                }


def test_halves_merge_unless_the_tree_is_full():
    unlike = [
        n
        for n in range(1, 64)
        if Dilated(order="binary").rounds(n) != Dilated(order="binary", merge=True).rounds(n)
    ]
    assert unlike == [n for n in range(4, 64) if _last(n)]
    with pytest.raises(InputError, match="order=binary goes by halves; leave base out, got base=3"):
        parse_policy("dus:order=binary,base=3")


def _last(n):
    """Whether the last level of the tree of n middles holds fewer than the one before."""
    whole = n.bit_length() - 1  # levels that are full
    return n - (2**whole - 1) < 2 ** (whole - 1) and n - (2**whole - 1) > 0


def test_a_smaller_last_round_is_merged():
    for base, lengths in {2: [5, 46, 47], 3: [7, 23], 4: [9, 11]}.items():
        unlike = [b for b in range(1, 64) if dilated_rounds(b, base) != dilated_rounds(b, base, merge=True)]
        assert unlike == lengths
    assert realised(parse_policy("dus:merge=true"), 5).sizes == (5,)
    assert realised(parse_policy("dus"), 5).sizes == (3, 2)


@given(target=PLAIN, temperature=st.sampled_from([0, 1]), data=st.data())
def test_dus_as_released(target, temperature, data):
    keys = {
        "order": data.draw(st.sampled_from(["dilated", "binary"])),
        "base": data.draw(st.integers(2, 3)),
        "floor": data.draw(st.sampled_from(FLOORS)),
        "merge": data.draw(st.booleans()),
        "block": data.draw(st.sampled_from([None, 1, 2])),
    }
    keys["base"] = 2 if keys["order"] == "binary" else keys["base"]
    distribution, steps = rp.distribution_and_steps(target.distribution, rel.DUS(**keys), temperature)
    policy = parse_policy(spec("dus", **keys))
    result = decode(target.exact, policy, temperature=temperature)
    assert result.distribution == {y: distribution.get(y, 0) for y in target.distribution}
    assert result.steps == steps
    if any(None in y for y in distribution):
        assert result.path_kl is None
        with pytest.raises(InputError, match="leaves masks in some answers"):
            output_distribution(target.exact, policy, temperature=temperature)
    else:
        assert output_distribution(target.exact, policy, temperature=temperature) == distribution


def test_a_position_below_the_floor_stays_masked():
    # rounds {0, 2}, {1, 3}; the first two are one fair bit: position 0 is below the floor, and 1 goes without it
    pmf = JointPMF.uniform([(0, 0, 0, 0), (1, 1, 0, 0)])
    assert decode(pmf, parse_policy("dus")).accuracy == 1
    lost = decode(pmf, parse_policy("dus:floor=0.6"))
    assert (lost.accuracy, lost.steps, lost.path_kl) == (0, 2, None)
    assert decode(pmf, parse_policy("dus:floor=1/2")).accuracy == 1  # not below
    assert realised(parse_policy("dus:floor=0.3"), 4) is None


@pytest.mark.parametrize("task", ["replace_random", "shuffle", "markov_chain", "one_hot_blocks"])
def test_samples_that_end_with_masks_are_wrong(task):
    context, policy = small_contexts(task)[0], parse_policy("dus:floor=0.6,merge=true")
    exact = decode(context.distribution.pmf(), policy)
    ideal = IdealPredictor(context.distribution)
    done = sampled(ideal, ideal.masked(2000), policy, generator=torch.Generator().manual_seed(0))
    whole = (done.tokens != ideal.mask_id).all(dim=1).numpy()
    valid = int(context.distribution.contains(done.tokens.numpy()[whole]).sum())
    assert_frequencies([valid], [float(exact.accuracy)], 2000, task)


def test_trials_and_long_chains_count_answers_with_masks_as_wrong():
    task = make_task("markov_chain", 4)
    distribution, policy = task.contexts()[0].distribution, "dus:floor=0.9"
    exact = float(decode(distribution.pmf(), parse_policy(policy)).accuracy)
    plain = float(decode(distribution.pmf(), parse_policy("dus")).accuracy)
    assert exact < plain
    found = ideal_trials("markov_chain", 4, policy, samples=1000, seed=0)
    assert_frequencies([found.successes], [exact], 1000, policy)
    answer = sampled_answer(
        task.name, sampled_decode(distribution, parse_policy(policy), samples=1000, seed=0)
    )
    assert_frequencies([round(answer["accuracy"]["estimate"] * 1000)], [exact], 1000, policy)
    assert answer["path_kl"] is None


def test_a_rule_that_leaves_masks_has_no_gap():
    ideal = IdealPredictor(make_task("shuffle", 4).contexts()[0].distribution)
    rules = [parse_policy(x) for x in ("dus:floor=0.9", "topk:k=1")]
    answers = torch.tensor([[0, 1, 2, 3]])
    with pytest.raises(
        InputError, match="needs a rule that reveals everything; 'dus:floor=9/10' leaves masks"
    ):
        score(ideal, ideal.masked(1), answers, *rules, Streams(0, [0], purpose=0))


# -- Prophet -----------------------------------------------------------------------------------------------------


@given(target=PLAIN, temperature=st.sampled_from([0, 1]), data=st.data())
def test_prophet_as_released(target, temperature, data):
    keys = {
        "steps": data.draw(st.integers(1, 4)),
        **{name: data.draw(st.sampled_from(["0.1", "1/2", "1", "2.5"])) for name in ("early", "mid", "late")},
        "first": data.draw(st.integers(0, 2)),
        "length": data.draw(st.sampled_from([None, 1, 2])),
        "committed": data.draw(st.sampled_from(["left_out", "seen"])),
        "block": data.draw(st.sampled_from([None, 1, 2])),
    }
    distribution, steps = rp.distribution_and_steps(target.distribution, rel.Prophet(**keys), temperature)
    policy = parse_policy(spec("prophet", **keys))
    result = decode(target.exact, policy, temperature=temperature)
    assert output_distribution(target.exact, policy, temperature=temperature) == distribution
    assert result.steps == steps
    if temperature:
        assert result.path_kl >= result.kl


@pytest.mark.parametrize("calls", [1, 2, 3, 6, 50, 99, 100, 200])
def test_the_thirds_of_prophet_begin_at_33_and_67_per_cent(calls):
    rule = Prophet(steps=calls)
    bars = [rule.early, rule.mid, rule.late]
    for call in range(1, calls + 1):
        third = (100 * call >= 33 * calls) + (100 * call >= 67 * calls)
        assert rule.bar(call, calls) == bars[third]


def test_prophet_decodes_all_as_soon_as_the_answer_stands_out():
    # two answers of odds e^5 < 149; position 0 is a fair bit
    pmf = JointPMF.from_mapping({(a, b): Fraction(w, 300) for a in (0, 1) for b, w in ((0, 149), (1, 1))})
    sizes = {"prophet:steps=2,first=1": 1, "prophet:steps=2,first=1,mid=5.1": 2, "prophet:steps=2": 2}
    assert {rule: decode(pmf, parse_policy(rule)).steps for rule in sizes} == sizes
    assert decode(pmf, parse_policy("prophet:steps=2,first=2,late=0,mid=0")).steps == 2  # no answer
    for rule, message in {
        "prophet:steps=2,confidence=sampled": "use confidence=max",
        "prophet:steps=2,first=1/2": "first must be a whole number of at least 0",
        "prophet:steps=2,late=-1": "late must be",
    }.items():
        with pytest.raises(InputError, match=message):
            parse_policy(rule)


# -- Info-gain ---------------------------------------------------------------------------------------------------


@given(target=PLAIN, temperature=st.sampled_from([0, 1]), data=st.data())
def test_info_gain_as_released(target, temperature, data):
    keys = {
        "k": data.draw(st.integers(1, 2)),
        "candidates": data.draw(st.integers(1, 3)),
        "temp": data.draw(st.sampled_from(["0.1", "1", "5"])),
        "variant": data.draw(st.sampled_from(["info_gain", "lookum"])),
        "threshold": data.draw(st.sampled_from([None, None, "1/2", "0.8"])),
        "block": data.draw(st.sampled_from([None, 1, 2])),
    }
    distribution, steps = rp.distribution_and_steps(target.distribution, rel.InfoGain(**keys), temperature)
    policy = parse_policy(spec("info_gain", **keys))
    found = output_distribution(target.exact, policy, temperature=temperature)
    assert {y for y, q in found.items() if q} == {*distribution}
    assert all(found[y] == pytest.approx(float(q), abs=1e-13) for y, q in distribution.items())
    result = decode(target.exact, policy, temperature=temperature)
    assert abs(result.steps - float(steps)) <= result.errors["steps"] + 1e-13


def test_info_gain_looks_ahead():
    # two fair copies, and two copies at odds of 3 to 2: the surest two say nothing of the others
    pmf = JointPMF.from_mapping({(a, a, b, b): Fraction(3 - b, 10) for a in (0, 1) for b in (0, 1)})
    assert decode(pmf, parse_policy("topk:k=2")).accuracy == Fraction(13, 50)
    for variant in ("info_gain", "lookum"):  # with so many candidates every pair is one
        policy = parse_policy(f"info_gain:k=2,candidates=1000,temp=10,variant={variant}")
        assert decode(pmf, policy).accuracy == pytest.approx(1, abs=1e-12)
    for rule, message in {
        "info_gain:temp=0": "candidates=1 takes the most confident",
        "info_gain:variant=gain": "unknown variant",
        "info_gain:by=margin": "leave by and confidence out",
    }.items():
        with pytest.raises(InputError, match=message):
            parse_policy(rule)
    with pytest.raises(InputError, match="every set of 4 of 20 positions, at most 1000"):
        decode(JointPMF.uniform([(0,) * 20, (1,) * 20]), parse_policy("info_gain:k=4"))


# -- SlowFast ----------------------------------------------------------------------------------------------------


@pytest.mark.deep
def test_later_calls_of_a_span_do_not_see_behind_it():
    rng, differ = np.random.default_rng(0), 0
    for _ in range(40):
        outcomes = [tuple(row) for row in np.unique(rng.integers(0, 2, (6, 4)), axis=0).tolist()]
        weights = rng.integers(1, 6, len(outcomes)).tolist()
        distribution = {y: Fraction(w, sum(weights)) for y, w in zip(outcomes, weights, strict=True)}
        keys = {"low": "0.7", "high": "0.9", "explore": 2}
        pmf, found = JointPMF.from_mapping(distribution), []
        for cut in (False, True):
            truth, steps = rp.distribution_and_steps(distribution, rp.SlowFastReleased(**keys, cut=cut))
            policy = parse_policy(spec("slowfast", form="released", cut=cut, **keys))
            assert output_distribution(pmf, policy) == truth
            result = decode(pmf, policy)
            assert result.steps == steps
            assert result.path_kl >= result.kl
            found.append(truth)
        differ += found[0] != found[1]
    assert differ > 0


# -- Dream with alg_temp -----------------------------------------------------------------------------------------

LAW = {
    y: Fraction(w, 22)
    for y, w in {(0, 0, 0): 3, (0, 1, 1): 8, (1, 1, 0): 4, (1, 0, 1): 5, (1, 1, 1): 2}.items()
}
FEW = 1e-15  # a float, and the digits of the reference


@pytest.mark.parametrize("drawn", [False, True])
@pytest.mark.parametrize("by", ["confidence", "margin", "entropy"])
@pytest.mark.parametrize(("steps", "alg_temp"), [(2, "1/5"), (3, "1/5"), (3, "2"), (1, "1")])
def test_the_order_of_dream_is_drawn_by_its_scores(by, steps, alg_temp, drawn):
    if drawn and by != "confidence":
        return
    sizes = parse_policy(f"dream:steps={steps}").sizes(3)
    truth, calls = rp.distribution_and_steps(LAW, rel.DreamOrder(sizes, alg_temp, by, drawn))
    keys = f"steps={steps},by={by},alg_temp={alg_temp}" + (",confidence=sampled" if drawn else "")
    policy = parse_policy(f"dream:{keys}")
    for pmf in (JointPMF.from_mapping(LAW), JointPMF.from_mapping({y: float(p) for y, p in LAW.items()})):
        found = decode(pmf, policy)
        for y, p in LAW.items():
            assert abs(Fraction(found.distribution[y]) - truth[y]) <= FEW * (1 if pmf.is_exact else 10), (
                y,
                p,
            )
        assert abs(found.accuracy - float(sum(truth[y] for y in LAW))) <= found.errors["accuracy"] + FEW
        assert abs(found.steps - float(calls)) <= found.errors["steps"] + FEW
        assert (found.path_kl is None) == drawn
    plain = decode(JointPMF.from_mapping(LAW), parse_policy(f"dream:steps={steps},by={by}"))
    assert plain.accuracy != found.accuracy or steps == 1


@pytest.mark.parametrize("extra", ["", ",confidence=sampled"])
def test_samples_of_dream_with_alg_temp(extra):
    distribution = small_contexts("markov_chain")[0].distribution
    policy = parse_policy("dream:steps=3,by=confidence,alg_temp=1/5" + extra)
    ideal, exact = IdealPredictor(distribution), decode(distribution.pmf(), policy)
    done = sampled(ideal, ideal.masked(3000), policy, generator=torch.Generator().manual_seed(0))
    valid = int(distribution.contains(done.tokens.numpy()).sum())
    assert_frequencies([valid], [exact.accuracy], 3000, extra)
    assert realised(policy, 10).sizes == realised(parse_policy("dream:steps=3"), 10).sizes
    answer = sampled_answer(
        make_task("markov_chain", 40).name,
        sampled_decode(
            make_task("markov_chain", 40).contexts()[0].distribution,
            policy,
            samples=20,
        ),
    )
    assert "estimate" in answer["accuracy"]


def test_a_cold_order_of_dream_is_its_best_positions():
    pmf = JointPMF.from_mapping(LAW)
    cold = decode(pmf, parse_policy("dream:steps=3,by=confidence,alg_temp=1/100000"))
    assert cold.accuracy == pytest.approx(
        float(decode(pmf, parse_policy("dream:steps=3,by=confidence")).accuracy)
    )
    with pytest.raises(InputError, match="alg_temp must be positive, got 0; leave it out for 0"):
        parse_policy("dream:steps=3,alg_temp=0")
