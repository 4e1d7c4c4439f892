"""How a Hugging Face model is read, the options and what they are if left out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from models.predictors.huggingface_attention import attention_of
from models.predictors.huggingface_code import AUTO_CLASSES
from models.predictors.huggingface_versions import OWN_CODE, transformers
from theory.validation import InputError, choice

__all__ = ["DTYPES", "HFOptions", "is_native", "with_defaults"]

DTYPES = ("auto", "float32", "float16", "bfloat16", "float64")
# masks that released tokenizers have and do not call so: of LLaDA, LLaDA-MoE and LLaDA2, SDAR
MASK_NAMES = ("<|mdm_mask|>", "<|mask|>", "<|MASK|>", "<MASK>")
MASKS = {"dream": 151666, "fast_dllm_qwen": 151665}  # of the released checkpoints
SHIFTED = ("dream", "fast_dllm_qwen")  # logits are those of the next position


@dataclass(frozen=True, kw_only=True)
class HFOptions:
    """How a Hugging Face model is read.

    Attributes:
        mask_id: The mask token; by default that of the tokenizer, of the configuration, of ``MASK_NAMES``.
        suppressed: Tokens never proposed, besides the mask.
        shift: Whether logits are shifted right by one; by default for Dream and Fast-dLLM v2.
        dtype: The dtype of the weights; ``auto`` is that of the checkpoint on a GPU and float32 on a CPU.
        device: cpu, cuda, cuda:K or mps; code of its own is filled there, weight by weight.
        trust_remote_code: Run Python code that comes with the model.
        revision: Commit of a model on a hub; directories need none.
        auto_class: One of ``AUTO_CLASSES``; by default the first that the model has.
        imports: Modules imported first, which register architectures with transformers.
        attention: ``full`` or ``block:SIZE``; by default that of the model.
        attn_implementation: How transformers computes attention, such as ``sdpa``; by default its own choice.
        compile: Whether torch compiles the network, which takes a minute or more, for faster calls after it.
    """

    mask_id: int | None = None
    suppressed: tuple[int, ...] = ()
    shift: bool | None = None
    dtype: str = "auto"
    device: str = "cpu"
    trust_remote_code: bool = False
    revision: str | None = None
    auto_class: str | None = None
    imports: tuple[str, ...] = ()
    attention: str | None = None
    attn_implementation: str | None = None
    compile: bool = False

    def __post_init__(self) -> None:
        choice(self.dtype, "dtype", DTYPES)
        if self.auto_class is not None:
            choice(self.auto_class, "auto class", AUTO_CLASSES)
        if self.device == "cpu" and self.dtype == "float16":
            raise InputError("dtype float16 is not for the CPU; use float32 or bfloat16.")


def is_native(model_type: str) -> bool:
    """Return whether an architecture is known without the code of a checkpoint, which may register itself."""
    known = transformers().CONFIG_MAPPING
    return model_type in known and not known[model_type].__module__.startswith(OWN_CODE)


def with_defaults(source: str | Path, options: HFOptions, config: Any, tokenizer: Any) -> HFOptions:
    """Return the options with mask, dtype and shift filled in.

    Args:
        source: The name of the model, for errors.
        options: As given.
        config: Its configuration.
        tokenizer: Its tokenizer.

    Raises:
        InputError: If nothing names a mask, it is outside the vocabulary, or the attention is no known one.
    """
    kind = str(getattr(config, "model_type", "")).lower()
    mask = options.mask_id
    if mask is None:
        mask = tokenizer.mask_token_id
    if mask is None:
        mask = getattr(config, "mask_token_id", None)
    if mask is None:
        words = tokenizer.get_added_vocab()
        mask = next((words[name] for name in MASK_NAMES if name in words), MASKS.get(kind))
    if mask is None:
        raise InputError(f"{source}: neither tokenizer nor configuration names a mask token; give --mask-id.")
    if not 0 <= mask < config.vocab_size:
        raise InputError(f"{source}: mask id {mask} is outside the vocabulary 0..{config.vocab_size - 1}.")
    attention_of(config, options.attention)  # what is wrong with it is said before weights are read
    dtype = "float32" if options.dtype == "auto" and options.device == "cpu" else options.dtype
    shift = kind in SHIFTED if options.shift is None else options.shift
    return replace(options, mask_id=mask, dtype=dtype, shift=shift)
