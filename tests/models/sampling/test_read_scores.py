"""Scores as a rule reads them: rounded, and no more of them than it reads."""

import array_api_compat.torch as xp
import pytest
import torch

from models.sampling.decode_state import best_alone, read_as, rules_of
from models.sampling.read_scores import ReadScores
from theory.distributions.tempering import Transform
from theory.numbers.arithmetic import FLOAT64, FloatNumbers
from theory.policies import parse_policy, registered_policies
from theory.policies.scores import SCORES
from theory.policies.view import View
from theory.validation import InputError


class Model:
    mask_id, vocab_size, device = 3, 4, torch.device("cpu")


def rules(spec: str):
    masks = torch.full((2, 3), Model.mask_id)
    found = rules_of(Model(), masks, parse_policy(spec), Transform(), None, torch.Generator())
    return read_as(found, torch.bfloat16, (), None).transform


def test_tokens_are_drawn_from_what_is_not_rounded():
    probs = torch.rand((2, 3, 5), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = probs.clone()
    found = ReadScores(confidence_dtype=torch.bfloat16).scores_read(probs, FLOAT64)
    assert torch.equal(found, probs.bfloat16().double())
    assert torch.equal(probs, before)


EXAMPLES = sorted(
    {rule.example for rule in registered_policies().values()}
    | {f"topk:k=2,by={by}" for by in SCORES}
    | {"threshold:gamma=0.5,first=true,block=3", "dream:steps=2,by=confidence,alg_temp=0.5"}
)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
@pytest.mark.parametrize("spec", [spec for spec in EXAMPLES if best_alone(parse_policy(spec), Transform())])
def test_the_largest_probability_alone_gives_the_same_sets(spec, dtype):
    rule, numbers = parse_policy(spec), FloatNumbers(xp=xp)
    generator = torch.Generator().manual_seed(0)
    probs = torch.rand((20, 6, 7), generator=generator, dtype=torch.float64).pow(8).softmax(dim=-1)
    masked, uniforms = torch.rand((2, 20, 6), generator=generator, dtype=torch.float64)
    given = {"masked": masked < 0.7, "numbers": numbers, "step": 1}
    sets = [
        rule.plan(View(read.scores_read(probs, numbers), **given)).sample(uniforms)
        for read in (ReadScores(confidence_dtype=dtype, best=best) for best in (False, True))
    ]
    assert torch.equal(*sets)


@pytest.mark.parametrize(
    ("spec", "alone"),
    [
        ("topk:k=1,by=confidence", True),
        ("threshold:gamma=0.9", True),
        ("llada:steps=2,by=random", True),
        ("topk:k=1,by=margin", False),
        ("dream:steps=2,by=entropy", False),
        ("llada:steps=2,by=confidence,confidence=sampled", False),
        ("eb:gamma=0.1", False),
        ("klass:tau=1", False),
        ("wino", False),
    ],
)
def test_which_rules_are_given_no_more(spec, alone):
    assert rules(spec).best is alone


def test_a_token_that_cannot_be_drawn_is_named():
    found = rules_of(
        Model(), torch.full((1, 2), 3), parse_policy("topk:k=1"), Transform(), [0, 1], torch.Generator()
    )
    with pytest.raises(InputError, match="token 2 cannot be drawn, so it can neither end a row nor"):
        read_as(found, None, (2,), None)
