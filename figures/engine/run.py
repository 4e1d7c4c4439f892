"""Runs of figures, from parallel cells to tables, drawings and checks.

The numbers depend on the settings alone, not on the workers, the machines or cached results: each cell uses one thread
and has its own seed.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from figures.drawing.style import METADATA, STYLE
from figures.drawing.tooltips import add_tooltips
from figures.engine.backends import Evaluate
from figures.engine.cache import Cache
from figures.engine.check import DECIDING, Check, judge
from figures.engine.data import csv_text
from figures.engine.figure import Cell, Figure, Row, RunSettings, Settings
from figures.engine.local_workers import on_this_machine
from figures.engine.progress import progress
from theory.files import write_atomically

__all__ = ["FigureResult", "run_figures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureResult:
    """The result of one figure."""

    figure: Figure
    settings: Settings
    rows: list[Row]
    checks: list[Check]
    files: dict[str, Path]  # by ending: "csv", "svg", "png", "pdf"; pages by name

    @property
    def passed(self) -> bool:
        """Whether every check that decides holds."""
        return all(check.passed for check in self.checks if check.kind in DECIDING)


def run_figures(
    figures: Sequence[Figure],
    *,
    run: RunSettings,
    out: Path,
    jobs: int = 1,
    evaluate: Evaluate | None = None,
) -> list[FigureResult]:
    """Compute, draw and check figures and write their files.

    Args:
        figures: What to run; names must differ.
        run: Seed, device, weights and whether to use the fast settings.
        out: Folder of the files; `out/.cache` keeps the results of finished cells.
        jobs: Number of workers.
        evaluate: The function of `figures.engine.backends.open_backend`; by default `jobs` local workers.
    """
    settings = {figure.name: figure.resolve(run) for figure in figures}
    cells = {figure.name: list(figure.cells(settings[figure.name])) for figure in figures}
    evaluate = evaluate or partial(on_this_machine, jobs=jobs)
    results = _compute_cells(cells, Cache.open(out / ".cache"), evaluate)
    finished = [
        _finish_figure(figure, settings[figure.name], results[figure.name], out) for figure in figures
    ]
    # The correction for many tests needs all checks of the run.
    judged = iter(judge(check for result in finished for check in result.checks))
    return [replace(result, checks=[next(judged) for _ in result.checks]) for result in finished]


def _compute_cells(
    cells: Mapping[str, Sequence[Cell]], cache: Cache, evaluate: Evaluate
) -> dict[str, list[Any]]:
    """Return the result of every cell, from disk if possible, and store each new one at once."""
    results: dict[str, list[Any]] = {name: [None] * len(group) for name, group in cells.items()}
    missing: list[tuple[str, int, Cell]] = []
    for name, group in cells.items():
        for index, cell in enumerate(group):
            entry = cache.load(name, cell)
            if entry is None:
                missing.append((name, index, cell))
            else:
                results[name][index] = entry["result"]
    totals = {name: len(group) for name, group in cells.items()}
    left = Counter(name for name, _, _ in missing)
    with progress(totals, {name: totals[name] - left[name] for name in totals}) as advance:
        for position, result in evaluate([cell for _, _, cell in missing]):
            name, index, cell = missing[position]
            cache.store(name, cell, result)
            results[name][index] = result
            advance(name)
    return results


def _finish_figure(figure: Figure, settings: Settings, results: Sequence[Any], out: Path) -> FigureResult:
    """Return rows, files and (not yet judged) checks of a figure whose cells are done."""
    from matplotlib import rc_context

    rows = figure.compute(settings, results)
    files = {ending: out / f"{figure.name}.{ending}" for ending in ("csv", *METADATA)}
    write_atomically(files["csv"], csv_text(rows))
    with rc_context(cast("Any", STYLE)):
        drawing = figure.draw(rows, settings)
        for ending, entries in METADATA.items():
            image = io.BytesIO()
            drawing.savefig(image, format=ending, metadata=entries)
            data = image.getvalue()
            if ending == "svg":
                data = add_tooltips(data.decode("utf-8")).encode("utf-8")
            write_atomically(files[ending], data)
    for name, text in (figure.pages(rows, settings) if figure.pages else {}).items():
        files[name] = out / name
        write_atomically(files[name], text)
    checks = [replace(check, figure=figure.name) for check in figure.checks(rows, settings)]
    names = [(check.kind, check.name) for check in checks]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{figure.name}: checks need different names, got twice: {sorted(doubled)}.")
    return FigureResult(figure=figure, settings=settings, rows=rows, checks=checks, files=files)
