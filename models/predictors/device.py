"""Devices that torch can compute on."""

from __future__ import annotations

import torch

from theory.validation import InputError

__all__ = ["check_device", "rows_at_once"]

_CACHE = 1 << 17  # numbers for each thread: a megabyte in float64


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


def rows_at_once(device: torch.device, width: int) -> int:
    """Return how many rows of a table to work on at once: what fits the caches of a CPU, or all of them.

    Example:
        >>> rows_at_once(torch.device("cuda"), 152_000) > 1 << 40
        True
    """
    if device.type != "cpu":
        return 1 << 62
    return max(1, _CACHE * torch.get_num_threads() // max(1, width))
