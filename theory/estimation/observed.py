"""Observed token sequences: a CSV of samples, counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from theory._checks import InputError
from theory.files import csv_rows, file_kind, plain, read_text

__all__ = ["Observed", "read_samples"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """Samples of (context, sequence), counted.

    Attributes:
        name: Where they come from.
        codes: The distinct pairs: the context in column 0, then the n tokens, as small integers; shape (M, n + 1).
        counts: How often each was seen, shape (M,).
    """

    name: str
    codes: NDArray[np.int64]
    counts: NDArray[np.int64]

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.codes.shape[1] - 1

    @property
    def size(self) -> int:
        """The number of samples."""
        return int(self.counts.sum())

    @property
    def coverage(self) -> float:
        """The Good-Turing estimate ``1 - f_1 / N`` of the probability of all pairs seen; f_1 were seen once."""
        return 1 - int((self.counts == 1).sum()) / self.size

    @cached_property
    def contexts(self) -> int:
        """The number of distinct contexts."""
        return len(np.unique(self.codes[:, 0]))

    @classmethod
    def from_rows(cls, rows: list[tuple[str, ...]], name: str = "samples") -> Observed:
        """Count rows of a context and n tokens.

        Example:
            >>> seen = Observed.from_rows([("", "a", "b"), ("", "a", "b"), ("", "b", "a")])
            >>> seen.counts.tolist(), seen.n, round(seen.coverage, 3)
            ([2, 1], 2, 0.667)
        """
        counted = Counter(rows)
        columns = [
            {token: j for j, token in enumerate(sorted(set(column)))} for column in zip(*counted, strict=True)
        ]
        codes = [[column[token] for column, token in zip(columns, row, strict=True)] for row in counted]
        return cls(name=name, codes=np.array(codes, dtype=np.int64), counts=np.array(list(counted.values())))


def read_samples(path: str | Path) -> Observed:
    """Return the samples of a CSV file: a header ``y0,y1,...[,x]``, one observed sequence a row.

    Raises:
        InputError: If the file is missing, not of this form, or holds fewer than two samples.
    """
    file = Path(path)
    if file_kind(file) != ".csv":
        raise InputError(f"samples {file} must be a .csv file.")
    text = read_text(file, "samples")
    try:
        return Observed.from_rows(_from_csv(text), str(path))
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _from_csv(text: str) -> list[tuple[str, ...]]:
    """Return rows of a context and the tokens, cells verbatim."""
    rows = list(csv_rows(text))
    header = [name.strip() for name in rows[0][1]] if rows else []
    n = sum(name.startswith("y") for name in header)
    if n == 0 or header not in ([f"y{i}" for i in range(n)], [*(f"y{i}" for i in range(n)), "x"]):
        hint = "; a column p belongs to a task file, see bounds" if "p" in header else ""
        shown = plain(",".join(header)) if header else "nothing"
        raise InputError(f"the header must be y0,y1,...[,x], got {shown}{hint}.")
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise InputError(f"line {number} has {len(row)} fields, the header has {len(header)}.")
    if len(rows) < 3:
        raise InputError(f"an estimate needs at least 2 samples, got {len(rows) - 1}.")
    return [(row[n] if len(header) > n else "", *row[:n]) for _, row in rows[1:]]
