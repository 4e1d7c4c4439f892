"""Key-value caches against the released cached loops, state by state, and what they do to verify and gap."""

from __future__ import annotations

import pytest
import torch

from models.evaluation.gap import gap_records, gap_rules
from models.inputs.padded_rows import Reordered
from models.predictors.answer_columns import started, wrapped
from models.predictors.huggingface_predictor import HFPredictor
from models.predictors.ideal import IdealPredictor
from models.predictors.kv_cache import KVCache, layers_of
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from synthetic import Arrangements
from tests.helpers.cached_networks import MASK, VOCABULARY, CachedNetwork, released
from tests.helpers.waits import Waits
from theory.policies import parse_policy
from theory.validation import InputError

PROMPT, BLOCK, LENGTH = 4, 4, 16  # three blocks


class Recorder:
    """A predictor that keeps the states it is asked about, and its answers."""

    def __init__(self, inner, log=None):
        self._inner, self.log = inner, [] if log is None else log
        self.mask_id, self.vocab_size, self.device = inner.mask_id, inner.vocab_size, inner.device

    def started(self, free, position):
        inner = self._inner
        return Recorder(inner.started(free, position) if hasattr(inner, "started") else inner, self.log)

    def __call__(self, tokens):
        logits = self._inner(tokens)
        self.log.append((tokens[0].clone(), logits[0].clone()))
        return logits


def prompt_and_masks(seed: int) -> torch.Tensor:
    drawn = torch.randint(MASK, (LENGTH,), generator=torch.Generator().manual_seed(seed))
    return torch.where(torch.arange(LENGTH) < PROMPT, drawn, MASK)


def at_least(gamma: float):
    """Fast-dLLM's threshold: the best, and every other one with confidence >= gamma."""

    def take(_step, confidence):
        best = torch.zeros_like(confidence, dtype=torch.bool)
        best[confidence.argmax()] = True
        return best | (confidence >= gamma)

    return take


def two_at_a_time(_step, confidence):
    """LLaDA's schedule of four tokens in two steps."""
    return torch.zeros_like(confidence, dtype=torch.bool).index_fill(0, confidence.topk(2).indices, True)


RULES = {
    "threshold:gamma=0.6,strict=false,ties=lowest,block=4": at_least(0.6),
    "llada:steps=2,by=confidence,block=4": two_at_a_time,
}


@pytest.mark.grid(every=4)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cache", ["none", "prefix", "dual"])
@pytest.mark.parametrize("spec", RULES)
def test_a_cached_decode_goes_through_the_states_of_the_released_loop(spec, cache, dtype):
    stale = 0
    for seed in range(4):
        network, tokens = CachedNetwork(seed, dtype), prompt_and_masks(seed)
        expected = released(network, tokens, prompt=PROMPT, block=BLOCK, cache=cache, take=RULES[spec])
        policy = parse_policy(spec)
        recorder = Recorder(Decoding(cache=cache).reads(network, policy))
        done = decode(
            recorder,
            tokens[None],
            policy,
            generator=torch.Generator().manual_seed(0),
            temperature=0,
            greedy_ties="lowest",
        )
        assert len(recorder.log) == len(expected) - 1 == int(done.steps[0])
        assert torch.equal(done.tokens[0], expected[-1][0])
        for (state, logits), (true_state, true_logits) in zip(recorder.log, expected, strict=False):
            assert torch.equal(state, true_state)
            window = ~true_logits[:, 0].isnan()
            close = 1e-5 if dtype == torch.float32 else 0.1  # a few roundings of bfloat16
            torch.testing.assert_close(logits[window], true_logits[window], rtol=0, atol=close)
            stale += int(not torch.allclose(network(state[None])[0], logits, atol=1e-3))
    assert (stale > 0) == (cache != "none")  # the cache is not without effect


