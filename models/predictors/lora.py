"""Low-rank adapters of q, k and v with peft, and merged models on disk.

peft is imported late; install it with the extra ``finetune``.
"""

from __future__ import annotations

import importlib
import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from models.predictors.huggingface_files import KINDS
from models.predictors.huggingface_versions import quiet
from theory.validation import InputError

__all__ = ["PROJECTIONS", "add_adapters", "find_projections", "save_adapted"]

# names of the q, k and v projections in common architectures; a single name is a fused projection
PROJECTIONS = (
    ("q_proj", "k_proj", "v_proj"),
    ("query", "key", "value"),
    ("q_lin", "k_lin", "v_lin"),
    ("Wqkv",),
    ("query_key_value",),
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
    importlib.import_module("torch.distributed.tensor")  # peft reads it; transformers 4.46 does not import it
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
        >>> find_projections(nn.ModuleDict({"query_key_value": nn.Linear(2, 6)}))  # LLaDA2
        ['query_key_value']
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
        source: Directory of the model. If its code comes along, its files are copied and only the weights are new.
        out: The folder.
    """

    def adapter(folder: Path) -> None:
        model.save_pretrained(folder)
        file = folder / "adapter_config.json"
        kept = json.loads(file.read_text())
        kept["target_modules"] = sorted(kept["target_modules"])  # a set, in another order in every process
        file.write_text(json.dumps(kept, indent=2, sort_keys=True))

    def merged(folder: Path) -> None:
        whole = model.merge_and_unload()
        if type(whole).__module__.startswith("transformers.models."):
            whole.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        else:
            _save_own(whole, source, folder)

    _write_folder(out / "adapter", adapter)
    _write_folder(out / "merged", merged)


def _save_own(model: nn.Module, source: Path, folder: Path) -> None:
    """Write a model whose code comes along as its authors do, with the dtype that it has now."""
    from huggingface_hub import save_torch_state_dict

    folder.mkdir(parents=True)
    for file in source.iterdir():
        if file.is_file() and file.suffix in KINDS and ".safetensors" not in file.name:
            shutil.copy(file, folder)
    file = folder / "config.json"
    config = json.loads(file.read_text())
    dtype = str(next(model.parameters()).dtype).removeprefix("torch.")
    config |= {name: dtype for name in ("torch_dtype", "dtype") if name in config}
    file.write_text(json.dumps(config, indent=2) + "\n")
    save_torch_state_dict(model.state_dict(), folder)


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
