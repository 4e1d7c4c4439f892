"""Schedules of released samplers, the number of positions of each of T steps.

A schedule depends on the number of the step: a step may take nothing and still cost a model call, as in the released
code. With ``block`` every block has its own T steps; a block that is finished early waits for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from theory.numbers.arithmetic import Array
from theory.policies.plan import Plan
from theory.policies.policy import RankedPolicy, register
from theory.policies.rules.plackett_luce import PlackettLucePlan, order_logs
from theory.policies.view import View, reals
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["DLLM", "Dream", "LLaDA", "MaskGIT", "Scheduled", "checked_eps", "known_sizes"]


@dataclass(frozen=True, kw_only=True)
class Scheduled(RankedPolicy):
    """A ranked policy with T steps for each group (all positions, or a block).

    Attributes:
        steps: T.
    """

    clocked: ClassVar[bool] = True
    scheduled: ClassVar[bool] = True
    cost: ClassVar[str] = "n log n"
    by: str = "random"
    steps: int

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "steps", positive_int(self.steps, "steps", at_most=10**5))

    def sizes(self, masked: int) -> tuple[int, ...]:
        """Return the number taken by each of the T steps from ``masked`` positions; zeros are idle calls."""
        left, out = masked, [0] * self.steps
        for step in range(self.steps - 1):
            if not left:
                break
            out[step] = min(left, self.size(masked, left, step))
            left -= out[step]
        out[-1] += left
        return tuple(out)

    def size(self, group: int, left: int, step: int) -> int:  # noqa: ARG002
        """Return the number that step 0 .. T-2 takes with ``left`` of ``group`` positions masked."""
        raise TypeError(f"{type(self).__name__} does not say how many positions to take.")

    def count(self, view: View, scores: Array) -> Array:  # noqa: ARG002
        """Return the scheduled number, 0 before the first step of the group."""
        xp = view.numbers.xp
        rows = xp.stack(
            [view.group_size, view.left, view.group_index], axis=1
        ).tolist()  # one reading of a device
        out = xp.zeros_like(view.left)
        for group, left, index in set(map(tuple, rows)):  # few distinct values
            size = self._now(group, left, index, view.step)
            here = (view.group_size == group) & (view.left == left) & (view.group_index == index)
            out = xp.where(here, size, out)
        return out

    def idle_calls(self, view: View) -> int:
        """Return how many calls from this one on take nothing in the first row; a run may skip them.

        Example:
            >>> import numpy as np
            >>> from theory.numbers.arithmetic import FLOAT64
            >>> state = View(np.full((1, 2, 2), 0.5), np.array([[True, True]]), FLOAT64)
            >>> Dream(steps=5).sizes(2), Dream(steps=5).idle_calls(state)
            ((0, 0, 0, 0, 2), 4)
        """
        view = view.within_blocks(self.block)
        sizes = known_sizes(self, int(view.group_size[0]))
        step = view.step - int(view.group_index[0]) * len(sizes)
        after = (t for t in range(max(step, 0), len(sizes) - 1) if sizes[t])
        return max(0, next(after, len(sizes) - 1) - step)

    def _now(self, group: int, left: int, index: int, clock: int) -> int:
        sizes = known_sizes(self, group)
        step = clock - index * len(sizes)
        if step < 0:
            return 0
        return min(left, sizes[step]) if step < len(sizes) - 1 else left


@lru_cache(maxsize=64)
def known_sizes(policy: Scheduled, masked: int) -> tuple[int, ...]:
    """Return ``policy.sizes(masked)``, cached.

    Example:
        >>> known_sizes(LLaDA(steps=4), 10)
        (3, 3, 2, 2)
    """
    return policy.sizes(masked)


@register("llada")
@dataclass(frozen=True, kw_only=True)
class LLaDA(Scheduled):
    """LLaDA: ``n // T`` positions per step, one more in the first ``n mod T`` steps.

    Source: ``generate.py`` of ML-GSAI/LLaDA, lines 22-40. Usual values: T = n or n/2.

    Example:
        >>> LLaDA(steps=4).sizes(10), LLaDA(steps=6).sizes(4)
        ((3, 3, 2, 2), (1, 1, 1, 1, 0, 0))
    """

    example: ClassVar[str] = "llada:steps=2"
    source: ClassVar[str] = "LLaDA generate.py"
    release: ClassVar[str] = (
        "`by=confidence` (above temperature 0 with `confidence=sampled`), and default: ML-GSAI/LLaDA "
        "b7e6c35, low_confidence and random"
    )
    formula: ClassVar[str] = "n // T, one more in the first n mod T steps"

    def size(self, group: int, left: int, step: int) -> int:  # noqa: ARG002
        """Return ``n // T``, plus one in the first ``n mod T`` steps."""
        return group // self.steps + (step < group % self.steps)


