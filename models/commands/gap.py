"""The command ``parabounds model gap``, what parallel decoding costs a model."""

from __future__ import annotations

import argparse
import sys
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
from theory.commands.command_line import as_json, worker_count
from theory.commands.terminal import terminal
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
    if arguments.json:
        sys.stdout.write(as_json(answer) + "\n")
    else:
        _print_table(answer)
    return 0


def _print_table(answer: dict[str, Any]) -> None:
    from rich.table import Table

    title = (
        f"{answer['policy']}, one by one: {answer['order']}; {answer['sequences']} sequences of "
        f"{answer['prompts']} prompts, {answer['tokens']:.1f} tokens in {answer['steps']:.2f} steps"
    )
    title += f", cache {answer['cache']}" if "cache" in answer else ""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("bits per sequence", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column(f"{100 * answer['level']:g} %", justify="right", no_wrap=True)
    for name in ("gap", "gap_per_token", "inconsistency", "total"):
        _add(table, name.replace("_", " "), answer[name])
    if answer["exact_path_kl"] is not None:
        table.add_row("exact path KL of the ideal model", shown(answer["exact_path_kl"]), "")
    if answer["order_spread"] is not None:
        table.add_row("spread over reveal orders", shown(answer["order_spread"]), "")
    for row in answer["by_step"]:
        _add(table, f"step {row['step']} ({row['sequences']})", row)
    worst = sorted(answer["by_position"], key=lambda row: -row["mean"])[:10]
    for row in worst:
        _add(table, f"position {row['position']}", row)
    console = terminal()
    console.print(table)
    if len(answer["by_position"]) > len(worst):
        console.print(f"The {len(worst)} most costly positions are shown; --json has all.")
    console.print(NOTE)


def _add(table: Any, name: str, value: dict[str, Any]) -> None:
    ends = value["interval"]
    table.add_row(name, shown(value["mean"]), "-" if ends is None else f"{ends[0]:.4f}..{ends[1]:.4f}")
