"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from theory.commands.listing import add_listing
from theory.validation import InputError, positive_int

if TYPE_CHECKING:
    from models.inputs.list_tasks_as_text import TextFormat
    from models.predictors.huggingface_options import HFOptions
    from models.sampling.decoding_settings import Decoding

__all__ = [
    "add_checkpoint",
    "add_decoding",
    "add_device",
    "add_huggingface",
    "add_measurement",
    "add_model",
    "add_reading",
    "decoding_settings",
    "huggingface_options",
    "non_negative",
    "optional_int",
    "set_threads",
    "shown",
    "text_format",
]

ATTENTIONS = ("eager", "sdpa", "flash_attention_2", "flex_attention")
AUTO_CLASSES = ("AutoModelForMaskedLM", "AutoModelForCausalLM", "AutoModel")
CACHES = ("none", "prefix", "dual")
CONFIDENCE = ("float64", "float32", "bfloat16", "float16", "model")
GREEDY_TIES, NUCLEUS, SCORED = ("random", "lowest"), ("keep", "drop"), ("before", "after")
DTYPES = ("auto", "float32", "float16", "bfloat16", "float64")


def add_device(parser: argparse.ArgumentParser) -> None:
    """Add ``--device`` and ``--threads``."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:K or mps (%(default)s)")
    parser.add_argument("--threads", default="1", metavar="N", help="threads of a CPU (%(default)s)")


def add_huggingface(parser: argparse.ArgumentParser) -> None:
    """Add the options of Hugging Face models."""
    group = parser.add_argument_group("Hugging Face models")
    group.add_argument(
        "--trust-remote-code", action="store_true", help="run Python code that comes with the model"
    )
    group.add_argument("--revision", metavar="COMMIT", help="commit of a model on a hub")
    group.add_argument(
        "--dtype", choices=DTYPES, default="auto", help="of the weights (the checkpoint's; float32 on a CPU)"
    )
    group.add_argument(
        "--auto-class",
        choices=AUTO_CLASSES,
        help="class that loads the model (masked LM; for own code the first of these in its auto_map)",
    )
    group.add_argument(
        "--import",
        dest="imports",
        action="append",
        metavar="MODULE",
        help="module that registers an architecture with transformers; may be repeated",
    )
    group.add_argument(
        "--attention", metavar="A", help="full or block:SIZE, of block-diffusion models (the model's own)"
    )
    group.add_argument(
        "--attn-implementation", choices=ATTENTIONS, help="how attention is computed (that of transformers)"
    )
    group.add_argument("--mask-id", metavar="ID", help="mask token (that of tokenizer or configuration)")
    group.add_argument("--suppress", metavar="ID,ID", help="tokens never proposed, besides the mask")
    group.add_argument(
        "--shift", choices=("auto", "yes", "no"), default="auto", help="shift logits right (Dream only)"
    )


def _add_text(parser: argparse.ArgumentParser) -> None:
    """Add the options of list tasks as text."""
    from pathlib import Path

    group = parser.add_argument_group("list tasks as text")
    group.add_argument("--words", type=Path, metavar="FILE", help="items of the lists, one per line")
    group.add_argument(
        "--format",
        choices=("auto", "quoted", "plain"),
        default="auto",
        help='["a", "b"] or [ a , b ]; auto: quoted if the words allow it',
    )
    group.add_argument(
        "--blocks", action="store_true", help="items of several tokens, all of the same number"
    )
    group.add_argument("--chat", action="store_true", help="use the chat template of the tokenizer")


def add_checkpoint(parser: argparse.ArgumentParser) -> None:
    """Add the options of a Hugging Face model on list tasks as text."""
    add_huggingface(parser)
    _add_text(parser)


def add_model(parser: argparse.ArgumentParser) -> None:
    """Add the options of a model: device, Hugging Face, and list tasks as text."""
    add_device(parser)
    add_checkpoint(parser)


def add_measurement(parser: argparse.ArgumentParser) -> None:
    """Add the options that commands that measure a model share."""
    parser.add_argument("--jobs", default="1", metavar="N", help="workers on a CPU (%(default)s)")
    add_listing(parser, out=False)
    parser.add_argument(
        "--compile", action="store_true", help="compile a Hugging Face model first: slow start, faster calls"
    )
    add_model(parser)


def add_reading(parser: argparse.ArgumentParser) -> Any:
    """Add how the model is called, which a gap has as well, and return the group."""
    group = parser.add_argument_group("decoding as released")
    group.add_argument(
        "--cache",
        choices=CACHES,
        default="none",
        help="keys and values of the last block start (%(default)s)",
    )
    group.add_argument("--guidance", default="0", metavar="W", help="classifier-free guidance (0)")
    return group


def add_decoding(parser: argparse.ArgumentParser) -> None:
    """Add how tokens are drawn and scored, and how the model is called."""
    group = add_reading(parser)
    group.add_argument("--greedy-ties", choices=GREEDY_TIES, default="random", help="equal tokens at tau = 0")
    group.add_argument("--top-p", metavar="P", help="draw from the nucleus of this probability")
    group.add_argument("--top-k", metavar="K", help="draw from the K most probable tokens")
    group.add_argument("--nucleus", choices=NUCLEUS, default="keep", help="the token that crosses --top-p")
    group.add_argument(
        "--scored", choices=SCORED, default="before", help="scores read before or after these (Dream: after)"
    )
    group.add_argument(
        "--confidence-dtype",
        choices=CONFIDENCE,
        default="float64",
        help="dtype of the scores; model: that of the model (LLaDA) (%(default)s)",
    )
    group.add_argument("--rank-last", metavar="ID,ID", help="tokens that are allowed but taken last, as EOS")
    group.add_argument(
        "--stop", metavar="ID", help="token that ends a row, as EOS; what is masked becomes it"
    )


def decoding_settings(arguments: argparse.Namespace) -> Decoding:
    """Return the checked settings of ``add_reading`` or ``add_decoding``."""
    from models.sampling.decoding_settings import Decoding

    try:
        guidance = float(arguments.guidance)
    except ValueError:
        raise InputError(f"--guidance must be a number of at least 0, got {arguments.guidance!r}.") from None
    reading: dict[str, Any] = {"cache": arguments.cache, "guidance": guidance}
    if not hasattr(arguments, "rank_last"):
        return Decoding(**reading)
    listed = (arguments.rank_last or "").split(",")
    names = ("greedy_ties", "top_p", "top_k", "nucleus", "scored", "confidence_dtype")
    return Decoding(
        **reading,
        **{name: getattr(arguments, name) for name in names},
        ranked_last=tuple(non_negative(part, "--rank-last") for part in listed if part.strip()),
        stop=None if arguments.stop is None else non_negative(arguments.stop, "--stop"),
    )


def text_format(arguments: argparse.Namespace) -> TextFormat:
    """Return how list tasks are written."""
    from models.inputs.list_tasks_as_text import TextFormat

    return TextFormat(name=arguments.format, blocks=arguments.blocks, chat=arguments.chat)


def huggingface_options(arguments: argparse.Namespace) -> HFOptions:
    """Return the checked options."""
    from models.predictors.huggingface_options import HFOptions

    listed = (arguments.suppress or "").split(",")
    return HFOptions(
        mask_id=None if arguments.mask_id is None else non_negative(arguments.mask_id, "--mask-id"),
        suppressed=tuple(non_negative(part, "--suppress") for part in listed if part.strip()),
        shift={"auto": None, "yes": True, "no": False}[arguments.shift],
        dtype=arguments.dtype,
        device=arguments.device,
        trust_remote_code=arguments.trust_remote_code,
        revision=arguments.revision,
        auto_class=arguments.auto_class,
        attention=arguments.attention,
        attn_implementation=arguments.attn_implementation,
        imports=tuple(arguments.imports or ()),
        compile=getattr(arguments, "compile", False),
    )


def non_negative(value: object, name: str) -> int:
    """Return ``value`` as an int of at least 0.

    Example:
        >>> non_negative("0", "--mask-id")
        0
    """
    text = str(value).strip()
    if not (text.isascii() and text.isdecimal()):
        raise InputError(f"{name} must be a whole number of at least 0, got {value!r}.")
    return int(text)


def optional_int(value: object, name: str) -> int | None:
    """Return ``None``, or an int of at least 1."""
    return None if value is None else positive_int(value, name)


def set_threads(arguments: argparse.Namespace) -> None:
    """Set the number of threads of torch."""
    import torch

    torch.set_num_threads(positive_int(arguments.threads, "--threads"))


def shown(value: Any, digits: int = 4) -> str:
    """Return a number for a table, ``-`` for none.

    Example:
        >>> shown(0.5), shown(None)
        ('0.5000', '-')
    """
    return "-" if value is None else f"{float(value):.{digits}f}"
