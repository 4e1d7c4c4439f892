"""Rules that mask again by hand, and their specifications."""

from __future__ import annotations

from fractions import Fraction

import pytest

from synthetic import make_task
from tests.helpers.remasking_cases import EXAMPLES, SAMPLED, SKEWED
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy
from theory.validation import InputError

# --- By hand -------------------------------------------------------------------------------------------------


def test_rcr_repairs_a_pair():
    """Two equal bits in two steps: the second step draws one of them again, given the other."""
    pmf = JointPMF.from_mapping(ref.repeated_bit(2))
    assert decode(pmf, parse_policy("rcr:steps=1")).accuracy == Fraction(1, 2)
    assert decode(pmf, parse_policy("rcr:steps=2")).accuracy == 1


def test_rcr_masks_the_earliest_token_first():
    """Shuffle of three in three steps: 1 is kept, then the other two are filled, and may be equal.

    The lowest stored value is 1/3, that of the first token, so it is drawn again instead of one of the equal ones.
    """
    pmf = JointPMF.from_mapping(ref.shuffle(3))
    assert decode(pmf, parse_policy("topk:k=1")).accuracy == 1
    for variant in ("code", "paper"):
        assert decode(pmf, parse_policy(f"rcr:steps=3,variant={variant}")).accuracy == Fraction(1, 2)


def test_rcr_forgets_or_keeps_the_larger_value():
    """Released: the latest value; printed: the largest so far. The two differ where a token is drawn again."""
    pmf = JointPMF.from_mapping(SKEWED)
    distributions = [
        output_distribution(pmf, parse_policy(f"rcr:steps=4,variant={variant}"))
        for variant in ("code", "paper")
    ]
    assert distributions[0] != distributions[1]


def test_remdm_llada_puts_its_steps_by_position_not_by_step():
    """At block length 32, the extra steps follow the 28th step; with 16 steps a block they are the last ones."""
    one = parse_policy("remdm_llada:steps=32,extra=4").order(32)
    assert [j for j, extra in enumerate(one) if extra] == [28, 29, 30, 31]
    two = parse_policy("remdm_llada:steps=16").order(32)
    assert [j for j, extra in enumerate(two) if extra] == list(range(16, 32))
    assert parse_policy("remdm_llada:steps=1,extra=1").order(1) == (False, True)


def test_wino_takes_back_what_the_context_contradicts():
    """Bits 0, 1 equal and bits 2, 3 equal. Accepting two at a time, an unequal pair is taken back, and repaired."""
    pmf = JointPMF.uniform([(a, a, b, b) for a in (0, 1) for b in (0, 1)])
    kept = decode(pmf, parse_policy("wino:tau1=0,tau2=0,block=2"))
    assert kept.accuracy == Fraction(1, 4)  # nothing is below 0
    assert decode(pmf, parse_policy("wino:tau1=0.6")).accuracy == 1


def test_saber_by_hand():
    """Two equal bits: both are committed at once, and the decoder ends before it can take anything back."""
    result = decode(JointPMF.from_mapping(ref.repeated_bit(2)), parse_policy("saber"))
    assert (result.accuracy, result.steps) == (Fraction(1, 2), 1)


REMASKING = ["remdm:steps=3,eta=1/2,variant=rescale", "remdm_llada:steps=2", "rcr:steps=3", "wino:tau1=1/4"]


def test_the_convention_off_the_support_is_a_part_of_the_result():
    """Without remasking a run off the support stays there; with it, what the model says there decides who returns."""
    pmf = JointPMF.from_mapping(ref.insert_random(3))
    conventions = ("marginal", "uniform", "stop")
    for spec in ("topk:k=2", *REMASKING):
        results = [decode(pmf, parse_policy(spec), off_support=name) for name in conventions]
        assert tuple(result.off_support for result in results) == conventions
        marginal, uniform, stop = (result.accuracy for result in results)
        if spec == "topk:k=2":
            assert marginal == uniform == stop
        else:
            assert stop < uniform < marginal  # a run that stops cannot return


# --- Specifications ------------------------------------------------------------------------------------------


WRONG = [
    ("remdm:steps=2,eta=2", "eta must lie in 0..1, got 2"),
    ("remdm:steps=0,eta=1", "steps must be a whole number of at least 1"),
    ("remdm:steps=2,eta=1,variant=best", "unknown variant 'best'"),
    ("remdm:steps=2,eta=1,final=last", "unknown final 'last'"),
    ("remdm:steps=2,eta=1,t_on=0.1,t_off=0.2", "t_off <= t_on < 1"),
    ("remdm:steps=2,eta=1,alpha_on=1", "alpha_on must be at least 0 and below 1"),
    ("remdm:steps=2,eta=1,held=1", "held must be at least 0 and below 1"),
    ("remdm:steps=2,eta=1,block=0", "block must be a whole number of at least 1"),
    ("remdm:steps=2,eta=1,eps=1", "eps must be at least 0 and below 1"),
    ("remdm:steps=2", "needs 'eta'"),
    ("rcr:steps=2,variant=new", "unknown variant 'new'"),
    ("rcr:steps=2,ties=all", "unknown ties 'all'"),
    ("rcr:steps=2,block=0", "block must be a whole number of at least 1"),
    ("remdm_llada:steps=2,extra=-1", "extra must be a whole number of at least 0"),
    ("remdm_llada:steps=2,number=0", "number must be a whole number of at least 1"),
    ("wino:tau1=high", "tau1 must be a finite number"),
    ("wino:confidence=min", "unknown confidence 'min'"),
    ("saber:variant=dream,least=1", "least must be at least 2"),
    ("saber:variant=dream,block=2", "variant=dream has no blocks"),
    ("saber:committed=later", "unknown committed 'later'"),
]


@pytest.mark.parametrize(("spec", "message"), WRONG)
def test_wrong_parameters(spec, message):
    with pytest.raises(InputError, match=message):
        parse_policy(spec)


@pytest.mark.parametrize(
    "spec", [*SAMPLED, "wino:capped=false", "remdm:steps=2,eta=0.1,variant=loop,held=9/10"]
)
def test_a_specification_survives_the_round_trip(spec):
    rule = parse_policy(spec)
    assert parse_policy(str(rule)) == rule


@pytest.mark.parametrize("spec", [*EXAMPLES, "remdm:steps=2,eta=1,variant=conf"])
def test_float_pmfs_give_the_same_distribution(spec):
    pmf = JointPMF.from_mapping({y: float(p) for y, p in SKEWED.items()})
    exact = output_distribution(JointPMF.from_mapping(SKEWED), parse_policy(spec))
    distribution = output_distribution(pmf, parse_policy(spec))
    assert set(distribution) == set(exact)
    assert all(distribution[y] == pytest.approx(float(exact[y]), abs=ROUNDING) for y in exact)


def test_examples_finish_on_registered_tasks():
    for name in ("shuffle", "replace_random", "parity"):
        pmf = make_task(name, 4).contexts()[0].distribution.pmf()
        for spec in ("remdm:steps=2,eta=1/5,variant=rescale", "rcr:steps=2", "wino", "saber"):
            result = decode(pmf, parse_policy(spec))
            assert 0 < result.accuracy <= 1
