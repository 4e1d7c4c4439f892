"""Outcomes of a joint pmf, token sequences with integer codes.

The alphabet of a position is the sorted tuple of the tokens that occur there; a token's code is its index in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from itertools import chain, islice
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import packed
from theory.limits import require_memory
from theory.validation import InputError, shown

__all__ = [
    "MASK",
    "Outcome",
    "Token",
    "as_outcomes",
    "check_distinct",
    "check_tokens",
    "code_cells",
    "code_outcomes",
    "outcome_of_key",
    "require_rows",
    "sorted_tokens",
]

MASK = -1  # the id of a masked position in the batches that a distribution reads
Token = Hashable
Outcome = tuple[Token, ...]
Alphabets = tuple[tuple[Token, ...], ...]
_CHECK_EVERY = 1 << 20  # tokens


def as_outcomes(rows: Iterable[Iterable[Token]]) -> list[Outcome]:
    """Return sequences of tokens as tuples.

    Raises:
        InputError: If one is no sequence.
        CostError: If they take too much memory; the rows of an iterator, which does not tell its length, are counted
            as they come.
    """
    found: list[Outcome] = []
    source: Iterator[Any] = iter(rows)
    size = 1
    while part := list(islice(source, size)):
        try:
            found += map(tuple, part)
        except TypeError:
            bad = next(row for row in part if not isinstance(row, Iterable))
            raise InputError(f"an outcome must be a sequence of tokens, got {_shown(bad)}.") from None
        require_rows(len(found), len(found[0]))
        size = 1 + _CHECK_EVERY // (1 + len(found[0]))
    return found


def outcome_of_key(key: Hashable) -> Outcome:
    """Return the outcome named by a key of a mapping: the tokens of a sequence, or else a single token.

    Example:
        >>> outcome_of_key(("New", "York")), outcome_of_key("ab"), outcome_of_key(7), outcome_of_key(frozenset("a"))
        (('New', 'York'), ('a', 'b'), (7,), (frozenset({'a'}),))
    """
    return tuple(key) if isinstance(key, Sequence) else (key,)


def check_tokens(rows: Iterable[Iterable[Token]]) -> None:
    """Check that each token can be hashed and equals itself, which NaN does not.

    Raises:
        InputError: If one does not.
    """
    listed = list(rows)
    try:
        tokens = {token for row in listed for token in row}
    except TypeError:
        bad = next(token for row in listed for token in row if not _hashable(token))
        kind = type(bad).__name__
        raise InputError(
            f"token {_shown(bad)} of type {kind} cannot be hashed; use a text or a tuple."
        ) from None
    for token in tokens:
        if not _equals_itself(token):
            raise InputError(f"token {_shown(token)} does not equal itself; name it by a text instead.")


def _hashable(token: Any) -> bool:
    try:
        hash(token)
    except TypeError:
        return False
    return True


def _equals_itself(token: Any) -> bool:
    if isinstance(token, (tuple, frozenset)):  # equal at once where they hold the same objects, NaN too
        return all(map(_equals_itself, token))
    try:
        return bool(token == token)
    except (TypeError, ValueError, ArithmeticError):
        return False


def _shown(value: object) -> str:
    return " ".join(repr(value).split())[:60]


def require_rows(count: int, n: int) -> None:
    """Raise ``CostError`` if ``count`` outcomes of n tokens take too much memory."""
    what = f"{count} outcomes of {n} tokens"
    require_memory(count * (n * 48 + 80), what, remedy="use fewer outcomes", advice=0)


def code_outcomes(rows: Sequence[Outcome]) -> tuple[Alphabets, NDArray[np.int64]]:
    """Return the alphabets of outcomes and their codes, shape (N, n).

    Raises:
        InputError: If there are none, they are empty, differ in length or stand twice, or a token cannot be told apart.

    Example:
        >>> code_outcomes([("New", "York"), ("Mexico", "City")])
        ((('Mexico', 'New'), ('City', 'York')), array([[1, 1],
               [0, 0]]))
    """
    n = _one_length(rows)
    if (whole := _code_integers(rows, n)) is not None:
        return whole
    flat = list(
        chain.from_iterable(rows)
    )  # a list and its slices cost a third of loops over rows and positions
    columns = [flat[i::n] for i in range(n)]
    try:
        kinds = list(map(set, columns))
    except TypeError:
        kinds = [row for row in rows if not all(map(_hashable, row))]  # the check names the token
    check_tokens(kinds)
    alphabets = tuple(map(sorted_tokens, map(set, kinds)))
    codes = np.empty((len(rows), n), dtype=np.int64)
    for i, alphabet in enumerate(alphabets):
        code = {token: j for j, token in enumerate(alphabet)}
        if len(rows) > 1 and len(alphabet) <= 256:  # as bytes: half the time
            codes[:, i] = np.frombuffer(bytes(itemgetter(*columns[i])(code)), dtype=np.uint8)
        else:
            codes[:, i] = np.fromiter(map(code.__getitem__, columns[i]), np.int64, len(rows))
    check_distinct(codes, alphabets)
    return alphabets, codes


def _code_integers(rows: Sequence[Outcome], n: int) -> tuple[Alphabets, NDArray[np.int64]] | None:
    """Return alphabets and codes if all tokens are integers of 64 bits, far faster; else nothing."""
    if set(map(type, rows[0])) != {int} or set(map(type, chain.from_iterable(rows))) != {int}:
        return None
    try:
        tokens = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * n).reshape(-1, n)
    except OverflowError:
        return None
    codes, alphabets = np.empty_like(tokens), []
    for i in range(n):
        column = np.ascontiguousarray(tokens[:, i])
        low, high = int(column.min()), int(column.max())
        if high - low < 2 * len(rows) + 256:  # a place for each number between them
            column -= low
            seen = np.bincount(column) > 0
            alphabet = np.flatnonzero(seen) + low
            codes[:, i] = (np.cumsum(seen) - 1)[column]
        else:
            alphabet, codes[:, i] = np.unique(column, return_inverse=True)
        alphabets.append(tuple(alphabet.tolist()))
    check_distinct(codes, tuple(alphabets))
    return tuple(alphabets), codes


def check_distinct(codes: NDArray[np.int64], alphabets: Alphabets) -> None:
    """Raise ``InputError``, naming the first, if a row of codes stands twice."""
    sizes, n, some = [len(a) for a in alphabets], codes.shape[1], 0
    ordered = keys = np.zeros(len(codes), dtype=np.int64)
    while some < n and (ordered[1:] == ordered[:-1]).any():  # most often a few positions tell all rows apart
        some = min(max(8, 4 * some), n)
        keys = packed(codes, sizes, range(some))
        ordered = np.sort(keys)
    if (ordered[1:] == ordered[:-1]).any():
        once = np.unique(keys, return_index=True)[1]
        twice = codes[int(np.setdiff1d(np.arange(len(codes)), once)[0])].tolist()
        outcome = tuple(a[j] for a, j in zip(alphabets, twice, strict=True))
        raise InputError(f"outcome {shown(outcome, 400)} is a duplicate; add its probabilities up.")


def _one_length(rows: Sequence[Outcome]) -> int:
    if not rows:
        raise InputError("a pmf needs at least one outcome, got an empty support.")
    n = len(rows[0])
    if n == 0:
        raise InputError("outcomes must have at least one token, got an empty sequence.")
    if set(map(len, rows)) != {n}:
        ragged = next(row for row in rows if len(row) != n)
        one, other = shown(rows[0], 400), shown(ragged, 400)
        raise InputError(f"outcomes must have one length, got {n} for {one} and {len(ragged)} for {other}.")
    require_rows(len(rows), n)
    return n


def code_cells(
    cells: Sequence[NDArray[np.int64]], axes: Sequence[Sequence[Token]]
) -> tuple[Alphabets, NDArray[np.int64]]:
    """Return the alphabets and codes of cells of a dense table.

    Args:
        cells: Indices of the cells along each axis, as ``np.nonzero`` gives them.
        axes: Distinct tokens along each axis, in any order.

    Example:
        >>> code_cells([np.array([0, 2]), np.array([1, 1])], ["cab", "xy"])
        ((('b', 'c'), ('y',)), array([[1, 0],
               [0, 0]]))
    """
    used = [np.unique(codes) for codes in cells]  # tokens that occur, then in sorted order
    alphabets = tuple(sorted_tokens({axes[i][j] for j in u.tolist()}) for i, u in enumerate(used))
    columns: list[NDArray[np.int64]] = []
    for axis, alphabet, codes in zip(axes, alphabets, cells, strict=True):
        place = {token: j for j, token in enumerate(alphabet)}
        columns.append(np.array([place.get(token, -1) for token in axis], dtype=np.int64)[codes])
    return alphabets, np.stack(columns, axis=1)


def sorted_tokens(tokens: set[Token]) -> tuple[Token, ...]:
    """Return tokens in Python order; mixed kinds by type name, then in Python order.

    Example:
        >>> sorted_tokens({"b", 2, "a", 1})
        (1, 2, 'a', 'b')
    """
    try:
        return tuple(sorted(tokens))  # type: ignore[type-var]
    except TypeError:  # mixed kinds of tokens
        kinds: dict[str, list[Any]] = {}
        for token in tokens:
            kinds.setdefault(type(token).__name__, []).append(token)
        return tuple(token for kind in sorted(kinds) for token in _sorted_kind(kinds[kind]))


def _sorted_kind(tokens: list[Any]) -> list[Any]:
    try:
        return sorted(tokens)
    except TypeError:  # tokens without an order
        return sorted(tokens, key=repr)
