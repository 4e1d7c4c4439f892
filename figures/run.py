"""Running figures: their cells in parallel, each result kept at once, then table, drawing and checks of each.

The numbers depend on the settings alone, not on the number of processes or on what was kept from an earlier
run: each cell works on one thread and carries its own seed.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from figures.cache import Cache
from figures.check import DECIDING, Check, judge
from figures.data import csv_text, through_json
from figures.figure import Cell, Figure, Row, RunSettings, Settings
from figures.progress import progress
from figures.style import STYLE
from theory.files import write_atomically

__all__ = ["FigureResult", "run_figures"]

# Without dates and versions of the drawing library: the same drawing gives the same bytes.
METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}
_AS_THEY_COME: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureResult:
    """What came out for one figure."""

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
    figures: Sequence[Figure], *, run: RunSettings, out: Path, jobs: int = 1
) -> list[FigureResult]:
    """Compute, draw and check figures and write their files.

    Args:
        figures: What to run; names must differ.
        run: Seed, device, weights and whether to use the fast settings.
        out: Folder of the files; `out/.cache` keeps the results of finished cells.
        jobs: Number of processes.
    """
    settings = {figure.name: figure.resolve(run) for figure in figures}
    cells = {figure.name: list(figure.cells(settings[figure.name])) for figure in figures}
    results = _compute_cells(cells, Cache.open(out / ".cache"), jobs)
    finished = [
        _finish_figure(figure, settings[figure.name], results[figure.name], out) for figure in figures
    ]
    # The correction for many tests needs all checks of the run.
    judged = iter(judge(check for result in finished for check in result.checks))
    return [replace(result, checks=[next(judged) for _ in result.checks]) for result in finished]


def _compute_cells(cells: Mapping[str, Sequence[Cell]], cache: Cache, jobs: int) -> dict[str, list[Any]]:
    """Return the result of every cell, from disk where it is there, and keep each new one at once."""
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
        for position, result in _evaluate([cell for _, _, cell in missing], jobs):
            name, index, cell = missing[position]
            cache.store(name, cell, result)
            results[name][index] = result
            advance(name)
    return results


def _evaluate(cells: Sequence[Cell], jobs: int) -> Iterator[tuple[int, Any]]:
    """Yield (position, result) of each cell as it finishes."""
    if jobs == 1 or len(cells) < 2:
        with _one_thread():
            for position, cell in enumerate(cells):
                yield position, _call(cell)
        return
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", n_jobs=min(jobs, len(cells)), inner_max_num_threads=1):
        finished: Any = Parallel(**_AS_THEY_COME)(
            delayed(_in_worker)(position, cell, os.getpid()) for position, cell in enumerate(cells)
        )
        yield from finished


def _call(cell: Cell) -> Any:
    """Compute one cell; an error says which."""
    try:
        return through_json(cell.function(**cell.kwargs), f"the result of {cell.label}")
    except Exception as error:
        arguments = ", ".join(f"{name}={value!r}" for name, value in cell.kwargs.items())
        error.add_note(f"in the cell {cell.label}({arguments})")
        raise


def _in_worker(position: int, cell: Cell, first: int) -> tuple[int, Any]:
    if os.getpid() != first:  # Ctrl-C reaches every process; the first one ends the others
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with _one_thread():
        return position, _call(cell)


@contextmanager
def _one_thread() -> Generator[None]:
    """Let torch use one thread: sums in another order round differently, and two cells never share a core."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read when a cell is the first to import torch
    torch = sys.modules.get("torch")
    threads = None if torch is None else torch.get_num_threads()
    if torch is not None:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch is not None:
            torch.set_num_threads(threads)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


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
            write_atomically(files[ending], image.getvalue())
    for name, text in (figure.pages(rows, settings) if figure.pages else {}).items():
        files[name] = out / name
        write_atomically(files[name], text)
    checks = [replace(check, figure=figure.name) for check in figure.checks(rows, settings)]
    names = [(check.kind, check.name) for check in checks]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{figure.name}: checks need different names, got twice: {sorted(doubled)}.")
    return FigureResult(figure=figure, settings=settings, rows=rows, checks=checks, files=files)
