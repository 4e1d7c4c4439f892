"""Devices that torch can compute on."""

from __future__ import annotations

import torch

from theory.validation import InputError

__all__ = ["check_device"]


def check_device(device: str) -> None:
    """Raise unless torch can compute on ``device``: cpu, cuda, cuda:K (the K-th GPU, from 0) or mps.

    Example:
        >>> check_device("cpu")
    """
    kind, colon, number = device.partition(":")
    here = {"cpu": 1, "cuda": torch.cuda.device_count(), "mps": int(torch.backends.mps.is_available())}
    most = here.get(kind, 0)
    if not most:
        raise InputError(f"torch finds no device {device!r} here; use cpu.")
    if colon and not (kind == "cuda" and number.isdecimal() and int(number) < most):
        known = ", ".join(f"cuda:{k}" for k in range(most)) if kind == "cuda" else kind
        raise InputError(f"torch finds no device {device!r} here; there is {known}.")
