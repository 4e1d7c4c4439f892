"""Decodes, gaps and distances on a device that is not the CPU: no tensor is forgotten, and the results are the same."""

import pytest
import torch

from models.evaluation.gap import gap_records, gap_rules
from models.predictors.huggingface_predictor import HFPredictor
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from tests.helpers.cached_networks import MASK, VOCABULARY, CachedNetwork
from tests.helpers.other_device import NAME, Chance, Elsewhere, moved
from theory.policies import parse_policy
from theory.policies.policy import registered_policies

RULES = [rule.example for rule in registered_policies().values() if rule.example]


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = CachedNetwork(2)

    def forward(self, input_ids):
        columns = torch.arange(input_ids.shape[1], device=input_ids.device)
        return self.inner.call(input_ids, columns)[0]


def reader(network, device="cpu"):
    found = HFPredictor(network, mask_id=MASK, vocab_size=VOCABULARY, head=network.inner.head)
    assert found.device.type == device
    return found


def start(rows=3):
    drawn = torch.randint(MASK, (rows, 9), generator=torch.Generator().manual_seed(1))
    return torch.where(torch.arange(9) < 3, drawn, MASK)


def answer(predictor, rule, generator, **switches):
    done = decode(predictor, start().to(predictor.device), rule, generator=generator, **switches)
    assert done.tokens.device == predictor.device
    return done.tokens.cpu().tolist(), done.steps.cpu().tolist()


SWITCHES = [
    {},
    {"temperature": 0, "confidence_dtype": torch.bfloat16},
    {"top_p": "9/10", "top_k": 5, "stop": 4},
]


@pytest.mark.grid(every=8)
@pytest.mark.parametrize("spec", RULES)
def test_every_rule_decodes_there_as_here(spec):
    rule = parse_policy(spec)
    for switches in SWITCHES:
        here = answer(reader(Network()), rule, torch.Generator().manual_seed(5), **switches)
        with Elsewhere():
            assert answer(reader(moved(Network()), NAME), rule, Chance().manual_seed(5), **switches) == here


@pytest.mark.parametrize("way", [{"guidance": 1.5}, {"cache": "dual"}], ids=str)
def test_caches_and_guidance_are_there_too(way):
    rule, decoding = parse_policy("threshold:gamma=1/2,block=3"), Decoding(**way)
    here = answer(decoding.reads(reader(Network()), rule), rule, torch.Generator().manual_seed(5))
    with Elsewhere():
        there = decoding.reads(reader(moved(Network()), NAME), rule)
        assert answer(there, rule, Chance().manual_seed(5)) == here


@pytest.mark.parametrize("spec", ["topk:k=3", "klass:tau=1/2"])
def test_a_gap_is_measured_there_as_here(spec):
    rules = gap_rules(spec, seed=3, extra=1, decoding=Decoding(cache="prefix"))
    here = gap_records(reader(Network()), start(), range(3), rules)
    with Elsewhere():
        assert gap_records(reader(moved(Network()), NAME), start().to(NAME), range(3), rules) == here


def test_tensors_of_two_devices_do_not_meet():
    with Elsewhere():
        there = torch.ones(2).to(NAME)
        with pytest.raises(RuntimeError, match="tensors of two devices"):
            there + torch.ones(2)
        with pytest.raises(TypeError, match="use cpu"):
            there.numpy()
        assert (there + torch.tensor(1.0)).cpu().tolist() == [2, 2]
