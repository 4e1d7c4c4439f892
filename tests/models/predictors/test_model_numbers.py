"""Output of a user's model: wrong logits and probabilities give one clear line, not a wrong token."""

from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar

import pytest
import torch
from flint import fmpq

from models.predictors.huggingface_predictor import HFPredictor
from models.predictors.predictor import checked_probabilities, probabilities
from models.runs.row_streams import Streams
from models.sampling.decode import decode
from models.sampling.one_by_one import draw_one_by_one
from theory.decoding.decoder import decode as exact_decode
from theory.distributions.pmf import JointPMF
from theory.numbers import BALLS, EXACT
from theory.policies import parse_policy
from theory.policies.as_process import unmasked
from theory.policies.policy import Rule
from theory.policies.set_distributions import usable_distributions
from theory.validation import InputError

INF, NAN = float("inf"), float("nan")
V = 3


@dataclass
class Given:
    """A predictor of the same table at every call, shape (B, L, V), given as logits."""

    table: torch.Tensor
    mask_id: int = V
    vocab_size: int = V
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __call__(self, tokens):
        assert tokens.shape == self.table.shape[:2]
        return self.table


class Known(Given):
    """The same, given as probabilities."""

    def marginals(self, tokens):
        return self(tokens)


def table(*changes: tuple[int, int, int | None, float], base: float = 0.0) -> torch.Tensor:
    """A table of ``base`` with changes (row, position, token or all, value)."""
    out = torch.full((2, 4, V), base, dtype=torch.float64)
    for row, position, token, value in changes:
        out[row, position, slice(None) if token is None else token] = value
    return out


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def fill(predictor, tokens, rule: str = "topk:k=4,by=random"):
    return decode(predictor, tokens, parse_policy(rule), generator=seeded()).tokens


ALL_MASKED = torch.full((2, 4), V)
BAD_LOGITS = [
    ((1, 2, 1, INF), "the logit inf for token 1 at position 2 of the answer in row 1 of the batch"),
    ((0, 3, 2, NAN), "the logit nan for token 2 at position 3 of the answer in row 0 of the batch"),
    (
        (1, 0, None, -INF),
        "the logit -inf for every token that may be drawn at position 0 of the answer in row 1",
    ),
    ((0, 1, None, INF), "the logit inf for token 0 at position 1 of the answer in row 0 of the batch"),
]
# rules of every kind: by chance, by score, with a memory, with drawn tokens, remasking, asking
RULES = [
    "topk:k=4,by=random",
    "threshold:gamma=1/2",
    "klass",
    "topk:k=1,confidence=sampled",
    "remdm_llada:steps=4,extra=1",
    "wino",
]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(("change", "message"), BAD_LOGITS)
def test_logits_that_are_no_numbers_are_an_error_in_every_decode(rule, change, message):
    with pytest.raises(InputError, match=message) as error:
        fill(Given(table(change)), ALL_MASKED, rule)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("change", "message"), BAD_LOGITS)
def test_and_so_they_are_one_by_one_and_in_a_gap(change, message):
    model = Given(table(change))
    with pytest.raises(InputError, match=message):
        draw_one_by_one(
            model, ALL_MASKED, parse_policy("topk:k=1,by=left_to_right"), Streams(0, [0, 1], purpose=0)
        )
    with pytest.raises(InputError, match=message):
        probabilities(model.table, torch.ones(2, 4, dtype=torch.bool))


def test_positions_are_counted_from_the_first_mask_on():
    tokens = ALL_MASKED.clone()
    tokens[:, :2] = 0  # a prompt, of which nothing is asked
    model = Given(table((0, 0, 1, NAN), (1, 3, 1, INF)))
    with pytest.raises(InputError, match="token 1 at position 1 of the answer in row 1"):
        fill(model, tokens)
    assert fill(Given(table((0, 0, 1, NAN), (1, 1, None, -INF))), tokens).shape == (2, 4)


def test_a_token_is_named_by_its_id_where_only_some_may_be_drawn():
    with pytest.raises(InputError, match="the logit inf for token 2 at"):
        decode(
            Given(table((0, 0, 2, INF))),
            ALL_MASKED,
            parse_policy("topk:k=4"),
            generator=seeded(),
            allowed=[1, 2],
        )
    ignored = Given(table((0, 0, 0, INF), (1, 1, 0, NAN)))
    done = decode(ignored, ALL_MASKED, parse_policy("topk:k=4"), generator=seeded(), allowed=[1, 2])
    assert set(done.tokens.flatten().tolist()) <= {1, 2}


def test_tokens_of_minus_infinity_are_never_drawn_and_the_others_keep_their_chances():
    model = Given(table((0, 0, 0, -INF), (1, 2, 1, -INF)))
    probs = probabilities(model.table, torch.ones(2, 4, dtype=torch.bool))
    assert torch.equal(probs[0, 0], torch.tensor([0, 0.5, 0.5], dtype=torch.float64))
    assert torch.equal(probs[1, 2], torch.tensor([0.5, 0, 0.5], dtype=torch.float64))
    drawn = [
        decode(model, ALL_MASKED, parse_policy("topk:k=4"), generator=seeded(s)).tokens for s in range(40)
    ]
    assert all(int(tokens[0, 0]) != 0 and int(tokens[1, 2]) != 1 for tokens in drawn)


