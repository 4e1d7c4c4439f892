"""Checks of a Hugging Face model directory before and after loading.

Weights must be safetensors, because unpickling can run arbitrary code. Code that comes with a model runs only if the
user allows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from models.predictors.file_digests import file_digest
from models.predictors.huggingface_versions import one_line
from theory.validation import InputError

__all__ = [
    "KINDS",
    "check_code",
    "check_directory",
    "check_finite",
    "check_loaded",
    "fingerprint",
    "snapshot",
]

KINDS = (".json", ".py", ".safetensors", ".txt", ".model", ".jinja")
LFS_BYTES = 1024  # a pointer is shorter
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def check_directory(path: Path) -> dict[str, Any]:
    """Return the configuration of a model directory with sound safetensors weights.

    Raises:
        InputError: If something is missing, corrupt or pickled.
    """
    if not path.is_dir():
        raise InputError(f"{path} is no directory of a Hugging Face model.")
    _check_kind(path)
    config = _json(path / "config.json")
    weights = sorted(path.glob("*.safetensors"))
    if not weights:
        pickled = sorted(file.name for pattern in PICKLED for file in path.glob(pattern))
        if pickled:
            raise InputError(
                f"{path} has pickled weights only ({pickled[0]}), which are never loaded; "
                "save them with save_pretrained(..., safe_serialization=True)."
            )
        raise InputError(f"{path} has no *.safetensors weights.")
    index = path / "model.safetensors.index.json"
    if index.exists():
        named = set(_json(index).get("weight_map", {}).values())
        if missing := sorted(named - {file.name for file in weights}):
            raise InputError(f"{path} lacks {missing[0]}, which its index names.")
    for file in weights:
        _check_weights(file)
    return config


def check_code(
    config: dict[str, Any], path: Path | str, *, trusted: bool, native: bool, advice: str = ""
) -> None:
    """Raise if a model needs code of its own and there is none, or the user has not allowed it.

    Args:
        config: The configuration file.
        path: The directory, for errors.
        trusted: Whether code may run.
        native: Whether transformers knows the architecture.
        advice: On the version of transformers, for an architecture that it does not know.

    Example:
        >>> check_code({"model_type": "bert"}, "there", trusted=False, native=True)
    """
    if native:
        return
    kind = config.get("model_type")
    if "auto_map" not in config:
        raise InputError(
            f"{path}: transformers does not know the model type {kind!r}; a package that registers it is named with "
            f"--import.{advice}"
        )
    if not trusted:
        raise InputError(
            f"{path} holds a model of type {kind!r} that comes with its own Python code; read the code, "
            "then allow it with --trust-remote-code."
        )


def check_loaded(source: str, info: Mapping[str, Any]) -> None:
    """Raise unless every weight of a model came from its checkpoint, in its shape.

    Args:
        source: The name for errors.
        info: Its loading information.
    """
    mismatched: list[Any] = sorted(info.get("mismatched_keys") or ())
    if mismatched:
        name, got, want = mismatched[0]
        raise InputError(
            f"{source}: {name} must have the shape {tuple(want)} of the configuration, got {tuple(got)}."
        )
    if missing := sorted(map(str, info.get("missing_keys") or ())):
        raise InputError(f"{source}: the checkpoint lacks {missing[0]}; it is of another model.")


def check_finite(source: str, model: torch.nn.Module) -> None:
    """Raise unless every weight of a model is finite."""
    weights = dict(model.named_parameters())
    finite = torch.stack([values.isfinite().all() for values in weights.values()]).tolist()  # asks a GPU once
    for weight, good in zip(weights, finite, strict=True):
        if not good:
            raise InputError(f"{source}: {weight} holds values that are not finite; the weights are damaged.")


def snapshot(name: str, revision: str | None) -> Path:
    """Return the folder of a pinned model of a hub, downloaded if it is not here; pickled weights are left out."""
    if revision is None:
        raise InputError(f"no directory {name}; a model of a hub needs its commit as --revision.")
    from huggingface_hub import snapshot_download

    with one_line(f"the configuration of {name}"):
        return Path(snapshot_download(name, revision=revision, allow_patterns=[f"*{kind}" for kind in KINDS]))


def fingerprint(path: Path) -> str:
    """Return a SHA-256 over all files of a model directory that decide its predictions, weights included."""
    whole = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix in KINDS:
            whole.update(hashlib.sha256(file.name.encode()).digest() + file_digest(file))
    return whole.hexdigest()


def _check_kind(path: Path) -> None:
    """Raise for directories that are often taken for that of a model."""
    if (path / "config.json").exists():
        return
    if (path / "adapter_config.json").exists():
        raise InputError(f"{path} holds adapters alone; merge them into their model and name its directory.")
    if found := sorted((path / "snapshots").glob("*/config.json")):
        raise InputError(f"{path} is a folder of the hub's cache; name a snapshot in it: {found[0].parent}")


def _json(file: Path) -> dict[str, Any]:
    try:
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}.") from None
    except ValueError as error:
        raise InputError(f"{file} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise InputError(f"{file} must hold a JSON object.")
    return value


def _check_weights(file: Path) -> None:
    from safetensors import SafetensorError, safe_open

    if file.stat().st_size < LFS_BYTES and file.read_bytes().startswith(b"version https://git-lfs"):
        raise InputError(f"{file} is a pointer of Git LFS, not the weights; run git lfs pull there.")
    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is no sound safetensors file: {error}.") from None
    if not names:
        raise InputError(f"{file} holds no tensors.")
