"""Task files: a distribution written as JSON or CSV.

JSON: ``{"outcomes": [["New", "York"], ...], "probabilities": ["1/4", ...]}``, or ``{"contexts": [{"weight": "1/2",
"outcomes": [...], "probabilities": [...]}, ...]}``. ``probabilities`` may be left out (uniform) or be ``weights``
(normalised here). ``{"markov": {...}}``, ``{"hmm": {...}}`` and ``{"grammar": {...}}`` describe laws with too many
outcomes to list; see :mod:`theory.structured.taskfile`. CSV: a header ``y0,y1,...[,p][,x]``, one outcome a row; ``x``
groups rows into equally likely contexts. Decimals and ratios are taken as written, so that results are exact.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from theory._checks import InputError, exact_fraction, shown
from theory.law import Context, ListedLaw, check_weights, occurring
from theory.lumped_chain import Chain
from theory.pmf import JointPMF
from theory.structured.parameters import shares
from theory.structured.taskfile import STRUCTURED, read_structured

__all__ = ["FileTask", "read_task"]


@dataclass(frozen=True, kw_only=True)
class FileTask:
    """A task read from a file."""

    name: str
    parts: tuple[Context, ...]

    @property
    def n(self) -> int:
        """The length of the longest context."""
        return max(context.law.n for context in self.parts)

    def contexts(self) -> tuple[Context, ...]:
        """Return the contexts of the file."""
        return self.parts

    def chain(self) -> Chain | None:
        """No lumped chain is known for a listed law."""
        return None


def read_task(path: str | Path, *, n: int | None = None, normalise: bool = False) -> FileTask:
    """Return the task of a ``.json`` or ``.csv`` file.

    Args:
        path: The file.
        n: The length of the sequences of a structured law; a listed task has its own.
        normalise: Divide probabilities and weights of contexts by their sum where it is not one.

    Raises:
        InputError: If the file is missing, not of this form, or its numbers are not probabilities.
    """
    file = Path(path)
    kind = file.suffix.lower()
    if kind not in (".json", ".csv"):
        raise InputError(f"task file {file} must end in .json or .csv.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"cannot read task file {file}: {getattr(error, 'strerror', None) or error}."
        ) from None
    try:
        is_json = kind == ".json"
        contexts = _from_json(text, n, normalise) if is_json else _from_csv(text, normalise)
        contexts = _scaled(contexts) if normalise else contexts
        check_weights(contexts)
        contexts = occurring(contexts)
        longest = max(context.law.n for context in contexts)
        if n is not None and n != longest:
            raise InputError(f"the outcomes have length {longest}, got -n {n}; leave -n out.")
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    return FileTask(name=str(path), parts=contexts)


def _scaled(contexts: list[Context]) -> list[Context]:
    total = sum((context.weight for context in contexts), Fraction(0))
    if total <= 0:
        raise InputError(f"weights of the contexts sum to {total}; they cannot be normalised.")
    return [replace(context, weight=context.weight / total) for context in contexts]


def _decimal(text: str) -> Fraction:
    return exact_fraction(text, "a number")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of distinct keys; Python would silently keep the last of two."""
    known = dict(pairs)
    if len(known) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in known if names.count(key) > 1)
        raise InputError(f"key {twice!r} stands twice in one object; keep one of them.")
    return known


def _from_json(text: str, n: int | None, normalise: bool) -> list[Context]:
    try:
        data = json.loads(text, parse_float=_decimal, object_pairs_hook=_distinct)  # 0.1 is 1/10
    except InputError:
        raise
    except RecursionError:
        raise InputError("the JSON is nested too deeply to be a task.") from None
    except ValueError as error:
        raise InputError(f"not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise InputError('must hold an object with "outcomes" or "contexts".')
    if structured := next((kind for kind in STRUCTURED if kind in data), None):
        _only(data, {structured})
        return [Context(weight=Fraction(1), law=read_structured(structured, data[structured], n, normalise))]
    if "contexts" not in data:
        return [_context(data, Fraction(1), "", normalise)]
    parts = data["contexts"]
    _only(data, {"contexts"})
    if not isinstance(parts, list) or not parts:
        raise InputError('"contexts" must be a non-empty list.')
    share = Fraction(1, len(parts))
    return [_context(part, share, f"contexts[{j}]", normalise) for j, part in enumerate(parts)]


def _context(data: Any, share: Fraction, label: str, normalise: bool) -> Context:
    where = f"{label}: " if label else ""
    try:
        if not isinstance(data, dict):
            raise InputError("must be an object.")
        _only(data, {"outcomes", "probabilities", "weights", "weight"})
        outcomes = data.get("outcomes")
        if not isinstance(outcomes, list) or not all(isinstance(row, list) for row in outcomes):
            raise InputError('"outcomes" must be a list of lists of tokens.')
        for row in outcomes:
            if not all(isinstance(t, (str, int, Fraction)) and not isinstance(t, bool) for t in row):
                raise InputError(f"tokens must be texts or numbers, got {shown(row, 400)}.")
        weight = exact_fraction(data["weight"], "weight") if "weight" in data else share
        return Context(weight=weight, law=ListedLaw(_pmf(outcomes, data, normalise)), label=label)
    except InputError as error:
        raise InputError(f"{where}{error}") from None


def _pmf(outcomes: list[list[Any]], data: dict[str, Any], normalise: bool) -> JointPMF:
    if "probabilities" in data and "weights" in data:
        raise InputError('give "probabilities" or "weights", not both.')
    for key, build in (("probabilities", JointPMF.from_pairs), ("weights", JointPMF.from_weights)):
        if key in data:
            numbers = data[key]
            if not isinstance(numbers, list) or len(numbers) != len(outcomes):
                raise InputError(
                    f'"{key}" must be a list with one number for each of {len(outcomes)} outcomes.'
                )
            values = [exact_fraction(number, key) for number in numbers]
            if key == "probabilities":
                values = shares(values, key, normalise)
            return build(outcomes, values)
    return JointPMF.uniform(outcomes)


def _only(data: dict[str, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            raise InputError(f"unknown key {key!r}; known: {', '.join(sorted(known))}.")


def _from_csv(text: str, normalise: bool) -> list[Context]:
    rows = [row for row in csv.reader(text.splitlines()) if row]
    if not rows:
        raise InputError("the file is empty; the first line must be a header such as y0,y1,p.")
    header = [name.strip() for name in rows[0]]
    n = sum(name.startswith("y") for name in header)
    extra = header[n:]
    if n == 0 or header[:n] != [f"y{i}" for i in range(n)] or extra not in ([], ["p"], ["x"], ["p", "x"]):
        raise InputError(f"the header must be y0,y1,...[,p][,x], got {','.join(header)}.")
    groups: dict[str, list[list[str]]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise InputError(f"line {number} has {len(row)} fields, the header has {len(header)}.")
        groups.setdefault(row[-1].strip() if "x" in extra else "", []).append([cell.strip() for cell in row])
    if not groups:
        raise InputError("there are no outcomes below the header.")
    if "p" not in extra and any(len(set(map(tuple, group))) < len(group) for group in groups.values()):
        raise InputError("rows stand twice; observed samples belong to: python -m theory estimate FILE.csv.")
    share = Fraction(1, len(groups))
    contexts: list[Context] = []
    for label, group in groups.items():
        data: dict[str, Any] = {"outcomes": [row[:n] for row in group]}
        if "p" in extra:
            data["probabilities"] = [row[n] for row in group]
        contexts.append(_context(data, share, f"x={label}" if label else "", normalise))
    return contexts
