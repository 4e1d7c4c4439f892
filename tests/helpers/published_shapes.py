"""Tiny model directories in the shapes of published ones, with code of their own, written here.

What published code does and stand-ins often do not: it overrides ``from_pretrained`` and returns the model alone, has
a ``tie_weights(self)`` without arguments and no ``post_init``, keeps a backbone without a head under ``AutoModel``,
returns tuples, predicts the next position, needs a block-causal mask, and uses what newer transformers dropped. The
files are sharded bfloat16 tensors with an index; the vocabulary is padded beyond the tokenizer, so is the mask.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

pytest.importorskip("transformers")

from safetensors.torch import save_file

from tests.helpers import hf_models

TOKENS = torch.tensor([[5, 70, 9, 70, 70, 11, 6]])

LAYERS = """
import torch
from torch import nn


class Mixer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d, d, bias=False) for _ in range(3))

    def forward(self, h, mask=None):
        scores = self.q_proj(h) @ self.k_proj(h).transpose(1, 2) / h.shape[-1] ** 0.5
        if mask is not None:
            scores = scores + mask
        return h + torch.softmax(scores, dim=-1) @ self.v_proj(h)
"""

# no post_init, tie_weights(self), one class under two names, places in a table
FULL = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutputWithPast

from .layers import Mixer


class FullConfig(PretrainedConfig):
    model_type = "llada"

    def __init__(self, d_model=16, vocab_size=80, max_sequence_length=64, weight_tying=False, as_tuple=False, **rest):
        self.d_model, self.vocab_size, self.max_sequence_length = d_model, vocab_size, max_sequence_length
        self.weight_tying, self.as_tuple = weight_tying, as_tuple
        super().__init__(**rest)

    @property
    def hidden_size(self):
        return self.d_model


class Core(nn.Module):
    def __init__(self, config):
        super().__init__()
        parts = {"wte": nn.Embedding(config.vocab_size, config.d_model), "mix": Mixer(config.d_model)}
        parts["wpe"] = nn.Embedding(config.max_sequence_length, config.d_model)
        if not config.weight_tying:
            parts["ff_out"] = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.transformer = nn.ModuleDict(parts)


class FullModelLM(PreTrainedModel):
    config_class = FullConfig
    base_model_prefix = "model"

    def __init__(self, config):
        super().__init__(config)
        self.model = Core(config)

    def forward(self, input_ids=None, attention_mask=None, **rest):
        parts = self.model.transformer
        h = parts["wte"](input_ids) + parts["wpe"](torch.arange(input_ids.shape[1], device=input_ids.device))
        h = parts["mix"](h)
        head = parts["wte"] if self.config.weight_tying else parts["ff_out"]
        logits = nn.functional.linear(h, head.weight)
        return (logits, None) if self.config.as_tuple else CausalLMOutputWithPast(logits=logits)

    def get_input_embeddings(self):
        return self.model.transformer["wte"]

    def get_output_embeddings(self):
        return self.model.transformer["wte" if self.config.weight_tying else "ff_out"]

    def tie_weights(self):
        if self.config.weight_tying:
            self.model.transformer["ff_out"] = self.model.transformer["wte"]
"""

# LLaDA's code registers itself when it is imported
REGISTERS = """

from transformers import AutoConfig, AutoModel

AutoConfig.register("llada", FullConfig)
AutoModel.register(FullConfig, FullModelLM)
"""

# from_pretrained is overridden; frequencies that transformers 5 no longer lists; logits of the next position
SHIFTED = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

from .layers import Mixer


class ShiftedConfig(PretrainedConfig):
    model_type = "Dream"

    def __init__(self, hidden_size=16, num_attention_heads=1, vocab_size=80, max_position_embeddings=64,
                 rope_theta=100.0, mask_token_id=None, **rest):
        self.hidden_size, self.num_attention_heads, self.vocab_size = hidden_size, num_attention_heads, vocab_size
        self.max_position_embeddings, self.rope_theta = max_position_embeddings, rope_theta
        super().__init__(**rest)
        self.mask_token_id = mask_token_id


