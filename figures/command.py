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

from figures.engine.backends import BACKENDS, BackendError, open_backend
from figures.engine.check import DECIDING, KINDS, tally
from figures.engine.commandline import InputError, guarded, terminal, worker_count
from figures.engine.figure import Figure, RunSettings, known_figures
from models.commands.common import add_checkpoint

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from figures.engine.run import FigureResult
    from figures.engine.task_data import TaskData

__all__ = ["add_arguments", "build_parser", "main", "run"]

PROGRAM = "paper_repro.py"
MOST_JOBS = 8  # by default; each worker loads its own copy of the libraries
SHOWN_FAILURES = 10  # on the terminal; the report lists all


class UsageError(Exception):
    """A wrong command line."""


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
        chosen = _choose(arguments.names, known)
        if arguments.list:
            _print_list(chosen)
            return 0
        _check_device(arguments.device)
        chosen = _for_model(arguments) if arguments.model is not None else _for_task(chosen, arguments)
        if arguments.retrain:
            _check_retrain(chosen)
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


def _choose(names: Sequence[str], known: Mapping[str, Figure]) -> list[Figure]:
    """Return the named figures in their usual order, all of them if none is named."""
    for name in names:
        if name not in known:
            raise UsageError(f"unknown figure {name!r}; known: {', '.join(known) or 'none'}.")
    return [figure for name, figure in known.items() if name in names or not names]


def _for_task(chosen: Sequence[Figure], arguments: argparse.Namespace) -> Sequence[Figure]:
    """Return the figures of the user's own task, if one is given."""
    if arguments.task is None:
        if arguments.n is not None or arguments.normalise or arguments.exact:
            raise UsageError("-n, --normalise and --exact belong to --task; name a task or leave them out.")
        return chosen
    able = {figure.name: figure.for_task for figure in chosen if figure.for_task is not None}
    if unable := [name for name in arguments.names if name not in able]:
        raise UsageError(f"{unable[0]} has no form for --task; use figure2 or frontier.")
    from figures.engine.task_data import task_data
    from figures.tasks.task_bounds import bounds_figure

    try:
        data = task_data(arguments.task, arguments.n, normalise=arguments.normalise, exact=arguments.exact)
    except InputError as error:
        raise UsageError(str(error)) from None
    if data.note:
        print(f"note: {data.note}")
    if data.structured is not None:
        if "frontier" in arguments.names:
            raise UsageError(
                "frontier needs a distribution that can be listed; for a large one use figure2 "
                "--task, parabounds "
                "decode for one rule, parabounds bounds for the best fixed blocks, or a smaller -n."
            )
        able.pop("frontier", None)
    if "frontier" in able and "frontier" not in arguments.names and (why := _no_frontier(data)):
        able.pop("frontier")
        print(f"note: frontier is left out: {why}")
    variant = ["fast"] * arguments.fast + [f"seed{arguments.seed}"] * bool(arguments.seed)
    data = replace(data, variant="_".join(variant))
    return [bounds_figure(data), *(make(data) for make in able.values())]


def _for_model(arguments: argparse.Namespace) -> Sequence[Figure]:
    """Return Figure 2 with the user's own model, which is loaded here, before anything is computed."""
    if arguments.names not in ([], ["figure2"]) or arguments.task is not None or arguments.retrain:
        raise UsageError("--model is for figure2 alone: figures figure2 --model DIR.")
    if arguments.blocks:
        raise UsageError("--blocks changes the distribution of the tokens, and so the lines; leave it out.")
    from figures.paper.figure2_model import Checkpoint, model_figure
    from models.commands.common import huggingface_options, text_format
    from models.inputs.sources import is_directory_model
    from models.inputs.text_model import read_words

    try:
        if not is_directory_model(arguments.model):
            raise InputError(f"--model must be a Hugging Face directory, got {arguments.model!r}.")
        checkpoint = Checkpoint(
            path=arguments.model,
            options=huggingface_options(arguments),
            words=None if arguments.words is None else tuple(read_words(arguments.words)),
            written=text_format(arguments),
        )
        return [model_figure(checkpoint)]
    except InputError as error:
        raise UsageError(str(error)) from None


def _no_frontier(data: TaskData) -> str:
    """Return why the optimum of all adaptive policies is too costly; empty if it is not."""
    from figures.engine.task_data import listed_task
    from theory.distributions.distribution import context_pmfs
    from theory.limits import CostError
    from theory.optima.adaptive.state_graph import state_graphs

    try:
        state_graphs([pmf for _, pmf in context_pmfs(listed_task(data.contexts).contexts())])
    except CostError as error:
        return str(error)
    return ""


def _check_retrain(chosen: Sequence[Figure]) -> None:
    """Refuse minutes of training for figures that use no model."""
    run = RunSettings(fast=True)
    if not any("weights" in cell.kwargs for figure in chosen for cell in figure.cells(figure.resolve(run))):
        names = ", ".join(figure.name for figure in chosen)
        raise UsageError(f"--retrain: no model is used by {names}; leave it out, or make figure2 or model.")


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
