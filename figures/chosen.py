"""Figures that the command is asked for, also of a task or with a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from figures.engine.commandline import InputError
from figures.engine.figure import Figure, RunSettings
from models.commands.common import add_checkpoint

if TYPE_CHECKING:
    from figures.engine.task_data import TaskData

__all__ = ["UsageError", "named_figures", "wanted_figures"]


class UsageError(Exception):
    """A wrong command line."""


def named_figures(names: Sequence[str], known: Mapping[str, Figure]) -> list[Figure]:
    """Return the named figures in their usual order, all of them if none is named.

    Raises:
        UsageError: For a name that is not known.
    """
    for name in names:
        if name not in known:
            raise UsageError(f"unknown figure {name!r}; known: {', '.join(known) or 'none'}.")
    return [figure for name, figure in known.items() if name in names or not names]


def wanted_figures(chosen: Sequence[Figure], arguments: argparse.Namespace) -> Sequence[Figure]:
    """Return the figures that are named, or their forms for the user's own model or task.

    Raises:
        UsageError: For options that do not go together, or a task or model that cannot be read.
    """
    if arguments.model is None:
        _check_alone(arguments)
        chosen = _for_task(chosen, arguments)
    else:
        chosen = _for_model(arguments)
    if arguments.retrain:
        _check_retrain(chosen)
    return chosen


def _check_alone(arguments: argparse.Namespace) -> None:
    """Refuse options of a model where none is given."""
    parser = argparse.ArgumentParser()
    add_checkpoint(parser)
    for name, default in vars(parser.parse_args([])).items():
        if getattr(arguments, name) != default:
            option = {"imports": "import"}.get(name, name.replace("_", "-"))
            raise UsageError(f"--{option} belongs to --model; name a directory or leave it out.")


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
        sys.stdout.write(f"note: {data.note}\n")
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
        sys.stdout.write(f"note: frontier is left out: {why}\n")
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
