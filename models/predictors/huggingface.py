"""Loading of LLaDA, Dream and other masked language models from Hugging Face.

LLaDA and Dream come with their own code and are loaded with ``AutoModel``; everything else with
``AutoModelForMaskedLM``. transformers is imported late; install it with the extra ``hf``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from models.predictors.device import check_device
from models.predictors.huggingface_files import (
    check_code,
    check_directory,
    check_loaded,
    fingerprint,
    one_line,
)
from models.predictors.huggingface_predictor import LONGEST, HFPredictor
from theory.validation import InputError, choice

__all__ = [
    "DTYPES",
    "HFOptions",
    "LoadedHF",
    "load_hf",
    "load_parts",
    "load_tokenizer",
    "quiet",
    "read_tokenizer",
    "transformers",
]

DTYPES = ("auto", "float32", "float16", "bfloat16", "float64")
LLADA_MASK, DREAM_MASK = 126336, 151666  # of the released checkpoints, unless the configuration names another


@dataclass(frozen=True, kw_only=True)
class HFOptions:
    """How a Hugging Face model is read.

    Attributes:
        mask_id: The mask token; by default that of the tokenizer, then that of the configuration.
        suppressed: Tokens never proposed, besides the mask.
        shift: Whether logits are shifted right by one; by default for Dream only.
        dtype: The dtype of the weights; ``auto`` is that of the checkpoint on a GPU and float32 on a CPU.
        device: cpu, cuda, cuda:K or mps.
        trust_remote_code: Run Python code that comes with the model.
        revision: Commit of a model on a hub; directories need none.
    """

    mask_id: int | None = None
    suppressed: tuple[int, ...] = ()
    shift: bool | None = None
    dtype: str = "auto"
    device: str = "cpu"
    trust_remote_code: bool = False
    revision: str | None = None

    def __post_init__(self) -> None:
        choice(self.dtype, "dtype", DTYPES)
        if self.device == "cpu" and self.dtype == "float16":
            raise InputError("dtype float16 is not for the CPU; use float32 or bfloat16.")


@dataclass(frozen=True, kw_only=True, eq=False)
class LoadedHF:
    """A model with its tokenizer and facts about it (JSON values)."""

    predictor: HFPredictor
    tokenizer: Any
    facts: dict[str, Any]


def load_hf(source: str | Path, options: HFOptions | None = None) -> LoadedHF:
    """Return a model from a directory (or a hub, with a pinned revision), ready to predict.

    Args:
        source: A directory with ``config.json``, safetensors weights and a tokenizer.
        options: How to read it.

    Raises:
        InputError: If the files or options are wrong, or do not fit each other.
    """
    options = options or HFOptions()
    check_device(options.device.partition(":")[0])
    config, where = _config(source, options)
    tokenizer = load_tokenizer(where, options)
    options = _defaults(source, options, config, tokenizer)
    assert options.mask_id is not None
    model = load_parts(where, options, config)
    predictor = HFPredictor(
        model.requires_grad_(False).eval().to(options.device),
        mask_id=options.mask_id,
        vocab_size=int(config.vocab_size),
        suppressed=options.suppressed,
        shift=bool(options.shift),
        longest=_longest(config, tokenizer),
    )
    if (most := len(tokenizer)) > predictor.vocab_size:
        raise InputError(f"{source}: the tokenizer has {most} tokens, the model only {predictor.vocab_size}.")
    facts = {
        "model": Path(source).name if Path(source).is_dir() else str(source),
        "architecture": type(model).__name__,
        "revision": options.revision or getattr(config, "_commit_hash", None),
        "sha256": fingerprint(Path(source)) if Path(source).is_dir() else None,
        "mask_id": predictor.mask_id,
        "suppressed": list(predictor.suppressed),
        "shift": predictor.shift,
        "dtype": str(next(model.parameters()).dtype).removeprefix("torch."),
        "context": predictor.longest if predictor.longest < LONGEST else None,
    }
    return LoadedHF(predictor=predictor, tokenizer=tokenizer, facts=facts)


def transformers() -> Any:
    """Return the transformers package.

    Raises:
        InputError: If it is not installed.
    """
    try:
        import transformers as package
    except ImportError:
        raise InputError("transformers is not installed; python -m pip install 'parabounds[hf]'.") from None
    return package


def load_tokenizer(where: dict[str, Any], options: HFOptions) -> Any:
    """Return the tokenizer beside a model; ``where`` are arguments of ``from_pretrained``."""
    source = where["pretrained_model_name_or_path"]
    with quiet(), one_line(f"the tokenizer of {source}"):
        found = transformers().AutoTokenizer.from_pretrained(
            **where, trust_remote_code=options.trust_remote_code
        )
        # without files some tokenizers have special tokens only
        if not set(found.get_vocab()) - set(found.all_special_tokens):
            raise InputError(f"{source}: the tokenizer has no words; its files are missing.")
    return found


def read_tokenizer(directory: str | Path) -> Callable[[str], list[int]]:
    """Return a function from a text to its token ids, without special tokens.

    Args:
        directory: A directory with a tokenizer; weights are not needed, and its code is not run.

    Raises:
        InputError: If there is no such directory or tokenizer, or transformers is not installed.
    """
    if not Path(directory).is_dir():
        raise InputError(f"--tokenizer {directory} is no directory.")
    where = {"pretrained_model_name_or_path": str(directory), "local_files_only": True}
    found = load_tokenizer(where, HFOptions())
    return lambda text: list(found(text, add_special_tokens=False, verbose=False)["input_ids"])


def load_parts(where: dict[str, Any], options: HFOptions, config: Any) -> torch.nn.Module:
    """Return the model itself, every weight from the checkpoint.

    Raises:
        InputError: If weights are missing, of another shape, damaged, or not finite.
    """
    package = transformers()
    # LLaDA and Dream register themselves as AutoModel, which includes their head
    own = not _native(config.model_type) and "AutoModelForMaskedLM" not in getattr(config, "auto_map", {})
    auto = package.AutoModel if own else package.AutoModelForMaskedLM
    name = "dtype" if int(package.__version__.split(".")[0]) >= 5 else "torch_dtype"
    source = where["pretrained_model_name_or_path"]
    with quiet(), one_line(f"the model {source}"):
        model, info = auto.from_pretrained(
            **where,
            config=config,
            trust_remote_code=options.trust_remote_code,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # reported below
            output_loading_info=True,
            **{name: options.dtype if options.dtype == "auto" else getattr(torch, options.dtype)},
        )
    check_loaded(source, model, info)
    return model


def _config(source: str | Path, options: HFOptions) -> tuple[Any, dict[str, Any]]:
    path = Path(source)
    where: dict[str, Any] = {"pretrained_model_name_or_path": str(source)}
    if path.is_dir():
        raw = check_directory(path)
        where["local_files_only"] = True
        check_code(raw, source, trusted=options.trust_remote_code, native=_native(str(raw.get("model_type"))))
    elif options.revision is None:
        raise InputError(f"no directory {source}; a model of a hub needs its commit as --revision.")
    else:
        where["revision"] = options.revision
    with quiet(), one_line(f"the configuration of {source}"):
        config = transformers().AutoConfig.from_pretrained(
            **where, trust_remote_code=options.trust_remote_code
        )
    if not isinstance(getattr(config, "vocab_size", None), int):
        raise InputError(f"{source}: the configuration has no vocab_size; this is no model of text.")
    return config, where


def _native(model_type: str) -> bool:
    return model_type in transformers().CONFIG_MAPPING


def _defaults(source: str | Path, options: HFOptions, config: Any, tokenizer: Any) -> HFOptions:
    kind = str(getattr(config, "model_type", "")).lower()
    mask = options.mask_id
    if mask is None:
        mask = tokenizer.mask_token_id
    if mask is None:
        mask = getattr(config, "mask_token_id", None)
    if mask is None:
        mask = {"llada": LLADA_MASK, "dream": DREAM_MASK}.get(kind)
    if mask is None:
        raise InputError(f"{source}: neither tokenizer nor configuration names a mask token; give --mask-id.")
    if not 0 <= mask < config.vocab_size:
        raise InputError(f"{source}: mask id {mask} is outside the vocabulary 0..{config.vocab_size - 1}.")
    dtype = "float32" if options.dtype == "auto" and options.device == "cpu" else options.dtype
    shift = kind == "dream" if options.shift is None else options.shift
    return replace(options, mask_id=mask, dtype=dtype, shift=shift)


def _longest(config: Any, tokenizer: Any) -> int:
    names = ("max_position_embeddings", "max_sequence_length", "n_positions")
    limits = [getattr(config, name, None) for name in names] + [getattr(tokenizer, "model_max_length", None)]
    return min([LONGEST, *(int(limit) for limit in limits if limit and 0 < limit < LONGEST)])


@contextmanager
def quiet() -> Generator[None]:
    """Silence progress bars and advice of transformers; errors are still raised."""
    logging = transformers().utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
