"""How often a decode waits for its device, counted on a CPU by the operations that read numbers back."""

from itertools import pairwise

import pytest
import torch

from models.sampling.decode import decode
from tests.helpers.waits import Waits
from theory.policies import parse_policy
from theory.validation import InputError

V, MASKS = 4, 8


class Table:
    """A model of one table; the logit of a token is ``wrong`` from the third call on."""

    mask_id, vocab_size, device = V, V, torch.device("cpu")

    def __init__(self, waits=None, wrong=None):
        self.waits, self.wrong, self.calls = waits, wrong, 0

    def __call__(self, tokens):
        self.calls += 1
        if self.waits is not None:
            self.waits.seen.append("model")
        logits = torch.arange(MASKS * V).float().sin().view(1, MASKS, V).repeat(len(tokens), 1, 1)
        if self.wrong is not None and self.calls >= 3:
            logits[-1, 6, 2] = self.wrong
        return logits


def run(model, rule):
    start = torch.full((3, MASKS), V)
    return decode(model, start, parse_policy(rule), generator=torch.Generator().manual_seed(0), temperature=0)


@pytest.mark.parametrize("rule", ["llada:steps=4,by=confidence", "topk:k=2,by=confidence", "klass:tau=1"])
def test_a_step_reads_what_it_decides_and_no_more(monkeypatch, rule):
    waits = Waits(monkeypatch)
    with waits:
        steps = int(run(Table(waits), rule).steps.max())
    calls = [i for i, what in enumerate(waits.seen) if what == "model"]
    assert len(calls) == steps >= 4
    kind = rule.partition(":")[0]
    schedule = ["tolist"] if kind == "llada" else []
    number_of_masks = ["_local_scalar_dense"] if kind != "klass" else []  # which reads all positions
    # then the places to draw at, and what the step did
    every_step = [*number_of_masks, *schedule, "nonzero", "tolist"]
    found = [waits.seen[a - len(number_of_masks) : b - len(number_of_masks)] for a, b in pairwise(calls[1:])]
    assert [[what for what in step if what != "model"] for step in found] == [every_step] * (steps - 2)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
@pytest.mark.parametrize("rule", ["llada:steps=8,by=confidence", "klass:tau=1", "wino"])
def test_a_wrong_number_ends_the_decode_after_its_step(rule, wrong):
    model = Table(wrong=wrong)
    with pytest.raises(
        InputError, match=f"the logit {wrong:g} for token 2 at position 6 of the answer in row 2"
    ):
        run(model, rule)
    assert model.calls <= 4
