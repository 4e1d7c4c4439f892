"""The command that computes, draws and checks the figures and tables of the paper.

Exit status: 0 if every check holds, 1 if a check fails, 2 for wrong usage or output that cannot be written, 130 if
interrupted (the same command continues), 141 if the reader of the output has gone.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from figures.chosen import UsageError, named_figures, wanted_figures
from figures.engine.backends import BACKENDS, BackendError, open_backend
from figures.engine.check import DECIDING, KINDS, tally
from figures.engine.commandline import InputError, guarded, terminal, worker_count
from figures.engine.figure import Figure, RunSettings, known_figures
from models.commands.common import add_checkpoint

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from figures.engine.run import FigureResult

__all__ = ["add_arguments", "build_parser", "main", "run"]

PROGRAM = "paper_repro.py"
MOST_JOBS = 8  # by default; each worker loads its own copy of the libraries
SHOWN_FAILURES = 10  # on the terminal; the report lists all


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = _Parser(
        prog=PROGRAM, description="Reproduce the paper's figures and tables.", allow_abbrev=False
    )
    add_arguments(parser)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command to a parser."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="figures to make (default: all)")
    parser.add_argument("--list", action="store_true", help="list the figures and exit")
    parser.add_argument(
        "--out", type=_folder, default=Path("out"), metavar="DIR", help="folder of the files (%(default)s)"
    )
    parser.add_argument("--device", default="cpu", help="for models: cpu, cuda, cuda:K or mps (%(default)s)")
    parser.add_argument("--fast", action="store_true", help="smaller settings: seconds instead of minutes")
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="workers (default: one per core, at most 8)")
    parser.add_argument(
        "--backend", choices=BACKENDS, default="loky", help="this machine or a cluster (%(default)s)"
    )
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="address of the cluster, such as tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="S", help="seed of all randomness (%(default)s)"
    )
    parser.add_argument(
        "--retrain", action="store_true", help="train the model again instead of using the shipped one"
    )
    parser.add_argument(
        "--task",
        metavar="TASK",
        help="show a task of your own: a registered name, a file, or module:attribute",
    )
    parser.add_argument("-n", type=_count, metavar="N", help="the size of a registered --task")
    parser.add_argument(
        "--normalise", action="store_true", help="divide the probabilities of a task file by their sum"
    )
    parser.add_argument(
        "--exact",
        action="store_true",
        help="take numbers of over 12 digits in a task file as written, not as floats",
    )
    parser.add_argument(
        "--model", metavar="DIR", help="put a Hugging Face model of your own into figure2, with --jobs 1"
    )
    add_checkpoint(parser)


def main(argv: Sequence[str] | None = None, *, figures: Mapping[str, Figure] | None = None) -> int:
    """Run the command and return its exit status.

    Args:
        argv: Arguments; default: those of the process.
        figures: The figures to choose from, by name; default: all that exist.
    """
    try:
        arguments = build_parser().parse_args(argv)
    except UsageError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return 2
    return run(arguments, PROGRAM, figures=figures)


def run(arguments: argparse.Namespace, program: str, *, figures: Mapping[str, Figure] | None = None) -> int:
    """Run the command as parsed, under the name of ``program``, and return its exit status."""
    return guarded(lambda: _main(arguments, program, figures), program)


def _main(arguments: argparse.Namespace, program: str, figures: Mapping[str, Figure] | None) -> int:
    try:
        known = known_figures() if figures is None else figures
        chosen = named_figures(arguments.names, known)
        if arguments.list:
            _print_list(chosen)
            return 0
        _check_device(arguments.device)
        chosen = wanted_figures(chosen, arguments)
        _make_folder(arguments.out)
        return _run(chosen, arguments)
    except (UsageError, BackendError) as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.filename is None:
            raise
        print(f"{program}: error: {error.filename}: {error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{program}: interrupted; the same command continues where it stopped.", file=sys.stderr)
        return 130


def _run(chosen: Sequence[Figure], arguments: argparse.Namespace) -> int:
    from figures.engine.report import write_report
    from figures.engine.run import run_figures

    out: Path = arguments.out
    run = RunSettings(seed=arguments.seed, device=arguments.device, fast=arguments.fast)
    jobs = arguments.jobs or (1 if arguments.model is not None else _default_jobs())
    with (
        warnings.catch_warnings(),
        open_backend(arguments.backend, scheduler=arguments.scheduler, jobs=jobs) as evaluate,
    ):
        # loky replaces a worker whose memory has grown, without losing a cell
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        if arguments.retrain:
            weights = importlib.import_module("models").retrain(out / "weights", arguments.device)
            run = replace(run, weights=str(weights))
        results = run_figures(chosen, run=run, out=out, evaluate=evaluate)
    page, data = write_report(results, run=run, out=out)
    _print_summary(results, page, data)
    return 0 if all(result.passed for result in results) else 1


def _check_device(device: str) -> None:
    if device == "cpu":
        return
    from models.predictors.device import check_device

    try:
        check_device(device)
    except InputError as error:
        raise UsageError(f"--device: {error}") from None


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {out}: cannot make this folder ({error.strerror}); name another.") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise UsageError(f"--out {out}: cannot write into this folder; name another.")


def _count(text: str) -> int:
    return _integer(text, least=1)


def _seed(text: str) -> int:
    return _integer(text, least=0)


def _jobs(text: str) -> int:
    try:
        return worker_count(text, "")
    except InputError as error:
        raise argparse.ArgumentTypeError(str(error).strip()) from None


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("must name a folder, got ''; use . for this one")
    return Path(text)


def _integer(text: str, least: int) -> int:
    try:
        value = int(text if text.isascii() else "")
    except ValueError:
        value = least - 1
    if value < least:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {least}, got {text!r}.")
    return value


def _default_jobs() -> int:
    from joblib import cpu_count

    return max(1, min(cpu_count(), MOST_JOBS))


def _print_list(figures: Sequence[Figure]) -> None:
    from rich.table import Table

    table = Table("name", box=None, pad_edge=False)
    table.add_column("seconds", justify="right")
    table.add_column("title")
    table.add_column("place in the paper")
    for figure in figures:
        table.add_row(figure.name, f"{figure.seconds:g}", figure.title, figure.paper)
    console = terminal()
    _fit(console, table)
    console.print(table)


def _fit(console: Console, table: Table) -> None:
    """Make the console as wide as a table with one line per figure."""
    from rich.measure import Measurement

    whole = Measurement.get(console, console.options.update(width=1000), table).maximum
    console.width = max(console.width, whole)


def _print_summary(results: Sequence[FigureResult], page: Path, data: Path) -> None:
    from rich.table import Table
    from rich.text import Text

    console = terminal()
    table = Table("figure", *KINDS, "checks", title="checks passed of all, by kind", title_justify="left")
    table.add_column("files", overflow="fold")
    for result in results:
        counts = [tally(result.checks, kind) for kind in KINDS]
        table.add_row(
            result.figure.name,
            *(f"{passed}/{total}" if total else "-" for passed, total in counts),
            Text("pass", style="green") if result.passed else Text("fail", style="bold red"),
            " ".join(result.files),
        )
    _fit(console, table)
    console.print(table)
    failed = [
        check for result in results for check in result.checks if check.kind in DECIDING and not check.passed
    ]
    for check in failed[:SHOWN_FAILURES]:
        line = f"fails: {check.figure}, {check.kind}, {check.name}: {check.value}, expected {check.expected}"
        console.print(f"{line} ({check.detail})" if check.detail else line, soft_wrap=True)
    if len(failed) > SHOWN_FAILURES:
        console.print(f"and {len(failed) - SHOWN_FAILURES} more; the report lists them all.")
    console.print(f"report: {page} and {data}", soft_wrap=True)
