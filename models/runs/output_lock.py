"""A lock on the output of a run, so that two runs never write into one place.

The lock belongs to the process: it is free again however the run ends. Under ``torchrun`` the first worker holds it.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from theory.validation import InputError

__all__ = ["locked"]


@contextmanager
def locked(out: Path | None) -> Generator[None]:
    """Hold the lock of an output file or folder, ``.NAME.lock`` beside it, which is removed at the end.

    Args:
        out: The file or folder, which need not exist; ``None`` for no output.

    Raises:
        InputError: If another run holds it.
    """
    if out is None or int(os.environ.get("RANK", "0")):
        yield
        return
    file = out.absolute().with_name(f".{out.absolute().name}.lock")
    made = [folder for folder in file.parents if not folder.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"another run is writing into {out}; wait for it, or name another place.") from None
    try:
        yield
    finally:
        file.unlink(missing_ok=True)  # while it is held, so that nobody can take the old file
        lock.release()
        for folder in made:  # a run that failed before its first result leaves nothing
            if any(folder.iterdir()):
                break
            folder.rmdir()