class Right(torch.nn.Module):
    """The network in its own dtype, called by name."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, input_ids):
        return self.network.call(input_ids, torch.arange(input_ids.shape[1]))[0]


def dream_with_cache(network, x, *, block, cache, gamma):
    """NVlabs/Fast-dLLM 24cc59e, dream/model/generation_utils_block.py, ``confidence_threshold``: every call's state.

    The mask is not proposed, as here; equal scores are taken by the lowest index.
    """
    x, states, columns = x.clone(), [], torch.arange(len(x))
    for begin in range(PROMPT, len(x), block):
        end = begin + block
        states.append(x.tolist())
        logits, past = network.call(x[None], columns)
        logits[..., MASK] = -torch.inf
        x[begin] = torch.cat([logits[:, :1], logits[:, :-1]], dim=1)[0, begin].argmax()
        if cache == "prefix":
            past = [(k[:, :begin], v[:, :begin]) for k, v in past]
        while bool((x[begin:end] == MASK).any()):
            states.append(x.tolist())
            stop = end if cache == "dual" else len(x)
            logits = network.call(x[None, begin:stop], columns[begin:stop], past)[0]
            logits[..., MASK] = -torch.inf
            logits = torch.cat([logits[:, :1], logits[:, :-1]], dim=1)[0, :block]  # shifted within the window
            confidence, tokens = torch.softmax(logits, dim=-1).max(dim=-1)
            confidence = torch.where(x[begin:end] == MASK, confidence, -torch.inf)
            passing = confidence >= gamma
            passing[confidence.argmax()] = True
            x[begin:end] = torch.where(passing, tokens, x[begin:end])
    return [*states, x.tolist()]


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("cache", ["prefix", "dual"])
@pytest.mark.parametrize("block", [2, 4, 12])
def test_dream_with_a_cache_goes_through_the_states_of_the_released_loop(block, cache, dtype):
    policy = parse_policy(f"threshold:gamma=0.4,strict=false,first=true,ties=lowest,block={block}")
    without = parse_policy(f"threshold:gamma=0.4,strict=false,ties=lowest,block={block}")
    moved, several = 0, 0
    for seed in range(8):
        network, x = CachedNetwork(seed, dtype), prompt_and_masks(seed)
        expected = dream_with_cache(network, x, block=block, cache=cache, gamma=0.4)
        found = {}
        for rule in (policy, without):
            reader = HFPredictor(Right(network), mask_id=MASK, vocab_size=VOCABULARY, shift=True)
            recorder = Recorder(Decoding(cache=cache).reads(reader, rule))
            done = decode(
                recorder,
                x[None],
                rule,
                generator=torch.Generator().manual_seed(0),
                temperature=0,
                greedy_ties="lowest",
                confidence_dtype=dtype,
            )
            found[rule] = [*(state.tolist() for state, _ in recorder.log), done.tokens[0].tolist()]
        assert found[policy] == expected
        moved += found[without] != expected
        several += len(expected) <= LENGTH - PROMPT  # some call reveals more than one
    assert moved > 0
    assert (several > 0) == (block > 2)  # the first alone leaves one of two


@pytest.mark.parametrize("cache", ["prefix", "dual"])
def test_a_call_waits_for_its_device_once(monkeypatch, cache):
    network, tokens = CachedNetwork(2), prompt_and_masks(2)[None].repeat(2, 1)
    later = tokens.clone()
    later[0, 5], later[1, 4:9] = 1, torch.arange(5)
    cached = started(KVCache(network, cache, block=BLOCK), tokens)
    for state in (tokens, later, later, later[:1]):  # a block begins, one is open, as before, a row has ended
        with Waits(monkeypatch) as waits:
            cached(state)
        assert waits.seen == ["tolist"]


def test_columns_in_another_order_give_the_same_logits():
    network, tokens = CachedNetwork(3), prompt_and_masks(3)[None]
    tokens[0, 10] = 5  # given in the last block but one: not masked when its block begins
    order = torch.cat(
        [torch.arange(PROMPT), torch.tensor([10]), torch.tensor([4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15])]
    )
    plain = started(KVCache(network, "dual", block=20), tokens)
    moved = wrapped(Reordered(network, order), lambda inner: KVCache(inner, "dual", block=20))
    moved = started(moved, tokens[:, order])
    later = tokens.clone()
    later[0, [4, 9]] = torch.tensor([1, 2])
    torch.testing.assert_close(moved(later[:, order]), plain(later)[:, order], rtol=0, atol=0)


def test_rows_of_a_batch_have_windows_of_their_own():
    network = CachedNetwork(1)
    tokens = torch.stack([prompt_and_masks(seed) for seed in range(3)])
    later = tokens.clone()
    later[0, 5], later[1, 4:9], later[2, 4:15] = 1, torch.arange(5), torch.arange(11) % MASK
    for cache in ("prefix", "dual"):
        every = started(KVCache(network, cache, block=BLOCK), tokens)(later)
        for row in range(3):
            part = slice(row, row + 1)
            alone = started(KVCache(network, cache, block=BLOCK), tokens[part])(later[part])
            torch.testing.assert_close(every[part], alone, rtol=0, atol=1e-5)


def test_the_gap_with_a_cache_is_that_of_cached_marginals_on_the_same_sequences():
    """Restated: two tokens in one step from the cache of a block that has begun, against the model one by one."""
    network, tokens = CachedNetwork(5), prompt_and_masks(5)[None, : PROMPT + 3].repeat(20, 1)
    rules = {
        cache: gap_rules(
            "sizes:sizes=1+2,by=left_to_right", order="left_to_right", decoding=Decoding(cache=cache)
        )
        for cache in ("none", "prefix", "dual")
    }
    records = {cache: gap_records(network, tokens, range(20), rules[cache]) for cache in rules}
    for cache, found in records.items():
        for record, plain in zip(found, records["none"], strict=True):
            assert record["tokens"] == plain["tokens"]
            assert record["chain"] == plain["chain"]
            full = torch.cat([tokens[0, :PROMPT], torch.tensor(record["tokens"])])
            begun = tokens[:1]
            logits, past = network.call(begun, torch.arange(7))
            bits = _log2(logits[0, 4], full[4])
            state = full.clone()
            state[5:] = MASK
            if cache == "none":
                logits, _ = network.call(state[None], torch.arange(7))
                logits = logits[:, 4:]
            else:
                kept = past if cache == "dual" else [(k[:, :4], v[:, :4]) for k, v in past]
                logits, _ = network.call(state[None, 4:], torch.arange(4, 7), kept)
            bits += _log2(logits[0, 1], full[5]) + _log2(logits[0, 2], full[6])
            assert record["parallel"] == pytest.approx(float(bits), abs=1e-5)


def _log2(logits, token):
    return torch.log_softmax(logits[:MASK].double(), dim=-1)[token] / torch.log(torch.tensor(2.0).double())


def test_layers_are_the_longest_list_of_modules_in_no_other_list():
    network = CachedNetwork(0)
    assert layers_of(network) == list(network.layers)
    network.layers[0].experts = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(9))
    assert layers_of(network) == list(network.layers)


def test_what_has_no_cache_says_so():
    ideal = IdealPredictor(Arrangements(2))
    with pytest.raises(InputError, match="a key-value cache needs a network; the ideal model has none"):
        Decoding(cache="dual").reads(ideal, parse_policy("topk:k=1"))
    network, tokens = CachedNetwork(0), torch.full((2, 3), MASK)
    tokens[0, 0] = 1
    with pytest.raises(InputError, match="in the same columns of all rows"):
        started(KVCache(network, "prefix"), tokens)
    with pytest.raises(InputError, match="a key-value cache is part of a decode"):
        KVCache(network, "prefix")(tokens)
    with pytest.raises(InputError, match="guidance and a cache do not go together"):
        Decoding(cache="dual", guidance=1.0)
    network.layers = torch.nn.ModuleDict({"one": network.layers[0]})
    with pytest.raises(InputError, match="has no list of layers"):
        KVCache(network, "dual")
    assert network.vocab_size == VOCABULARY
