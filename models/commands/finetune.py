"""The command ``parabounds model finetune``, LoRA on list tasks with the paper's recipe."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from models.commands.common import (
    add_model,
    huggingface_options,
    non_negative,
    optional_int,
    set_threads,
    text_format,
)
from theory.validation import InputError, positive_int

__all__ = ["add", "run"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--model", required=True, metavar="DIR", help="a Hugging Face directory")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="for adapters, merged model, card and state"
    )
    parser.add_argument(
        "--tasks", default="copy,replace_index,replace_random,shuffle", metavar="A,B", help="(%(default)s)"
    )
    parser.add_argument("-n", default="4-10", metavar="N", help="lengths of lists: 6, or 4-10 (%(default)s)")
    parser.add_argument("--examples", default="20000", metavar="N", help="per epoch (%(default)s)")
    parser.add_argument("--epochs", default="10", metavar="N", help="passes (%(default)s)")
    parser.add_argument("--rank", default="128", metavar="R", help="rank of the adapters (%(default)s)")
    parser.add_argument(
        "--alpha", default="256", metavar="A", help="scale of the adapters times the rank (%(default)s)"
    )
    parser.add_argument("--rate", default="1e-5", metavar="X", help="peak learning rate (%(default)s)")
    parser.add_argument("--warmup", default="0.05", metavar="X", help="share of rising rate (%(default)s)")
    parser.add_argument("--batch", default="32", metavar="N", help="examples per step (%(default)s)")
    parser.add_argument("--targets", metavar="A,B", help="linear layers to adapt (q, k and v)")
    parser.add_argument("--seed", default="0", metavar="S", help="seed of all randomness (0)")
    parser.add_argument(
        "--limit", dest="step_limit", metavar="N", help="stop after N steps; --resume continues"
    )
    parser.add_argument(
        "--save-every", default="5", metavar="MIN", help="minutes between saved states (%(default)s)"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument(
        "--gradient-checkpointing",
        action="store_true",
        help="less memory, more time, the same result: layers are computed again in the backward pass",
    )
    add_model(parser)


def run(arguments: argparse.Namespace) -> int:
    """Fine-tune, and print where the model is."""
    from dataclasses import replace

    from models.inputs.sources import is_directory_model
    from models.inputs.task_models import load_subject
    from models.inputs.text_model import TextSubject, read_words
    from models.runs.output_folder import check_folder
    from models.runs.progress import training_progress
    from models.training.finetune import FinetuneRecipe, finetune, finished, run_settings
    from models.training.finetune_data import make_examples

    set_threads(arguments)
    recipe = FinetuneRecipe(
        tasks=_listed(arguments.tasks),
        sizes=_sizes(arguments.n),
        examples=positive_int(arguments.examples, "--examples"),
        epochs=positive_int(arguments.epochs, "--epochs"),
        rank=positive_int(arguments.rank, "--rank"),
        alpha=positive_int(arguments.alpha, "--alpha"),
        rate=_float(arguments.rate, "--rate"),
        warmup=_float(arguments.warmup, "--warmup"),
        batch=positive_int(arguments.batch, "--batch"),
        targets=_listed(arguments.targets or ""),
        seed=non_negative(arguments.seed, "--seed"),
    )
    limit = optional_int(arguments.step_limit, "--limit")
    save_every = _float(arguments.save_every, "--save-every")
    if save_every < 0:
        raise InputError(f"--save-every must be at least 0 minutes, got {arguments.save_every}.")
    if not is_directory_model(arguments.model) or not Path(arguments.model).is_dir():
        raise InputError(f"--model must be a Hugging Face directory, got {arguments.model!r}.")
    check_folder(arguments.out)
    options = huggingface_options(arguments)
    if options.device == "cuda" and "LOCAL_RANK" in os.environ:
        options = replace(options, device=f"cuda:{non_negative(os.environ['LOCAL_RANK'], 'LOCAL_RANK')}")
    words = None if arguments.words is None else read_words(arguments.words)
    subject: Any = load_subject(
        arguments.model, options, words=words, written=text_format(arguments), tasks=recipe.tasks
    )
    assert isinstance(subject, TextSubject)
    unfinished = (arguments.out / "finetune.state.safetensors").exists()
    if arguments.resume and not unfinished and finished(run_settings(subject, recipe), arguments.out):
        sys.stdout.write(f"finished already; the model is in {arguments.out / 'merged'}\n")
        return 0
    per_epoch = make_examples(
        subject, recipe.tasks, recipe.sizes, examples=recipe.examples, batch=recipe.batch, seed=recipe.seed
    ).steps
    total = recipe.epochs * per_epoch
    visible = os.environ.get("RANK", "0") == "0"
    with training_progress("adapters", total, visible=visible) as report:
        done = finetune(
            subject,
            recipe,
            Path(arguments.model),
            arguments.out,
            resume=arguments.resume,
            limit=limit,
            save_every=save_every,
            recompute=arguments.gradient_checkpointing,
            report=report,
        )
    if done is not None:
        sys.stdout.write(f"{done}\n")
    elif visible:
        sys.stdout.write(f"stopped; --resume continues from {arguments.out}\n")
    return 0


def _listed(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _sizes(text: str) -> tuple[int, ...]:
    """Return the lengths that ``6`` or ``4-10`` stands for."""
    first, dash, last = text.partition("-")
    begin = positive_int(first, "-n")
    end = positive_int(last, "-n") if dash else begin
    if end < begin:
        raise InputError(f"-n must be a length or a range such as 4-10, got {text!r}.")
    return tuple(range(begin, end + 1))


def _float(text: str, name: str) -> float:
    from theory.validation import exact_fraction

    return float(exact_fraction(text, name))
