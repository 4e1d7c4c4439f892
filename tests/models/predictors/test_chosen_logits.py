"""The head on chosen places alone: the same logits, used only where that was tried, and the same decodes."""

from __future__ import annotations

import os

import pytest
import torch
from torch import nn

from models.evaluation.gap import gap_records, gap_rules
from models.inputs.padded_rows import Reordered
from models.predictors.chosen_logits import logits_at, proven_head
from models.predictors.huggingface_predictor import HFPredictor, call
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from tests.helpers.cached_networks import MASK, VOCABULARY, CachedNetwork
from theory.policies import parse_policy
from theory.policies.policy import registered_policies
from theory.policies.process import Process

PROMPT, LENGTH = 3, 11
CLOSE = 1e-5  # of logits up to 10 in float32: the sums of a product of another shape are rounded otherwise


class Network(nn.Module):
    """A network with a head; ``after`` is what its code does to the logits, ``head_of`` what it says its head is."""

    def __init__(
        self, after=lambda logits: logits, head_of=lambda network: network.head, dtype=torch.float32
    ):
        super().__init__()
        self.inner, self.after, self.head_of, self.widths = CachedNetwork(2, dtype), after, head_of, []
        self.inner.head.register_forward_hook(lambda _m, _i, out: self.widths.append(out.shape[:2].numel()))

    def get_output_embeddings(self):
        return self.head_of(self.inner)

    def forward(self, input_ids):
        return self.after(self.inner.call(input_ids, torch.arange(input_ids.shape[1]))[0])


def start(rows: int = 3) -> torch.Tensor:
    drawn = torch.randint(MASK, (rows, LENGTH), generator=torch.Generator().manual_seed(1))
    tokens = torch.where(torch.arange(LENGTH) < PROMPT, drawn, MASK)
    tokens[:, 6] = drawn[:, 6]  # a given token between the masks
    return tokens


def head_of(network: Network) -> nn.Linear | None:
    return proven_head(network, lambda tokens: call(network, tokens, None), start(2)[:, :6])


