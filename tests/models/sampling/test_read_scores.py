"""Scores as a rule reads them: rounded, in memory that steps share where no step keeps those of another."""

import pytest
import torch

from models.sampling.decode_state import read_as, rules_of
from models.sampling.read_scores import ReadScores
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import FLOAT64
from theory.policies import parse_policy
from theory.validation import InputError


class Model:
    mask_id, vocab_size, device = 3, 4, torch.device("cpu")


def rules(spec: str):
    masks = torch.full((2, 3), Model.mask_id)
    found = rules_of(Model(), masks, parse_policy(spec), Transform(), None, torch.Generator())
    return read_as(found, torch.bfloat16, (), None).transform


def test_scores_written_over_are_those_of_fresh_memory():
    generator = torch.Generator().manual_seed(0)
    shared = ReadScores(confidence_dtype=torch.bfloat16, kept=[])
    fresh = ReadScores(confidence_dtype=torch.bfloat16)
    for shape in ((2, 3, 5), (1, 3, 5), (4, 3, 5), (3, 3, 5)):
        probs = torch.rand(shape, generator=generator, dtype=torch.float64)
        before = probs.clone()
        found = shared.scores_read(probs, FLOAT64)
        assert torch.equal(found, probs.bfloat16().double())
        assert torch.equal(found, fresh.scores_read(probs, FLOAT64))
        assert torch.equal(probs, before)  # tokens are drawn from these
    assert shared.kept is not None
    assert [part.numel() for part in shared.kept] == [4 * 3 * 5]


@pytest.mark.parametrize("spec", ["topk:k=1,by=confidence", "threshold:gamma=0.9", "llada:steps=2,by=random"])
def test_steps_share_memory_where_a_rule_reads_masked_positions_alone(spec):
    assert rules(spec).kept == []


@pytest.mark.parametrize("spec", ["klass:tau=1", "wino", "info_gain"])
def test_rules_that_keep_scores_or_ask_get_fresh_memory(spec):
    assert rules(spec).kept is None


def test_a_token_that_cannot_be_drawn_is_named():
    found = rules_of(
        Model(), torch.full((1, 2), 3), parse_policy("topk:k=1"), Transform(), [0, 1], torch.Generator()
    )
    with pytest.raises(InputError, match="token 2 cannot be drawn, so it can neither end a row nor"):
        read_as(found, None, (2,), None)
