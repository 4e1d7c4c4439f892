r"""Text and CSV files read as they are, and files that are never half-written.

Only ``\n`` and ``\r\n`` end a line. ``str.splitlines`` would also split at U+2028, U+0085, form feeds and more, and
text mode turns a lone ``\r`` into a line end; all of these are part of tokens here, as are spaces around them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from theory.validation import InputError

__all__ = [
    "csv_rows",
    "file_kind",
    "json_line",
    "plain",
    "read_bytes",
    "read_text",
    "text_lines",
    "write_atomically",
]


def file_kind(path: str | Path) -> str:
    """Return the suffix of a file in lower case, ignoring ``.gz``.

    Example:
        >>> file_kind("seen.CSV"), file_kind("seen.csv.gz"), file_kind("seen")
        ('.csv', '.csv', '')
    """
    name = Path(Path(path).name.lower())
    return Path(name.stem).suffix if name.suffix == ".gz" else name.suffix


def read_bytes(path: Path, what: str) -> bytes:
    """Return the content of a file, unpacked if its name ends in ``.gz``.

    Args:
        path: The file.
        what: What it holds, for the error.

    Raises:
        InputError: If it cannot be read or unpacked.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {what} {path}: {error.strerror or error}.") from None
    if path.suffix.lower() != ".gz":
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot unpack {what} {path}: {error}.") from None


def read_text(path: Path, what: str) -> str:
    """Return the text of a UTF-8 file as it is, without a byte order mark; see :func:`read_bytes`.

    Args:
        path: The file.
        what: What it holds, for the error.

    Raises:
        InputError: If it cannot be read or is not UTF-8.
    """
    try:
        return read_bytes(path, what).decode("utf-8-sig")  # spreadsheets write a byte order mark
    except UnicodeDecodeError as error:
        raise InputError(
            f"cannot read {what} {path}: it is not UTF-8 text, byte {error.start + 1} is wrong."
        ) from None


def text_lines(text: str) -> Iterator[tuple[int, str]]:
    r"""Yield the number of each line that is not empty, from 1, and the line without its end.

    Example:
        >>> list(text_lines("a\u2028b\r\n\n c\r\x0cd\n"))
        [(1, 'a\u2028b'), (3, ' c\r\x0cd')]
    """
    for number, line in enumerate(text.split("\n"), start=1):
        if line := line.removesuffix("\r"):
            yield number, line


def json_line(line: str, where: str, **options: Any) -> Any:
    """Return the value of one line of JSON.

    Args:
        line: The line.
        where: Its place, for the error.
        **options: Of ``json.loads``.

    Raises:
        InputError: If it is not JSON, or nested too deeply.

    Example:
        >>> json_line('{"output": "a"', "answers.jsonl line 2")
        Traceback (most recent call last):
        ...
        theory.validation.InputError: answers.jsonl line 2 is not JSON: Expecting ',' delimiter at column 15.
    """
    try:
        return json.loads(line, **options)
    except json.JSONDecodeError as error:
        raise InputError(f"{where} is not JSON: {error.msg} at column {error.colno}.") from None
    except (ValueError, RecursionError) as error:  # numbers of too many digits, nested lists
        raise InputError(f"{where} is not JSON: {error}.") from None


def csv_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    r"""Yield the rows of a CSV text, cells verbatim, each with the number of its first line; blank lines are skipped.

    Raises:
        InputError: If quotes do not match, or a cell is longer than :func:`csv.field_size_limit`.

    Example:
        >>> list(csv_rows('y0,y1\n" New", a\r\n"x\ny",b\rc\n'))
        [(1, ['y0', 'y1']), (2, [' New', ' a']), (3, ['x\ny', 'b\rc'])]
    """
    # Python's csv ends a row at a lone \r, so another character replaces it here
    stand_in = next(mark for mark in map(chr, range(0xE000, 0x110000)) if mark not in text)
    lines = io.StringIO(re.sub(r"\r(?!\n)", stand_in, text), newline="\n")
    reader = csv.reader(lines, strict=True)
    while True:
        number = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(f"line {number} is not CSV: {error}.") from None
        if row:
            yield number, [cell.replace(stand_in, "\r") for cell in row]


def plain(text: str) -> str:
    r"""Return a text for use in a message: unchanged, or in quotes if it could be misread.

    Example:
        >>> plain("New York"), plain(" New"), plain("a\nb"), plain("")
        ('New York', "' New'", "'a\\nb'", "''")
    """
    return text if text and text.isprintable() and text == text.strip() else repr(text)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file atomically: a reader, or an interruption at any moment, sees the old content or the new.

    Args:
        path: The file; its folder is made if missing.
        content: Text is written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as out:
            out.write(content.encode() if isinstance(content, str) else content)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
