"""SHA-256 digests of large files, each file read once and not by every worker and run again.

A digest is kept in the user's cache folder under the file's device, inode, size, and times of change; the time of the
last change of status cannot be set by a program, so a changed file is read again. A file that has just changed is
not kept, since its next change may bear the same time. Workers of one machine wait for the first to read it.
"""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

from filelock import FileLock

from theory.files import write_atomically

__all__ = ["KEPT_BYTES", "file_digest"]

KEPT_BYTES = 1 << 26  # smaller files are read in a tenth of a second
_SETTLED = 2.0  # seconds: no file system has coarser times


def file_digest(file: Path, *, least: int = KEPT_BYTES) -> bytes:
    """Return the SHA-256 of a file.

    Args:
        file: The file.
        least: Digests of files of at least this many bytes are kept.
    """
    stat = file.stat()
    if stat.st_size < least or time.time() - stat.st_ctime < _SETTLED:
        return _read(file)
    name = "-".join(map(str, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)))
    try:
        kept = _folder() / name
        kept.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(kept.with_suffix(".lock")):
            if (
                kept.exists()
                and len(digest := bytes.fromhex(kept.read_text())) == hashlib.sha256().digest_size
            ):
                return digest
            digest = _read(file)
            write_atomically(kept, digest.hex())
            return digest
    except (OSError, ValueError):  # a folder that cannot be written, a damaged entry
        return _read(file)


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "parabounds" / "digests"


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()
