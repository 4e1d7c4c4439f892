"""Checks of a Hugging Face model directory before and after loading.

Weights must be safetensors, because unpickling can run arbitrary code. Code that comes with a model runs only if the
user allows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from theory.validation import InputError

__all__ = ["check_code", "check_directory", "check_loaded", "fingerprint", "one_line"]

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


def check_directory(path: Path) -> dict[str, Any]:
    """Return the configuration of a model directory with sound safetensors weights.

    Raises:
        InputError: If something is missing, corrupt or pickled.
    """
    if not path.is_dir():
        raise InputError(f"{path} is no directory of a Hugging Face model.")
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


def check_code(config: dict[str, Any], path: Path | str, *, trusted: bool, native: bool) -> None:
    """Raise if a model needs code of its own and the user has not allowed it.

    Example:
        >>> check_code({"model_type": "bert"}, "there", trusted=False, native=True)
    """
    if not native and not trusted:
        kind = config.get("model_type")
        if "auto_map" not in config:
            raise InputError(f"{path}: transformers does not know the model type {kind!r}.")
        raise InputError(
            f"{path} holds a model of type {kind!r} that comes with its own Python code; read the code, "
            "then allow it with --trust-remote-code."
        )


def check_loaded(source: str, model: torch.nn.Module, info: Mapping[str, Any]) -> None:
    """Raise unless every weight of a model came from its checkpoint, in its shape, and is finite.

    Args:
        source: The name for errors.
        model: The result of ``from_pretrained``.
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
    for weight, values in model.named_parameters():
        if not bool(values.isfinite().all()):
            raise InputError(f"{source}: {weight} holds values that are not finite; the weights are damaged.")


@contextmanager
def one_line(what: str) -> Generator[None]:
    """Turn any error of other code into one line, which says that the files cannot be used."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        text = lines[0] if lines else type(error).__name__
        if text.endswith(":"):
            text = " ".join(lines[:2])
        if isinstance(error, KeyError):
            text = f"the key {text} is missing."
        raise InputError(f"cannot load {what}: {text}") from None


def fingerprint(path: Path) -> str:
    """Return a SHA-256 over all files of a model directory that decide its predictions, weights included."""
    whole = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.is_file() and file.suffix in (".json", ".py", ".safetensors", ".txt", ".model", ".jinja"):
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, "sha256").digest()
            whole.update(hashlib.sha256(file.name.encode()).digest() + content)
    return whole.hexdigest()


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

    try:
        with safe_open(file, framework="pt") as opened:
            names = list(opened.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is no sound safetensors file: {error}.") from None
    if not names:
        raise InputError(f"{file} holds no tensors.")
