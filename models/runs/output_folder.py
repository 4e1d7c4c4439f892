"""Checks of an output folder before the work starts."""

from __future__ import annotations

import os
from pathlib import Path

from theory.validation import InputError

__all__ = ["check_folder"]


def check_folder(folder: Path) -> None:
    """Raise unless a folder can be written into or created; nothing is created.

    Raises:
        InputError: If a file has its name, or the permission is missing.

    Example:
        >>> check_folder(Path("."))
    """
    found = folder.absolute()
    try:
        while not found.exists():
            found = found.parent
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror}.") from None
    if not found.is_dir():
        raise InputError(f"cannot write into {folder}: {found} is no folder.")
    if not os.access(found, os.W_OK | os.X_OK):
        raise InputError(f"cannot write into {folder}: no permission to write into {found}.")
