"""The command ``parabounds model gap``, what parallel decoding costs a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.commands.common import (
    add_measurement,
    add_reading,
    decoding_settings,
    huggingface_options,
    non_negative,
    optional_int,
    set_threads,
    shown,
    text_format,
)
from theory.commands.command_line import worker_count
from theory.commands.listing import Listing, show_listing
from theory.validation import InputError, positive_int

__all__ = ["add", "run"]

ORDERS = ("random", "left_to_right", "confidence", "margin", "entropy")
NOTE = (
    "gap: mean log2-ratio of the model's one-by-one distribution and its parallel distribution, "
    "in bits. The path KL lies between gap "
    "and total; they differ by the model's own inconsistency between reveal orders, 0 for an ideal model."
)


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--model", required=True, metavar="M", help="ideal, shipped, a .safetensors file, or a directory"
    )
    parser.add_argument("--prompts", type=Path, metavar="FILE", help=".txt, .jsonl or .csv with prompts")
    parser.add_argument("--task", metavar="NAME", help="a registered task, instead of prompts")
    parser.add_argument("-n", metavar="N", help="its size")
    parser.add_argument(
        "--policy",
        default="topk:k=2,by=confidence",
        metavar="SPEC",
        help="the parallel decoder (%(default)s)",
    )
    parser.add_argument(
        "--order", choices=ORDERS, default="random", help="order of the one-by-one decoder (random)"
    )
    parser.add_argument("--temperature", default="1", metavar="T", help="tau > 0 of the parallel decoder (1)")
    parser.add_argument(
        "--samples", metavar="N", help="sequences per prompt (1), or instances of the task (1000)"
    )
    parser.add_argument("--length", metavar="N", help="masks after prompts without [MASK]")
    parser.add_argument(
        "--orders", default="0", metavar="K", help="also score each sequence in K random orders (0)"
    )
    parser.add_argument("--seed", default="0", metavar="S", help="seed of all randomness (0)")
    parser.add_argument("--batch", metavar="N", help="rows at once (by memory)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="records as JSONL; an interrupted run continues"
    )
    add_reading(parser)
    add_measurement(parser)


def run(arguments: argparse.Namespace) -> int:
    """Measure the gap and print it."""
    from models.evaluation.gap_run import GapSpec, run_gap
    from models.inputs.sources import SourceSpec
    from models.runs.progress import work_progress

    set_threads(arguments)
    if arguments.out is not None and arguments.out.suffix.lower() != ".jsonl":
        raise InputError(f"--out must end with .jsonl, got {arguments.out}.")
    default = 1 if arguments.task is None else 1000
    source = SourceSpec(
        model=arguments.model,
        prompts=arguments.prompts,
        task=arguments.task,
        n=optional_int(arguments.n, "-n"),
        samples=default if arguments.samples is None else positive_int(arguments.samples, "--samples"),
        length=optional_int(arguments.length, "--length"),
        words=arguments.words,
        written=text_format(arguments),
        seed=non_negative(arguments.seed, "--seed"),
        options=huggingface_options(arguments),
    )
    spec = GapSpec(
        source=source,
        policy=arguments.policy,
        order=arguments.order,
        temperature=arguments.temperature,
        extra=non_negative(arguments.orders, "--orders"),
        batch=optional_int(arguments.batch, "--batch"),
        out=arguments.out,
        decoding=decoding_settings(arguments),
    )
    with work_progress("gap") as report:
        answer = run_gap(spec, jobs=worker_count(arguments.jobs, "--jobs"), report=report)
    if not answer:  # another worker of torchrun reports
        return 0
    show_listing(_listing(answer), arguments)
    return 0


def _listing(answer: dict[str, Any]) -> Listing:
    title = (
        f"{answer['policy']}, one by one: {answer['order']}; {answer['sequences']} sequences of "
        f"{answer['prompts']} prompts, {answer['tokens']:.1f} tokens in {answer['steps']:.2f} steps"
    )
    title += f", cache {answer['cache']}" if "cache" in answer else ""
    worst = sorted(answer["by_position"], key=lambda row: -row["mean"])[:10]
    named = [
        *(
            (name.replace("_", " "), answer[name])
            for name in ("gap", "gap_per_token", "inconsistency", "total")
        ),
        ("exact path KL of the ideal model", _alone(answer["exact_path_kl"])),
        ("spread over reveal orders", _alone(answer["order_spread"])),
        *((f"step {row['step']} ({row['sequences']})", row) for row in answer["by_step"]),
        *((f"position {row['position']}", row) for row in worst),
    ]
    level = f"{100 * answer['level']:g} %"
    rows = [
        {"bits per sequence": name, "mean": shown(value["mean"]), level: _ends(value["interval"])}
        for name, value in named
        if value is not None
    ]
    notes = [f"The {len(worst)} most costly positions are shown; --json has all."]
    few = len(answer["by_position"]) == len(worst)
    return Listing(title=title, rows=rows, answer=answer, notes=[NOTE] if few else [*notes, NOTE])


def _alone(value: float | None) -> dict[str, Any] | None:
    return None if value is None else {"mean": value, "interval": None}


def _ends(interval: list[float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.4f}..{interval[1]:.4f}"
