"""Mappings, rows of tokens, arrays and tasks as pmfs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from theory.distributions.distribution import HasContexts, context_pmfs
from theory.distributions.outcomes import Token, check_distinct
from theory.distributions.pmf import JointPMF
from theory.distributions.weights import check_signs, proportions
from theory.validation import InputError, shown

__all__ = ["PMFLike", "PartsLike", "as_parts", "as_pmf", "weighted_rows"]

PMFLike = JointPMF | Mapping[Any, Any] | HasContexts | NDArray[Any] | Iterable[Iterable[Token]]
PartsLike = PMFLike | Sequence[tuple[Fraction, JointPMF]]


def as_pmf(source: PMFLike) -> JointPMF:
    """Return the pmf that ``source`` stands for.

    Args:
        source: A pmf; a mapping from outcomes to probabilities (:meth:`JointPMF.from_mapping`); an array: token ids,
            one equally likely outcome a row, shape (N, n), or floats, a dense table; a distribution with ``pmf()``; a
            task with one context; or distinct equally likely sequences of tokens.

    Raises:
        InputError: For anything else, and for a task with several contexts, which has no single pmf.

    Example:
        >>> as_pmf({("New", "York"): "1/2", ("Mexico", "City"): "1/2"}).n, len(as_pmf(["ab", "ba"]))
        (2, 2)
        >>> as_pmf(np.array([[0, 1], [1, 0]])).outcomes
        ((0, 1), (1, 0))
    """
    if isinstance(source, JointPMF):
        return source
    if isinstance(source, Mapping):
        return JointPMF.from_mapping(source)
    if isinstance(source, np.ndarray):
        return weighted_rows(source) if source.dtype.kind in "iu" else JointPMF.from_dense(source)
    thing: Any = source
    if hasattr(thing, "contexts"):
        parts = context_pmfs(thing.contexts())
        if len(parts) != 1:
            raise InputError(
                f"a task of {len(parts)} contexts has no single pmf; take that of one context, "
                "contexts()[0].distribution.pmf(), or ask for the mean over all with decode_contexts."
            )
        return parts[0][1]
    if hasattr(thing, "pmf"):
        return as_pmf(thing.pmf())
    if isinstance(thing, str) or not isinstance(thing, Iterable):
        raise InputError(
            "a pmf must be a JointPMF, a mapping from outcomes to probabilities, rows of tokens or a task, "
            f"got {shown(thing)}; a task by its name is synthetic.make_task(name, n)."
        )
    return JointPMF.uniform(thing)


def as_parts(source: PartsLike) -> JointPMF | Sequence[tuple[Fraction, JointPMF]]:
    """Return (weight, pmf) pairs as they are, those of a task with several contexts, or else a pmf.

    Example:
        >>> as_parts([(Fraction(1), as_pmf(["ab", "ba"]))])[0][1].n, as_parts(["ab", "ba"]).n
        (2, 2)
    """
    thing: Any = source
    if hasattr(thing, "contexts"):
        parts = context_pmfs(thing.contexts())
        return parts[0][1] if len(parts) == 1 else parts
    if isinstance(thing, Sequence) and thing and all(map(_is_part, thing)):
        return thing
    return as_pmf(thing)


def _is_part(item: Any) -> bool:
    return isinstance(item, tuple) and len(item) == 2 and isinstance(item[1], JointPMF)


def weighted_rows(ids: NDArray[Any], weights: Any = None) -> JointPMF:
    """Return the pmf of the rows of an array of token ids, in proportion to ``weights``.

    Args:
        ids: Distinct rows of whole numbers, shape (N, n).
        weights: Whole numbers, rationals or texts for an exact pmf, floats for a float one; shape (N,). Equal ones by
            default.

    Example:
        >>> weighted_rows(np.array([[7, 3], [3, 7]]), [1, 2]).probability((3, 7))
        Fraction(2, 3)
    """
    if ids.ndim != 2 or ids.dtype.kind not in "iu" or not ids.size:
        shape = " x ".join(map(str, ids.shape)) or "one number"
        raise InputError(f"token ids must be a 2-D array of whole numbers, got {shape} of {ids.dtype}.")
    columns = [np.unique(column, return_inverse=True) for column in ids.T]
    alphabets = tuple(tuple(tokens.tolist()) for tokens, _ in columns)
    codes = np.stack([inverse.reshape(-1) for _, inverse in columns], axis=1).astype(np.int64)
    check_distinct(codes, alphabets)
    if weights is None:
        return JointPMF(alphabets, codes, np.ones(len(ids), dtype=np.int64), len(ids))
    values, total = _shares(ids, weights)
    live = values != 0
    if not live.all():  # tokens of impossible outcomes are in no alphabet
        return weighted_rows(ids[live], [w for w, kept in zip(_listed(weights), live, strict=True) if kept])
    return JointPMF(alphabets, codes, values, total)


def _listed(weights: Any) -> list[Any]:
    return weights.tolist() if isinstance(weights, np.ndarray) else list(weights)


def _shares(ids: NDArray[Any], weights: Any) -> tuple[NDArray[Any], int | None]:
    """Return weights divided by their sum: integers and their total, or floats."""
    given, rows = _listed(weights), ids.tolist()
    if len(given) != len(rows):
        raise InputError(f"{len(rows)} outcomes but {len(given)} weights; give one for each.")
    if not any(isinstance(w, float) for w in given):
        return proportions(rows, given)
    check_signs(rows, given)
    floats = np.array([float(w) for w in given])
    if not floats.any():
        raise InputError("weights must not all be zero.")
    return floats / floats.sum(), None
