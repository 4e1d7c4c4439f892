"""The command ``parabounds model verify``, a trained model beside exact values."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from models.commands.common import (
    add_decoding,
    add_measurement,
    decoding_settings,
    huggingface_options,
    optional_int,
    set_threads,
    shown,
    text_format,
)
from theory.commands.command_line import whole, worker_count
from theory.commands.listing import Listing, show_listing
from theory.validation import InputError, positive_int

__all__ = ["add", "run"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--model",
        default="shipped",
        metavar="M",
        help="shipped, a .safetensors file, or a directory (shipped)",
    )
    parser.add_argument("--weights", metavar="FILE", help="another name of --model")
    parser.add_argument("--task", metavar="NAME", help="one task (all that the model knows)")
    parser.add_argument("-n", metavar="N", help="length of the list (shortest, middle and longest trained)")
    parser.add_argument(
        "--policy",
        default="topk:k=2,by=random",
        metavar="SPEC",
        help="such as threshold:gamma=0.9 (%(default)s)",
    )
    parser.add_argument("--temperature", default="1", metavar="T", help="tau >= 0; 0 is greedy (1)")
    parser.add_argument("--samples", default="1000", metavar="N", help="decodes per row (%(default)s)")
    parser.add_argument("--seed", type=whole, default=0, metavar="S", help="seed of instances and draws (0)")
    parser.add_argument("--batch", metavar="N", help="decodes at once (by memory)")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write JSON, CSV, a figure, and records to continue from"
    )
    add_decoding(parser)
    add_measurement(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verify and print; 1 if a row that can be compared does not agree."""
    from models.evaluation.verify_files import write_verification
    from models.evaluation.verify_run import VerifySpec, run_verify
    from models.inputs.text_model import read_words
    from models.runs.progress import work_progress

    set_threads(arguments)
    if arguments.seed < 0:
        raise InputError(f"--seed must be at least 0, got {arguments.seed}.")
    spec = VerifySpec(
        model=arguments.weights or arguments.model,
        task=arguments.task,
        n=optional_int(arguments.n, "-n"),
        policy=arguments.policy,
        temperature=arguments.temperature,
        samples=positive_int(arguments.samples, "--samples"),
        seed=arguments.seed,
        batch=optional_int(arguments.batch, "--batch"),
        words=None if arguments.words is None else tuple(read_words(arguments.words)),
        written=text_format(arguments),
        options=huggingface_options(arguments),
        out=arguments.out,
        decoding=decoding_settings(arguments),
    )
    with work_progress("verify") as report:
        answer = run_verify(spec, jobs=worker_count(arguments.jobs, "--jobs"), report=report)
    if not answer:  # another worker of torchrun reports
        return 0
    if arguments.out is not None:
        write_verification(answer, arguments.out)
    show_listing(_listing(answer), arguments)
    return 1 if any(row["agrees"] is False for row in answer["rows"]) else 0


def _listing(answer: dict[str, Any]) -> Listing:
    from synthetic.encoding import WORDS

    title = f"{answer['policy']}, temperature {answer['temperature']:g}, {answer['samples']} decodes per row"
    title += f", cache {answer['cache']}" if "cache" in answer else ""
    rows = [
        {
            "task": row["task"],
            "n": str(row["n"]),
            "accuracy": f"{row['accuracy']:.4f}",
            "95 %": f"{row['interval'][0]:.2f}..{row['interval'][1]:.2f}",
            "exact": shown(row["exact_accuracy"]),
            "verdict": row["verdict"] or "-",
            "steps": f"{row['steps']:.2f}",
            "TV": shown(row["mean_tv"]),
            "ok": {True: "yes", False: "no", None: "-"}[row["agrees"]],
        }
        for row in answer["rows"]
    ]
    notes: list[str] = []
    if own := answer["model"].get("words_of_tokenizer"):
        named = ", ".join(own[:8]) + (", ..." if len(own) > 8 else ".")
        notes.append(f"{len(own)} of {len(WORDS)} words are of the tokenizer: {named}")
    slowest = min(row["samples_per_second"] for row in answer["rows"])
    notes.append(f"At least {slowest:.3g} decodes a second. {answer['note']}")
    return Listing(title=title, rows=rows, answer=answer, notes=notes)