@register("dream")
@dataclass(frozen=True, kw_only=True)
class Dream(Scheduled):
    """Dream: ``int(left (1 - s/t))`` in float32, truncated; the last step takes the rest.

    ``t`` and ``s`` are neighbours in ``linspace(1, eps, T + 1)``. Truncation leaves more for the last step: with eps =
    1e-3 "one token per step" decodes two tokens in the last step.

    With ``alg_temp`` the positions of a step are drawn without replacement, with probabilities proportional to
    ``exp(score / alg_temp)`` (:mod:`theory.policies.rules.plackett_luce`); without it the best are taken. These
    probabilities are irrational, so results are floats with their errors.

    Source: ``_sample`` of DreamLM/Dream (fac0a7f). Usual values: eps = 1e-3; ParallelBench passes eps = 0. As
    released, above temperature 0 the score is that of a drawn token after the transform:
    ``by=confidence,confidence=sampled`` and ``scored=after``.

    Attributes:
        eps: End of the time grid.
        alg_temp: Temperature of the order; ``None`` for the best positions.

    Example:
        >>> Dream(steps=10).sizes(10)
        (0, 1, 1, 1, 1, 1, 1, 1, 1, 2)
    """

    example: ClassVar[str] = "dream:steps=2"
    source: ClassVar[str] = "Dream generation_utils.py"
    release: ClassVar[str] = (
        "`by=confidence`, `margin` or `entropy`, and `alg_temp`: DreamLM/Dream fac0a7f (above "
        "temperature 0 with `confidence=sampled`); default: a random order"
    )
    formula: ClassVar[str] = "int(left (1 - s/t)) in float32, last step the rest"
    eps: Fraction = Fraction(1, 1000)
    alg_temp: Fraction | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "eps", checked_eps(self.eps))
        if self.alg_temp is not None:
            object.__setattr__(self, "alg_temp", exact_fraction(self.alg_temp, "alg_temp"))
            object.__setattr__(self, "rational", False)
            if self.alg_temp <= 0:
                raise InputError(f"alg_temp must be positive, got {self.alg_temp}; leave it out for 0.")

    def plan(self, view: View) -> Plan:
        """Return the best positions, or with ``alg_temp`` their weights, and the number to take."""
        if self.alg_temp is None:
            return super().plan(view)
        view = view.within_blocks(self.block)
        return PlackettLucePlan(view, order_logs(self, view, self.alg_temp), self.count(view, view.masked))

    def rank(self, view: View, scores: Array) -> Plan:
        """Return the plan for given scores (B, n): exact, balls, or floats in a sampler."""
        if self.alg_temp is None:
            return super().rank(view, scores)
        logs, kind = reals(scores, view.numbers)
        return PlackettLucePlan(view, logs / kind.const(self.alg_temp), self.count(view, scores))

    def size(self, group: int, left: int, step: int) -> int:  # noqa: ARG002
        """Return the truncated single-precision product."""
        return int(np.float32(left) * _float32_shares(float(self.eps), self.steps)[step])


