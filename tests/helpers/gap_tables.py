"""A predictor that is a table of logits, and the log-ratio of two decoders along a path, from their definitions."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from math import log2, prod

import numpy as np
import torch

ROUNDING = 1e-9  # bits: sums of a few dozen logarithms of float64 quotients


def log_ratio(distribution: dict[tuple, Fraction], x: tuple, steps: list[int]) -> float:
    """sum_t log2 [P(x_S | x_C) / prod_i P(x_i | x_C)] from the list of outcomes."""

    def mass(positions) -> Fraction:
        return sum((p for y, p in distribution.items() if all(y[i] == x[i] for i in positions)), Fraction(0))

    total = 0.0
    for step in sorted(set(steps)):
        before = [i for i, s in enumerate(steps) if s < step]
        now = [i for i, s in enumerate(steps) if s == step]
        given = mass(before)
        product_of = prod((mass([*before, i]) / given for i in now), start=Fraction(1))
        total += log2(mass([*before, *now]) / given / product_of)
    return total


class Table:
    """Conditionals that no joint distribution has: a random table over all revealed states of n binary positions."""

    mask_id, vocab_size, device = 2, 2, torch.device("cpu")

    def __init__(self, n: int, seed: int):
        rng = np.random.default_rng(seed)
        self.n = n
        self.table = {state: rng.integers(1, 6, size=(n, 2)) for state in product(range(3), repeat=n)}

    def p(self, state: tuple, i: int, token: int) -> Fraction:
        counts = self.table[state][i]
        return Fraction(int(counts[token]), int(counts.sum()))

    def __call__(self, tokens: torch.Tensor) -> torch.Tensor:
        counts = np.stack([self.table[tuple(row)] for row in tokens.tolist()])
        return torch.from_numpy(counts.astype(float)).log()

    def distribution(self, order) -> dict[tuple, Fraction]:
        """The distribution of the sequences when positions are drawn in a fixed order."""
        out = {}
        for x in product(range(2), repeat=self.n):
            state, p = (2,) * self.n, Fraction(1)
            for i in order:
                p *= self.p(state, i, x[i])
                state = (*state[:i], x[i], *state[i + 1 :])
            out[x] = p
        return out

    def parallel(self, sets) -> dict[tuple, Fraction]:
        """The distribution when each set is drawn at once."""
        out = {}
        for x in product(range(2), repeat=self.n):
            state, p = (2,) * self.n, Fraction(1)
            for part in sets:
                p *= prod((self.p(state, i, x[i]) for i in part), start=Fraction(1))
                state = tuple(x[i] if i in part else v for i, v in enumerate(state))
            out[x] = p
        return out
