"""Low-rank adapters of q, k and v with peft, and merged models on disk.

peft is imported late; install it with the extra ``finetune``.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from models.predictors.huggingface import quiet
from theory.validation import InputError

__all__ = ["PROJECTIONS", "add_adapters", "find_projections", "save_adapted"]

# names of the q, k and v projections in common architectures; a single name is a fused projection
PROJECTIONS = (
    ("q_proj", "k_proj", "v_proj"),
    ("query", "key", "value"),
    ("q_lin", "k_lin", "v_lin"),
    ("Wqkv",),
    ("att_proj",),
)


def add_adapters(
    model: nn.Module, *, rank: int, alpha: int, targets: Sequence[str] | None, seed: int
) -> nn.Module:
    """Return the model with trainable adapters; everything else is frozen.

    Args:
        model: A transformers model.
        rank: The rank of the adapters.
        alpha: Their scale is ``alpha / rank``.
        targets: Last names of the linear layers; q, k and v of a known architecture by default.
        seed: The seed of the initial weights. The adapted model starts equal to the model.

    Raises:
        InputError: If peft is missing, or the model has no such layers.
    """
    try:
        import peft
    except ImportError:
        raise InputError("peft is not installed; python -m pip install 'parabounds[finetune]'.") from None
    names = list(targets) if targets else find_projections(model)
    linear = {
        name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    if missing := sorted(set(names) - linear):
        raise InputError(f"the model has no linear layer {missing[0]!r}; give others with --targets.")
    config = peft.LoraConfig(r=rank, lora_alpha=alpha, target_modules=names, lora_dropout=0.0, bias="none")
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # peft reads attributes that newer transformers renamed; a user cannot change this
        warnings.simplefilter("ignore", FutureWarning)
        torch.manual_seed(seed)
        return peft.get_peft_model(model, config)  # pyright: ignore[reportArgumentType]


def find_projections(model: nn.Module) -> list[str]:
    """Return the names of the q, k and v projections.

    Example:
        >>> find_projections(nn.ModuleDict({name: nn.Linear(2, 2) for name in ("query", "key", "value")}))
        ['query', 'key', 'value']
    """
    linear = {
        name.rpartition(".")[2] for name, module in model.named_modules() if isinstance(module, nn.Linear)
    }
    for names in PROJECTIONS:
        if set(names) <= linear:
            return list(names)
    raise InputError("no q, k and v projections of a known name; name the linear layers with --targets.")


def save_adapted(model: Any, tokenizer: Any, source: Path, out: Path) -> None:
    """Write ``adapter/`` and ``merged/`` into ``out``, each completely or not at all.

    Args:
        model: A model with adapters; they are merged into it.
        tokenizer: Written beside the merged model.
        source: Directory of the model; code of its own is copied.
        out: The folder.
    """
    _write_folder(out / "adapter", lambda folder: model.save_pretrained(folder))

    def merged(folder: Path) -> None:
        whole = model.merge_and_unload()
        whole.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        for file in source.glob("*.py"):
            shutil.copy(file, folder)

    _write_folder(out / "merged", merged)


def _write_folder(folder: Path, write: Any) -> None:
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        with quiet():
            write(temporary)
        shutil.rmtree(folder, ignore_errors=True)  # the old one is kept until the new one is complete
        temporary.replace(folder)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {folder}: {error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
