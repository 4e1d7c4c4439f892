"""Remasking rules: exact laws against plain recursion, torch samplers against the exact laws, and known limits."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import sampling
from models.ideal import IdealPredictor
from synthetic import make_task
from tests import reference as ref
from tests import reference_remasking as slow
from tests.intervals import assert_frequencies, assert_mean
from tests.strategies import Target, targets
from tests.tolerance import ROUNDING
from theory._checks import InputError
from theory.decoder import decode
from theory.law import ListedLaw
from theory.output_law import output_law
from theory.pmf import JointPMF
from theory.policies import parse_policy
from theory.policies.board import Board
from theory.policies.process import Chance
from theory.policies.remask import counted, remask_lowest, start_clock, zeros
from theory.policies.sampled import unmasked

SMALL = ((2, 2), (3, 2), (3, 3), (2, 2, 2), (3, 1, 2), (2, 2, 2, 2))  # WINO takes back from four positions on
TIES = ("random", "lowest")


@st.composite
def specs(draw, name: str, **options):
    """A specification with the given options, defaults left out at times, and the same for the reference."""
    chosen = {key: draw(st.sampled_from(values)) for key, values in options.items()}
    given = {key: value for key, value in chosen.items() if value is not None}
    text = ",".join(f"{key}={str(value).lower()}" for key, value in given.items())
    return f"{name}:{text}", getattr(slow, name)(**given)


RULES = {
    "remdm": specs(
        "remdm",
        steps=[1, 2, 3],
        eta=["0", "1/10", "1/3", "1"],
        variant=["cap", "rescale"],
        eps=["0", "1/100000", "1/10"],
        final=["argmax", "sample"],
    ),
    "remdm_blocks": specs(
        "remdm",
        steps=[1, 2, 3],
        eta=["1/10", "1"],
        variant=["cap", "rescale"],
        eps=["0", "1/10", "1/2"],
        final=["argmax", "sample"],
        block=[1, 2, 3, 9],
    ),
    "remdm_loop": specs(
        "remdm",
        steps=[2, 3, 4],
        eta=["0", "1/20", "1/9", "1/2"],
        variant=["loop"],
        eps=["0", "1/100000"],
        t_on=["11/20", "0.9", "1/2"],
        t_off=["1/20", "1/2", "1/3"],
        alpha_on=["9/10", "1/2"],
        held=[None, "9/10"],
        final=["argmax", "sample"],
        block=[None, None, 1, 2],
    ),
    "rcr": specs("rcr", steps=[1, 2, 3, 4], block=[None, 1, 2, 3], variant=["code", "paper"], ties=TIES),
    "remdm_llada": specs(
        "remdm_llada", steps=[1, 2, 3], extra=[None, 0, 1, 2], number=[1, 2], block=[None, 1, 2, 3], ties=TIES
    ),
    "wino": specs(
        "wino",
        tau1=["0.6", "1/3", "0", "1"],
        tau2=["0.9", "1/2", "1"],
        block=[None, 1, 2, 3],
        capped=[True, False],
        confidence=["sampled", "max"],
        ties=TIES,
    ),
    "saber": specs(
        "saber",
        least=[2, 1, 3],
        variant=["llada"],
        committed=["left_out", "seen"],
        block=[None, 1, 2, 3],
        ties=TIES,
    ),
    "saber_dream": specs("saber", least=[2, 3], variant=["dream"], committed=["left_out", "seen"], ties=TIES),
}


def _same(target: Target, spec: str, rule: slow.Rule, switches: dict) -> None:
    """The product and the recursion must agree exactly: the whole law, the law on the support, and the steps."""
    policy = parse_policy(spec)
    expected = slow.run(target.law, rule, **switches)
    result = decode(target.exact, policy, **switches)
    assert result.steps == expected.steps
    assert result.law == {y: expected.law.get(y, 0) for y in target.law}
    assert result.off_support == switches["off_support"]
    assert result.path_kl is None
    if switches["off_support"] != "stop":
        assert sum(expected.law.values()) == 1
        assert output_law(target.exact, policy, **switches) == expected.law


@pytest.mark.parametrize("name", sorted(RULES))
@settings(max_examples=15)
@given(
    target=targets(shapes=SMALL),
    off_support=st.sampled_from(["marginal", "uniform", "stop"]),
    temperature=st.sampled_from([0, 1]),
    greedy_ties=st.sampled_from(["random", "lowest"]),
    data=st.data(),
)
def test_law_is_that_of_the_recursion(name, target, off_support, temperature, greedy_ties, data):
    spec, rule = data.draw(RULES[name])
    switches = {"off_support": off_support, "temperature": temperature, "greedy_ties": greedy_ties}
    _same(target, spec, rule, switches)


def _drawn(seed: int, shape: tuple[int, ...], weights: tuple[int, ...]) -> Target:
    rng = Random(seed)
    words = list(product(*map(range, shape)))
    drawn = [rng.choice(weights) for _ in words]
    return Target({y: Fraction(w, sum(drawn)) for y, w in zip(words, drawn, strict=True) if w})


# sparse, so that runs leave the support; skewed without ties; a longer alphabet
FIXED = [
    _drawn(5, (2, 2, 2, 2), (0, 0, 1, 2, 5)),
    _drawn(6, (2, 2, 2, 2), (1, 2, 7, 30)),
    _drawn(7, (3, 2, 2), (0, 1, 3, 8)),
]
GRIDS: list[tuple[str, dict[str, tuple[Any, ...]]]] = [
    ("rcr", {"steps": (3, 4), "variant": ("code", "paper"), "block": (None, 2)}),
    ("remdm_llada", {"steps": (4,), "extra": (1,), "number": (1, 2), "block": (None, 2)}),
    ("remdm_llada", {"steps": (2, 3), "extra": (2,)}),
    ("wino", {"tau1": ("0", "1/3", "1/2"), "tau2": ("0.7", "1"), "block": (None, 3)}),
    ("wino", {"tau1": ("1/2",), "confidence": ("max",), "ties": TIES}),
    ("saber", {"least": (1, 2), "committed": ("left_out", "seen"), "block": (None, 3)}),
    ("saber", {"least": (3,), "block": (None, 2)}),
    ("saber", {"least": (2, 3), "variant": ("dream",), "committed": ("left_out", "seen")}),
    ("remdm", {"steps": (3,), "eta": ("1/3", "1"), "variant": ("cap", "rescale"), "eps": ("1/10",)}),
    (
        "remdm",
        {"steps": (2, 3), "eta": ("1/3",), "eps": ("1/4",), "block": (2, 3), "final": ("argmax", "sample")},
    ),
]


@pytest.mark.parametrize(("name", "grid"), GRIDS)
def test_fixed_laws(name, grid):
    for number, values in enumerate(product(*grid.values())):
        given = {key: value for key, value in zip(grid, values, strict=True) if value is not None}
        spec = f"{name}:" + ",".join(f"{key}={value}" for key, value in given.items())
        for target in FIXED:
            off_support = ("marginal", "uniform")[number % 2]
            _same(target, spec, getattr(slow, name)(**given), {"off_support": off_support})


def test_wino_accepts_at_most_five_of_eight():
    """Two free pairs of equal bits among constants: with the cap, not all eight positions go at once."""
    pmf = {(a, 0, 0, b, a, 0, b, 0): Fraction(1, 4) for a, b in product((0, 1), repeat=2)}
    for spec, options in (("", {}), (",tau2=0.7", {"tau2": "0.7"}), (",capped=false", {"capped": False})):
        _same(Target(pmf), f"wino:tau1=0{spec}", slow.wino("0", **options), {"off_support": "marginal"})
    accuracy = [
        decode(Target(pmf).exact, parse_policy(f"wino:tau1=0,tau2=0,capped={c}")).accuracy
        for c in ("true", "false")
    ]
    assert accuracy[0] > accuracy[1] == Fraction(1, 4)


def test_saber_keeps_the_first_confidence_of_a_position_in_the_dream_form():
    """Five positions: three are committed a second time, and the mean of the recorded values decides the third step."""
    words = [(0, 1, 0, 1, 1), (1, 1, 0, 0, 1), (0, 1, 1, 0, 1), (1, 0, 0, 1, 0)]
    target = Target({y: Fraction(w, 12) for y, w in zip(words, (1, 1, 5, 5), strict=True)})
    rule = slow.saber(variant="dream", committed="seen")
    _same(target, "saber:variant=dream,committed=seen", rule, {"off_support": "marginal"})


def test_saber_takes_back_from_the_earlier_block_first():
    """Three bits of even weight, then one item three times.

    In the first call of the second block its new tokens have no previous confidence, so that a bit is masked,
    although its confidence has risen from 1/2 to 1.
    """
    bits = [(a, b, (a + b) % 2) for a, b in product((0, 1), repeat=2)]
    target = Target({(*word, v, v, v): Fraction(1, 12) for word in bits for v in range(3)})
    _same(
        target, "saber:block=3,ties=lowest", slow.saber(block=3, ties="lowest"), {"off_support": "marginal"}
    )


TASKS = {
    "shuffle": ref.shuffle(3),
    "replace_random": ref.replace_random(3),
    "insert_random": ref.insert_random(3),
    "parity": ref.parity(3),
    "city_names": ref.city_names(),
}
EXAMPLES = {
    "remdm:steps=2,eta=1/5,variant=rescale": slow.remdm(2, "1/5", "rescale"),
    "remdm:steps=2,eta=1/10,eps=1/8": slow.remdm(2, "1/10", eps="1/8"),
    "remdm:steps=3,eta=1/2,eps=1/8,block=2": slow.remdm(3, "1/2", eps="1/8", block=2),
    "rcr:steps=2": slow.rcr(2),
    "rcr:steps=3,variant=paper": slow.rcr(3, variant="paper"),
    "remdm_llada:steps=2,extra=1": slow.remdm_llada(2, 1),
    "wino": slow.wino(),
    "wino:tau1=1/3": slow.wino("1/3"),
    "saber": slow.saber(),
    "saber:variant=dream,committed=seen": slow.saber(variant="dream", committed="seen"),
}


@pytest.mark.parametrize("task", sorted(TASKS))
def test_tasks(task):
    for spec, rule in EXAMPLES.items():
        target = Target(TASKS[task])
        for temperature, off_support in ((1, "marginal"), (0, "uniform")):
            switches = {"temperature": temperature, "off_support": off_support, "greedy_ties": "random"}
            _same(target, spec, rule, switches)


@settings(max_examples=15)
@given(
    target=targets(shapes=SMALL[:-1]),
    steps=st.sampled_from([2, 3]),
    eta=st.sampled_from(["1", "1/3"]),
    block=st.sampled_from([None, 1, 2]),
    off_support=st.sampled_from(["marginal", "uniform"]),
    temperature=st.sampled_from([0, 1]),
)
def test_conf_is_that_of_the_recursion(target, steps, eta, block, off_support, temperature):
    """Its law is irrational: floats, also for an exact pmf."""
    policy = parse_policy(
        f"remdm:steps={steps},eta={eta},variant=conf" + (f",block={block}" if block else "")
    )
    switches = {"off_support": off_support, "temperature": temperature}
    expected = slow.run(target.law, slow.remdm(steps, eta, "conf", block=block), **switches)
    law = output_law(target.exact, policy, **switches)
    assert all(isinstance(q, float) for q in law.values())
    for y in {*law, *expected.law}:
        assert law.get(y, 0) == pytest.approx(float(expected.law.get(y, 0)), abs=ROUNDING)
    assert decode(target.exact, policy, **switches).steps == pytest.approx(
        float(expected.steps), abs=ROUNDING
    )


# --- The torch sampler ------------------------------------------------------------------------------------

SAMPLED = [
    *EXAMPLES,
    "remdm:steps=2,eta=1,variant=conf",
    "remdm:steps=4,eta=0.1,variant=loop,t_on=0.7,t_off=0.2",
    "remdm:steps=2,eta=1/3,final=sample,eps=0.2",
    "remdm:steps=3,eta=1/2,block=2,eps=0.2",  # some runs need a last call in the first block, others none
    "remdm:steps=3,eta=1,variant=conf,block=3,eps=0.3,final=sample",
    "remdm:steps=4,eta=0.1,variant=loop,t_on=0.7,t_off=0.2,block=1",
    "rcr:steps=2,block=2",
    "remdm_llada:steps=2,number=2",
    "remdm_llada:steps=1,extra=1,block=2",
    "wino:tau1=1/4,tau2=1,confidence=max,block=3",
    "saber:block=3,least=1",
    "saber:committed=seen",
]
SKEWED = {
    (0, 0, 1, 1): Fraction(4, 15),
    (0, 1, 1, 0): Fraction(3, 15),
    (1, 0, 0, 2): Fraction(2, 15),
    (2, 1, 0, 1): Fraction(5, 15),
    (2, 0, 1, 0): Fraction(1, 15),
}
ROWS = 20_000


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("spec", SAMPLED)
def test_sampler_follows_the_exact_law(spec, temperature):
    pmf, policy = JointPMF.from_mapping(SKEWED), parse_policy(spec)
    ideal = IdealPredictor(ListedLaw(pmf))
    generator = torch.Generator().manual_seed(7)
    done = sampling.decode(ideal, ideal.masked(ROWS), policy, generator=generator, temperature=temperature)
    law = output_law(pmf, policy, temperature=temperature)
    counts = Counter(tuple(ideal.law.tokens[v] for v in row) for row in done.tokens.tolist())
    assert set(counts) <= set(law)
    answers = sorted(law)
    assert_frequencies([counts[y] for y in answers], [float(law[y]) for y in answers], ROWS, spec)
    expected = decode(pmf, policy, temperature=temperature).steps
    assert_mean(done.steps.double().numpy(), float(expected), span=12, label=spec)


@pytest.mark.parametrize("spec", SAMPLED)
def test_given_tokens_are_never_masked(spec):
    """A token given between the masks stays; the others follow what the rule does without that position.

    Positions are independent here: then no answer is impossible, and the given token says nothing.
    """
    sides = [
        {0: Fraction(1, 4), 1: Fraction(3, 4)},
        {0: Fraction(1, 2), 1: Fraction(1, 2)},
        {0: Fraction(1, 8), 1: Fraction(7, 8)},
    ]
    free = {y: sides[0][y[0]] * sides[1][y[1]] * sides[2][y[2]] for y in product((0, 1), repeat=3)}
    ideal = IdealPredictor(ListedLaw(JointPMF.from_mapping(free)))
    start = ideal.masked(4000)
    start[:, 1] = torch.arange(4000) % 2
    done = sampling.decode(ideal, start, parse_policy(spec), generator=torch.Generator().manual_seed(3))
    assert torch.equal(done.tokens[:, 1], start[:, 1])
    if "block" in spec or "remdm_llada" in spec:
        return  # blocks and the place of the extra steps count the given position too
    rest = JointPMF.from_mapping({(a, c): sides[0][a] * sides[2][c] for a, c in product((0, 1), repeat=2)})
    law = output_law(rest, parse_policy(spec))
    counts = Counter(map(tuple, done.tokens[:, [0, 2]].tolist()))
    assert_frequencies([counts[y] for y in sorted(law)], [float(law[y]) for y in sorted(law)], 4000, spec)


# --- Known limits -----------------------------------------------------------------------------------------


@settings(max_examples=25)
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
    assert result.law == pmf
    assert result.steps == steps + 1 - (1 - Fraction(eps)) ** len(sides)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_remdm_without_remasking_is_ancestral_sampling(steps):
    pmf = JointPMF.from_mapping(SKEWED)
    expected = output_law(pmf, parse_policy(f"ancestral:steps={steps},eps=0"))
    for variant in ("cap", "rescale"):
        assert output_law(pmf, parse_policy(f"remdm:steps={steps},eta=0,eps=0,variant={variant}")) == expected


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


@settings(max_examples=15)
@given(
    target=targets(shapes=SMALL),
    steps=st.integers(1, 3),
    eta=st.sampled_from(["0", "1/3", "1"]),
    variant=st.sampled_from(["cap", "rescale", "conf"]),
    eps=st.sampled_from(["0", "1/4"]),
)
def test_remdm_in_blocks_of_one_is_exact(target, steps, eta, variant, eps):
    """A position by itself comes out as its conditional, whatever is masked and drawn again: the chain rule gives P."""
    spec = f"remdm:steps={steps},eta={eta},variant={variant},eps={eps},final=sample,block=1"
    result = decode(target.exact, parse_policy(spec))
    calls = target.exact.n * (steps + Fraction(eps))  # the last call of a block with probability eps
    if variant == "conf":  # floats, and another law of the number of calls: what masks is not made up for
        assert result.law == pytest.approx({y: float(p) for y, p in target.law.items()}, abs=ROUNDING)
    else:
        assert (result.law, result.steps) == (target.law, calls)


@pytest.mark.parametrize(
    "options", ["eps=1/4", "eps=1/4,final=sample", "variant=rescale", "variant=loop,t_on=0.7"]
)
def test_remdm_in_blocks_is_one_decode_after_the_other(options):
    """The first block sees its marginal law, the second its law given the first: two plain decodes, calls added.

    Every answer is possible, so that the convention off the support plays no part.
    """
    rng = Random(11)
    weights = {y: rng.choice((1, 2, 5, 11)) for y in product((0, 1), (0, 1, 2), (0, 1))}
    pmf = {y: Fraction(w, sum(weights.values())) for y, w in weights.items()}
    plain = parse_policy(f"remdm:steps=3,eta=1/2,{options}")
    first = decode(JointPMF.from_mapping(ref.marginal(pmf, (0, 1))), plain)
    law: dict[tuple[int, ...], Any] = {}
    calls = first.steps
    for start, q in first.law.items():
        given = ref.condition(pmf, dict(enumerate(start)))
        rest = decode(JointPMF.from_mapping(ref.marginal(given, (2,))), plain)
        law |= {(*start, *end): q * p for end, p in rest.law.items()}
        calls += q * rest.steps
    blocks = decode(JointPMF.from_mapping(pmf), parse_policy(f"remdm:steps=3,eta=1/2,{options},block=2"))
    assert (blocks.law, blocks.steps) == (law, calls)


def test_remdm_in_one_block_of_all_is_remdm():
    pmf = JointPMF.from_mapping(SKEWED)
    for spec in ("remdm:steps=3,eta=1/3,eps=1/10", "remdm:steps=2,eta=1,variant=conf,eps=1/10"):
        whole = decode(pmf, parse_policy(spec))
        for block in (4, 5, 10**30):
            assert vars(decode(pmf, parse_policy(f"{spec},block={block}"))) == vars(whole)


@dataclass(frozen=True, kw_only=True)
class Resample:
    """Decode one by one from the left, which gives P; then mask ``sites`` tokens and draw them again, ``rounds`` times.

    The sites are chosen at random, or those of the lowest leave-one-out probability.
    """

    sites: int
    rounds: int
    lowest: bool = False
    clocked = True

    def start(self, board: Board) -> Board:
        return start_clock(board)

    def step(self, board: Board, chance: Chance) -> Board:
        n = board.tokens.shape[1]
        first = board.view().within_blocks(1).candidates if board.step < n else board.masked
        board, drawn = chance.propose(board, first)
        board = counted(board.write(drawn >= 0, drawn))
        if n <= board.step + 1 < n + self.rounds:
            scores = zeros(board)
            if self.lowest:
                xp, index = board.numbers.xp, board.tokens[:, :, None]
                scores = xp.take_along_axis(board.left_out(), index, axis=2)[:, :, 0]
            take = board.numbers.xp.zeros_like(board.tokens[:, 0]) + self.sites
            board, _ = remask_lowest(board, chance, scores, ~board.masked, take, "random")
        return board

    def finished(self, board: Board):
        return unmasked(board) & (board.memory["calls"] >= board.tokens.shape[1] + self.rounds)


@settings(max_examples=25)
@given(target=targets(shapes=SMALL), rounds=st.integers(1, 3))
def test_drawing_one_token_again_leaves_the_target_as_it_is(target, rounds):
    """sum_x P(x) P(y_i | x_-i) 1[y_-i = x_-i] = P(y): the target is stationary."""
    assert decode(target.exact, Resample(sites=1, rounds=rounds)).law == target.law


def test_drawing_two_tokens_again_does_not():
    """Two equal bits: both are masked and drawn independently, and agree half of the time."""
    pmf = JointPMF.from_mapping(ref.repeated_bit(2))
    law = output_law(pmf, Resample(sites=2, rounds=1))
    assert law == dict.fromkeys(product((0, 1), repeat=2), Fraction(1, 4))
    assert decode(pmf, Resample(sites=2, rounds=1)).kl == 1


def test_a_site_chosen_by_its_own_token_does_not_either():
    """Taking the token of the lowest leave-one-out probability: the rarer answers are masked more often."""
    pmf = {(0, 0): Fraction(1, 2), (0, 1): Fraction(1, 6), (1, 1): Fraction(1, 3)}
    law = decode(JointPMF.from_mapping(pmf), Resample(sites=1, rounds=1, lowest=True)).law
    # leave-one-out probabilities of the two tokens: (0, 0): 1, 3/4; (0, 1): 1/3, 1/4; (1, 1): 2/3, 1.
    # So 0. becomes (0, 0) with 3/4 and (0, 1) with 1/4; .1 of (1, 1) becomes (1, 1) with 2/3 and (0, 1) with 1/3
    assert law == {(0, 0): Fraction(1, 2), (0, 1): Fraction(5, 18), (1, 1): Fraction(2, 9)}
    assert law != pmf


# --- By hand ----------------------------------------------------------------------------------------------


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
    laws = [output_law(pmf, parse_policy(f"rcr:steps=4,variant={variant}")) for variant in ("code", "paper")]
    assert laws[0] != laws[1]


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


# --- Specifications ---------------------------------------------------------------------------------------

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
def test_float_pmfs_give_the_same_law(spec):
    pmf = JointPMF.from_mapping({y: float(p) for y, p in SKEWED.items()})
    exact = output_law(JointPMF.from_mapping(SKEWED), parse_policy(spec))
    law = output_law(pmf, parse_policy(spec))
    assert set(law) == set(exact)
    assert all(law[y] == pytest.approx(float(exact[y]), abs=ROUNDING) for y in exact)


def test_examples_finish_on_registered_tasks():
    for name in ("shuffle", "replace_random", "parity"):
        pmf = make_task(name, 4).contexts()[0].law.pmf()
        for spec in ("remdm:steps=2,eta=1/5,variant=rescale", "rcr:steps=2", "wino", "saber"):
            result = decode(pmf, parse_policy(spec))
            assert 0 < result.accuracy <= 1
