"""Known limiting cases of rules that mask again: the diffusion, ancestral sampling, blocks, Gibbs steps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.remasking_cases import SKEWED, SMALL
from tests.helpers.strategies import targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy
from theory.policies.as_process import unmasked
from theory.policies.process import Chance
from theory.policies.remasking import counted, remask_lowest, start_clock, zeros
from theory.policies.run_batch import RunBatch


@given(
    sides=st.lists(st.lists(st.integers(1, 5), min_size=2, max_size=3), min_size=1, max_size=3),
    steps=st.integers(1, 4),
    eta=st.sampled_from(["0", "1/10", "1"]),
    variant=st.sampled_from(["cap", "rescale"]),
    eps=st.sampled_from(["0", "1/100", "1/3"]),
)
def test_remdm_keeps_the_marginals_of_the_diffusion(sides, steps, eta, variant, eps):
    """Theorem 3.1 of arXiv 2503.00307: whatever sigma is, a position is masked at time t with probability t.

    So independent positions come out exactly, and the last call is needed with probability 1 - (1 - eps)^n.
    """
    pmf = {}
    for y in product(*(range(len(side)) for side in sides)):
        pmf[y] = Fraction(1)
        for side, v in zip(sides, y, strict=True):
            pmf[y] *= Fraction(side[v], sum(side))
    policy = parse_policy(f"remdm:steps={steps},eta={eta},variant={variant},eps={eps},final=sample")
    result = decode(JointPMF.from_mapping(pmf), policy)
    assert result.distribution == pmf
    assert result.steps == steps + 1 - (1 - Fraction(eps)) ** len(sides)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_remdm_without_remasking_is_ancestral_sampling(steps):
    pmf = JointPMF.from_mapping(SKEWED)
    expected = output_distribution(pmf, parse_policy(f"ancestral:steps={steps},eps=0"))
    for variant in ("cap", "rescale"):
        assert (
            output_distribution(pmf, parse_policy(f"remdm:steps={steps},eta=0,eps=0,variant={variant}"))
            == expected
        )


def test_the_loop_keeps_alpha_between_its_times():
    """sigma = eta takes away what reveal = eta alpha / (1 - alpha) gives: a share alpha stays revealed."""
    rule = parse_policy("remdm:steps=10,eta=0.1,variant=loop,t_on=0.6,t_off=0.3,alpha_on=0.8,eps=0")
    shown = Fraction(0)
    for step in range(10):
        reveal, sigma = rule.rates(step)
        shown = shown * (1 - sigma) + (1 - shown) * reveal
        if step + 1 == 4:
            assert shown == Fraction(8, 10)
        if 4 <= step < 7:
            assert (sigma, shown) == (Fraction(1, 10), Fraction(8, 10))
    assert shown == 1
    released = parse_policy(
        "remdm:steps=10,eta=0.1,variant=loop,t_on=0.6,t_off=0.3,alpha_on=0.8,eps=0,held=0.9"
    )
    assert released.rates(5) == (Fraction(9, 10), Fraction(1, 10))
    assert rule.rates(5) == (Fraction(4, 10), Fraction(1, 10))


@given(
    target=targets(shapes=SMALL),
    steps=st.integers(1, 3),
    eta=st.sampled_from(["0", "1/3", "1"]),
    variant=st.sampled_from(["cap", "rescale", "conf"]),
    eps=st.sampled_from(["0", "1/4"]),
)
def test_remdm_in_blocks_of_one_is_exact(target, steps, eta, variant, eps):
    """One position at a time follows its conditional, whatever is masked again: the chain rule gives P."""
    spec = f"remdm:steps={steps},eta={eta},variant={variant},eps={eps},final=sample,block=1"
    result = decode(target.exact, parse_policy(spec))
    calls = target.exact.n * (steps + Fraction(eps))  # the last call of a block with probability eps
    if (
        variant == "conf"
    ):  # floats, and another distribution of the number of calls: masked tokens are not compensated
        assert result.distribution == pytest.approx(
            {y: float(p) for y, p in target.distribution.items()}, abs=ROUNDING
        )
    else:
        assert (result.distribution, result.steps) == (target.distribution, calls)


@pytest.mark.parametrize(
    "options", ["eps=1/4", "eps=1/4,final=sample", "variant=rescale", "variant=loop,t_on=0.7"]
)
def test_remdm_in_blocks_is_one_decode_after_the_other(options):
    """The first block sees its marginals, the second those given the first: two plain decodes, calls added.

    Every answer is possible, so that the convention off the support plays no part.
    """
    rng = Random(11)
    weights = {y: rng.choice((1, 2, 5, 11)) for y in product((0, 1), (0, 1, 2), (0, 1))}
    pmf = {y: Fraction(w, sum(weights.values())) for y, w in weights.items()}
    plain = parse_policy(f"remdm:steps=3,eta=1/2,{options}")
    first = decode(JointPMF.from_mapping(ref.marginal(pmf, (0, 1))), plain)
    distribution: dict[tuple[int, ...], Any] = {}
    calls = first.steps
    for start, q in first.distribution.items():
        given = ref.condition(pmf, dict(enumerate(start)))
        rest = decode(JointPMF.from_mapping(ref.marginal(given, (2,))), plain)
        distribution |= {(*start, *end): q * p for end, p in rest.distribution.items()}
        calls += q * rest.steps
    blocks = decode(JointPMF.from_mapping(pmf), parse_policy(f"remdm:steps=3,eta=1/2,{options},block=2"))
    assert (blocks.distribution, blocks.steps) == (distribution, calls)


@pytest.mark.deep
def test_remdm_in_one_block_of_all_is_remdm():
    pmf = JointPMF.from_mapping(SKEWED)
    for spec in ("remdm:steps=3,eta=1/3,eps=1/10", "remdm:steps=2,eta=1,variant=conf,eps=1/10"):
        whole = vars(decode(pmf, parse_policy(spec)))
        calls = vars(whole.pop("step_distribution"))
        for block in (4, 5, 10**30):
            parts = vars(decode(pmf, parse_policy(f"{spec},block={block}")))
            assert vars(parts.pop("step_distribution")) == calls
            assert parts == whole


@dataclass(frozen=True, kw_only=True)
class Resample:
    """Decode one by one from the left, which gives P; then mask ``sites`` tokens and draw them again, ``rounds`` times.

    The sites are chosen at random, or those of the lowest leave-one-out probability.
    """

    sites: int
    rounds: int
    lowest: bool = False
    clocked = True

    def start(self, batch: RunBatch) -> RunBatch:
        return start_clock(batch)

    def step(self, batch: RunBatch, chance: Chance) -> RunBatch:
        n = batch.tokens.shape[1]
        first = batch.view().within_blocks(1).candidates if batch.step < n else batch.masked
        batch, drawn = chance.propose(batch, first)
        batch = counted(batch.write(drawn >= 0, drawn))
        if n <= batch.step + 1 < n + self.rounds:
            scores = zeros(batch)
            if self.lowest:
                xp, index = batch.numbers.xp, batch.tokens[:, :, None]
                scores = xp.take_along_axis(batch.left_out(), index, axis=2)[:, :, 0]
            take = batch.numbers.xp.zeros_like(batch.tokens[:, 0]) + self.sites
            batch, _ = remask_lowest(batch, chance, scores, ~batch.masked, take, "random")
        return batch

    def finished(self, batch: RunBatch):
        return unmasked(batch) & (batch.memory["calls"] >= batch.tokens.shape[1] + self.rounds)


@given(target=targets(shapes=SMALL), rounds=st.integers(1, 3))
def test_drawing_one_token_again_leaves_the_target_as_it_is(target, rounds):
    """sum_x P(x) P(y_i | x_-i) 1[y_-i = x_-i] = P(y): the target is stationary."""
    assert decode(target.exact, Resample(sites=1, rounds=rounds)).distribution == target.distribution


def test_drawing_two_tokens_again_does_not():
    """Two equal bits: both are masked and drawn independently, and agree half of the time."""
    pmf = JointPMF.from_mapping(ref.repeated_bit(2))
    distribution = output_distribution(pmf, Resample(sites=2, rounds=1))
    assert distribution == dict.fromkeys(product((0, 1), repeat=2), Fraction(1, 4))
    assert decode(pmf, Resample(sites=2, rounds=1)).kl == 1


def test_a_site_chosen_by_its_own_token_does_not_either():
    """Taking the token of the lowest leave-one-out probability: the rarer answers are masked more often."""
    pmf = {(0, 0): Fraction(1, 2), (0, 1): Fraction(1, 6), (1, 1): Fraction(1, 3)}
    distribution = decode(JointPMF.from_mapping(pmf), Resample(sites=1, rounds=1, lowest=True)).distribution
    # leave-one-out probabilities of the two tokens: (0, 0): 1, 3/4; (0, 1): 1/3, 1/4; (1, 1): 2/3, 1.
    # So 0. becomes (0, 0) with 3/4 and (0, 1) with 1/4; .1 of (1, 1) becomes (1, 1) with 2/3 and (0, 1) with 1/3
    assert distribution == {(0, 0): Fraction(1, 2), (0, 1): Fraction(5, 18), (1, 1): Fraction(2, 9)}
    assert distribution != pmf
