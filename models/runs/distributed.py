"""Several processes that train one model: DistributedDataParallel under ``torchrun``, nothing without it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import TracebackType

import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

__all__ = ["Processes"]


@dataclass(frozen=True, kw_only=True)
class Processes:
    """This process among those that train together; a context manager.

    Attributes:
        rank: Number of this process; 0 writes files and reports.
        world: Number of processes.
        device: Where this process computes.
    """

    rank: int
    world: int
    device: torch.device

    @classmethod
    def from_environment(cls, device: str) -> Processes:
        """Return what ``torchrun`` set in the environment: RANK, WORLD_SIZE and LOCAL_RANK."""
        world = int(os.environ.get("WORLD_SIZE", "1"))
        if world == 1:
            return cls(rank=0, world=1, device=torch.device(device))
        where = f"cuda:{os.environ['LOCAL_RANK']}" if device == "cuda" else device
        return cls(rank=int(os.environ["RANK"]), world=world, device=torch.device(where))

    def wrap(self, model: nn.Module) -> nn.Module:
        """Return the model whose gradients are averaged over the processes."""
        return model if self.world == 1 else DistributedDataParallel(model)

    def __enter__(self) -> Processes:
        """Join the other processes."""
        if self.world > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave them."""
        if self.world > 1:
            distributed.destroy_process_group()
