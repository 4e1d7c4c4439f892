"""Training in several workers with DistributedDataParallel under ``torchrun``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["LONGEST_WAIT", "Workers"]

# for workers with less to do, and for one that writes a large model: torch gives up after ten minutes, and where a
# worker fails torchrun ends the others anyway
LONGEST_WAIT = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Workers:
    """One of the workers that train together; a context manager.

    Attributes:
        rank: Number of this worker; 0 writes files and reports.
        world: Number of workers.
        device: The device of this worker.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def from_environment(cls, device: str) -> Workers:
        """Return the worker of the environment variables RANK, WORLD_SIZE and LOCAL_RANK of ``torchrun``."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls(rank=0, world=1, device=torch.device(device))
        where = f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" else device
        return cls(rank=int(os.environ["RANK"]), world=world, device=torch.device(where))

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model with gradients averaged over the workers."""
        return model if self.world == 1 else DistributedDataParallel(model)

    def any(self, flag: bool) -> bool:
        """Return whether the flag of any worker is set; all of them must ask."""
        if self.world == 1:
            return flag
        shared = torch.tensor(int(flag), device=self.device)
        distributed.all_reduce(shared, op=distributed.ReduceOp.MAX)
        return bool(shared)

    def __enter__(self) -> Workers:
        """Join the other workers."""
        if self.world > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            backend = "nccl" if self.device.type == "cuda" else "gloo"
            distributed.init_process_group(backend, timeout=LONGEST_WAIT)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave them."""
        if self.world > 1:
            distributed.destroy_process_group()
