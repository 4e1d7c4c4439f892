"""Tiny Hugging Face models with random weights, written to disk as the real ones are: no hub."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import pytest
import torch

pytest.importorskip("transformers")  # pytest collects every file of tests/

import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from synthetic.encoding import WORDS

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
LETTERS = (*'[]",:().?-', *"abcdefghijklmnopqrstuvwxyz", *"0123456789")
WIDTH, LAYERS, HEADS = 16, 2, 2


def tokenizer(words: tuple[str, ...] = WORDS, *, special: bool = True, mask: bool = True) -> Any:
    """Word level; ``special`` puts [CLS] and [SEP] around a text."""
    vocabulary = {token: j for j, token in enumerate(dict.fromkeys((*SPECIAL, *LETTERS, *words)))}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    if special:
        ends = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
        inner.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    given = {"mask_token": "[MASK]"} if mask else {"additional_special_tokens": ["[MASK]"]}
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token="[UNK]", pad_token="[PAD]", model_max_length=64, **given
    )


def byte_level(*, whole: tuple[str, ...]) -> transformers.PreTrainedTokenizerFast:
    """A byte-level tokenizer, as most language models have: words of ``whole`` are one token, others are split."""
    vocabulary = {"[MASK]": 0, "[UNK]": 1}
    merges: list[tuple[str, str]] = []
    for byte in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary[byte] = len(vocabulary)
    for word in whole:
        for j in range(2, len(word) + 1):
            if word[:j] not in vocabulary:
                vocabulary[word[:j]] = len(vocabulary)
            pair = (word[: j - 1], word[j - 1])
            if pair not in merges:
                merges.append(pair)
    for word in whole:  # and with the space before it
        vocabulary[f"Ġ{word}"] = len(vocabulary)
        merges.append(("Ġ", word))
    inner = Tokenizer(models.BPE(vocabulary, merges, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner, mask_token="[MASK]", unk_token="[UNK]"
    )


def small_config(vocabulary: int, longest: int) -> transformers.BertConfig:
    """The smallest BERT, where what it predicts does not matter."""
    return transformers.BertConfig(
        vocab_size=vocabulary,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=longest,
    )


def bert(folder: Path, *, seed: int = 0, sharp: float = 4.0, **options: Any) -> Path:
    """BERT with a head; ``sharp`` scales the embeddings, so that predictions are far from uniform."""
    made = tokenizer(**options)
    config = transformers.BertConfig(
        vocab_size=len(made),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=64,
    )
    return _save(transformers.BertForMaskedLM, config, made, folder, seed, sharp)


def modern_bert(folder: Path, *, seed: int = 0) -> Path:
    """ModernBERT: rotary positions, another head."""
    made = tokenizer()
    config = transformers.ModernBertConfig(
        vocab_size=len(made),
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=2 * WIDTH,
        max_position_embeddings=64,
        pad_token_id=0,
        cls_token_id=2,
        sep_token_id=3,
        bos_token_id=2,
        eos_token_id=3,
        attn_implementation="sdpa",
    )
    return _save(transformers.ModernBertForMaskedLM, config, made, folder, seed, 4.0)


def _save(kind: Any, config: Any, made: Any, folder: Path, seed: int, sharp: float) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = kind(config)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(sharp / 0.02 * WIDTH**-0.5 * 0.25)
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    return folder


# what LLaDA and Dream bring along: a configuration and a bidirectional transformer registered as AutoModel
CODE = """
import torch
from torch import nn
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import MaskedLMOutput


class {name}Config(PretrainedConfig):
    model_type = "{type}"

    def __init__(self, vocab_size=64, hidden_size=16, mask_token_id=None, max_sequence_length=64, **rest):
        self.vocab_size, self.hidden_size = vocab_size, hidden_size
        self.max_sequence_length = max_sequence_length
        super().__init__(**rest)
        self.mask_token_id = mask_token_id


class {name}Model(PreTrainedModel):
    config_class = {name}Config

    def __init__(self, config):
        super().__init__(config)
        d = config.hidden_size
        self.embed = nn.Embedding(config.vocab_size, d)
        self.place = nn.Embedding(config.max_sequence_length, d)
        self.q_proj, self.k_proj, self.v_proj = (nn.Linear(d, d) for _ in range(3))
        self.head = nn.Linear(d, config.vocab_size)
        self.post_init()

    def _init_weights(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight.data.normal_(std=1.0)

    def forward(self, input_ids=None, attention_mask=None, **rest):
        h = self.embed(input_ids) + self.place(torch.arange(input_ids.shape[1], device=input_ids.device))
        q, k, v = self.q_proj(h), self.k_proj(h), self.v_proj(h)
        h = h + torch.softmax(q @ k.transpose(1, 2) / 16, dim=-1) @ v
        return MaskedLMOutput(logits=self.head(h))
"""


def with_own_code(folder: Path, *, name: str = "LLaDA", mask_token_id: int | None = 4, seed: int = 0) -> Path:
    """A directory whose model comes with its own code, as LLaDA's and Dream's do."""
    import importlib.util
    import sys

    kind, module = name.lower(), f"modeling_{name.lower()}"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(CODE.format(name=name, type=kind if kind == "llada" else "Dream"))
    specification = importlib.util.spec_from_file_location(f"written_{kind}", folder / f"{module}.py")
    assert specification is not None
    assert specification.loader is not None
    code = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = code
    specification.loader.exec_module(code)
    made = tokenizer(special=False, mask=False)
    config = getattr(code, f"{name}Config")(vocab_size=len(made) + 3, mask_token_id=mask_token_id)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(code, f"{name}Model")(config)
    model.save_pretrained(folder)
    made.save_pretrained(folder)
    path = folder / "config.json"
    kept = json.loads(path.read_text())
    kept["auto_map"] = {"AutoConfig": f"{module}.{name}Config", "AutoModel": f"{module}.{name}Model"}
    path.write_text(json.dumps(kept))
    return folder
