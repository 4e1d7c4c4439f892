"""Schedules against their releases: the numbers of every step for all n and T up to 128."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from synthetic import make_task
from tests.reference import released as rel
from tests.reference.remasking import p2_still_masked
from theory.decoding.decoder import decode
from theory.policies import parse_policy
from theory.policies.rules.p2 import P2
from theory.policies.rules.scheduled import DLLM, Dream, LLaDA, MaskGIT

MOST = 128
SIZES = range(1, MOST + 1)
STEPS = pytest.mark.parametrize(
    "counts", [range(1, 25), pytest.param(range(25, MOST + 1), marks=pytest.mark.deep)], ids=["few", "many"]
)


@STEPS
@pytest.mark.parametrize(
    ("schedule", "released"),
    [(LLaDA, rel.llada_sizes), (DLLM, rel.dllm_sizes), (MaskGIT, rel.maskgit_sizes)],
)
def test_every_schedule_is_the_released_one(schedule, released, counts):
    for steps in counts:
        policy = schedule(steps=steps)
        assert all(list(policy.sizes(n)) == released(n, steps) for n in SIZES), steps


@STEPS
@pytest.mark.parametrize("eps", [Fraction(1, 1000), Fraction(0), Fraction(1, 10**5), Fraction(1, 3)])
def test_dream_takes_the_released_numbers(eps, counts):
    for steps in counts if eps == Fraction(1, 1000) else counts[::4]:
        grid = torch.linspace(1, float(eps), steps + 1).numpy()
        policy = Dream(steps=steps, eps=eps)
        assert all(list(policy.sizes(n)) == rel.dream_sizes_in_float32(n, grid) for n in SIZES), steps


@pytest.mark.parametrize(
    ("every", "rounded"), [(5, 24), pytest.param(1, 161, marks=pytest.mark.deep)], ids=["few", "many"]
)
def test_p2_masks_the_released_numbers(every, rounded):
    inexact = 0
    for steps in SIZES[every - 1 :: every]:
        policy = P2(steps=steps)
        for n in SIZES:
            found = list(policy.still_masked(n))
            assert found == p2_still_masked(steps, n), (n, steps)
            inexact += found != [n * (steps - j) // steps for j in range(1, steps + 1)]
    assert inexact == rounded


# -- the references against the library that the releases run on -------------------------------------------------


@pytest.mark.grid(32, deep=1)
@pytest.mark.parametrize("steps", SIZES)
def test_the_references_round_as_torch_does(steps):
    n = torch.arange(1, MOST + 1)
    t, s = (
        torch.tensor([k / steps for k in range(first, first - steps, -1)]) for first in (steps, steps - 1)
    )
    left, sizes = n.clone(), []
    for share in 1 - ((1 - (1 - s)) / (1 - (1 - t))).to(torch.float64):
        sizes.append(torch.minimum(torch.round(left.to(torch.float64) * share).to(torch.int64), left))
        left = left - sizes[-1]
    for m, row in zip(n.tolist(), torch.stack(sizes, dim=1).tolist(), strict=True):
        assert [size for size in row if size] == rel.dllm_sizes(m, steps)

    masks = [(n[:, None].float() * (1 - i * (1 / steps))).long()[:, 0] for i in range(1, steps + 1)]
    for m, row in zip(n.tolist(), torch.stack(masks, dim=1).tolist(), strict=True):
        assert row == p2_still_masked(steps, m)

    grid = torch.linspace(1, 1e-3, steps + 1)
    left, sizes = n.clone(), []
    for j, share in enumerate(1 - grid[1:] / grid[:-1]):
        number = left / 1  # a tensor of float32, as the mean over the batch is in the release
        sizes.append(left if j == steps - 1 else (number * share).to(torch.int64))
        left = left - sizes[-1]
    for m, row in zip(n.tolist(), torch.stack(sizes, dim=1).tolist(), strict=True):
        assert row == rel.dream_sizes_in_float32(m, grid.numpy())

    ratios = torch.tensor([np.clip(1 - (j + 1) / steps, 1e-6, 1) for j in range(steps)])
    assert ratios.dtype == torch.float64
    decoded = n[:, None] - torch.floor(n[:, None] * ratios)
    drops = torch.cat([decoded[:, :1], decoded[:, 1:] - decoded[:, :-1]], dim=1).to(torch.int64)
    for m, row in zip(n.tolist(), drops.tolist(), strict=True):
        assert row == rel.maskgit_sizes(m, steps)


# -- values ------------------------------------------------------------------------------------------------------


def test_rounding_decides_what_dllm_takes():
    assert DLLM(steps=3).sizes(4) == (1, 1, 2)  # 3 (1 - s/t) is 3/2 exactly, and just below it in float32
    result = decode(make_task("shuffle", 4).contexts()[0].distribution.pmf(), parse_policy("dllm:steps=3"))
    assert result.accuracy == Fraction(1, 2)


@pytest.mark.deep
def test_rounding_decides_often_what_dllm_takes():
    assert sum(DLLM(steps=steps).sizes(n) != half_to_even(n, steps) for n in SIZES for steps in SIZES) == 6035


def half_to_even(n, steps):
    left, sizes = n, []
    for j in range(steps):
        sizes.append(round(Fraction(left, steps - j)))
        left -= sizes[-1]
    return tuple(size for size in sizes if size)
