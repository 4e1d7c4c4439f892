"""Plain torch in the place of kernels: the same numbers, seen by the code of a checkpoint alone."""

import builtins
import importlib
import os
import sys
from importlib.util import find_spec

import pytest
import torch

os.environ.setdefault("HF_HUB_OFFLINE", "1")
pytest.importorskip("transformers")

import transformers

from models.predictors.huggingface import load_hf
from models.predictors.huggingface_kernels import NAMES, flash_attn_func, plain_kernels, rms_norm_fn
from models.predictors.huggingface_options import HFOptions
from tests.helpers.published_shapes import MASK, publish
from theory.validation import InputError

pytestmark = [pytest.mark.extras("transformers"), pytest.mark.usefixtures("own_module_cache")]

WRITTEN = """
import triton
import triton.language as tl
from flash_attn.ops.triton.layer_norm import rms_norm_fn
from transformers.utils import LossKwargs

try:
    from flash_attn import flash_attn_func, flash_attn_varlen_func
    from flash_attn.bert_padding import pad_input
except:
    pass


class Keywords(LossKwargs):
    pass


@triton.heuristics({"scaled": lambda given: given["scale"] is not None})
@triton.autotune(configs=[triton.Config({}, num_warps=n) for n in (1, 2)], key=["D"])
@triton.jit
def loss_kernel(x, D: tl.constexpr):
    tl.store(x, 0)


"""
MISSING = all(importlib.util.find_spec(name) is None for name in NAMES)
SHIMS = {"flash_attn in torch", "triton left out", "loss keywords"}


@pytest.fixture
def published(tmp_path):
    made = publish(tmp_path / "kernels", "blocks")
    file = made.folder / "modeling_blocks.py"
    norm = "self.mix(h, attention_mask[:, 0])"
    code = file.read_text()
    assert norm in code
    file.write_text(
        WRITTEN + code.replace(norm, f"rms_norm_fn({norm}, weight=self.bias, bias=None, eps=1e-6)")
    )
    return made


@pytest.mark.skipif(not MISSING, reason="the kernels are installed")
def test_code_that_imports_kernels_runs_without_them(published):
    whole = builtins.__import__
    loaded = load_hf(published.folder, HFOptions(trust_remote_code=True))
    assert set(loaded.facts["shims"]) - {"tied keys", "rope default"} == (
        SHIMS if not hasattr(transformers.utils, "LossKwargs") else SHIMS - {"loss keywords"}
    )
    assert builtins.__import__ is whole
    assert not set(NAMES) & set(sys.modules)
    tokens = torch.tensor([[5, MASK, 9, MASK]])
    model = published.model
    with torch.no_grad():
        h = model.model.word_embeddings(tokens) + model.model.places(torch.arange(4))
        mixed = model.model.mix(h, torch.zeros(1, 1, 1))
        normed = mixed * model.model.bias / (mixed.square().mean(dim=-1, keepdim=True) + 1e-6).sqrt()
        expected = model.lm_head(normed + model.model.bias)
        found = loaded.predictor(tokens)
    expected[..., MASK] = -torch.inf
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5)
    code = sys.modules[type(loaded.predictor.model).__module__]
    with pytest.raises(InputError, match="loss_kernel, which needs triton"):
        code.loss_kernel[(1,)](tokens, 4)
    assert not hasattr(code, "flash_attn_varlen_func")


@pytest.mark.skipif(not MISSING, reason="the kernels are installed")
def test_another_package_that_is_missing_is_named(published):
    file = published.folder / "modeling_blocks.py"
    file.write_text("import a_package_nobody_has\n" + file.read_text())
    with pytest.raises(InputError, match="python -m pip install a_package_nobody_has"):
        load_hf(published.folder, HFOptions(trust_remote_code=True))


@pytest.mark.skipif(not MISSING, reason="the kernels are installed")
def test_other_code_does_not_see_them():
    with plain_kernels() as used:
        for name in NAMES:
            with pytest.raises(ModuleNotFoundError):
                importlib.import_module(name)
        with pytest.raises(ModuleNotFoundError):
            import triton  # noqa: F401
    assert used == []


def test_imports_take_the_keywords_of_python():
    with plain_kernels():
        assert __import__("os.path", globals=None, locals=None, fromlist=["join"], level=0) is os.path
        assert find_spec("xml.dom.minidom") is not None  # imports its parent by keyword


def test_the_norm_is_rounded_once():
    x = torch.randn(3, 5, generator=torch.Generator().manual_seed(0)).bfloat16()
    weight = torch.randn(5, generator=torch.Generator().manual_seed(1)).bfloat16()
    exact = x.double() * weight.double() / (x.double().square().mean(dim=-1, keepdim=True) + 1e-3).sqrt()
    assert torch.equal(rms_norm_fn(x, weight, None, eps=1e-3), exact.bfloat16())


@pytest.mark.parametrize("causal", [False, True])
def test_attention_shares_keys_between_heads(causal):
    generator = torch.Generator().manual_seed(0)
    q = torch.randn(2, 4, 6, 8, generator=generator)
    k, v = (torch.randn(2, 4, 3, 8, generator=generator) for _ in range(2))
    found = flash_attn_func(q, k, v, softmax_scale=0.3, causal=causal)
    for head in range(6):
        scores = 0.3 * q[:, :, head] @ k[:, :, head // 2].transpose(1, 2)
        if causal:
            scores = scores.masked_fill(torch.ones(4, 4).triu(1).bool(), -torch.inf)
        expected = torch.softmax(scores, dim=-1) @ v[:, :, head // 2]
        torch.testing.assert_close(found[:, :, head], expected, rtol=0, atol=1e-5)
