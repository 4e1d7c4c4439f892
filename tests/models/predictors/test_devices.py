"""Names of devices, how attention is computed, and decodes that run out of memory."""

from __future__ import annotations

import pytest
import torch

from models.predictors.device import check_device
from models.sampling.decode import decode
from tests.helpers.cached_networks import MASK, CachedNetwork
from theory.policies import parse_policy
from theory.validation import InputError


def test_a_gpu_has_a_number(monkeypatch):
    with pytest.raises(InputError, match="torch finds no device 'tpu' here; use cpu"):
        check_device("tpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name in ("cpu", "cuda", "cuda:0", "cuda:1"):
        check_device(name)
    for name in ("cuda:2", "cuda:", "cuda:x", "cuda:-1"):
        with pytest.raises(InputError, match=f"torch finds no device '{name}' here; there is cuda:0, cuda:1"):
            check_device(name)


@pytest.mark.extras("transformers")
def test_attention_is_computed_as_asked(tmp_path):
    pytest.importorskip("transformers")
    from models.predictors.huggingface import load_hf
    from models.predictors.huggingface_options import HFOptions
    from tests.helpers import hf_models

    folder = hf_models.bert(tmp_path / "model")
    tokens = torch.tensor([[2, 8, 4, 9, 3]])
    found = {}
    for name in ("eager", "sdpa"):
        loaded = load_hf(folder, HFOptions(attn_implementation=name))
        assert loaded.facts["attn_implementation"] == name
        found[name] = loaded.predictor(tokens)
    torch.testing.assert_close(found["eager"], found["sdpa"], rtol=0, atol=1e-4)


class Small:
    """A network whose device holds at most some rows."""

    mask_id, vocab_size, device = CachedNetwork.mask_id, CachedNetwork.vocab_size, CachedNetwork.device

    def __init__(self, most: int) -> None:
        self.most, self.network, self.sizes = most, CachedNetwork(0), []

    def __call__(self, tokens):
        self.sizes.append(len(tokens))
        if len(tokens) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return self.network(tokens)


def drawn(most: int, **given) -> tuple[torch.Tensor, list[int]]:
    small, masks = Small(most), torch.full((16, 4), MASK)
    generator = torch.Generator().manual_seed(3)
    return decode(small, masks, parse_policy("topk:k=2"), generator=generator, **given).tokens, small.sizes


def test_a_decode_halves_its_batch_and_draws_the_same_numbers_again():
    tokens, sizes = drawn(4)
    assert sizes[:3] == [16, 8, 4]
    assert set(sizes[3:]) == {4}
    assert torch.equal(tokens, drawn(16, batch_size=4)[0])
    assert not bool((tokens == MASK).any())
    with pytest.raises(torch.OutOfMemoryError):
        drawn(4, batch_size=16)  # the caller chose the size
    with pytest.raises(InputError, match="one sequence alone does not fit"):
        drawn(0)


@pytest.mark.deep
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, about itself
@pytest.mark.extras("transformers")
def test_a_compiled_model_has_the_same_logits(tmp_path):
    pytest.importorskip("transformers")
    from models.predictors.huggingface import load_hf
    from models.predictors.huggingface_options import HFOptions
    from models.predictors.kv_cache import KVCache
    from tests.helpers import hf_models

    folder = hf_models.bert(tmp_path / "model")
    plain, compiled = (load_hf(folder, HFOptions(compile=on)) for on in (False, True))
    assert compiled.facts == plain.facts | {"compiled": True}
    for tokens in (torch.tensor([[2, 8, 4, 9, 3]]), torch.tensor([[2, 4, 4, 9, 3, 3], [2, 8, 4, 4, 4, 3]])):
        rows, columns = (tokens == 4).nonzero(as_tuple=True)
        with torch.no_grad():
            torch.testing.assert_close(compiled.predictor(tokens), plain.predictor(tokens), rtol=0, atol=1e-4)
            torch.testing.assert_close(
                compiled.predictor.at(tokens, rows, columns),
                plain.predictor.at(tokens, rows, columns),
                rtol=0,
                atol=1e-4,
            )
    with pytest.raises(InputError, match="needs a network that is not compiled; leave out --compile"):
        KVCache(compiled.predictor, "dual")


@pytest.mark.extras("transformers", "accelerate")
def test_weights_go_straight_to_the_device(tmp_path, monkeypatch):
    """With accelerate, no weight is first made elsewhere; without, the model is moved: the same logits."""
    pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    import transformers

    from models.predictors import huggingface
    from models.predictors.huggingface import load_hf
    from models.predictors.huggingface_options import HFOptions
    from tests.helpers import hf_models

    given = []
    load = transformers.AutoModelForMaskedLM.from_pretrained

    def noted(*arguments, **options):
        given.append(options.get("device_map"))
        return load(*arguments, **options)

    monkeypatch.setattr(transformers.AutoModelForMaskedLM, "from_pretrained", noted)
    folder, tokens = hf_models.bert(tmp_path / "model"), torch.tensor([[2, 8, 4, 9, 3]])
    found = []
    for absent in (False, True):
        if absent:
            monkeypatch.setattr(huggingface, "find_spec", lambda _name: None)
        model = load_hf(folder, HFOptions(dtype="bfloat16")).predictor
        assert {p.dtype for p in model.model.parameters()} == {torch.bfloat16}
        found.append(model(tokens))
    new = int(transformers.__version__.split(".")[0]) >= 5
    assert given == [{"": "cpu"} if new else None, None]
    assert torch.equal(*found)
