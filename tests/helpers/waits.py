"""Readings of tensors on the host, for each of which a GPU would be waited for, counted on a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

READS = {"_local_scalar_dense", "nonzero", "_unique2", "unique_dim", "masked_select", "equal"}


class Waits(TorchDispatchMode):
    """Notes every reading of a tensor, and every call of a model."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.seen: list[str] = []
        whole: Any = torch.Tensor.tolist

        def noted(tensor: torch.Tensor) -> Any:
            self.seen.append("tolist")
            return whole(tensor)

        monkeypatch.setattr(torch.Tensor, "tolist", noted)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func._schema.name.partition("::")[2]
        by_mask = name.startswith("index") and any(
            part is not None and part.dtype == torch.bool
            for part in (args[1] if isinstance(args[1], list) else [])
        )
        if name in READS or by_mask:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))
