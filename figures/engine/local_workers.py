"""Computation of cells on this machine, one after another or in several workers.

A cell uses one thread and has its own seed, so its result is the same in any worker.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from figures.engine.data import through_json
from figures.engine.figure import Cell
from figures.engine.parallel import as_they_come, local_workers

__all__ = ["compute_cell", "on_this_machine", "one_thread"]


def on_this_machine(cells: Sequence[Cell], *, jobs: int) -> Iterator[tuple[int, Any]]:
    """Yield (position, result) of each cell as it finishes, with `jobs` workers."""
    if jobs == 1 or len(cells) < 2:
        with one_thread():
            for position, cell in enumerate(cells):
                yield position, compute_cell(cell)
        return
    tasks = ((position, cell, os.getpid()) for position, cell in enumerate(cells))
    jobs = min(jobs, len(cells))
    backend = local_workers()
    yield from as_they_come(_in_process, tasks, backend=backend, n_jobs=jobs, inner_max_num_threads=1)


def compute_cell(cell: Cell) -> Any:
    """Compute one cell; an error names it."""
    try:
        return through_json(cell.function(**cell.kwargs), f"the result of {cell.label}")
    except Exception as error:
        arguments = ", ".join(f"{name}={value!r}" for name, value in cell.kwargs.items())
        error.add_note(f"in the cell {cell.label}({arguments})")
        raise


def _in_process(position: int, cell: Cell, first: int) -> tuple[int, Any]:
    if os.getpid() != first:  # on Windows Ctrl-C reaches every worker; the main process ends them
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    with one_thread():
        return position, compute_cell(cell)


@contextmanager
def one_thread() -> Generator[None]:
    """Let torch use one thread, since sums in another order round differently."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported
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