def test_a_revealed_position_may_be_impossible_altogether_but_not_nan():
    """Masked diffusion models give minus infinity for all but the revealed token, which ``allowed`` may leave out."""
    masked = torch.tensor([[True, False, True, True]] * 2)
    probs = probabilities(table((0, 1, None, -INF)), masked)
    assert probs[0, 1].tolist() == [0, 0, 0]
    assert torch.allclose(probs[1, 1], torch.full((V,), 1 / V, dtype=torch.float64))
    with pytest.raises(InputError, match="the logit nan for token 0 at position 1"):
        probabilities(table((0, 1, 0, NAN)), masked)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_every_kind_of_float_is_looked_at(dtype):
    large = torch.tensor([[[3e38, 0.0, 0.0]]], dtype=torch.float64).to(dtype)  # inf in float16 alone
    mask = torch.tensor([[True]])
    if dtype == torch.float16:
        with pytest.raises(InputError, match="the logit inf for token 0"):
            probabilities(large, mask)
    else:
        assert probabilities(large, mask).tolist() == [[[1.0, 0.0, 0.0]]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([(1, 2, 1, NAN)], "the probability nan for token 1 at position 2 of the answer in row 1"),
        ([(0, 1, 0, INF)], "the probability inf for token 0 at position 1 of the answer in row 0"),
        (
            [(1, 3, 0, -0.25), (1, 3, 1, 1.0), (1, 3, 2, 0.25)],
            "the probability -0.25 for token 0 at position 3",
        ),
        ([(0, 2, None, 0.0)], "probabilities that sum to 0 at position 2 of the answer in row 0"),
        ([(0, 2, None, 0.25)], "probabilities that sum to 0.75 at position 2 of the answer in row 0"),
    ],
)
@pytest.mark.parametrize("rule", RULES)
def test_probabilities_given_directly_are_looked_at(changes, message, rule):
    given = Known(table(*changes, base=1 / 3))
    with pytest.raises(InputError, match=message) as error:
        fill(given, ALL_MASKED, rule)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match=message):
        draw_one_by_one(
            given, ALL_MASKED, parse_policy("topk:k=1,by=left_to_right"), Streams(0, [0, 1], purpose=0)
        )


def test_probabilities_are_handed_on_as_they_are():
    masked = torch.tensor([[True, False, True, True]] * 2)
    given = table((0, 1, None, NAN), base=1 / 3)  # values at revealed positions are not read
    assert checked_probabilities(given, masked) is given
    half = torch.full((2, 4, V), 1 / 3, dtype=torch.bfloat16)
    assert checked_probabilities(half, masked) is half


class Net(torch.nn.Module):
    """A network whose logits overflow where the first token is 1."""

    def __init__(self):
        super().__init__()
        self.one = torch.nn.Parameter(torch.ones(()))

    def forward(self, input_ids):
        logits = torch.zeros(*input_ids.shape, V + 1) * self.one
        logits[input_ids[:, 0] == 1] = INF

        class Output:
            pass

        Output.logits = logits
        return Output


def test_a_network_that_overflows_is_one_line():
    model = HFPredictor(Net(), mask_id=V, vocab_size=V + 1)
    tokens = torch.tensor([[0, V, V], [1, V, V]])
    with pytest.raises(InputError, match="the logit inf for token 0 at position 0 of the answer in row 1"):
        fill(model, tokens)
    assert fill(model, tokens[:1]).shape == (1, 3)


# -- the numpy side: chances of user-defined rules -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "message"),
    [
        (((1, NAN), (2, 0.5)), r"takes positions \[0\] with chance nan"),
        (((1, 1.5), (6, -0.5)), r"takes positions \[1, 2\] with chance -0.5"),
        (((1, 0.5), (2, 0.25)), "sum to 0.75; they must sum to 1"),
        (((1, Fraction(1, 2)), (2, Fraction(1, 3))), "sum to 5/6; they must sum to 1"),
        (((1, fmpq(1, 2)), (2, fmpq(-1, 2)), (3, fmpq(1))), r"takes positions \[1\] with chance -1/2"),
        ((), "sum to 0; they must sum to 1"),
    ],
)
def test_chances_of_sets_are_those_of_a_distribution(distribution, message):
    with pytest.raises(InputError, match=message):
        usable_distributions([distribution], BALLS)
    if not any(isinstance(p, float) for _, p in distribution):
        with pytest.raises(InputError, match=message):
            usable_distributions([distribution], EXACT)


def test_float_chances_may_miss_one_by_rounding():
    distributions, proven = usable_distributions([tuple((1 << i, 0.1) for i in range(10))], BALLS)
    assert len(distributions[0]) == 10
    assert not proven


@dataclass(frozen=True, kw_only=True)
class Coin(Rule):
    """Takes everything, then tosses a coin for every position."""

    rational: ClassVar[bool] = False
    chance: float = 0.5

    def start(self, batch):
        return batch

    def step(self, batch, chance):
        batch = chance.reveal(batch, batch.masked)
        xp = batch.numbers.xp
        probability = xp.full(batch.tokens.shape, self.chance, dtype=xp.float64)
        batch, again = chance.flip(batch, probability)
        return batch.remask(again)

    def finished(self, batch):
        return unmasked(batch)


PAIR = JointPMF.uniform([(0, 1), (1, 0)])


@pytest.mark.parametrize("chance", [NAN, -0.25, 1.5, INF])
def test_coins_of_a_rule_have_a_chance(chance):
    message = f"a coin of chance {chance:g} at position 0 of row 0; a chance is between 0 and 1"
    with pytest.raises(InputError, match=message):
        exact_decode(PAIR, Coin(chance=chance))
    with pytest.raises(InputError, match=message):
        decode(Given(table()), ALL_MASKED, Coin(chance=chance), generator=seeded())


def test_coins_that_never_fall_are_allowed():
    assert float(exact_decode(PAIR, Coin(chance=0.0)).accuracy) == 0.5
    assert decode(Given(table()), ALL_MASKED, Coin(chance=0.0), generator=seeded()).steps.tolist() == [1, 1]
