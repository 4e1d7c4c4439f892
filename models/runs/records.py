"""Result records in a JSONL file that an interrupted run continues.

The first line has the settings and their digest; every other line is one record with its number ``row``. An incomplete
last line is dropped. Several workers write ``NAME.rank1.jsonl`` and so on beside ``NAME.jsonl``, and all of them are
read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from theory.files import write_atomically
from theory.validation import InputError

__all__ = ["Records", "digest"]

FORMAT = "parabounds records 1"


def digest(settings: Mapping[str, Any]) -> str:
    """Return the SHA-256 of settings, independent of the order of their keys.

    Example:
        >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
        True
    """
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


class Records:
    """The records of a run; a context manager that appends to the file of this worker.

    Args:
        path: The file of the run, or ``None`` to keep records in memory alone.
        settings: JSON values that decide the records.
        rank: Number of this worker.

    Raises:
        InputError: If a file holds records of other settings, or something else.
    """

    def __init__(self, path: Path | None, settings: Mapping[str, Any], *, rank: int = 0) -> None:
        self._path, self._settings, self._rank = path, settings, rank
        self._file: BinaryIO | None = None
        self.rows: dict[int, dict[str, Any]] = {}
        self.reload()

    def reload(self) -> None:
        """Read all files of the run again."""
        if self._path is None:
            return
        others = sorted(self._path.parent.glob(f"{self._path.stem}.rank*{self._path.suffix}"))
        for file in (self._path, *others):
            self.rows |= {record["row"]: record for record in _read(file, digest(self._settings))}

    def __enter__(self) -> Records:
        """Return the records; the file is created with the first record, so that a failed run leaves none."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Add records and write them to the disk at once.

        Raises:
            InputError: If the file cannot be written.
        """
        lines = b""
        for record in records:
            self.rows[record["row"]] = dict(record)
            lines += _line(record)
        if self._path is None or not lines:
            return
        try:
            if self._file is None:
                self._file = self._open(self._path)
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise InputError(f"cannot write {self._path}: {error.strerror}.") from None

    def _open(self, path: Path) -> BinaryIO:
        """Open the file of this worker for appending, without an incomplete last line."""
        file = path.with_name(f"{path.stem}.rank{self._rank}{path.suffix}") if self._rank else path
        whole = _whole_lines(file)
        if not whole:
            header = {"format": FORMAT, "sha256": digest(self._settings), "settings": dict(self._settings)}
            whole = _line(header)
            write_atomically(file, whole)
        opened = file.open("r+b")
        opened.truncate(len(whole))
        opened.seek(len(whole))
        return opened


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True) + "\n").encode()


def _whole_lines(file: Path) -> bytes:
    """Return the complete lines."""
    if file.exists() and not file.is_file():  # reading a device would never end
        raise InputError(f"{file} is no regular file; name another.")
    data = file.read_bytes() if file.exists() else b""
    return data[: data.rfind(b"\n") + 1]


def _read(file: Path, expected: str) -> list[dict[str, Any]]:
    try:
        lines = _whole_lines(file).split(b"\n")[:-1]
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}.") from None
    if not lines:
        if file.exists() and file.stat().st_size and not file.read_bytes().startswith(b'{"format"'):
            raise InputError(f"{file} is no file of records; name another, or remove it.")
        return []
    found: list[Any] = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError:
            raise InputError(f"{file}, line {number}, is not JSON; remove the file.") from None
    header, *records = found
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{file} is no file of records; name another, or remove it.")
    if header.get("sha256") != expected:
        raise InputError(f"{file} is of a run with other settings; name another file, or remove it.")
    if not all(isinstance(record, dict) and isinstance(record.get("row"), int) for record in records):
        raise InputError(f"{file} holds a line that is no record; remove the file.")
    return records