class ShiftedModel(PreTrainedModel):
    config_class = ShiftedConfig
    _tied_weights_keys = ["lm_head.weight"]

    def __init__(self, config):
        super().__init__(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        frequencies, _ = ROPE_INIT_FUNCTIONS["default"](config, None)
        self.register_buffer("inv_freq", frequencies, persistent=False)
        self.mix = Mixer(config.hidden_size)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(std=1.0)

    @classmethod
    def from_pretrained(cls, *arguments, **options):
        model = super().from_pretrained(*arguments, **options)
        model.generation_config = None
        return model

    def forward(self, input_ids=None, attention_mask=None, **rest):
        place = torch.arange(input_ids.shape[1], device=input_ids.device)[:, None] * self.inv_freq
        h = self.embed_tokens(input_ids)
        h = h + torch.cat([place.cos(), place.sin()], dim=-1).to(h.dtype)
        return MaskedLMOutput(logits=self.lm_head(self.mix(h)))

    def get_input_embeddings(self):
        return self.embed_tokens

    def get_output_embeddings(self):
        return self.lm_head
"""

# a backbone without a head under AutoModel; the mask is added to the scores, and without one attention is causal
BLOCKS = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutput, CausalLMOutputWithPast

from .layers import Mixer


class BlocksConfig(PretrainedConfig):
    model_type = "llada2_moe"

    def __init__(self, hidden_size=16, vocab_size=80, max_position_embeddings=64, block_size=4, **rest):
        self.hidden_size, self.vocab_size = hidden_size, vocab_size
        self.max_position_embeddings, self.block_size = max_position_embeddings, block_size
        super().__init__(**rest)


class BlocksModel(PreTrainedModel):
    config_class = BlocksConfig

    def __init__(self, config):
        super().__init__(config)
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.places = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.mix = Mixer(config.hidden_size)
        self.register_buffer("bias", torch.zeros(config.hidden_size))
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(std=1.0)

    def forward(self, input_ids=None, attention_mask=None, **rest):
        length = input_ids.shape[1]
        h = self.word_embeddings(input_ids) + self.places(torch.arange(length, device=input_ids.device))
        if attention_mask is None:
            full = torch.full((length, length), torch.finfo(h.dtype).min, device=h.device)
            attention_mask = torch.triu(full, diagonal=1)[None, None]
        return BaseModelOutput(last_hidden_state=self.mix(h, attention_mask[:, 0]) + self.bias)

    def get_input_embeddings(self):
        return self.word_embeddings


class BlocksModelLM(PreTrainedModel):
    config_class = BlocksConfig
    _tied_weights_keys = ["lm_head.weight"]

    def __init__(self, config):
        super().__init__(config)
        self.model = BlocksModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(std=1.0)

    def forward(self, input_ids=None, attention_mask=None, **rest):
        hidden = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return CausalLMOutputWithPast(logits=self.lm_head(hidden))

    def get_input_embeddings(self):
        return self.model.word_embeddings

    def get_output_embeddings(self):
        return self.lm_head
"""


@dataclass(frozen=True)
class Shape:
    """A kind of directory: file and text of its code, prefix of its classes, ``auto_map``, options."""

    module: str
    code: str
    name: str
    auto: dict[str, str]
    options: dict[str, Any]


SHAPES = {
    "full": Shape(
        "modeling_full", FULL, "Full", {"AutoModel": "ModelLM", "AutoModelForCausalLM": "ModelLM"}, {}
    ),
    "tied": Shape(
        "modeling_full",
        FULL,
        "Full",
        {"AutoModelForCausalLM": "ModelLM"},
        {"weight_tying": True, "as_tuple": True},
    ),
    "shifted": Shape(
        "modeling_shifted", SHIFTED, "Shifted", {"AutoModel": "Model"}, {"tie_word_embeddings": False}
    ),
    "blocks": Shape(
        "modeling_blocks",
        BLOCKS,
        "Blocks",
        {"AutoModel": "Model", "AutoModelForCausalLM": "ModelLM"},
        {"tie_word_embeddings": True},
    ),
}
VOCABULARY, MASK = 160, 150  # the tokenizer ends before both


@dataclass(frozen=True)
class Published:
    """A directory, and the model that was written into it."""

    folder: Path
    model: Any


def publish(folder: Path, kind: str, *, written_for: str = "4.46.2", seed: int = 0) -> Published:
    """Write a directory as a shape is published."""
    shape = SHAPES[kind]
    folder.mkdir(parents=True)
    (folder / "layers.py").write_text(LAYERS)
    (folder / f"{shape.module}.py").write_text(shape.code)
    code = _imported(folder, shape.module)
    if shape.name == "Full":
        (folder / f"{shape.module}.py").write_text(shape.code + REGISTERS)
    made = hf_models.tokenizer(special=False, mask=False)
    assert len(made) < MASK < VOCABULARY
    config = getattr(code, f"{shape.name}Config")(vocab_size=VOCABULARY, mask_token_id=MASK, **shape.options)
    tied = bool(shape.options.get("tie_word_embeddings"))
    config.tie_word_embeddings = False  # while it is built: version 5 wants another form of the tied keys
    names = [name for key, name in shape.auto.items() if key == "AutoModelForCausalLM"] or ["Model"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(code, f"{shape.name}{names[0]}")(config)
        for values in [
            *model.parameters(),
            *(b for n, b in model.named_buffers() if n in model.state_dict()),
        ]:
            values.data.normal_(std=0.8)
            values.data = values.data.bfloat16().float()  # what the files can hold
    config.tie_word_embeddings = tied
    if tied:
        model.lm_head.weight = model.model.word_embeddings.weight
    state = {n: t for n, t in model.state_dict().items() if not (tied and n == "lm_head.weight")}
    _shards(state, folder)
    made.save_pretrained(folder)
    raw = config.to_dict() | {
        "auto_map": {"AutoConfig": f"{shape.module}.{shape.name}Config"}
        | {key: f"{shape.module}.{shape.name}{name}" for key, name in shape.auto.items()},
        "torch_dtype": "bfloat16",
        "transformers_version": written_for,
    }
    (folder / "config.json").write_text(json.dumps(raw, default=str))
    return Published(folder, model.eval())


def _imported(folder: Path, name: str) -> ModuleType:
    """Import the code as a package of its own, with what newer transformers lack put back."""
    from models.predictors.huggingface_versions import put_back

    package = ModuleType(f"written_{abs(hash(folder))}")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    with put_back():
        module = importlib.import_module(f"{package.__name__}.{name}")
    if hasattr(module, "ROPE_INIT_FUNCTIONS"):  # the model of the test is built outside
        d = 16
        module.ROPE_INIT_FUNCTIONS = {
            "default": lambda config, _: (1 / config.rope_theta ** (torch.arange(0, d, 2).float() / d), 1.0)
        }
    return module


def _shards(state: dict[str, torch.Tensor], folder: Path, parts: int = 2) -> None:
    where: dict[str, str] = {}
    for j in range(parts):
        file = f"model-{j + 1:05d}-of-{parts:05d}.safetensors"
        shard = {name: state[name].bfloat16().contiguous().clone() for name in sorted(state)[j::parts]}
        save_file(shard, folder / file, metadata={"format": "pt"})
        where |= dict.fromkeys(shard, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": where}))


def roberta(folder: Path, *, seed: int = 0) -> Published:
    """RoBERTa, whose positions start after the padding token: two fewer than its table has."""
    import transformers

    made = hf_models.tokenizer(special=False)
    config = transformers.RobertaConfig(
        vocab_size=len(made) + 8,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=66,
        pad_token_id=1,
        type_vocab_size=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = transformers.RobertaForMaskedLM(config).eval()
    model.save_pretrained(folder)
    made.model_max_length = 1 << 30
    made.save_pretrained(folder)
    return Published(folder, model)
