"""All subset entropies of a dense joint pmf by matrix products.

With ``phi(x) = x log2 x``, every subset entropy is a sum of ``-phi`` over cells of a marginal. Append to each axis the
sum over it (``M = [I; 1 ... 1]``): the tensor ``M x ... x M p`` holds the cells of all marginals at once, ``prod_i (A_i
+ 1)`` numbers. Apply phi, then sum each axis over its kept cells or take its dropped one (``R``, two rows): ``h = -(R x
... x R) phi((M x ... x M) p)``. Neighbouring axes are joined so that BLAS does the work; the first axes are looped
over, so that only a slice of the large tensor exists at a time. Large tables use compiled code
(``theory/information/subsets/dense_kernel.py``) where numba is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np
from numpy.typing import NDArray

from theory.numbers.compiled import has_compiler
from theory.numbers.rounding import axis_depth, entropy_error, group_depth

__all__ = ["SLICE", "dense_cells", "dense_error", "dense_seconds", "dense_subset_entropies"]

_BINARY_CELL, _CELL = 6e-9, 6e-8  # seconds of a marginal cell

_GROUP = 100  # rows of a joined M: four binary axes give 81
SLICE = 600_000  # cells expanded at a time: 5 MB, twelve binary axes
_COMPILE_FROM = 20_000_000  # cells, 16 bits: below this numpy takes less time than loading numba


def dense_cells(shape: tuple[int, ...]) -> int:
    """Return the number of marginal cells, ``prod_i (A_i + 1)``: the work of the dense form."""
    return prod(size + 1 for size in shape)


def dense_seconds(shape: tuple[int, ...]) -> float:
    """Return an estimate of the time of :func:`dense_subset_entropies`."""
    return dense_cells(shape) * (_BINARY_CELL if max(shape) == 2 else _CELL)


def dense_subset_entropies(
    table: NDArray[np.float64], *, compiled: bool | None = None
) -> NDArray[np.float64]:
    """Return ``H(y_B)`` for every set B of axes, bit i of the index meaning axis i; shape (2^n,).

    Args:
        table: Probabilities, shape (A_0, ..., A_{n-1}).
        compiled: Use numba; by default when it is installed and the table is not small.

    Example:
        >>> dense_subset_entropies(np.array([[0.5, 0.0], [0.0, 0.5]])).tolist()
        [0.0, 1.0, 1.0, 1.0]
    """
    if compiled is None:
        compiled = _is_compiled(table.shape)
    if compiled:
        from theory.information.subsets.dense_kernel import compiled_subset_entropies

        return compiled_subset_entropies(table) + 0.0
    split = _split(table.shape)
    looped, groups = table.shape[:split], _groups(table.shape[split:])
    expand, collect = (
        [_joined(_append_sum, group) for group in groups],
        [_joined(_keep_or_drop, g) for g in groups],
    )
    slices = _joined(_append_sum, looped) @ table.reshape(prod(looped), -1)
    h = np.zeros((1 << split, 1 << (table.ndim - split)))
    for row, share in zip(slices, _joined(_keep_or_drop, looped).T, strict=True):
        cells = _apply(expand, row.reshape([m.shape[1] for m in expand]))
        h[share > 0] -= _apply(collect, _phi(cells)).ravel()  # the shares are 0 and 1
    # axis i of the (2, ..., 2) tensor says whether position i is kept; make it bit i of the index
    return h.reshape((2,) * table.ndim).transpose(range(table.ndim)[::-1]).ravel() + 0.0


def dense_error(shape: tuple[int, ...], outcomes: int, *, compiled: bool | None = None) -> float:
    """Return a bound on the error of every entry of :func:`dense_subset_entropies`, in bits.

    Compiled: axes are dropped one after another, terms are summed in blocks in any order, then block after block.
    Matrix products: the sums run over joined axes, in any order inside a product.

    Args:
        shape: The shape of the table.
        outcomes: At least the number of non-zero cells.
        compiled: As in :func:`dense_subset_entropies`.
    """
    if _is_compiled(shape) if compiled is None else compiled:
        from theory.information.subsets.dense_kernel import BLOCK

        cells = prod(shape)
        depths = axis_depth(shape), min(cells, BLOCK) + -(-cells // BLOCK)
    else:
        split = _split(shape)
        parts = [shape[:split], *_groups(shape[split:])]
        depths = group_depth(parts), group_depth([[size + 1 for size in part] for part in parts])
    return entropy_error(outcomes, cell_depth=min(depths[0], outcomes), sum_depth=depths[1])


def _is_compiled(shape: tuple[int, ...]) -> bool:
    return dense_cells(shape) >= _COMPILE_FROM and has_compiler()


def _split(shape: tuple[int, ...]) -> int:
    """Return the number of axes to loop over."""
    split = 0
    while dense_cells(shape[split:]) > SLICE:
        split += 1
    return split


def _groups(shape: tuple[int, ...]) -> list[list[int]]:
    groups: list[list[int]] = []
    for size in shape:
        if groups and dense_cells((*groups[-1], size)) <= _GROUP:
            groups[-1].append(size)
        else:
            groups.append([size])
    return groups


def _joined(matrix: Callable[[int], NDArray[np.float64]], sizes: Sequence[int]) -> NDArray[np.float64]:
    joined = np.ones((1, 1))
    for size in sizes:
        joined = np.asarray(np.kron(joined, matrix(size)), dtype=np.float64)
    return joined


def _append_sum(size: int) -> NDArray[np.float64]:
    return np.vstack([np.eye(size), np.ones((1, size))])


def _keep_or_drop(size: int) -> NDArray[np.float64]:
    dropped = np.append(np.zeros(size), 1.0)
    return np.vstack([dropped, 1.0 - dropped])


def _apply(matrices: list[NDArray[np.float64]], tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply one matrix to each axis."""
    for matrix in matrices:  # the first axis moves to the back each time, which restores the order at the end
        tensor = np.tensordot(tensor, matrix, axes=(0, 1))
    return tensor


def _phi(x: NDArray[np.float64]) -> NDArray[np.float64]:
    out = np.zeros_like(x)
    np.log2(x, out=out, where=x > 0)
    out *= x
    return out
