"""Shares of one piece of work for several workers.

The work runs under ``torchrun`` (one worker per GPU), in joblib workers on a CPU, or in one process. Results are
collected in the files of :class:`models.runs.records.Records`. ``accelerate launch`` sets the same variables as
``torchrun``.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from theory.validation import InputError

__all__ = ["local_device", "run_shares"]

Share = Callable[[int, int], None]  # (rank, number of workers)


def run_shares(share: Share, *, jobs: int, device: str, on_disk: bool) -> bool:
    """Run ``share(rank, world)`` for all shares, and return whether this worker reports.

    Args:
        share: The work of one worker; for ``jobs`` it must be picklable.
        jobs: Workers on a CPU.
        device: The device of a worker.
        on_disk: Whether results are collected in files.

    Raises:
        InputError: If ``torchrun`` and ``jobs`` are mixed, or results could not be collected.
    """
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        if jobs > 1 or not on_disk:
            raise InputError("under torchrun give --out, and leave out --jobs.")
        from torch import distributed

        from models.runs.distributed import Workers

        with Workers.from_environment(device.partition(":")[0]):
            share(rank, world)
            distributed.barrier()
        return rank == 0
    if jobs > 1:
        if device != "cpu":
            raise InputError("--jobs is for the CPU; use torchrun for several GPUs.")
        from joblib import Parallel, delayed

        Parallel(n_jobs=jobs)(delayed(_one_thread)(share, j, jobs) for j in range(jobs))
        return True
    share(0, 1)
    return True


def local_device(device: str) -> str:
    """Return the GPU of this worker under ``torchrun``, else the device itself.

    Example:
        >>> local_device("cpu")
        'cpu'
    """
    local = os.environ.get("LOCAL_RANK")
    return f"cuda:{int(local)}" if device == "cuda" and local is not None else device


def _one_thread(share: Share, rank: int, world: int) -> None:
    import torch

    torch.set_num_threads(1)
    share(rank, world)
