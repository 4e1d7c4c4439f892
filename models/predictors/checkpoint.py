"""Weights on disk, a safetensors file with a JSON card.

The card names the recipe, from which the model is built, and the digest of the weights, so that an incomplete, changed
or wrong file is refused. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch.overrides import TorchFunctionMode

from models.predictors.recipes import Recipe
from models.predictors.transformer import MaskedTransformer
from models.predictors.uniform_transformer import UniformTransformer
from theory.files import write_atomically
from theory.validation import InputError

__all__ = [
    "SHIPPED",
    "SHIPPED_LISTS",
    "SHIPPED_UNIFORM",
    "Network",
    "load_model",
    "load_uniform_model",
    "network",
    "read_card",
    "read_tensors",
    "save_model",
]

Network = MaskedTransformer | UniformTransformer

SHIPPED = Path(__file__).parents[1] / "weights" / "small.safetensors"
SHIPPED_UNIFORM = SHIPPED.with_name("uniform.safetensors")
SHIPPED_LISTS = SHIPPED.with_name("lists.safetensors")  # the ten list tasks of ParallelBench
FORMAT = "parabounds model 1"
_DRAWING = frozenset({"normal_", "uniform_", "kaiming_uniform_", "xavier_uniform_"})


def save_model(model: Network, path: Path, recipe: Recipe, facts: Mapping[str, Any]) -> None:
    """Write the weights to ``path`` (``.safetensors``) and the card beside it (``.json``).

    Args:
        model: The trained model.
        path: The file; an existing one is replaced in one step.
        recipe: Its training recipe.
        facts: More JSON values for the card.
    """
    data = save({name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()})
    card = {
        "format": FORMAT,
        "parameters": model.parameter_count,
        "sha256": hashlib.sha256(data).hexdigest(),
        "recipe": recipe.to_json(),
        **facts,
    }
    write_atomically(path, data)
    write_atomically(path.with_suffix(".json"), (json.dumps(card, indent=2) + "\n").encode())


def network(recipe: Recipe) -> Network:
    """Return the untrained model of a recipe."""
    kind = UniformTransformer if recipe.model.noise == "uniform" else MaskedTransformer
    return kind(recipe.model, recipe.encoding)


def load_model(path: Path | str | None = None, device: torch.device | str = "cpu") -> MaskedTransformer:
    """Return a trained masked model, ready to predict.

    Args:
        path: A ``.safetensors`` file with its card beside it; the shipped weights by default.
        device: Where to.

    Raises:
        InputError: If a file is missing, damaged, or holds something else, such as a model without a mask.
    """
    file = SHIPPED if path is None else Path(path)
    model = _loaded(file, device)
    if not isinstance(model, MaskedTransformer):
        raise InputError(f"weights {file} are of a model without a mask; give those of a masked model.")
    return model


def load_uniform_model(
    path: Path | str | None = None, device: torch.device | str = "cpu"
) -> UniformTransformer:
    """Return a trained model of uniform noise, ready to predict.

    Arguments and errors as of :func:`load_model`; the shipped weights are those of the preset ``uniform``.
    """
    file = SHIPPED_UNIFORM if path is None else Path(path)
    model = _loaded(file, device)
    if not isinstance(model, UniformTransformer):
        raise InputError(
            f"weights {file} are of a masked model; give those of one trained by --preset uniform."
        )
    return model


def _loaded(file: Path, device: torch.device | str) -> Network:
    data = _read(file, "weights")
    card = read_card(file)
    if hashlib.sha256(data).hexdigest() != card["sha256"]:
        raise InputError(f"weights {file} do not match their card; the file is damaged or another model's.")
    recipe = Recipe.from_json(card["recipe"])
    # only shapes: nothing is allocated or drawn before they are compared
    with torch.device("meta"), _NothingDrawn():
        model = network(recipe)
    tensors, _ = read_tensors(file)
    _check_shapes(file, model.state_dict(), tensors)
    model.load_state_dict(tensors, assign=True)
    return model.requires_grad_(False).eval().to(device)


class _NothingDrawn(TorchFunctionMode):
    """Skips random initial weights, which on the meta device would import a compiler for seconds."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in _DRAWING:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def read_card(file: Path) -> dict[str, Any]:
    """Return the card of a weights file.

    Raises:
        InputError: If there is none, or it has another format.
    """
    path = file.with_suffix(".json")
    data = _read(path, "card")
    try:
        card = json.loads(data)
    except ValueError as error:
        raise InputError(f"card {path} is not JSON: {error}.") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise InputError(f"card {path} is not of the format {FORMAT!r}.")
    for key, kind in (("sha256", str), ("recipe", dict)):
        if not isinstance(card.get(key), kind):
            raise InputError(f"card {path} has no valid {key!r}.")
    return card


def read_tensors(file: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Return all tensors of a safetensors file and its metadata.

    Raises:
        InputError: If the file is missing or damaged.
    """
    try:
        with safe_open(file, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    except FileNotFoundError:
        raise InputError(f"cannot read {file}: no such file.") from None
    except (OSError, SafetensorError) as error:
        raise InputError(f"{file} is no sound safetensors file: {error}.") from None


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read the {what} {path}: {error.strerror}.") from None


def _check_shapes(
    file: Path, expected: Mapping[str, torch.Tensor], found: Mapping[str, torch.Tensor]
) -> None:
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            raise InputError(f"weights {file} lack the tensor {name!r}.")
        if name not in expected:
            raise InputError(f"weights {file} hold an unknown tensor {name!r}.")
        want, got = expected[name], found[name]
        if want.shape != got.shape or want.dtype != got.dtype:
            raise InputError(
                f"weights {file}: {name!r} must be {want.dtype} of shape {tuple(want.shape)}, "
                f"got {got.dtype} of shape {tuple(got.shape)}."
            )
        if not bool(got.isfinite().all()):
            raise InputError(f"weights {file}: {name!r} holds values that are not finite.")