def predictor(network: Network, *, head: bool, shift: bool = False) -> HFPredictor:
    found = head_of(network) if head else None
    assert (found is not None) == head
    return HFPredictor(network, mask_id=MASK, vocab_size=VOCABULARY, shift=shift, head=found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("shift", [False, True])
def test_the_logits_of_some_places_are_those_of_all(shift, dtype):
    network, tokens = Network(lambda logits: 3 * torch.tanh(logits / 3), dtype=dtype), start()
    chosen = predictor(network, head=True, shift=shift)
    rows, columns = (
        torch.tensor([0, 0, 0, 2, 1]),
        torch.tensor([0, 1, 10, 5, 9]),
    )  # 0 and 1 share a state if shifted
    whole = chosen(tokens)
    network.widths.clear()
    found = chosen.at(tokens, rows, columns)
    assert network.widths == [5]
    close = 0.03 if dtype == torch.bfloat16 else CLOSE
    torch.testing.assert_close(found, whole[rows, columns], rtol=0, atol=close)
    order = torch.randperm(LENGTH, generator=torch.Generator().manual_seed(0))
    moved = Reordered(chosen, order)
    again = logits_at(moved, tokens[:, order], rows, columns)
    torch.testing.assert_close(again, moved(tokens[:, order])[rows, columns], rtol=0, atol=close)


def normalised(logits):
    return logits - logits.mean(dim=1, keepdim=True)  # over the positions


def by_place(logits):
    return logits * (1 + torch.arange(logits.shape[1]))[:, None]


def fixed_length(logits):
    return logits.view(2, 6, -1) if len(logits) == 1 else logits


NOT_ALONE = {
    "reads other places": Network(normalised),
    "knows its place": Network(by_place),
    "wants all places": Network(fixed_length),
    "is not called": Network(head_of=lambda _: nn.Linear(16, VOCABULARY)),
    "is an embedding": Network(head_of=lambda network: network.embed),
    "is none": Network(head_of=lambda _: None),
}


@pytest.mark.parametrize("why", NOT_ALONE)
def test_a_head_that_cannot_be_cut_is_not(why):
    assert head_of(NOT_ALONE[why]) is None
    plain = HFPredictor(NOT_ALONE[why], mask_id=MASK, vocab_size=VOCABULARY)
    rows, columns = torch.tensor([0, 1]), torch.tensor([4, 10])
    assert torch.equal(plain.at(start(2), rows, columns), plain(start(2))[rows, columns])


class Foreign:
    """A rule as a user's own: the project computes the marginals of all positions for it."""

    def __init__(self, rule):
        self.rule = rule

    def __getattr__(self, name):
        return getattr(self.rule, name)

    def plan(self, view):
        return self.rule.plan(view)


def answer(reader, rule, **switches):
    generator = torch.Generator().manual_seed(7)
    done = decode(reader, start(6), rule, generator=generator, **switches)
    return done.tokens.tolist(), done.steps.tolist()


RULES = [rule.example for rule in registered_policies().values() if rule.example]
SWITCHES = [{}, {"temperature": 0}, {"temperature": "1/2", "top_p": "9/10", "scored": "after"}]


@pytest.mark.grid(every=5)
@pytest.mark.parametrize("spec", RULES)
def test_every_rule_decodes_as_with_all_logits(spec):
    rule, network = parse_policy(spec), Network()
    for switches in SWITCHES:
        with_head = answer(predictor(network, head=True), rule, **switches)
        assert with_head == answer(predictor(network, head=False), rule, **switches)
        if (
            not isinstance(rule, Process)
            and getattr(rule, "with_memory", lambda: None)() is None
            and not rule.asks
        ):
            assert with_head == answer(predictor(network, head=False), Foreign(rule), **switches)


def test_the_head_reads_masked_places_alone():
    network, rows = Network(), 6
    reader = predictor(network, head=True)
    network.widths.clear()
    answer(reader, parse_policy("topk:k=3"))
    masks = LENGTH - PROMPT - 1
    assert network.widths == [rows * left for left in (masks, masks - 3, masks - 6)]


WAYS = [{}, {"guidance": 1.5}, {"cache": "prefix"}, {"cache": "dual"}]


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_guidance_and_caches_read_masked_places_alone(way):
    rule, network = parse_policy("threshold:gamma=1/2,block=3"), Network()
    whole, decoding = predictor(network, head=False), Decoding(**way)
    expected = answer(decoding.reads(whole, rule), rule)
    calls = len(network.widths)
    network.widths.clear()
    assert answer(decoding.reads(predictor(network, head=True), rule), rule) == expected
    made = network.widths[2:]  # after the trial
    assert len(made) == calls
    rows = 2 if way.get("guidance") else 1
    assert max(made) <= rows * 6 * (LENGTH - PROMPT - 1)
    assert not way.get("cache") or min(made) == 1  # what a block begins with is kept without logits


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("spec", ["topk:k=3", "klass:tau=1/2"])
def test_the_gap_reads_masked_places_alone(spec, way):
    network, tokens = Network(), start(4)
    rules = gap_rules(spec, seed=3, decoding=Decoding(**way), extra=1)
    expected = gap_records(predictor(network, head=False), tokens, range(4), rules)
    reader = predictor(network, head=True)
    network.widths.clear()
    found = gap_records(reader, tokens, range(4), rules)
    for a, b in zip(found, expected, strict=True):
        assert (a["tokens"], a["step"], a["calls"]) == (b["tokens"], b["step"], b["calls"])
        torch.testing.assert_close(a["cost"], b["cost"], rtol=0, atol=CLOSE)
    every = {rows * LENGTH for rows in range(1, 9)}  # a rule with a memory may read all positions
    assert every.isdisjoint(network.widths) == (spec == "topk:k=3")


@pytest.mark.extras("transformers")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", ["full", "tied", "shifted", "blocks", "roberta", "bert"])
def test_shapes_of_published_models(tmp_path, own_module_cache, kind, dtype):  # noqa: ARG001
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    pytest.importorskip("transformers")
    from models.predictors.huggingface import load_hf
    from models.predictors.huggingface_options import HFOptions
    from tests.helpers import hf_models, published_shapes

    if kind == "bert":
        folder = hf_models.bert(tmp_path / kind)
    elif kind == "roberta":
        folder = published_shapes.roberta(tmp_path / kind).folder
    else:
        folder = published_shapes.publish(tmp_path / kind, kind).folder
    reader = load_hf(folder, HFOptions(trust_remote_code=True, dtype=dtype)).predictor
    # the head of "full" is used by its weight alone, and that of "tied" is the embedding
    assert (reader.head is None) == (kind in ("full", "tied"))
    tokens = torch.tensor([[5, reader.mask_id, 9, reader.mask_id, 11], [7, 8, reader.mask_id, 9, 10]])
    rows, columns = (tokens == reader.mask_id).nonzero(as_tuple=True)
    with torch.no_grad():
        found, whole = reader.at(tokens, rows, columns), reader(tokens)[rows, columns]
    largest = float(whole[whole.isfinite()].abs().max())
    close = (CLOSE if dtype == "float32" else 4 * torch.finfo(torch.bfloat16).eps) * largest
    torch.testing.assert_close(found, whole, rtol=0, atol=close)