@register("dllm")
@dataclass(frozen=True, kw_only=True)
class DLLM(Scheduled):
    """The dllm library: ``left (1 - s/t)`` rounded half to even, with ``s/t`` in float32; no idle calls.

    ``t`` and ``s`` are neighbours on the grid of T even steps from 1 to 0, so that ``1 - s/t`` is one over the number
    of steps left, up to rounding. If the exact product lies halfway between two numbers, that rounding decides: of
    the 8,128 pairs T < n up to 128, 6,035 differ from the exact product rounded half to even.

    Source: ``get_num_transfer_tokens`` in ``dllm/core/samplers/utils.py`` and ``LinearAlphaScheduler`` in
    ``dllm/core/schedulers/alpha.py`` of ZHZisZZ/dllm.

    Example:
        >>> DLLM(steps=4).sizes(10), DLLM(steps=3).sizes(4)
        ((2, 3, 2, 3), (1, 1, 2))
    """

    example: ClassVar[str] = "dllm:steps=2"
    source: ClassVar[str] = "ZHZisZZ/dllm core/samplers/utils.py"
    release: ClassVar[str] = "default: ZHZisZZ/dllm ca17675"
    formula: ClassVar[str] = "left (1 - s/t) with s/t in float32, rounded half to even; no idle steps"

    def sizes(self, masked: int) -> tuple[int, ...]:
        """Return the numbers without zeros."""
        return tuple(size for size in super().sizes(masked) if size) or (0,)

    def size(self, group: int, left: int, step: int) -> int:  # noqa: ARG002
        """Return the double-precision product with the single-precision share, rounded half to even."""
        return round(left * _even_shares(self.steps)[step])


@register("maskgit")
@dataclass(frozen=True, kw_only=True)
class MaskGIT(Scheduled):
    """The floor schedule of RCR (MDPO): after step j, ``floor(n (1 - (j+1)/T))`` positions stay masked.

    Source: ``mdlm_generation_utils.py`` of autonomousvision/mdpo, as in ParallelBench, with its rounding errors.

    Example:
        >>> MaskGIT(steps=5).sizes(10)
        (2, 2, 2, 3, 1)
    """

    example: ClassVar[str] = "maskgit:steps=2"
    source: ClassVar[str] = "MDPO (arXiv 2508.13148), released code"
    release: ClassVar[str] = (
        "`by=confidence`: autonomousvision/mdpo 6bf80c9 without remasking; default: a random order"
    )
    formula: ClassVar[str] = "floor(n (1 - (j+1)/T)) stay masked, in floating point"

    def size(self, group: int, left: int, step: int) -> int:
        """Return the number that leaves the scheduled number masked."""
        return max(0, left - int(group * (1 - (step + 1) / self.steps)))


def checked_eps(eps: object) -> Fraction:
    """Return the end of a time grid that starts at 1."""
    value = exact_fraction(eps, "eps")
    if not 0 <= value < 1:
        raise InputError(f"eps must be at least 0 and below 1, got {eps}.")
    return value


@lru_cache(maxsize=64)
def _float32_shares(eps: float, steps: int) -> NDArray[np.float32]:
    """``1 - s/t`` of each step."""
    grid = _float32_grid(eps, steps)
    return np.float32(1) - grid[1:] / grid[:-1]


@lru_cache(maxsize=64)
def _even_shares(steps: int) -> list[float]:
    """``1 - s/t`` of each step on the even grid; ``s/t`` is ``(1 - alpha_s) / (1 - alpha_t)`` in float32."""
    one, grid = np.float32(1), (np.arange(steps, -1, -1) / steps).astype(np.float32)
    masked = one - (one - grid)
    return (1 - (masked[1:] / masked[:-1]).astype(np.float64)).tolist()


def _float32_grid(eps: float, steps: int) -> NDArray[np.float32]:
    """``torch.linspace(1, eps, steps + 1)`` on a CPU, where each half is computed from its own end, rounded once."""
    index = np.arange(steps + 1)
    step = np.float64((np.float32(eps) - np.float32(1)) / np.float32(steps))
    first, last = 1 + step * index, np.float64(np.float32(eps)) - step * (steps - index)
    return np.where(index < (steps + 1) // 2, first, last).astype(np.float32)
