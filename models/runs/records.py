"""Result records in a JSONL file that an interrupted run continues.

The first line has the settings and their digest; every other line is one record with its number ``row``. What is no
record at the end of a file, such as a line that was cut off, is dropped and said; before a record it is an error.
Several workers write ``NAME.rank1.jsonl`` and so on beside ``NAME.jsonl``, and all of them are read.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from theory.files import write_atomically
from theory.validation import InputError

__all__ = ["FORMAT", "Records", "digest"]

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
        kinds: The keys of a record; with several sets each record has those of one of them.

    Attributes:
        rows: The records by number.
        dropped: What was dropped at the ends of files, a sentence each.

    Raises:
        InputError: If a file holds records of other settings, or something else.
    """

    def __init__(
        self,
        path: Path | None,
        settings: Mapping[str, Any],
        *,
        rank: int = 0,
        kinds: Sequence[Sequence[str]] = ((),),
    ) -> None:
        self._path, self._settings, self._rank = path, settings, rank
        self._kinds = [("row", *kind) for kind in kinds]
        self._file: BinaryIO | None = None
        self.rows: dict[int, dict[str, Any]] = {}
        self.dropped: list[str] = []
        self.reload()

    def reload(self) -> None:
        """Read all files of the run again."""
        if self._path is None:
            return
        others = sorted(self._path.parent.glob(f"{self._path.stem}.rank*{self._path.suffix}"))
        self.dropped = []
        for file in (self._path, *others):
            records, _, dropped = _read(file, digest(self._settings), self._kinds)
            self.rows |= {record["row"]: record for record in records}
            self.dropped += [dropped] if dropped else []

    def __enter__(self) -> Records:
        """Return the records; what was dropped is cut off. A failed run leaves no file that was not there."""
        if self._path is not None and self.dropped and self._own(self._path).exists():
            self._file = self._open(self._path)
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

    def _own(self, path: Path) -> Path:
        return path.with_name(f"{path.stem}.rank{self._rank}{path.suffix}") if self._rank else path

    def _open(self, path: Path) -> BinaryIO:
        """Open the file of this worker for appending, without what is no record at its end."""
        file = self._own(path)
        _, length, _ = _read(file, digest(self._settings), self._kinds)
        if not length:
            header = {"format": FORMAT, "sha256": digest(self._settings), "settings": dict(self._settings)}
            length = len(_line(header))
            write_atomically(file, _line(header))
        opened = file.open("r+b")
        opened.truncate(length)
        opened.seek(length)
        return opened


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps(value, sort_keys=True) + "\n").encode()


def _read(file: Path, expected: str, kinds: Sequence[Sequence[str]]) -> tuple[list[dict[str, Any]], int, str]:
    """Return the records of a file, the length of its valid part in bytes, and what is said about the rest."""
    if file.exists() and not file.is_file():  # reading a device would never end
        raise InputError(f"{file} is no regular file; name another.")
    try:
        data = file.read_bytes() if file.exists() else b""
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}.") from None
    lines = data.split(b"\n")
    whole, torn = lines[:-1], bool(lines[-1])
    if not whole:
        if data and not data.startswith(b'{"format"'):
            raise InputError(f"{file} is no file of records; name another, or remove it.")
        return [], 0, f"{file}: its only line was cut off and is written again." if torn else ""
    header = _json(whole[0])
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InputError(f"{file} is no file of records; name another, or remove it.")
    if header.get("sha256") != expected:
        raise InputError(f"{file} is of a run with other settings; name another file, or remove it.")
    values = [_json(line) for line in whole[1:]]
    good = max((j for j, value in enumerate(values, start=1) if isinstance(value, dict)), default=0)
    for number, value in enumerate(values[:good], start=2):
        if not isinstance(value, dict):
            raise InputError(f"{file}, line {number}, is not JSON of a record; remove the line.")
        lacking = [[key for key in kind if key not in value] for kind in kinds]
        if all(lacking):
            key = min(lacking, key=len)[0]
            raise InputError(f"{file}, line {number}, has no key {key!r}; remove the line.")
        if not isinstance(value["row"], int):
            raise InputError(f"{file}, line {number}: row must be a number; remove the line.")
    length = sum(len(line) + 1 for line in whole[: good + 1])
    rest = len(values) - good + torn
    lost = f"{file}: what is no record at its end ({rest} {'line' if rest == 1 else 'lines'}) was dropped."
    return values[:good], length, lost if rest else ""


def _json(line: bytes) -> Any:
    """Return the value of a line, ``None`` if it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
