"""Results of finished cells on disk, so that an interrupted run continues.

A result is reused only if everything that made it is the same: the function and its arguments, the project's source
code, the shipped weights, and the numerical libraries. The file's name is the digest of all of these. An incomplete,
changed or unknown file is ignored, and its cell computed again.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata, util
from pathlib import Path
from typing import Any

from figures.engine.data import canonical_json
from figures.engine.figure import Cell
from theory.files import write_atomically

__all__ = ["Cache", "file_digest", "source_digest", "versions"]

PACKAGES = ("theory", "synthetic", "models", "figures")
LIBRARIES = ("numpy", "scipy", "sympy", "python-flint", "torch")  # those that can change a number


@dataclass(frozen=True, slots=True, kw_only=True)
class Cache:
    """The results in one folder that were made with the current code and libraries."""

    folder: Path
    code: str  # digest of our source and the versions of the libraries

    @classmethod
    def open(cls, folder: Path) -> Cache:
        """Return the cache in a folder, which need not exist yet."""
        return cls(folder=folder, code=_digest({"source": source_digest(), "versions": versions()}))

    def load(self, figure: str, cell: Cell) -> dict[str, Any] | None:
        """Return the stored entry with the cell's "result", or None if there is no valid one."""
        key = self._key(cell)
        try:
            entry = json.loads(self._path(figure, key).read_bytes())
            sound = entry["key"] == key and entry["digest"] == _digest(entry["result"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return entry if sound else None

    def store(self, figure: str, cell: Cell, result: Any) -> None:
        """Store a result, which has been through JSON."""
        key = self._key(cell)
        entry = {
            "key": key,
            "function": cell.label,
            "kwargs": cell.kwargs,
            "result": result,
            "digest": _digest(result),
        }
        write_atomically(self._path(figure, key), canonical_json(entry))

    def _path(self, figure: str, key: str) -> Path:
        return self.folder / figure / f"{key}.json"

    def _key(self, cell: Cell) -> str:
        arguments = dict(cell.kwargs)
        if arguments.get("weights") is not None:  # the content counts, not the path
            arguments["weights"] = file_digest(Path(arguments["weights"]))
        return _digest({"function": cell.label, "arguments": arguments, "code": self.code})


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a number."""
    return {"python": platform.python_version()} | {name: _version(name) for name in LIBRARIES}


def source_digest() -> str:
    """Return a digest of the project's own source code and the weights that come with it."""
    return _digest({name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _sources()})


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, as hexadecimal digits."""
    stat = path.stat()
    return _file_digest(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _file_digest(path: Path, _modified: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sources() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        spec = util.find_spec(package)
        for root in (spec and spec.submodule_search_locations) or ():
            folder = Path(root)
            for path in sorted([*folder.rglob("*.py"), *(folder / "weights").rglob("*")]):
                if path.is_file():
                    yield f"{package}/{path.relative_to(folder).as_posix()}", path


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "absent"


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
