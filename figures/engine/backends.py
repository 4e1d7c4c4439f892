"""Backends that compute cells, on this machine or on a Dask or Ray cluster.

No number depends on the choice: a cell is a pure function of its arguments, has its own seed and uses one thread. A
worker computes a cell only if its source code, weights and libraries are those of the main process. A cell whose worker
dies is computed again on another one.

All three go through joblib (`figures.engine.parallel`).
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import figures.engine.cache
from figures.engine.figure import Cell
from figures.engine.local_workers import compute_cell, on_this_machine, one_thread
from figures.engine.parallel import as_they_come, over_futures
from theory import InputError

__all__ = ["BACKENDS", "BackendError", "Evaluate", "open_backend"]

Evaluate = Callable[[Sequence[Cell]], Iterator[tuple[int, Any]]]  # yields (position, result) as cells finish

BACKENDS = ("loky", "dask", "ray")
CONNECT = 5  # seconds to wait for a scheduler
FIRST_WORKER = 60  # seconds to wait; an adaptive cluster starts without workers
DEATHS = 4  # workers that may die on one cell of Ray, the default of Dask's scheduler
_CONTINUE = "the same command continues where it stopped."
_one_at_a_time = threading.Lock()  # a worker with several threads still computes one cell at a time


class BackendError(InputError):
    """A backend that cannot be used, or was lost; the message is one line."""


@contextmanager
def open_backend(name: str = "loky", *, scheduler: str | None = None, jobs: int = 1) -> Generator[Evaluate]:
    """Yield a function that computes cells, in any order, inside the ``with`` block.

    Args:
        name: "loky", "dask" or "ray".
        scheduler: Address of the cluster, such as "tcp://10.0.0.1:8786"; None for loky.
        jobs: Number of workers of loky; a cluster has its own number.

    Raises:
        BackendError: If the package is missing, or the address is wrong or does not answer; later, if the cluster
            is lost, its workers differ from this process, or a cell ends them.

    Example:
        >>> from figures.paper.cells import exact_decode
        >>> kwargs = {"task": "shuffle", "n": 2, "policy": "topk:k=2,by=random", "temperature": 1}
        >>> with open_backend("loky") as evaluate:
        ...     list(evaluate([Cell(function=exact_decode, kwargs=kwargs)]))
        [(0, {'accuracy': '1/2', 'steps': '1'})]
    """
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; known: {', '.join(BACKENDS)}.")
    if name == "loky":
        if scheduler is not None:
            raise BackendError(f"--scheduler {scheduler} belongs to --backend dask or ray; add one of them.")
        yield partial(on_this_machine, jobs=jobs)
        return
    package = _package("distributed" if name == "dask" else name, name)
    if scheduler is None:
        raise BackendError(f"--backend {name} needs --scheduler ADDRESS, the address of the running cluster.")
    with (_dask if name == "dask" else _ray)(package, scheduler) as evaluate:
        yield evaluate


def _package(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise BackendError(
            f"--backend {extra} needs the package {name}; python -m pip install 'parabounds[{extra}]'."
        ) from None


def _no_answer(address: str, error: Exception | str) -> BackendError:
    reason = " ".join(str(error).split()).rstrip(".")
    return BackendError(f"--scheduler {address}: cannot be reached ({reason}); is the cluster running there?")


@contextmanager
def _dask(distributed: ModuleType, address: str) -> Generator[Evaluate]:
    try:  # Client waits for ever for a peer that accepts but does not answer
        kind = asyncio.run(asyncio.wait_for(_kind_of_server(distributed, address), CONNECT))
    except TimeoutError:
        raise _no_answer(address, f"no answer within {CONNECT} s") from None
    except (OSError, ValueError, TypeError) as error:  # no server, or not an address
        raise _no_answer(address, error) from None
    if kind != "Scheduler":
        raise _no_answer(address, f"a Dask {kind} answers there, not a scheduler")
    with distributed.Client(address, timeout=CONNECT, set_as_default=False) as client:
        yield partial(_on_dask, distributed, client, address)  # closing the client cancels unfinished work


async def _kind_of_server(distributed: ModuleType, address: str) -> str:
    arguments = distributed.Security().get_connection_args("client")
    async with distributed.rpc(address, timeout=CONNECT, connection_args=arguments) as server:
        return (await server.identity())["type"]


def _on_dask(
    distributed: ModuleType, client: Any, address: str, cells: Sequence[Cell]
) -> Iterator[tuple[int, Any]]:
    if cells and not client.ncores():
        try:  # an adaptive cluster starts workers when there is work
            client.submit(int, pure=False).result(timeout=FIRST_WORKER)
        except TimeoutError:
            raise BackendError(
                f"--scheduler {address}: no worker after {FIRST_WORKER} s; start some: dask worker {address}"
            ) from None
    backend = over_futures(partial(client.submit, pure=False))
    try:
        yield from as_they_come(compute_on_worker, _tasks(cells), backend=backend)
    except distributed.KilledWorker as error:
        raise _too_many_deaths(error.allowed_failures + 1) from None
    except distributed.CancelledError:
        raise BackendError(f"the scheduler {address} was lost; {_CONTINUE}") from None
    except RuntimeError as error:  # Dask cannot import our modules
        _explain_missing_module(error.__cause__)
        raise


@contextmanager
def _ray(ray: ModuleType, address: str) -> Generator[Evaluate]:
    try:  # Ray itself tries for two minutes
        host, _, port = address.rpartition("://")[2].rpartition(":")
        if host:  # not "auto", which Ray looks up
            socket.create_connection((host, int(port)), timeout=CONNECT).close()
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except (OSError, ValueError, RuntimeError) as error:
        raise _no_answer(address, error) from None
    try:
        yield partial(_on_ray, ray)
    finally:
        ray.shutdown()  # cancels unfinished work


def _on_ray(ray: ModuleType, cells: Sequence[Cell]) -> Iterator[tuple[int, Any]]:
    run = ray.remote(num_cpus=1, max_retries=DEATHS - 1)(compute_on_worker)
    backend = over_futures(lambda _, *task: run.remote(*task).future())
    try:
        yield from as_they_come(compute_on_worker, _tasks(cells), backend=backend)
    except ray.exceptions.RayTaskError as error:
        _explain_missing_module(getattr(error.cause, "client_exc", None))
        raise error.cause from None  # the exception of the cell
    except ray.exceptions.WorkerCrashedError:
        raise _too_many_deaths(DEATHS) from None


def _too_many_deaths(count: int) -> BackendError:
    return BackendError(
        f"{count} workers died while computing one cell, perhaps for want of memory or of a module "
        f"(see their logs); {_CONTINUE}"
    )


def _explain_missing_module(cause: object) -> None:
    if isinstance(cause, ModuleNotFoundError):
        raise BackendError(
            f"the cluster has no module {cause.name!r}; install parabounds where its scheduler and workers run."
        ) from None


def _tasks(cells: Sequence[Cell]) -> list[tuple[int, Cell, dict[str, str]]]:
    """Return the arguments of `compute_on_worker` for each cell; a file of weights gets its full path."""
    code = _identity()
    return [(i, cell, code | weights_digest(cell)) for i, cell in enumerate(map(_with_full_path, cells))]


def compute_on_worker(position: int, cell: Cell, expected: dict[str, str]) -> tuple[int, Any]:
    """Compute a cell on a worker, which must agree with the main process in everything that `expected` names."""
    found = _loaded_identity() | weights_digest(cell)
    if differing := [name for name in expected if found[name] != expected[name]]:
        raise BackendError(
            f"a worker has another {differing[0]} than this process ({found[differing[0]]}, not "
            f"{expected[differing[0]]}); install the same there and restart the workers."
        )
    with _one_at_a_time, one_thread():
        return position, compute_cell(cell)


def _identity() -> dict[str, str]:
    """Return source code digest and versions, which decide the numbers."""
    return {"source code": figures.engine.cache.source_digest()[:12]} | figures.engine.cache.versions()


_loaded_identity = cache(_identity)  # of the loaded code, also if files change later


def weights_digest(cell: Cell) -> dict[str, str]:
    """Return the digest of the file of weights that a cell reads; empty if it reads none."""
    path = cell.kwargs.get("weights")
    if path is None:
        return {}
    return {
        "file of weights": figures.engine.cache.file_digest(Path(path))[:12]
        if Path(path).is_file()
        else "none"
    }


def _with_full_path(cell: Cell) -> Cell:
    path = cell.kwargs.get("weights")
    if path is None:
        return cell
    return replace(cell, kwargs={**cell.kwargs, "weights": str(Path(path).resolve())})
