"""The released decoders of docs/released_decoders.md in a few slow lines each, compared state by state.

The model is a tiny random network, in float32 and in bfloat16, the temperature 0. Equal scores are taken by the lowest
index on both sides, since ``torch.topk`` has no fixed order among them. Distributions above temperature 0 are compared
in ``tests/policies/rules``, caches in ``tests/models/predictors/test_kv_cache.py``.
"""

from __future__ import annotations

import pytest
import torch

from models.predictors.guidance import Guided
from models.predictors.huggingface_predictor import HFPredictor
from models.sampling.decode import decode
from tests.helpers.cached_networks import MASK, VOCABULARY, CachedNetwork
from theory.policies import parse_policy
from theory.validation import InputError

PROMPT, LENGTH, EOS, EOT = 4, 16, 3, 6
DTYPES = [torch.float32, torch.bfloat16]


class Named(torch.nn.Module):
    """The network with the call and the output of transformers, in its own dtype."""

    def __init__(self, network: CachedNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return self.network.call(input_ids, torch.arange(input_ids.shape[1]))[0]


class Seen:
    """A predictor that keeps the states it is asked about."""

    def __init__(self, inner, states) -> None:
        self.inner, self.states = inner, states
        self.mask_id, self.vocab_size, self.device = inner.mask_id, inner.vocab_size, inner.device

    def started(self, free, position):
        return Seen(
            self.inner.started(free, position) if hasattr(self.inner, "started") else self.inner, self.states
        )

    def __call__(self, tokens):
        self.states.append(tokens[0].tolist())
        return self.inner(tokens)


def start(seed: int) -> torch.Tensor:
    drawn = torch.randint(MASK, (LENGTH,), generator=torch.Generator().manual_seed(seed))
    return torch.where(torch.arange(LENGTH) < PROMPT, drawn, MASK)


def ours(network, x, spec, *, shift=False, guidance=0.0, **switches):
    """The states that the model is asked about, then the answer."""
    predictor, states = HFPredictor(Named(network), mask_id=MASK, vocab_size=VOCABULARY, shift=shift), []
    done = decode(
        Seen(Guided(predictor, guidance) if guidance else predictor, states),
        x[None],
        parse_policy(spec),
        generator=torch.Generator().manual_seed(0),
        temperature=0,
        greedy_ties="lowest",
        **switches,
    )
    assert len(states) == int(done.steps[0])
    return [*states, done.tokens[0].tolist()]


def logits_of(network, x, shift=False):
    """In the dtype of the network, the mask never proposed."""
    logits = Named(network)(x[None])[0]
    logits[:, MASK] = -torch.inf
    return torch.cat([logits[:1], logits[:-1]]) if shift else logits


def best(scores, k):
    """The k largest, equal ones by the lowest index."""
    return torch.sort(scores, descending=True, stable=True).indices[:k]


def llada(network, x, *, steps, block, cfg=0.0, eos_inf=False, eos_last=False, sizes=None):
    """ML-GSAI/LLaDA b7e6c35, generate.py, ``steps`` a block; with ``sizes`` ZHZisZZ/dllm ca17675, MDLMSampler."""
    x, prompt, states = x.clone(), x != MASK, []
    for begin in range(PROMPT, LENGTH, block):
        masked = int((x[begin : begin + block] == MASK).sum())
        plan = (
            [masked // steps + (i < masked % steps) for i in range(steps)]
            if sizes is None
            else sizes(masked, steps)
        )
        for k in plan:
            if not bool((x[begin : begin + block] == MASK).any()):
                break  # the release goes on calling the model
            states.append(x.tolist())
            logits = logits_of(network, x)
            if cfg:
                blind = logits_of(network, torch.where(prompt, MASK, x))
                logits = blind + (cfg + 1) * (logits - blind)
                logits[:, MASK] = -torch.inf
            if eos_inf:
                logits[:, EOS] = -torch.inf
            x0 = logits.argmax(dim=-1)
            if eos_last:
                logits[:, [EOS, EOT]] = -torch.inf
            score = torch.softmax(logits, dim=-1).gather(1, x0[:, None])[:, 0].double()
            score[x != MASK] = -torch.inf
            score[begin + block :] = -torch.inf
            chosen = best(score, k)
            x[chosen] = x0[chosen]
    return [*states, x.tolist()]


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("steps", "block"), [(5, 12), (2, 4), (6, 6), (12, 12)])
def test_llada(steps, block, dtype):
    spec = f"llada:steps={steps},by=confidence,ties=lowest,block={block}"
    for seed in range(6):
        network, x = CachedNetwork(seed, dtype), start(seed)
        assert ours(network, x, spec, confidence_dtype=dtype) == llada(network, x, steps=steps, block=block)


@pytest.mark.grid(1)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_llada_without_eos_and_with_eos_last(dtype):
    spec, moved = "llada:steps=3,by=confidence,ties=lowest,block=6", 0
    without = [token for token in range(MASK) if token != EOS]
    for seed in range(12):
        network, x = CachedNetwork(seed, dtype), start(seed)
        network.head.bias[EOS] += 3  # EOS is the most probable token of many positions
        given = {"confidence_dtype": dtype}
        plain = ours(network, x, spec, **given)
        assert plain == llada(network, x, steps=3, block=6)
        assert ours(network, x, spec, allowed=without, **given) == llada(
            network, x, steps=3, block=6, eos_inf=True
        )
        last = ours(network, x, spec, ranked_last=(EOS, EOT), **given)
        assert last == llada(network, x, steps=3, block=6, eos_last=True)
        moved += last != plain
    assert moved > 0


def test_llada_with_guidance():
    spec = "llada:steps=3,by=confidence,ties=lowest,block=6"
    moved = 0
    for seed in range(6):
        network, x = CachedNetwork(seed), start(seed)
        x[7] = 2  # a token that is given within the answer belongs to the prompt
        guided = ours(network, x, spec, guidance=1.5)
        assert guided == llada(network, x, steps=3, block=6, cfg=1.5)
        moved += guided != ours(network, x, spec)
    assert moved > 0


def test_dllm():
    def sizes(masked, steps):
        plan = []
        for j in range(steps):
            t, s = torch.tensor((steps - j) / steps), torch.tensor((steps - j - 1) / steps)
            plan.append(int(torch.round(masked * (1 - s / t).double())))
            masked -= plan[-1]
        return [k for k in plan if k]

    for dtype in DTYPES:
        for steps, block in ((5, 12), (4, 6), (8, 6)):
            spec = f"dllm:steps={steps},by=confidence,ties=lowest,block={block}"
            network, x = CachedNetwork(steps, dtype), start(block)
            found = ours(network, x, spec, confidence_dtype=dtype)
            assert found == llada(network, x, steps=steps, block=block, sizes=sizes)


def dream(network, x, *, steps, alg, eps=1e-3, top_p=None, top_k=None):
    """DreamLM/Dream fac0a7f, ``_sample`` with ``sample_tokens``."""
    x, states, times = x.clone(), [], torch.linspace(1, eps, steps + 1)
    for i in range(steps):
        states.append(x.tolist())
        masked, logits = x == MASK, logits_of(network, x, shift=True)
        if top_p is not None:
            ordered, index = torch.sort(logits, descending=True, stable=True)
            out = torch.softmax(ordered, dim=-1).cumsum(dim=-1) > top_p
            out = torch.cat([torch.zeros_like(out[:, :1]), out[:, :-1]], dim=1)
            logits[torch.zeros_like(out).scatter(1, index, out)] = -torch.inf
        if top_k is not None:
            logits[logits < logits.topk(top_k).values[:, -1:]] = -torch.inf
        probs = torch.softmax(logits, dim=-1)
        score, x0 = probs.max(dim=-1)
        if alg == "topk_margin":
            first, second = probs.topk(2).values.T
            score = first - second
        if alg == "entropy":
            score = (probs * torch.log(probs + 1e-10)).sum(dim=-1)
        left = masked.sum()
        k = int(left * (1 - times[i + 1] / times[i])) if i < steps - 1 else int(left)
        chosen = best(torch.where(masked, score.double(), -torch.inf), k)
        x[chosen] = x0[chosen]
    return [*states, x.tolist()]


@pytest.mark.grid(every=16)
@pytest.mark.parametrize("steps", [3, 7, 12])
@pytest.mark.parametrize(
    ("alg", "by"), [("maskgit_plus", "confidence"), ("topk_margin", "margin"), ("entropy", "entropy")]
)
def test_dream(alg, by, steps):
    spec = f"dream:steps={steps},by={by},ties=lowest"
    for given in ({}, {"top_p": 0.8}, {"top_k": 3}, {"top_p": 0.9, "top_k": 2}):
        switches = {key: str(value) for key, value in given.items()}
        for seed in range(4):
            network, x = CachedNetwork(seed), start(seed)
            found = ours(network, x, spec, shift=True, scored="after", **switches)
            assert found == dream(network, x, steps=steps, alg=alg, **given)


def test_dream_in_bfloat16_by_confidence():
    for seed in range(6):
        network, x = CachedNetwork(seed, torch.bfloat16), start(seed)
        found = ours(
            network, x, "dream:steps=5,by=confidence,ties=lowest", shift=True, confidence_dtype=torch.bfloat16
        )
        assert found == dream(network, x, steps=5, alg="maskgit_plus")


def in_blocks(network, x, block, take, dtype=torch.float64, stop=None):
    """Block after block until it is filled: ``take`` says which positions, of the confidences of the masked ones."""
    x, states = x.clone(), []
    for begin in range(PROMPT, LENGTH, block):
        while bool((masked := x[begin : begin + block] == MASK).any()):
            states.append(x.tolist())
            logits = logits_of(network, x)[begin : begin + block]
            probs = torch.softmax(logits.to(dtype), dim=-1)
            chosen = masked & take(probs, masked)
            x[begin : begin + block] = torch.where(chosen, logits.argmax(dim=-1), x[begin : begin + block])
        if stop is not None and bool((x[begin : begin + block] == stop).any()):
            x[begin + block :] = stop
            break
    return [*states, x.tolist()]


def forced(scores, passing):
    """What passes, and the best."""
    return passing | (torch.arange(len(scores)) == scores.argmax())


def fast_dllm(gamma):
    def take(probs, masked):
        score = torch.where(masked, probs.amax(dim=-1), -torch.inf)
        return forced(score, score >= gamma)

    return take


def fast_dllm_factor(f):
    """f6b35ec3, ``get_transfer_index_dynamic`` with its off-by-one at the last candidate."""

    def take(probs, masked):
        score = torch.where(masked, probs.amax(dim=-1), -torch.inf)
        order, n = best(score, len(score)), int(masked.sum())
        for top in range(n):
            if top and score[order[top]] < 1 - f / (top + 2):
                break
        top += int(top in (0, n - 1))
        return torch.isin(torch.arange(len(score)), order[:top])

    return take


def dinfer(gamma):
    def take(probs, masked):
        score = torch.where(masked, probs.amax(dim=-1), -torch.inf)
        return score >= min(float(score.max()) - 1e-5, gamma)

    return take


def sglang_confidence(gamma):
    def take(probs, masked):
        score = torch.where(masked, probs.amax(dim=-1), -torch.inf)
        return forced(score, score > gamma)

    return take


def sglang_entropy(bound):
    def take(probs, masked):
        entropy = torch.where(masked, -(probs * torch.log(probs.clamp_min(1e-30))).sum(dim=-1), torch.inf)
        return forced(-entropy, entropy < bound)

    return take


IN_BLOCKS = {
    "threshold:gamma=0.7,strict=false,ties=lowest": (fast_dllm(0.7), torch.float64),
    "factor:f=0.9,variant=released,ties=lowest": (fast_dllm_factor(0.9), torch.float64),
    "dinfer:gamma=0.7": (dinfer(0.7), torch.float32),
    "threshold:gamma=0.7,ties=lowest": (sglang_confidence(0.7), torch.float32),
    "threshold:by=entropy,gamma=-1.3706,ties=lowest": (sglang_entropy(0.95), torch.float32),
}


@pytest.mark.grid(every=12)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("block", [4, 12])
@pytest.mark.parametrize("spec", IN_BLOCKS)
def test_rules_in_blocks(spec, block, dtype):
    take, of_scores = IN_BLOCKS[spec]
    for seed in range(6):
        network, x = CachedNetwork(seed, dtype), start(seed)
        given = {} if of_scores == torch.float64 else {"confidence_dtype": of_scores}
        assert ours(network, x, f"{spec},block={block}", **given) == in_blocks(
            network, x, block, take, of_scores
        )


def fast_dllm_v2(network, x, *, gamma, small):
    """Fast-dLLM v2, ``batch_sample`` of its checkpoints, within one block that begins with given tokens."""
    x, states = x.clone(), []
    for begin in range(0, LENGTH, small):
        part = slice(begin, begin + small)
        while bool((masked := x[part] == MASK).any()):
            states.append(x.tolist())
            probs = torch.softmax(logits_of(network, x, shift=True)[part], dim=-1)
            score = torch.where(masked, probs.amax(dim=-1), -torch.inf)
            chosen = masked & forced(score, score > gamma)
            x[part] = torch.where(chosen, probs.argmax(dim=-1), x[part])
    return [*states, x.tolist()]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("small", [2, 4])
def test_fast_dllm_v2(small, dtype):
    several = 0
    for seed in range(6):
        network, x = CachedNetwork(seed, dtype), start(seed)
        spec = f"threshold:gamma=0.5,ties=lowest,block={small}"
        found = ours(network, x, spec, shift=True, confidence_dtype=dtype)
        assert found == fast_dllm_v2(network, x, gamma=0.5, small=small)
        several += len(found) - 1 < LENGTH - PROMPT
    assert several


def test_a_row_ends_at_eos_as_in_dinfer_but_for_the_rest_of_its_block():
    ended = 0
    for seed in range(20):
        network, x = CachedNetwork(seed), start(seed)
        network.head.bias[EOS] += 1
        found = ours(network, x, "dinfer:gamma=0.7,block=4", stop=EOS, confidence_dtype=torch.float32)
        released = in_blocks(network, x, 4, dinfer(0.7), torch.float32, stop=EOS)
        answer, full = found[-1][PROMPT:], released[-1][PROMPT:]
        if EOS not in answer:
            assert found == released
            continue
        end = answer.index(EOS)
        assert answer[: end + 1] == full[: end + 1]
        assert all(a in (EOS, b) for a, b in zip(answer[end:], full[end:], strict=True))
        assert found[:-1] == released[: len(found) - 1]  # the same calls, and none after the end
        ended += end < len(answer) - 1
    assert ended > 5


class Sharp:
    """Two positions that are almost certain: logits 9 and 10 above the other two tokens."""

    mask_id, vocab_size, device = 3, 3, torch.device("cpu")

    def __call__(self, tokens):
        logits = torch.tensor([[9.0, 0, 0], [10.0, 0, 0]]).expand(len(tokens), 2, 3).clone()
        logits[tokens[:, 1] != 3, 0] = torch.tensor([0.0, 9, 0])  # the first token depends on the second
        return logits


def test_confidences_in_bfloat16_tie_and_other_tokens_are_taken():
    """The example of docs/released_decoders.md: both confidences are 1 in bfloat16."""

    def answer(**given):
        masks, one = torch.full((1, 2), 3), parse_policy("topk:k=1,ties=lowest")
        return decode(
            Sharp(), masks, one, generator=torch.Generator().manual_seed(0), temperature=0, **given
        ).tokens[0]

    confidence = torch.softmax(torch.tensor([[9.0, 0, 0], [10.0, 0, 0]]).bfloat16(), dim=-1)[:, 0]
    assert confidence.tolist() == [1.0, 1.0]
    assert answer().tolist() == [1, 0]
    assert answer(confidence_dtype=torch.bfloat16).tolist() == [0, 0]


def test_tokens_that_cannot_be_drawn_are_named():
    for given in ({"ranked_last": (MASK,)}, {"stop": MASK}):
        with pytest.raises(InputError, match=f"token {MASK} cannot be drawn"):
            ours(CachedNetwork(0), start(0), "topk:k=1", **given)
