"""Finite joint probability mass functions over token sequences.

``P(Y)`` of ``Y = (y_0, ..., y_{n-1})`` as a list of outcomes: an integer code per position (its index in the
sorted alphabet of that position) and one weight per outcome. Exact pmfs hold integer weights over a common
total, so that every marginal is an integer count; float pmfs hold float64 probabilities.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.grouping import Groups, group_rows
from theory.distributions.outcomes import (
    Outcome,
    Token,
    as_outcomes,
    check_tokens,
    code_cells,
    code_outcomes,
    outcome_of_key,
)
from theory.distributions.weights import float_weights, integer_weights, proportions, support_of_table
from theory.limits import require_memory
from theory.numbers.arithmetic import EXACT, FLOAT64, Numbers
from theory.numbers.balls import BALLS
from theory.validation import InputError, shown

__all__ = ["JointPMF"]


@dataclass(frozen=True, eq=False)
class JointPMF:
    """A finite joint pmf, built by :meth:`uniform`, :meth:`from_mapping`, :meth:`from_pairs` or :meth:`from_dense`.

    Attributes:
        alphabets: The sorted tokens that occur at each position.
        codes: Outcomes as indices into the alphabets, shape (N, n), without duplicates.
        weights: Shape (N,). Exact: positive integers (int64, or objects if large); else float64 or balls.
        total: The integer sum of the weights of an exact pmf; ``None`` for a float pmf.

    Example:
        >>> pmf = JointPMF.uniform([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
        >>> pmf.n, len(pmf), pmf.probability(("New", "York"))
        (2, 4, Fraction(1, 4))
    """

    alphabets: tuple[tuple[Token, ...], ...]
    codes: NDArray[np.int64]
    weights: NDArray[Any]
    total: int | None

    def __repr__(self) -> str:
        """Return one line."""
        kind = "float" if self.total is None else "exact"
        return f"JointPMF({len(self)} outcomes of {self.n} positions, {kind})"

    # -- building ---------------------------------------------------------------------------------------------

    @classmethod
    def uniform(cls, outcomes: Iterable[Sequence[Token]]) -> JointPMF:
        """Return the exact uniform pmf over ``outcomes``, which must be distinct and of one length."""
        rows = as_outcomes(outcomes)
        return cls._build(rows, np.ones(len(rows), dtype=np.int64), len(rows))

    @classmethod
    def from_mapping(cls, probabilities: Mapping[Any, Any]) -> JointPMF:
        """Return the pmf of a mapping from outcome to probability; see :meth:`from_pairs`.

        A key that is a sequence is an outcome: the tokens of a tuple, the characters of a text. Any other key
        (a number, ``None``, a frozenset, an object) is the token of an outcome with one position.

        Example:
            >>> JointPMF.from_mapping({("New", "York"): "1/2", ("New", "Delhi"): "1/2"}).n
            2
            >>> JointPMF.from_mapping({0: "1/4", 1: "3/4"}).outcomes
            ((0,), (1,))
        """
        rows = [outcome_of_key(key) for key in probabilities]
        return cls.from_pairs(rows, list(probabilities.values()))

    @classmethod
    def from_pairs(cls, outcomes: Sequence[Sequence[Token]], probabilities: Sequence[Any]) -> JointPMF:
        """Return the pmf of ``outcomes`` with ``probabilities``.

        Args:
            outcomes: Distinct sequences of one length.
            probabilities: All exact (int, Fraction or text such as ``"1/3"``) for an exact pmf, or floats
                (ints 0 and 1 are allowed) for a float pmf. Outcomes of probability zero are dropped.

        Raises:
            InputError: If a probability is negative, NaN or infinite, the sum is not one, an outcome is a
                duplicate, lengths differ, nothing is left, or a token cannot be hashed or is NaN.
        """
        if len(outcomes) != len(probabilities):
            raise InputError(
                f"{len(outcomes)} outcomes but {len(probabilities)} probabilities; give one for each."
            )
        rows = as_outcomes(outcomes)
        if any(isinstance(p, (float, np.floating)) for p in probabilities):
            return cls._build(rows, float_weights(rows, probabilities), None)
        return cls._build(rows, *integer_weights(rows, probabilities))

    @classmethod
    def from_weights(cls, outcomes: Sequence[Sequence[Token]], weights: Sequence[Any]) -> JointPMF:
        """Return the exact pmf proportional to non-negative exact ``weights``."""
        rows = as_outcomes(outcomes)
        if len(rows) != len(weights):
            raise InputError(f"{len(rows)} outcomes but {len(weights)} weights; give one for each.")
        return cls._build(rows, *proportions(rows, weights))

    @classmethod
    def from_dense(cls, table: Any, alphabets: Sequence[Sequence[Token]] | None = None) -> JointPMF:
        """Return the pmf of an array with one axis per position.

        Args:
            table: Probabilities, shape (V_0, ..., V_{n-1}); floats, or an object array of exact numbers.
            alphabets: Tokens along each axis; ``0 .. V_i - 1`` by default.
        """
        array = np.asarray(table)
        if array.ndim == 0:
            raise InputError("a dense pmf needs at least one axis, got a single number.")
        given = [range(size) for size in array.shape] if alphabets is None else alphabets
        axes = [tuple(tokens) for tokens in given]
        if tuple(len(a) for a in axes) != array.shape:
            raise InputError(
                f"alphabets of sizes {[len(a) for a in axes]} do not fit a table of shape {array.shape}."
            )
        check_tokens(axes)
        if array.dtype.kind == "f" and all(len(set(axis)) == len(axis) for axis in axes):
            table = np.asarray(array, dtype=np.float64)
            keep = support_of_table(table, axes)
            return cls(*code_cells(keep, axes), table[keep], None)
        keep = np.argwhere(array != 0)
        outcomes = [tuple(axes[i][j] for i, j in enumerate(row)) for row in keep.tolist()]
        return cls.from_pairs(outcomes, [array[tuple(row)] for row in keep])

    @classmethod
    def _build(cls, rows: list[Outcome], weights: NDArray[Any], total: int | None) -> JointPMF:
        coded, live = code_outcomes(rows), np.flatnonzero(weights)
        if len(live) < len(rows):  # tokens of impossible outcomes are in no alphabet
            coded = code_outcomes([rows[j] for j in live.tolist()])
        return cls(*coded, weights[live], total)

    # -- reading ----------------------------------------------------------------------------------------------

    @property
    def n(self) -> int:
        """The number of positions."""
        return self.codes.shape[1]

    @property
    def is_exact(self) -> bool:
        """Whether the probabilities are rationals."""
        return self.total is not None

    @property
    def numbers(self) -> Numbers:
        """The kind of number of conditional probabilities."""
        return EXACT if self.is_exact else BALLS if self.weights.dtype == np.dtype(object) else FLOAT64

    def __len__(self) -> int:
        """Return the number of outcomes in the support."""
        return self.codes.shape[0]

    def __iter__(self) -> Iterator[tuple[Outcome, Fraction | float]]:
        """Yield outcomes with their probabilities."""
        yield from zip(self.outcomes, self.probabilities, strict=True)

    @cached_property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The support, one token sequence per row of ``codes``."""
        return tuple(tuple(self.alphabets[i][j] for i, j in enumerate(row)) for row in self.codes.tolist())

    @cached_property
    def probabilities(self) -> tuple[Fraction | float, ...]:
        """Probabilities of ``outcomes``: Fractions of an exact pmf, else floats."""
        if self.total is None:
            return tuple(self.weights.tolist())
        return tuple(Fraction(w, self.total) for w in self.weights.tolist())

    @cached_property
    def _index(self) -> dict[Outcome, int]:
        return {outcome: j for j, outcome in enumerate(self.outcomes)}

    def probability(self, outcome: Any) -> Fraction | float:
        """Return ``P(Y = outcome)``, zero off the support; one token alone is an outcome of one position."""
        row = tuple(outcome) if isinstance(outcome, np.ndarray) else outcome_of_key(outcome)
        j = self._index.get(row)
        if j is None:
            return Fraction(0) if self.is_exact else 0.0
        return self.probabilities[j]

    def floats(self) -> NDArray[np.float64]:
        """Return the probabilities as float64, shape (N,)."""
        if self.total is None:
            return self.weights
        return np.array([w / self.total for w in self.weights.tolist()], dtype=np.float64)

    def in_balls(self) -> JointPMF:
        """Return the pmf with its floats read as exact numbers, as balls; an exact pmf is returned unchanged."""
        return self if self.is_exact else replace(self, weights=BALLS.array(self.weights.tolist()))

    def rounded(self) -> JointPMF:
        """Return the pmf with its probabilities rounded to float64; a float pmf is returned unchanged.

        Raises:
            InputError: If a probability is below the range of floats.

        Example:
            >>> JointPMF.uniform(["ab", "ba", "aa"]).rounded().probability("ab")
            0.3333333333333333
        """
        if self.total is None:
            return self
        floats = self.floats()
        if not floats.all():
            outcome = self.outcomes[int(np.argmin(floats))]
            raise InputError(f"probability of {outcome!r} is below the range of floats; leave --float out.")
        return JointPMF(self.alphabets, self.codes, floats, None)

    def dense(self) -> NDArray[np.float64]:
        """Return the float probabilities with one axis per position, shape (V_0, ..., V_{n-1})."""
        shape = tuple(len(a) for a in self.alphabets)
        require_memory(8 * prod(shape), f"a dense table of shape {shape}", remedy="use the listed outcomes")
        table = np.zeros(shape)
        table[tuple(self.codes.T)] = self.floats()
        return table

    # -- operations -------------------------------------------------------------------------------------------

    def groups(self, positions: Sequence[int]) -> Groups:
        """Return the outcomes grouped by their tokens at ``positions``."""
        return group_rows(self.codes, [len(a) for a in self.alphabets], positions)

    def group_weights(self, groups: Groups) -> NDArray[Any]:
        """Return the summed weight of each group, exact for an exact pmf."""
        out = np.zeros(groups.count, dtype=self.weights.dtype)
        if out.dtype == np.float64:  # bincount adds floats in the same order, faster
            return np.bincount(groups.inverse, weights=self.weights, minlength=groups.count)
        np.add.at(out, groups.inverse, self.weights)
        return out

    def marginal(self, positions: Sequence[int]) -> JointPMF:
        """Return the pmf of the tokens at ``positions``, in that order.

        Example:
            >>> JointPMF.uniform([(0, 0), (0, 1)]).marginal([0]).probabilities
            (Fraction(1, 1),)
        """
        self.check_positions(positions)
        groups = self.groups(positions)
        codes = self.codes[groups.first][:, list(positions)]
        alphabets = tuple(self.alphabets[i] for i in positions)
        return JointPMF(alphabets, codes, self.group_weights(groups), self.total)

    def condition(self, given: Mapping[int, Token]) -> JointPMF:
        """Return the pmf of the whole sequence given tokens at some positions.

        Raises:
            InputError: If the condition has probability zero.

        Example:
            >>> JointPMF.uniform([(0, 0), (0, 1), (1, 0)]).condition({0: 0}).outcomes
            ((0, 0), (0, 1))
        """
        self.check_positions(list(given))
        live = [j for j, y in enumerate(self.outcomes) if all(y[i] == token for i, token in given.items())]
        if not live:
            raise InputError(f"the condition {shown(dict(given), 400)} has probability zero.")
        rows, kept = [self.outcomes[j] for j in live], self.weights[live]
        if self.is_exact:
            return JointPMF.from_weights(rows, kept.tolist())
        return JointPMF._build(rows, kept / kept.sum(), None)

    def check_positions(self, positions: Sequence[int]) -> None:
        """Raise ``InputError`` if a position is outside ``0..n-1`` or is a duplicate."""
        for i in positions:
            if not 0 <= i < self.n:
                raise InputError(f"position {i} is outside 0..{self.n - 1}.")
        if len(set(positions)) < len(positions):
            raise InputError(f"positions {list(positions)} contain one twice.")
