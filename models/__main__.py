"""``python -m models``: train a masked diffusion model of the list tasks, or verify one against exact values."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from theory._checks import InputError, positive_int
from theory.commandline import OneLineParser, as_json, guarded
from theory.policies import parse_policy
from theory.temper import check_temperature

__all__ = ["build_parser", "main"]

PRESET_NAMES = ("smoke", "small", "plain", "large")
DEVICES = ("cpu", "cuda", "mps")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = OneLineParser(prog="python -m models", description=__doc__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    train = commands.add_parser("train", help="train a model from scratch; seeded, resumable")
    train.add_argument("--preset", choices=PRESET_NAMES, default="small", help="what to train (%(default)s)")
    train.add_argument(
        "--out", type=Path, default=Path("out/weights"), metavar="DIR", help="where to (%(default)s)"
    )
    train.add_argument("--steps", metavar="N", help="optimiser steps instead of the preset's")
    train.add_argument("--seed", type=int, metavar="S", help="seed instead of the preset's")
    train.add_argument(
        "--compile", action="store_true", help="use torch.compile (pays off for large models on a GPU)"
    )
    train.add_argument("--resume", action="store_true", help="continue a run that was cut off")
    verify = commands.add_parser("verify", help="decode with a trained model and compare with exact values")
    verify.add_argument("--weights", type=Path, metavar="FILE", help="a .safetensors file (the shipped one)")
    verify.add_argument("--task", metavar="NAME", help="one task (all that the model knows)")
    verify.add_argument("-n", metavar="N", help="length of the list (shortest, middle and longest trained)")
    verify.add_argument(
        "--policy",
        default="topk:k=2,by=random",
        metavar="SPEC",
        help="such as threshold:gamma=0.9 (%(default)s)",
    )
    verify.add_argument("--temperature", default="1", metavar="T", help="tau >= 0; 0 is greedy (1)")
    verify.add_argument("--samples", default="1000", metavar="N", help="decodes per row (%(default)s)")
    verify.add_argument("--seed", type=int, default=0, metavar="S", help="of instances and draws (0)")
    verify.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for command in (train, verify):
        command.add_argument(
            "--device", choices=DEVICES, default="cpu", help="where to compute (%(default)s)"
        )
        command.add_argument("--threads", default="1", metavar="N", help="threads of a CPU (%(default)s)")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status.

    0: done, and every row that can be compared agrees; 1: a row does not; 2: wrong input.
    """
    arguments = build_parser().parse_args(argv)
    run = _train if arguments.command == "train" else _verify
    return guarded(lambda: run(arguments), "python -m models")


def _train(arguments: argparse.Namespace) -> int:
    from models.presets import recipe
    from models.release import make_weights

    steps = None if arguments.steps is None else positive_int(arguments.steps, "--steps")
    try:
        path = make_weights(
            recipe(arguments.preset, steps=steps, seed=arguments.seed),
            arguments.out,
            device=arguments.device,
            threads=positive_int(arguments.threads, "--threads"),
            compiled=arguments.compile,
            resume=arguments.resume,
        )
    except KeyboardInterrupt:
        sys.stderr.write("python -m models: interrupted; --resume continues from the last checkpoint\n")
        return 130
    print(path)
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    import torch

    from models.release import check_device
    from models.verification import verify

    check_device(arguments.device)
    torch.set_num_threads(positive_int(arguments.threads, "--threads"))
    if arguments.seed < 0:
        raise InputError(f"--seed must be at least 0, got {arguments.seed}.")
    answer = verify(
        arguments.weights,
        task=arguments.task,
        n=None if arguments.n is None else positive_int(arguments.n, "-n"),
        policy=parse_policy(arguments.policy),
        temperature=check_temperature(arguments.temperature),
        samples=positive_int(arguments.samples, "--samples"),
        seed=arguments.seed,
        device=arguments.device,
    )
    if arguments.json:
        print(as_json(answer))
    else:
        _print_table(answer)
    return 1 if any(row["agrees"] is False for row in answer["rows"]) else 0


def _print_table(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{answer['policy']}, temperature {answer['temperature']:g}, {answer['samples']} decodes a row"
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    table.add_column("task", no_wrap=True)
    for name in ("n", "accuracy", "95 %", "exact", "steps", "exact", "mean TV", "ok"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in answer["rows"]:
        table.add_row(
            row["task"],
            str(row["n"]),
            f"{row['accuracy']:.4f}",
            f"{row['interval'][0]:.3f}..{row['interval'][1]:.3f}",
            _number(row["exact_accuracy"]),
            f"{row['steps']:.3f}",
            _number(row["exact_steps"]),
            f"{row['mean_tv']:.4f}",
            {True: "yes", False: "[bold red]no[/]", None: "-"}[row["agrees"]],
        )
    console = Console(file=sys.stdout)
    console.print(table)
    console.print(answer["note"], highlight=False)


def _number(value: Any) -> str:
    return "-" if value is None else f"{float(value):.4f}"


if __name__ == "__main__":
    sys.exit(main())
