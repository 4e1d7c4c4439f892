"""Observed token sequences, read from a file and counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from theory.distributions.contexts import GivenTask
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.files.arrays import read_arrays, token_rows
from theory.distributions.outcomes import Token, check_tokens, sorted_tokens
from theory.distributions.pmf import JointPMF
from theory.distributions.written_numbers import Digits, checked_token
from theory.files import csv_rows, file_kind, json_line, plain, read_text, text_lines
from theory.validation import InputError

__all__ = ["Observed", "empirical_task", "read_samples"]

Tokenizer = Callable[[str], Sequence[Token]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Observed:
    """Samples of (context, sequence), counted.

    Attributes:
        name: Their source.
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
    def sizes(self) -> list[int]:
        """How many codes each column may have."""
        return [int(column.max()) + 1 for column in self.codes.T]

    @cached_property
    def contexts(self) -> int:
        """The number of distinct contexts."""
        return len(np.unique(self.codes[:, 0]))

    def halves(self, seed: int) -> tuple[Observed, Observed]:
        """Return the samples in two halves, drawn at random; the second has one more where their number is odd."""
        rng = np.random.default_rng(seed)
        first = rng.multivariate_hypergeometric(self.counts, self.size // 2, method="marginals")
        parts = (first, self.counts - first)
        one, two = (replace(self, codes=self.codes[c > 0], counts=c[c > 0]) for c in parts)
        return one, two

    def parts(self) -> list[tuple[Fraction, JointPMF]]:
        """Return the distribution of the samples themselves: each context with its weight and joint pmf.

        Example:
            >>> (part,) = Observed.from_rows([("", "a", "b"), ("", "b", "a"), ("", "b", "a")]).parts()
            >>> part[0], part[1].probabilities
            (Fraction(1, 1), (Fraction(1, 3), Fraction(2, 3)))
        """
        found: list[tuple[Fraction, JointPMF]] = []
        for x in range(self.contexts):
            mine = self.codes[:, 0] == x
            rows, counts = self.codes[mine, 1:].tolist(), self.counts[mine].tolist()
            found.append((Fraction(sum(counts), self.size), JointPMF.from_weights(rows, counts)))
        return found

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[Token, ...]], name: str = "samples") -> Observed:
        """Count rows of a context and n tokens; tokens that are NaN or cannot be hashed are refused.

        Example:
            >>> seen = Observed.from_rows([("", "a", "b"), ("", "a", "b"), ("", "b", "a")])
            >>> seen.counts.tolist(), seen.n, round(seen.coverage, 3)
            ([2, 1], 2, 0.667)
        """
        check_tokens(rows)
        counted = Counter(rows)
        columns = [
            {token: j for j, token in enumerate(sorted_tokens(set(column)))}
            for column in zip(*counted, strict=True)
        ]
        codes = [[column[token] for column, token in zip(columns, row, strict=True)] for row in counted]
        return cls(name=name, codes=np.array(codes, dtype=np.int64), counts=np.array(list(counted.values())))


def read_samples(path: str | Path, tokenize: Tokenizer | None = None) -> Observed:
    """Return the samples of a file, one observed sequence a row.

    ``.csv``: a header ``y0,y1,...[,x]``, cells verbatim. ``.jsonl``: a list of tokens per line, or a text. ``.npy``, or
    the array ``samples`` of a ``.npz``: rows of token ids. Any of them with ``.gz`` after it.

    Args:
        path: The file.
        tokenize: Gives the tokens of a text.

    Raises:
        InputError: If the file is missing, not of this form, or holds fewer than two samples.
    """
    file = Path(path)
    kind = file_kind(file)
    if kind not in (".csv", ".jsonl", ".npy", ".npz"):
        raise InputError(f"samples {file} must be a .csv, .jsonl, .npy or .npz file.")
    arrays = read_arrays(file, "samples", "samples") if kind in (".npy", ".npz") else {}
    text = read_text(file, "samples") if kind in (".csv", ".jsonl") else ""
    try:
        if kind in (".npy", ".npz"):
            rows = [("", *row) for row in token_rows(arrays, "samples")]
        else:
            rows = _from_csv(text) if kind == ".csv" else _from_lines(text, tokenize)
        if len(rows) < 2:
            raise InputError(f"an estimate needs at least 2 samples, got {len(rows)}.")
        if len(rows[0]) < 2:
            raise InputError("a sample needs at least one token, got an empty sequence.")
        return Observed.from_rows(rows, str(path))
    except InputError as error:
        raise InputError(f"{file}: {error}") from None


def _from_csv(text: str) -> list[tuple[Token, ...]]:
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
    return [(row[n] if len(header) > n else "", *row[:n]) for _, row in rows[1:]]


def _from_lines(text: str, tokenize: Tokenizer | None) -> list[tuple[Token, ...]]:
    """Return rows of an empty context and the tokens of each line of JSON."""
    rows: list[tuple[Token, ...]] = []
    for number, line in text_lines(text):
        if not line.strip(" \t\r"):
            continue
        row = ("", *_tokens(line, number, tokenize))
        if rows and len(row) != len(rows[0]):
            raise InputError(
                f"line {number} has {len(row) - 1} tokens, the first sample {len(rows[0]) - 1}; "
                "samples must have one length."
            )
        rows.append(row)
    return rows


def _tokens(line: str, number: int, tokenize: Tokenizer | None) -> Sequence[Token]:
    value = json_line(line, f"line {number}", parse_float=Digits)
    if isinstance(value, str):
        if tokenize is None:
            raise InputError(f"line {number} is a text; give --tokenizer DIR, or lists of tokens.")
        return tokenize(value)
    if not isinstance(value, list):
        raise InputError(f"line {number} must be a list of tokens or a text, got {line[:40]}.")
    return [checked_token(token, f"line {number}") for token in value]


def empirical_task(seen: Observed) -> GivenTask:
    """Return the distribution of the samples themselves, with numbered tokens; contexts weigh as often as they occur.

    Example:
        >>> task = empirical_task(Observed.from_rows([("", "a", "b"), ("", "b", "a"), ("", "b", "a")]))
        >>> task.contexts()[0].distribution.pmf().probabilities
        (Fraction(1, 3), Fraction(2, 3))
    """
    parts = tuple(
        Context(weight=weight, distribution=ListedDistribution(pmf)) for weight, pmf in seen.parts()
    )
    return GivenTask(name=seen.name, parts=parts)
