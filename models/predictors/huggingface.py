"""Loading of LLaDA, Dream and other masked language models from Hugging Face.

A model whose architecture transformers knows is loaded with ``AutoModelForMaskedLM``. One that comes with its own code
is built by the class that its ``auto_map`` names for a language model (:mod:`models.predictors.huggingface_code`).
transformers is imported late; install it with the extra ``hf``.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from models.predictors.chosen_logits import proven_head
from models.predictors.device import check_device
from models.predictors.huggingface_attention import attention_of
from models.predictors.huggingface_code import (
    build_model,
    chosen_class,
    class_of,
    registered_class,
    table_positions,
)
from models.predictors.huggingface_files import (
    check_code,
    check_directory,
    check_finite,
    check_loaded,
    fingerprint,
    snapshot,
)
from models.predictors.huggingface_options import DTYPES, HFOptions, is_native, with_defaults
from models.predictors.huggingface_predictor import LONGEST, HFPredictor, call
from models.predictors.huggingface_tokenizer import load_tokenizer
from models.predictors.huggingface_versions import (
    empty_tied_keys,
    one_line,
    put_back,
    quiet,
    remembered,
    transformers,
    version_advice,
)
from theory.validation import InputError, choice

__all__ = ["LoadedHF", "OpenedHF", "load_hf", "open_hf"]


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedHF:
    """A model with its tokenizer and facts about it (JSON values)."""

    predictor: HFPredictor
    tokenizer: Any
    facts: dict[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class OpenedHF:
    """A model directory with everything but the weights, which may take minutes.

    Attributes:
        source: Its name, as given.
        directory: Where its files are.
        options: How it is read, without defaults left open.
        raw: Its configuration file.
        config: Its configuration.
        tokenizer: Its tokenizer.
        shims: Names of what was put back for its code, see :mod:`models.predictors.huggingface_versions`.
    """

    source: str
    directory: Path
    options: HFOptions
    raw: dict[str, Any]
    config: Any
    tokenizer: Any
    shims: tuple[str, ...]

    @property
    def mask_id(self) -> int:
        """The mask token."""
        assert self.options.mask_id is not None
        return self.options.mask_id

    @property
    def longest(self) -> int:
        """The longest sequence of configuration and tokenizer."""
        names = ("max_position_embeddings", "max_sequence_length", "n_positions")
        limits = [getattr(self.config, name, None) for name in names]
        limits.append(getattr(self.tokenizer, "model_max_length", None))
        return min([LONGEST, *(int(limit) for limit in limits if limit and 0 < limit < LONGEST)])

    def load(self) -> LoadedHF:
        """Return the model with its weights, every one from the checkpoint, after one call to try it.

        Raises:
            InputError: If weights are missing, of another shape, damaged or not finite, or the code fails.
        """
        auto, model, shims = self._model()
        source, options = self.source, self.options
        model = model.requires_grad_(False).eval().to(options.device)
        check_finite(source, model)
        written_for = self.raw.get("transformers_version")
        attention = attention_of(self.config, options.attention)
        longest = min(self.longest, table_positions(model))
        tried = torch.full((2, max(2, min(4, longest))), self.mask_id, device=options.device)
        tried[:, 1::2] = torch.arange(2, device=options.device)[:, None] % self.config.vocab_size
        with quiet(), one_line(f"the model {source}", written_for), torch.no_grad():
            width = call(model, tried, attention).shape[-1]
            head = proven_head(model, lambda tokens: call(model, tokens, attention), tried)
        reads: Any = model
        if options.compile:
            with quiet(), one_line(f"the compiled model {source}"), torch.no_grad():
                reads = torch.compile(model)
                call(reads, tried, attention)
        if (most := len(self.tokenizer)) > width:
            raise InputError(f"{source}: the tokenizer has {most} tokens, the model only {width}.")
        predictor = HFPredictor(
            reads,
            mask_id=self.mask_id,
            vocab_size=width,
            suppressed=options.suppressed,
            shift=bool(options.shift),
            attention=attention,
            longest=longest,
            head=None if options.compile else head,  # a compiled network does not see a head that changes
        )
        facts = {
            "model": Path(source).name if Path(source).is_dir() else source,
            "architecture": type(model).__name__,
            "loaded_with": auto,
            "revision": options.revision,
            "sha256": fingerprint(self.directory),
            "mask_id": predictor.mask_id,
            "suppressed": list(predictor.suppressed),
            "shift": predictor.shift,
            "attention": None if attention is None else str(attention),
            "attn_implementation": getattr(model.config, "_attn_implementation", None),
            "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
            "context": predictor.longest if predictor.longest < LONGEST else None,
            "transformers": transformers().__version__,
            "written_for": written_for,
            "shims": sorted({*self.shims, *shims}),
            **({"compiled": True} if options.compile else {}),
        }
        return LoadedHF(predictor=predictor, tokenizer=self.tokenizer, facts=facts)

    def _dtype(self) -> torch.dtype:
        """Return the dtype of the weights, that of the configuration unless one is given."""
        if self.options.dtype != "auto":
            return getattr(torch, self.options.dtype)
        kept = str(self.raw.get("torch_dtype") or self.raw.get("dtype") or "float32").removeprefix("torch.")
        return getattr(torch, choice(kept, "dtype of the configuration", DTYPES[1:]))

    def _model(self) -> tuple[str, torch.nn.Module, tuple[str, ...]]:
        """Return the auto class, the model, and what was put back for its code."""
        written_for = self.raw.get("transformers_version")
        if self.options.attn_implementation is not None:
            self.config._attn_implementation = self.options.attn_implementation
        with quiet(), one_line(f"the model {self.source}", written_for), put_back() as shims:
            if not is_native(self.config.model_type):
                name = chosen_class(self.directory, self.raw, self.options.auto_class)
                kind, kernels = class_of(self.directory, self.raw["auto_map"][name])
                shims += kernels
            else:
                name = self.options.auto_class or "AutoModelForMaskedLM"
                kind = registered_class(name, self.config)
            if kind is not None:
                shims += remembered(kind, [*self.shims, *shims, *empty_tied_keys(kind)])
                model = build_model(self.directory, kind, self.config, self._dtype(), self.options.device)
                return name, model, tuple(shims)
        package = transformers()
        new = int(package.__version__.split(".")[0]) >= 5
        wanted = self.options.dtype if self.options.dtype == "auto" else getattr(torch, self.options.dtype)
        # each weight goes straight to the device, and no second copy is made in memory; version 4 ties the biases of
        # RoBERTa otherwise then, and cannot save it
        place = {"device_map": {"": self.options.device}} if new and find_spec("accelerate") else {}
        with quiet(), one_line(f"the model {self.source}", written_for):
            model, info = getattr(package, name).from_pretrained(
                str(self.directory),
                config=self.config,
                local_files_only=True,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # reported below
                output_loading_info=True,
                **{"dtype" if new else "torch_dtype": wanted},
                **place,
            )
        check_loaded(self.source, info)
        return name, model, ()


def load_hf(source: str | Path, options: HFOptions | None = None) -> LoadedHF:
    """Return a model from a directory (or a hub, with a pinned revision), ready to predict.

    Args:
        source: A directory with ``config.json``, safetensors weights and a tokenizer.
        options: How to read it.

    Raises:
        InputError: If the files or options are wrong, or do not fit each other.
    """
    return open_hf(source, options).load()


def open_hf(source: str | Path, options: HFOptions | None = None) -> OpenedHF:
    """Return a model directory without its weights, so that what is wrong elsewhere is said at once.

    Args:
        source: As for :func:`load_hf`.
        options: How to read it.

    Raises:
        InputError: If the files or options are wrong, or do not fit each other.
    """
    options = options or HFOptions()
    check_device(options.device)
    for module in options.imports:
        with one_line(f"the module {module} of --import"):
            importlib.import_module(module)
    directory = Path(source) if Path(source).is_dir() else snapshot(str(source), options.revision)
    raw = check_directory(directory)
    written_for, native = raw.get("transformers_version"), is_native(str(raw.get("model_type")))
    advice = "" if native else version_advice(written_for)
    check_code(raw, source, trusted=options.trust_remote_code, native=native, advice=advice)
    own = options.trust_remote_code and not native
    with put_back() as shims:
        with quiet(), one_line(f"the configuration of {source}", written_for if own else None):
            # not by AutoConfig: code of another directory may have registered the same model type
            kind, kernels = transformers().AutoConfig, list[str]()
            if own and (reference := raw["auto_map"].get("AutoConfig")):
                kind, kernels = class_of(directory, reference)
            config = kind.from_pretrained(str(directory), local_files_only=True)
        if not isinstance(getattr(config, "vocab_size", None), int):
            raise InputError(f"{source}: the configuration has no vocab_size; this is no model of text.")
        tokenizer = load_tokenizer(directory, options.trust_remote_code, written_for, config)
    return OpenedHF(
        source=str(source),
        directory=directory,
        options=with_defaults(source, options, config, tokenizer),
        raw=raw,
        config=config,
        tokenizer=tokenizer,
        shims=(*shims, *kernels) if own else (),
    )
