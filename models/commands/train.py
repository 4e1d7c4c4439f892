"""The command ``parabounds model train``, training from scratch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from models.commands.common import add_device
from theory.validation import positive_int

__all__ = ["PRESET_NAMES", "add", "run"]

PRESET_NAMES = ("smoke", "small", "plain", "uniform", "lists", "large")


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--preset", choices=PRESET_NAMES, default="small", help="what to train (%(default)s)")
    parser.add_argument(
        "--out", type=Path, default=Path("out/weights"), metavar="DIR", help="where to (%(default)s)"
    )
    parser.add_argument("--steps", metavar="N", help="optimiser steps instead of the preset's")
    parser.add_argument("--seed", type=int, metavar="S", help="seed instead of the preset's")
    parser.add_argument(
        "--compile", action="store_true", help="use torch.compile (pays off for large models on a GPU)"
    )
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    add_device(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, and print where the weights are."""
    from models.predictors.recipes import recipe
    from models.training.shipped_weights import make_weights

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
        sys.stderr.write("parabounds model train: interrupted; --resume continues from the last checkpoint\n")
        return 130
    sys.stdout.write(f"{path}\n")
    return 0
