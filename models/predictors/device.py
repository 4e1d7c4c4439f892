"""Devices that torch can compute on."""

from __future__ import annotations

import torch

from theory.validation import InputError

__all__ = ["check_device"]


def check_device(device: str) -> None:
    """Raise unless torch can compute on ``device``.

    Example:
        >>> check_device("cpu")
    """
    here = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not here.get(device, False):
        raise InputError(f"torch finds no device {device!r} here; use cpu.")
