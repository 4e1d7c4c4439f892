"""Parallel tasks through joblib, with each result as soon as it is there.

The joblib backends of Dask and Ray themselves cannot be used. That of Dask (joblib 1.6, `_dask.py`, `_collect`) sets
the error of a task that Dask gives up on a future without a callback, so that `Parallel` waits for ever. That of Ray
(`ray.util.joblib`) extends `MultiprocessingBackend`, which has `supports_return_generator = False`, and a dead worker
ends the call with `ActorDiedError`.
"""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

__all__ = ["as_they_come", "local_workers", "over_futures"]

_AS_THEY_COME: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1, "pre_dispatch": "all"}


def as_they_come(function: Callable[..., Any], tasks: Iterable[Any], **config: Any) -> Iterator[Any]:
    """Yield function(*task) of every task as it finishes; an error of one ends the rest.

    Args:
        function: Any importable function.
        tasks: Arguments of each call.
        config: Arguments of `joblib.parallel_config`, such as `backend` and `n_jobs`.

    Example:
        >>> sorted(as_they_come(divmod, [(7, 2), (9, 4)], backend="threading", n_jobs=2))
        [(2, 1), (3, 1)]
    """
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(**config):
        finished: Any = Parallel(**_AS_THEY_COME)(delayed(function)(*task) for task in tasks)
    try:
        for result in finished:  # noqa: UP028 (`yield from` would close it outside of the block below)
            yield result
    finally:
        with warnings.catch_warnings(action="ignore"):  # about results that an interrupted run did not read
            finished.close()


def local_workers() -> Any:
    """Return joblib's backend of local workers, made interruptible without a traceback.

    When a run is stopped, loky's thread drops the waiting tasks and then looks up the next of their numbers: it ends
    with a KeyError, and its locks are reported as leaked (joblib 1.6, `_ExecutorManagerThread.run`). Here the numbers
    are dropped first. Ctrl-C never reaches a worker, not even while it imports its first module.

    Example:
        >>> sorted(as_they_come(divmod, [(7, 2), (9, 4)], backend=local_workers(), n_jobs=2))
        [(2, 1), (3, 1)]
    """
    from joblib.parallel import BACKENDS

    loky: Any = BACKENDS["loky"]

    class Interruptible(loky):
        def configure(self, *args: Any, **kwargs: Any) -> Any:
            with _without_interrupts():
                return super().configure(*args, **kwargs)

        def submit(self, func: Any, callback: Any = None) -> Any:
            with _without_interrupts():
                return super().submit(func, callback)

        def abort_everything(self, ensure_ready: bool = True) -> None:
            waiting = getattr(self._workers, "_work_ids", None)
            while waiting is not None:
                try:
                    waiting.get_nowait()
                except Empty:
                    break
            super().abort_everything(ensure_ready=ensure_ready)

    return Interruptible()


@contextmanager
def _without_interrupts() -> Generator[None]:
    """Block Ctrl-C in this thread; a worker or thread that starts meanwhile never receives it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # now, since starting it later would unblock Ctrl-C (Python 3.11)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited through fork and exec
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def over_futures(submit: Callable[..., Any]) -> Any:
    """Return a joblib backend in which `submit` returns a future of function(*arguments).

    The future needs `add_done_callback`, called also for a task that fails or is cancelled, and `result`.

    Example:
        >>> from concurrent.futures import ThreadPoolExecutor
        >>> with ThreadPoolExecutor() as pool:
        ...     sorted(as_they_come(divmod, [(7, 2), (9, 4)], backend=over_futures(pool.submit)))
        [(2, 1), (3, 1)]
    """
    from joblib.parallel import ParallelBackendBase

    class Futures(ParallelBackendBase):
        supports_retrieve_callback = True

        def effective_n_jobs(self, n_jobs: int) -> Any:  # noqa: ARG002
            return 2  # all tasks are submitted at once; with 1 joblib would compute in this process

        def submit(self, func: Any, callback: Any = None) -> Any:
            [(function, arguments, _)] = func.items
            future = submit(function, *arguments)
            future.add_done_callback(callback)
            return future

        # A generator, so that joblib asks for the result only when it hands that out, in the thread that asked: in
        # the callback, which holds joblib's lock, the result may have died with its Dask worker and be on its way
        # again, and an error would lose its traceback.
        def retrieve_result_callback(self, out: Any) -> Any:
            yield out.result()

    return Futures()
