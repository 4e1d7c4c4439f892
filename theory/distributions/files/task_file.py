"""Task files, distributions written as JSON, CSV or arrays.

JSON: ``{"outcomes": [["New", "York"], ...], "probabilities": ["1/4", ...]}``, or ``{"contexts": [{"name": "one",
"weight": "1/2", "outcomes": [...], "probabilities": [...]}, ...]}``. ``probabilities`` may be left out (uniform) or be
``weights`` (normalised here). ``{"markov": {...}}``, ``{"hmm": {...}}`` and ``{"grammar": {...}}`` describe
distributions with too many outcomes to list; see :mod:`theory.distributions.files.parametric_file`. CSV: a header
``y0,y1,...[,p][,x]``, one outcome a row; ``x`` groups rows into equally likely contexts. Short decimals and ratios
are taken as written, so that results are exact; decimals of over 12 digits are floats
(:mod:`theory.distributions.written_numbers`). ``.npy``: outcomes as rows of token ids, equally likely; ``.npz``: the
arrays ``outcomes`` and perhaps ``probabilities`` or ``weights``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

from theory.distributions.contexts import GivenTask
from theory.distributions.distribution import Context, ListedDistribution, check_weights, occurring
from theory.distributions.files.arrays import number_list, read_arrays, token_rows
from theory.distributions.files.file_numbers import FileNumbers
from theory.distributions.files.parametric_file import PARAMETRIC, read_parametric, rounding
from theory.distributions.parametric.parameters import shares
from theory.distributions.pmf import JointPMF
from theory.distributions.written_numbers import Digits, checked_token, float_shares
from theory.files import csv_rows, file_kind, plain, read_text
from theory.validation import InputError, exact_fraction

__all__ = ["is_task_file", "read_task"]

_TEXTS, _ARRAYS = (".json", ".csv"), (".npy", ".npz")


def is_task_file(name: str) -> bool:
    """Return whether a name has the ending of a task file.

    Example:
        >>> is_task_file("places.JSON"), is_task_file("places.csv.gz"), is_task_file("shuffle")
        (True, True, False)
    """
    return file_kind(name) in (*_TEXTS, *_ARRAYS, ".jsonl")


def read_task(
    path: str | Path, *, n: int | None = None, normalise: bool = False, exact: bool = False
) -> GivenTask:
    """Return the task of a ``.json``, ``.csv``, ``.npy`` or ``.npz`` file, or of one of them with ``.gz`` after it.

    If a number of a listed task has over 12 significant digits, its probabilities become float64: a sum
    within 1e-9 of one is divided out as rounding, as the task's ``note`` says. Rows of parametric distributions are
    divided likewise and stay rational.

    Args:
        path: The file.
        n: The length of the sequences of a parametric distribution; a listed task has its own.
        normalise: Divide probabilities and weights of contexts by their sum where it is not one.
        exact: Read numbers of any length as exact decimals, which must sum to one exactly.

    Raises:
        InputError: If the file is missing, not of this form, or its numbers are not probabilities.
    """
    file = Path(path)
    kind = file_kind(file)
    if kind == ".jsonl":
        raise InputError(f"{file}: samples, one per line, belong to: parabounds estimate {file}.")
    if kind not in (*_TEXTS, *_ARRAYS):
        raise InputError(f"task file {file} must end in .json, .csv, .npy or .npz.")
    arrays = read_arrays(file, "task file", "outcomes") if kind in _ARRAYS else {}
    text = read_text(file, "task file") if kind in _TEXTS else ""
    try:
        numbers = FileNumbers(normalise=normalise, exact=exact)
        if kind in _ARRAYS:
            contexts = _from_arrays(arrays, numbers)
        else:
            contexts = _from_json(text, n, numbers) if kind == ".json" else _from_csv(text, numbers)
        contexts = numbers.settled(contexts)
        check_weights(contexts)
        contexts = occurring(contexts)
        longest = max(context.distribution.n for context in contexts)
        if n is not None and n != longest:
            raise InputError(f"the outcomes have length {longest}, got -n {n}; leave -n out.")
    except InputError as error:
        raise InputError(f"{file}: {error}") from None
    return GivenTask(name=str(path), parts=contexts, floats=numbers.floats, note=numbers.note())


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of distinct keys; Python would silently keep the last of two."""
    known = dict(pairs)
    if len(known) < len(pairs):
        names = [key for key, _ in pairs]
        twice = next(key for key in known if names.count(key) > 1)
        raise InputError(f"key {twice!r} is given twice in one object; keep one of them.")
    return known


