"""The saved state of an unfinished fine-tuning run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from models.predictors.checkpoint import read_tensors
from models.runs.records import digest
from theory.files import write_atomically
from theory.validation import InputError

__all__ = ["restore_state", "save_state"]

FORMAT = "parabounds fine-tuning state 2"


def save_state(
    path: Path,
    settings: dict[str, Any],
    adapters: dict[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
    losses: Sequence[float],
    step: int,
) -> None:
    """Write the state after ``step`` steps, with the last ``losses``, which the card needs."""
    tensors = {f"adapter.{name}": p.detach().cpu().contiguous() for name, p in adapters.items()}
    for j, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{j}.{key}": value.cpu().contiguous() for key, value in values.items()}
    tensors["losses"] = torch.tensor(losses, dtype=torch.float64)
    facts = {"format": FORMAT, "step": str(step), "sha256": digest(settings)}
    write_atomically(path, save(tensors, facts))


def restore_state(
    path: Path,
    settings: dict[str, Any],
    adapters: dict[str, nn.Parameter],
    optimizer: torch.optim.Optimizer,
) -> tuple[int, list[float]]:
    """Load a state into adapters and optimiser, and return the number of steps done and the last losses.

    Raises:
        InputError: If the file is no state, or of a run with other settings.
    """
    tensors, facts = read_tensors(path)
    if facts.get("format") != FORMAT:
        raise InputError(f"{path} is no state of a fine-tuning; remove it.")
    if facts["sha256"] != digest(settings):
        raise InputError(f"{path} is of a run with other settings; use another folder, or remove it.")
    losses = tensors.pop("losses").tolist()
    states: dict[int, dict[str, torch.Tensor]] = {}
    with torch.no_grad():
        for name, tensor in tensors.items():
            kind, _, rest = name.partition(".")
            if kind == "adapter":
                adapters[rest].copy_(tensor)
            else:
                j, _, key = rest.partition(".")
                states.setdefault(int(j), {})[key] = tensor
    optimizer.load_state_dict({"state": states, "param_groups": optimizer.state_dict()["param_groups"]})
    return int(facts["step"]), losses
