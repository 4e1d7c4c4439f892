"""Rules that mask again: their distributions are those of slow recursions, on drawn distributions and on tasks."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.draws import examples
from tests.helpers.remasking_cases import EXAMPLES, SMALL
from tests.helpers.strategies import Target, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from tests.reference import remasking as slow
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.policies import parse_policy

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
    "p2": specs(
        "p2",
        steps=[1, 2, 3, 4, 5],
        eta=[None, "0", "1/2", "2"],
        committed=["left_out", "left_out", "seen"],
        block=[None, 1, 2, 3],
        ties=[*TIES, "all"],
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
    "editing": specs(
        "editing",
        gamma=["0.95", "1/2", "1/3", "0"],
        edit=["0.9", "1/2", "1/3", "0"],
        post=[1, 2, 3],
        floor=[1, 2],
        committed=["left_out", "left_out", "seen"],
        block=[None, 1, 2, 3],
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
    """The product and the recursion must agree exactly: the output, its part on the support, and the steps."""
    policy = parse_policy(spec)
    expected = slow.run(target.distribution, rule, **switches)
    result = decode(target.exact, policy, **switches)
    assert result.steps == expected.steps
    assert result.distribution == {y: expected.distribution.get(y, 0) for y in target.distribution}
    assert result.off_support == switches["off_support"]
    assert result.path_kl is None
    if switches["off_support"] != "stop":
        assert sum(expected.distribution.values()) == 1
        assert output_distribution(target.exact, policy, **switches) == expected.distribution


@pytest.mark.parametrize("name", sorted(RULES))
@settings(max_examples=examples(5))
@given(
    target=targets(shapes=SMALL),
    off_support=st.sampled_from(["marginal", "uniform", "stop"]),
    temperature=st.sampled_from([0, 1]),
    greedy_ties=st.sampled_from(["random", "lowest"]),
    data=st.data(),
)
def test_distribution_is_that_of_the_recursion(name, target, off_support, temperature, greedy_ties, data):
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
    ("p2", {"steps": (2, 4), "eta": ("1", "3/2"), "ties": (*TIES, "all"), "block": (None, 3)}),
    ("editing", {"gamma": ("0", "1/2"), "edit": ("1/3", "1/2"), "post": (1, 3), "block": (None, 2)}),
    ("saber", {"least": (1, 2), "committed": ("left_out", "seen"), "block": (None, 3)}),
    ("saber", {"least": (3,), "block": (None, 2)}),
    ("saber", {"least": (2, 3), "variant": ("dream",), "committed": ("left_out", "seen")}),
    ("remdm", {"steps": (3,), "eta": ("1/3", "1"), "variant": ("cap", "rescale"), "eps": ("1/10",)}),
    (
        "remdm",
        {"steps": (2, 3), "eta": ("1/3",), "eps": ("1/4",), "block": (2, 3), "final": ("argmax", "sample")},
    ),
]


@pytest.mark.grid(0, deep=2)
@pytest.mark.parametrize(("name", "grid"), GRIDS)
def test_fixed_distributions(name, grid):
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


@pytest.mark.grid(1)
@pytest.mark.parametrize("task", sorted(TASKS))
def test_tasks(task):
    for spec, rule in EXAMPLES.items():
        target = Target(TASKS[task])
        for temperature, off_support in ((1, "marginal"), (0, "uniform")):
            switches = {"temperature": temperature, "off_support": off_support, "greedy_ties": "random"}
            _same(target, spec, rule, switches)


@settings(max_examples=examples(5))
@given(
    target=targets(shapes=SMALL[:-1]),
    steps=st.sampled_from([2, 3]),
    eta=st.sampled_from(["1", "1/3"]),
    block=st.sampled_from([None, 1, 2]),
    off_support=st.sampled_from(["marginal", "uniform"]),
    temperature=st.sampled_from([0, 1]),
)
def test_conf_is_that_of_the_recursion(target, steps, eta, block, off_support, temperature):
    """Its distribution is irrational: floats, also for an exact pmf."""
    policy = parse_policy(
        f"remdm:steps={steps},eta={eta},variant=conf" + (f",block={block}" if block else "")
    )
    switches = {"off_support": off_support, "temperature": temperature}
    expected = slow.run(target.distribution, slow.remdm(steps, eta, "conf", block=block), **switches)
    distribution = output_distribution(target.exact, policy, **switches)
    assert all(isinstance(q, float) for q in distribution.values())
    for y in {*distribution, *expected.distribution}:
        assert distribution.get(y, 0) == pytest.approx(float(expected.distribution.get(y, 0)), abs=ROUNDING)
    assert decode(target.exact, policy, **switches).steps == pytest.approx(
        float(expected.steps), abs=ROUNDING
    )
