r"""A figure with its settings, cells of work, table, drawing and checks.

    settings --cells--> [Cell, ...] --run, cached--> [result, ...] --compute--> rows --draw--> image
                                                                                 \---checks--> [Check, ...]

Only the cells take time; they are pure functions of their arguments, so they can run in any process and be cached on
disk. `compute`, `draw` and `checks` are cheap and run every time.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from figures.engine.data import through_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from figures.engine.check import Check, Kind
    from figures.engine.task_data import TaskData

__all__ = [
    "Cell",
    "Figure",
    "Row",
    "RunSettings",
    "Settings",
    "derived_seed",
    "known_figures",
    "place_in_paper",
]

Settings = dict[str, Any]  # by name; JSON values only
Row = dict[str, Any]  # one line of a tidy table: column name -> str, int, float, bool, Fraction or None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """The settings of a run for all figures; each figure gets `seed`, `device` and `weights`."""

    seed: int = 0
    device: str = "cpu"
    weights: str | None = None  # file of trained weights; None: the ones that are shipped
    fast: bool = False

    def shared(self) -> Settings:
        """Return the settings that are added to those of every figure."""
        return {"seed": self.seed, "device": self.device, "weights": self.weights}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One independent piece of work: an importable module-level function and its keyword arguments.

    The arguments and the result must be JSON values, and are passed through JSON (a tuple becomes a list), so that a
    result read from disk is the same as a fresh one. Pass only what the function needs: a cell is computed again when
    its arguments change. An argument named `weights` is a file; its content counts, not its path.
    """

    function: Callable[..., Any]
    kwargs: dict[str, Any] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        if "<" in (name := self.function.__qualname__):
            raise ValueError(f"a cell's function must be importable, got {name}; move it to module level.")
        object.__setattr__(self, "kwargs", through_json(self.kwargs, f"the arguments of {self.label}"))

    @property
    def label(self) -> str:
        """Name of the function with its module."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure or table, with its settings, computation, drawing and checks.

    Args:
        name: Name on the command line and of the files, such as "figure2".
        title: One line.
        paper: Its place in the paper, such as "Figure 2 a-e"; "none" if it has none.
        about: What it shows, in plain words: the module's `__doc__`.
        seconds: Typical duration of the full settings on two cores.
        settings: The full settings, JSON values.
        fast: The settings that differ in a fast run.
        cells: settings -> the work to do.
        compute: settings, results in the order of the cells -> tidy table. Pure.
        draw: rows, settings -> a `matplotlib.figure.Figure`. Only draws.
        checks: rows, settings -> the checks.
        pages: rows, settings -> further text files, by name, such as "claims.md".
        table: rows, settings -> lines of texts, the header first, shown in the report in place of the image.
        verdict: rows, settings -> sentences that the report opens the section with; image and table are both shown.
        groups: Title and rule of a kind of check in the report, if not the default.
        for_task: A task of the user's own -> the same figure for it.
        task: The name of the user's own task that it is about, if it is.
    """

    name: str
    title: str
    paper: str
    about: str | None
    seconds: float
    settings: Settings
    fast: Settings = field(default_factory=dict[str, Any])
    cells: Callable[[Settings], Sequence[Cell]]
    compute: Callable[[Settings, Sequence[Any]], list[Row]]
    draw: Callable[[list[Row], Settings], Drawing]
    checks: Callable[[list[Row], Settings], Sequence[Check]]
    pages: Callable[[list[Row], Settings], dict[str, str]] | None = None
    table: Callable[[list[Row], Settings], list[list[str]]] | None = None
    verdict: Callable[[list[Row], Settings], list[str]] | None = None
    groups: Mapping[Kind, tuple[str, str]] = field(default_factory=dict["Kind", "tuple[str, str]"])
    for_task: Callable[[TaskData], Figure] | None = None
    task: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_-]*", self.name):
            raise ValueError(f"a figure's name is small letters, digits, - and _, got {self.name!r}.")
        if unknown := self.fast.keys() - self.settings.keys():
            raise ValueError(f"{self.name}: fast changes unknown settings: {', '.join(sorted(unknown))}.")
        if taken := self.settings.keys() & RunSettings().shared().keys():
            raise ValueError(f"{self.name}: {', '.join(sorted(taken))} is chosen by the run; leave it out.")

    def resolve(self, run: RunSettings) -> Settings:
        """Return the settings of this figure in this run."""
        return {**self.settings, **(self.fast if run.fast else {}), **run.shared()}


def derived_seed(seed: int, *labels: str | int | float | None) -> int:
    """Return a seed for one cell that depends on the run's seed and the cell's labels alone.

    Returns:
        An integer in [0, 2^63), so that adding a cell changes no other cell's numbers.

    Example:
        >>> derived_seed(0, "shuffle", 6) == derived_seed(0, "shuffle", 6) != derived_seed(0, "shuffle", 8)
        True
    """
    digest = hashlib.sha256(json.dumps([seed, *labels]).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def known_figures() -> dict[str, Figure]:
    """Return every figure by name, in the order of the paper.

    A module of ``figures/paper`` defines ``FIGURE`` or ``FIGURES``.
    """
    found: dict[str, Figure] = {}
    folder = importlib.import_module("figures.paper").__path__
    for name in sorted(info.name for info in pkgutil.iter_modules(folder)):
        module = importlib.import_module(f"figures.paper.{name}")
        figures = (module.FIGURE,) if hasattr(module, "FIGURE") else getattr(module, "FIGURES", ())
        for figure in figures:
            if figure.name in found:
                raise ValueError(
                    f"two figures are named {figure.name!r}; rename the one in figures/paper/{name}.py."
                )
            found[figure.name] = figure
    return dict(sorted(found.items(), key=lambda item: place_in_paper(item[1].paper)))


def place_in_paper(text: str) -> tuple[float, str]:
    """Return a key that sorts places as they follow each other in the paper; figures without a place come last.

    Example:
        >>> sorted(["none", "Figure 21", "Table 1", "Figure 2 a-e", "Figure 1, left", "abstract"], key=place_in_paper)
        ['abstract', 'Figure 1, left', 'Table 1', 'Figure 2 a-e', 'Figure 21', 'none']
    """
    found = re.match(r"(Figure|Table) (\d+)", text)
    if found is None:
        return (0.0 if text.startswith("abstract") else inf), text
    # Table 1 stands between Figures 1 and 2
    return int(found[2]) + (0.5 if found[1] == "Table" else 0.0), text
