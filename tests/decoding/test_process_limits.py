"""Rules with memory on listed distributions: rows are counted on the way, and too long runs end with one line."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from flint import fmpq

from synthetic import make_task
from theory.commands.decode import decode_answer
from theory.decoding.decoder import decode
from theory.decoding.forward import PolicyRun
from theory.decoding.process import ProcessRun
from theory.decoding.state_keys import StateKeys
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import CostError, allowing
from theory.numbers.arithmetic import EXACT
from theory.policies import parse_policy
from theory.policies.as_process import unmasked
from theory.policies.policy import Rule
from theory.policies.run_batch import RunBatch
from theory.sampling.runs import sample_runs

PAIR = JointPMF.uniform([(0, 1), (1, 0)])


@pytest.mark.grid(1)
@pytest.mark.parametrize("spec", ["rcr:steps=4", "remdm:steps=4,eta=1/5", "wino"])
def test_short_runs_of_many_rows_are_refused(spec):
    """Each step was within its own limit, and sixteen of them took a quarter of an hour."""
    pmf = make_task("shuffle", 4).contexts()[0].distribution.pmf()
    with (
        allowing(Fraction(1, 6000)),
        pytest.raises(CostError, match=r"following .* would take about .*, the limit is 0\.01 seconds; use"),
    ):
        decode(pmf, parse_policy(spec))
    decode(pmf, parse_policy(spec))


@pytest.mark.parametrize("name", ["stored", "other"])
def test_equal_values_have_equal_keys(name):
    keys, two = StateKeys(None), np.zeros((4, 2), dtype=np.int64)
    batch = RunBatch.__new__(RunBatch)
    values = np.array([[Fraction(1, 2), 1], [Fraction(2, 4), 1], [0.5, 1], [Fraction(1, 2), 2]], dtype=object)
    object.__setattr__(batch, "tokens", two)
    object.__setattr__(batch, "memory", {name: values})
    first, second, third, fourth = keys.of(batch)
    assert first == second == third != fourth
    floats = keys.numbered(np.array([0.0, -0.0, 1.0]))
    assert floats[0] == floats[1] != floats[2]


@dataclass(frozen=True, kw_only=True)
class Renames(Rule):
    """A rule that never decodes, and keeps its memory in numbers of another kind each time."""

    def start(self, batch: RunBatch) -> RunBatch:
        return batch.remember(seen=np.zeros(len(batch.tokens), dtype=np.int64))

    def step(self, batch: RunBatch, chance) -> RunBatch:  # noqa: ARG002
        return batch.remember(seen=batch.memory["seen"] + 0.0)

    def finished(self, batch: RunBatch):
        return unmasked(batch)


def test_a_memory_of_another_kind_is_no_progress_for_long():
    with pytest.raises(ValueError, match="makes no progress"):
        decode(PAIR, Renames())


def test_sets_ahead_are_counted_before_they_are_visited():
    pmf, policy = make_task("parity", 6).contexts()[0].distribution.pmf(), parse_policy("dllm:steps=2")
    # the first set leads to twenty of three positions, which take some 1.5 ms each
    with allowing(Fraction(15, 60_000)):
        run = PolicyRun(pmf, policy, Transform(), "marginal")
    with pytest.raises(CostError, match="decoding set by set, 32 outcomes, would take about"):
        run.run()  # without a look ahead
    assert run.spent < 0.046  # three times the limit
    assert decode(pmf, policy).steps == 2


HALVES = [["1/2", "1/2"], ["1/2", "1/2"]]


@pytest.mark.deep
def test_rules_that_ask_nothing_draw_in_full_batches():
    distribution = MarkovDistribution(n=100, initial=["1/2", "1/2"], transition=HALVES)
    seen: list[int] = []

    class Seen(type(parse_policy("rcr:steps=2"))):
        def step(self, batch: RunBatch, chance) -> RunBatch:
            seen.append(len(batch.tokens))
            return super().step(batch, chance)

    sample_runs(distribution, Seen(steps=2), samples=500, rng=np.random.default_rng(0))
    assert seen == [500, 500]


def test_what_a_rule_takes_itself_is_in_the_estimate():
    # a thousand calls of a quick distribution
    task = make_task("copy", 1000)
    with pytest.raises(CostError, match="decoding 2000 samples of 1000 positions by saber would take about"):
        decode_answer(task, parse_policy("saber"), samples=2000)


def test_numbers_of_later_steps_grow_as_those_so_far():
    """Of 99 bits after 9 steps, 11 a step: on average over the 4 that are left, 22 bits more."""
    seen = list[tuple[int, int]]()
    run = SimpleNamespace(
        batch=SimpleNamespace(weights={"decoder": np.array([fmpq(1), fmpq(1, 2**98)])}, step=9),
        kind=EXACT,
        chance=SimpleNamespace(seconds_of=lambda rows, bits: seen.append((rows, bits)) or 0.0),
        ahead=SimpleNamespace(rest=lambda step, seconds: 0.0),  # noqa: ARG005
        _planned_steps=13,
        _first=False,
        _spend=lambda seconds, left: None,  # noqa: ARG005
    )
    ProcessRun._check_work(run, 7, 9)
    assert seen == [(7, 99), (7, 99 + 22)]