def _from_json(text: str, n: int | None, numbers: FileNumbers) -> list[Context]:
    try:
        data = json.loads(text, parse_float=Digits, object_pairs_hook=_distinct)
    except InputError:
        raise
    except RecursionError:
        raise InputError("the JSON is nested too deeply to be a task.") from None
    except ValueError as error:
        raise InputError(f"not valid JSON: {error}.") from None
    if not isinstance(data, dict):
        raise InputError('must hold an object with "outcomes" or "contexts".')
    if parametric := next((kind for kind in PARAMETRIC if kind in data), None):
        _only(data, {parametric})
        entry = data[parametric]
        distribution = read_parametric(parametric, entry, n, numbers.normalise, numbers.exact)
        if not numbers.exact and (off := rounding(entry)) is not None:
            numbers.floats = True
            numbers.missed(off)
        return [Context(weight=Fraction(1), distribution=distribution)]
    if "contexts" not in data:
        return [_context(data, Fraction(1), "", numbers)]
    parts = data["contexts"]
    _only(data, {"contexts"})
    if not isinstance(parts, list) or not parts:
        raise InputError('"contexts" must be a non-empty list.')
    share = Fraction(1, len(parts))
    return [_context(part, share, f"contexts[{j}]", numbers) for j, part in enumerate(parts)]


def _context(data: Any, share: Fraction, label: str, numbers: FileNumbers) -> Context:
    where = f"{plain(label)}: " if label else ""
    try:
        if not isinstance(data, dict):
            raise InputError("must be an object.")
        _only(data, {"name", "outcomes", "probabilities", "weight", "weights"})
        if not isinstance(label := data.get("name", label), str):
            raise InputError(f"name must be a text, got {label!r}.")
        outcomes = data.get("outcomes")
        if not isinstance(outcomes, list) or not all(isinstance(row, list) for row in outcomes):
            raise InputError('"outcomes" must be a list of lists of tokens.')
        outcomes = [_tokens(row) for row in outcomes]
        weight = exact_fraction(data["weight"], "weight") if "weight" in data else share
        numbers.are_floats([data.get("weight")])
        return Context(
            weight=weight, distribution=ListedDistribution(_pmf(outcomes, data, numbers)), label=label
        )
    except InputError as error:
        raise InputError(f"{where}{error}") from None


def _tokens(row: list[Any]) -> list[Any]:
    where = f"outcome {row!r}"
    return [checked_token(token, where) for token in row]


def _pmf(outcomes: list[list[Any]], data: dict[str, Any], numbers: FileNumbers) -> JointPMF:
    if "probabilities" in data and "weights" in data:
        raise InputError('give "probabilities" or "weights", not both.')
    for key, build in (("probabilities", JointPMF.from_pairs), ("weights", JointPMF.from_weights)):
        if key in data:
            given = data[key]
            if not isinstance(given, list) or len(given) != len(outcomes):
                raise InputError(
                    f'"{key}" must be a list with one number for each of {len(outcomes)} outcomes.'
                )
            any_sum = numbers.normalise or key == "weights"
            if numbers.are_floats(given):
                values, off = float_shares(given, key, normalise=any_sum)
                numbers.missed(0.0 if any_sum else off)
                return JointPMF.from_pairs(outcomes, values)
            values = [exact_fraction(number, key) for number in given]
            return build(outcomes, values if key == "weights" else shares(values, key, any_sum))
    return JointPMF.uniform(outcomes)


def _only(data: dict[str, Any], known: set[str]) -> None:
    for key in data:
        if key not in known:
            raise InputError(f"unknown key {key!r}; known: {', '.join(sorted(known))}.")


def _from_arrays(arrays: dict[str, Any], numbers: FileNumbers) -> list[Context]:
    shares = ("probabilities", "weights")
    _only(arrays, {"outcomes", *shares})
    data: dict[str, Any] = {"outcomes": token_rows(arrays, "outcomes")}
    data |= {key: number_list(arrays[key], key) for key in shares if key in arrays}
    if len(data) == 1:
        _distinct_rows([data["outcomes"]])
    return [_context(data, Fraction(1), "", numbers)]


def _distinct_rows(groups: Iterable[list[list[Any]]]) -> None:
    if any(len(set(map(tuple, group))) < len(group) for group in groups):
        raise InputError("there are duplicate rows; observed samples belong to: parabounds estimate FILE.")


def _from_csv(text: str, numbers: FileNumbers) -> list[Context]:
    rows = list(csv_rows(text))
    if not rows:
        raise InputError("the file is empty; the first line must be a header such as y0,y1,p.")
    header = [name.strip() for name in rows[0][1]]
    n = sum(name.startswith("y") for name in header)
    extra = header[n:]
    if n == 0 or header[:n] != [f"y{i}" for i in range(n)] or extra not in ([], ["p"], ["x"], ["p", "x"]):
        raise InputError(f"the header must be y0,y1,...[,p][,x], got {plain(','.join(header))}.")
    groups: dict[str, list[list[str]]] = {}
    for number, row in rows[1:]:
        if len(row) != len(header):
            raise InputError(f"line {number} has {len(row)} fields, the header has {len(header)}.")
        groups.setdefault(row[-1] if "x" in extra else "", []).append(row)
    if not groups:
        raise InputError("there are no outcomes below the header.")
    if "p" not in extra:
        _distinct_rows(groups.values())
    share = Fraction(1, len(groups))
    contexts: list[Context] = []
    for label, group in groups.items():
        data: dict[str, Any] = {"outcomes": [row[:n] for row in group]}
        if "p" in extra:
            data["probabilities"] = [row[n] for row in group]
        contexts.append(_context(data, share, f"x={label}" if label else "", numbers))
    return contexts
