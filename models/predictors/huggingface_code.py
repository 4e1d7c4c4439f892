"""Models built by the code of their checkpoint and filled by the names of its tensors.

``from_pretrained`` of such classes is not called: some override it and lose the report of what was loaded (Dream), and
newer transformers expect of a class what code published earlier does not have. The class is built from its
configuration, and each tensor of the checkpoint becomes the parameter or buffer of the same name, in the wanted dtype.
Every parameter must be in the checkpoint, in its shape.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from models.predictors.huggingface_kernels import importing
from models.predictors.huggingface_predictor import LONGEST
from models.predictors.huggingface_versions import transformers
from theory.validation import InputError

__all__ = ["AUTO_CLASSES", "build_model", "chosen_class", "class_of", "registered_class", "table_positions"]

# the language model stands under one of these in ``auto_map``; AutoModel may be a backbone without a head
AUTO_CLASSES = ("AutoModelForMaskedLM", "AutoModelForCausalLM", "AutoModel")


def chosen_class(directory: Path, raw: Mapping[str, Any], wanted: str | None) -> str:
    """Return the auto class of a model with code of its own, the first of ``AUTO_CLASSES`` that it maps.

    Args:
        directory: Its directory, for errors.
        raw: Its configuration file.
        wanted: The class to use instead, one of ``AUTO_CLASSES``.

    Raises:
        InputError: If the model does not map it.

    Example:
        >>> both = {"auto_map": {"AutoModel": "m.Backbone", "AutoModelForCausalLM": "m.LanguageModel"}}
        >>> chosen_class(Path("here"), both, None)
        'AutoModelForCausalLM'
    """
    mapped = [name for name in AUTO_CLASSES if name in raw.get("auto_map", {})]
    if wanted is not None and wanted not in mapped:
        raise InputError(
            f"{directory} has no {wanted} in its auto_map; it has: {', '.join(mapped) or 'none'}."
        )
    if not mapped:
        raise InputError(f"{directory} maps no class of a language model; see auto_map in its config.json.")
    return wanted or mapped[0]


def class_of(directory: Path, reference: str) -> tuple[Any, list[str]]:
    """Return a class of a directory's own code, ``module.Class`` as in ``auto_map``, and what replaces its kernels."""
    dynamic = transformers().dynamic_module_utils
    return importing(
        lambda: dynamic.get_class_from_dynamic_module(reference, str(directory), local_files_only=True)
    )


def registered_class(auto: str, config: Any) -> Any:
    """Return the class that is registered for a configuration outside of transformers, ``None`` if there is none."""
    mapping = getattr(transformers(), auto)._model_mapping
    kind = mapping[type(config)] if type(config) in mapping.keys() else None  # noqa: SIM118 (lazy)
    return None if str(getattr(kind, "__module__", "transformers.")).startswith("transformers.") else kind


def build_model(
    directory: Path, kind: Any, config: Any, dtype: torch.dtype, device: str = "cpu"
) -> torch.nn.Module:
    """Return the model of a directory with all its weights.

    Args:
        directory: The directory.
        kind: Its class.
        config: Its configuration.
        dtype: The dtype of floating weights.
        device: Where each weight goes as soon as it is read.

    Raises:
        InputError: If weights are missing or of another shape.
    """
    config.use_cache = False  # every call reads the whole sequence
    with _without_initial_values(dtype):
        model = kind(config)
    if type(model).tie_weights is not transformers().PreTrainedModel.tie_weights:
        model.tie_weights()  # its own
        found = _fill(model, directory, dtype, device)
    else:
        found = _fill(model, directory, dtype, device)
        _tie(model, config, found)
    _check_complete(model, directory, found)
    return model


class _Uninitialised(TorchFunctionMode):
    """Random initial values are not drawn: all of them are overwritten."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in (torch.Tensor.normal_, torch.Tensor.uniform_):
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def _without_initial_values(dtype: torch.dtype) -> Generator[None]:
    """Build modules in ``dtype`` without drawing their weights."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with _Uninitialised():
            yield
    finally:
        torch.set_default_dtype(before)


def _tie(model: Any, config: Any, found: set[str]) -> None:
    """Share embeddings and head where the model says so; files may hold either name, and the embeddings win."""
    tied = getattr(config, "tie_word_embeddings", False)
    if tied and (head := model.get_output_embeddings()) is not None:
        embeddings = model.get_input_embeddings()
        if not any(p is embeddings.weight and name in found for name, p in model.named_parameters()):
            embeddings.weight.data = head.weight.data
        head.weight = embeddings.weight


def _places(model: Any) -> dict[str, torch.Tensor]:
    """Return the parameters and kept buffers of a model under all their names."""
    places: dict[str, torch.Tensor] = dict(model.named_parameters(remove_duplicate=False))
    kept = model.state_dict().keys()
    return places | {name: b for name, b in model.named_buffers(remove_duplicate=False) if name in kept}


def _fill(model: Any, directory: Path, dtype: torch.dtype, device: str) -> set[str]:
    """Copy the tensors of a checkpoint into the model, and return their names."""
    from safetensors import safe_open

    places, found = _places(model), set[str]()
    for file in sorted(directory.glob("*.safetensors")):
        with safe_open(file, framework="pt") as opened:
            for name in opened.keys():  # noqa: SIM118 (no mapping)
                if name not in places:
                    continue
                values, place = opened.get_tensor(name), places[name]
                if values.shape != place.shape:
                    raise InputError(
                        f"{directory}: {name} must have the shape {tuple(place.shape)} of the configuration, "
                        f"got {tuple(values.shape)}."
                    )
                wanted = dtype if values.is_floating_point() else values.dtype
                place.data = values.to(device, wanted, copy=not values.is_floating_point())
                found.add(name)
    return found


def _check_complete(model: Any, directory: Path, found: set[str]) -> None:
    """Raise if a tensor of the model was not in the checkpoint under any of its names."""
    ignored = [
        re.compile(pattern) for pattern in getattr(model, "_keys_to_ignore_on_load_missing", None) or ()
    ]
    shared: dict[int, list[str]] = defaultdict(list)
    for name, place in _places(model).items():
        shared[id(place)].append(name)
    for names in shared.values():
        if found.isdisjoint(names) and not any(p.search(name) for p in ignored for name in names):
            raise InputError(
                f"{directory}: the checkpoint lacks {names[0]}; it is of another model, or of another --auto-class."
            )


def table_positions(model: torch.nn.Module) -> int:
    """Return the positions of a table that starts after its padding entry, as RoBERTa's does."""
    found = [
        module.num_embeddings - module.padding_idx - 1
        for name, module in model.named_modules()
        if name.rpartition(".")[2] == "position_embeddings"
        and isinstance(module, torch.nn.Embedding)
        and module.padding_idx is not None
    ]
    return min(found, default=LONGEST)
