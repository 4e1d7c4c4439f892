"""Rules that make no progress, memories without a comparable value, wrong specifications: one clear line each."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from models.predictors.ideal import IdealPredictor
from models.sampling.decode import decode
from tests.helpers.memory_rules import EXAMPLES
from tests.helpers.small_tasks import small_contexts
from theory.decoding import decoder
from theory.decoding.output import output_distribution
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy
from theory.policies.as_process import unmasked
from theory.policies.policy import RankedPolicy, Rule
from theory.policies.run_batch import RunBatch
from theory.validation import InputError

PAIR = JointPMF.uniform([(0, 1), (1, 0)])


@dataclass(frozen=True, kw_only=True)
class Never(RankedPolicy):
    """A rule of a user that takes nothing."""

    def count(self, view, scores):  # noqa: ARG002
        return view.numbers.xp.zeros_like(view.left)


@dataclass(frozen=True, kw_only=True)
class Idle(Rule):
    """A rule with memory that never decodes anything."""

    counts: bool = False

    def start(self, batch: RunBatch) -> RunBatch:
        return batch.remember(seen=batch.numbers.xp.zeros_like(batch.tokens[:, 0]))

    def step(self, batch: RunBatch, chance) -> RunBatch:  # noqa: ARG002
        return batch.remember(seen=batch.memory["seen"] + 1) if self.counts else batch

    def finished(self, batch: RunBatch):
        return unmasked(batch)


class Unhashable(Idle):
    """A rule whose memory has no value that could be compared."""

    def start(self, batch: RunBatch) -> RunBatch:
        memory = np.empty(len(batch.tokens), dtype=object)
        memory[:] = [{}]
        return batch.remember(notes=memory)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Never(), "must take between 1 and 2 positions here, got 0"),
        (Idle(), "makes no progress"),
        (Unhashable(), "the memory of rule .* cannot be compared by value"),
    ],
)
@pytest.mark.parametrize("run", [decoder.decode, output_distribution])
def test_a_rule_without_progress_or_value_is_an_error(run, rule, message):
    with pytest.raises(InputError, match=message) as error:
        run(PAIR, rule)
    assert "\n" not in str(error.value)


def test_a_rule_that_counts_forever_is_an_error(monkeypatch):
    monkeypatch.setattr("theory.decoding.process.MOST_CALLS", 50)
    with pytest.raises(InputError, match="has not finished after 50 steps"):
        decoder.decode(PAIR, Idle(counts=True))


@pytest.mark.grid(2)
@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Never(), "makes no progress: a step left"),
        (Idle(), "makes no progress"),
        (Idle(counts=True), "makes no progress: it takes nothing in"),
    ],
)
def test_the_sampler_stops_a_rule_without_progress(rule, message):
    ideal = IdealPredictor(small_contexts("shuffle")[0].distribution)
    with pytest.raises(InputError, match=message) as error:
        decode(ideal, ideal.masked(4), rule, generator=torch.Generator().manual_seed(0))
    assert "\n" not in str(error.value)


# -- specifications -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", EXAMPLES)
def test_specifications_come_back(text):
    policy = parse_policy(text)
    assert parse_policy(str(policy)) == policy


BAD = {
    "hierarchy": "needs 'gamma'",
    "hierarchy:gamma=high": "gamma must be a finite number",
    "klass:eps=0": "eps must be positive, got 0",
    "klass:history=0": "history must be a whole number of at least 1",
    "klass:confidence=sampled": "klass reads the most probable token",
    "pc:k=1,by=entropy": "pc has its own score",
    "pc:k=1,lam=11": "lam must lie between 0 and 10, got 11",
    "pc:k=1,alpha=0": "alpha must be positive, got 0",
    "demask:budget=-1": "budget must be at least 0, got -1",
    "demask:budget=1,ties=all": "ties must be random or lowest",
    "demask:budget=1,per=pair": "unknown per 'pair'",
    "credit:gamma=0.9,beta=2": "beta must be at most 1, got 2",
    "credit:gamma=0.9,alpha=-1": "alpha must be at least 0, got -1",
    "credit:gamma=0.9,confidence=sampled": "credit reads the most probable token",
    "slowfast:variance=-1": "variance must be at least 0, got -1",
    "slowfast:window=1000": "window must be at most 100, got 1000",
    "slowfast:form=printed": "unknown form 'printed'",
    "slowfast:form=released,k=2": "leave k out, got 2",
    "slowfast:cut=true": "cut=true is a part of form=released",
    "slowfast:by=margin": "leave by and confidence out",
    "lopa:gamma=0.9": "needs 'k'",
    "lopa:gamma=0.9,k=1,equal=first": "unknown equal 'first'",
    "lopa:gamma=0.9,k=1001": "k must be at most 1000, got 1001",
    "lopa:gamma=0.9,k=1,by=confidence,confidence=sampled": "leave confidence out",
    "lopa:gamma=0.9,k=1,by=random": "unknown score 'random'; known: confidence, entropy, margin",
    "lopa:gamma=0.9,k=1,lowest=0": "lowest must lie above 0 and not above 1, got 0",
    "lopa:gamma=0.9,k=1,weight=2": "weight must be between 0 and 1, got 2",
}


@pytest.mark.parametrize("text", BAD)
def test_wrong_specifications(text):
    with pytest.raises(InputError, match=BAD[text]):
        parse_policy(text)
