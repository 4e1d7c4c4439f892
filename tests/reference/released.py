"""What released code does: Dream's sizes, ranking by a drawn token, the benchmark's Latin squares.

Nothing here imports the product. See tests/reference/processes.py for what a rule with draws is.
"""

from collections import Counter
from fractions import Fraction
from itertools import permutations, product

from tests.reference.processes import Memoryless, best, law_and_steps, written

PAIRS = [(n, steps) for n in range(1, 65) for steps in range(1, n + 1) if n % steps == 0]


def dream_sizes(n, steps, eps=Fraction(1, 1000)):
    """floor(left (1 - s/t)) on an even grid from 1 to eps without rounding; the last step takes the rest."""
    grid, left, sizes = [1 - Fraction(j, steps) * (1 - eps) for j in range(steps + 1)], n, []
    for j in range(steps):
        sizes.append(left if j == steps - 1 else int(left * (1 - grid[j + 1] / grid[j])))
        left -= sizes[-1]
    return sizes


class DrawnFirst(Memoryless):
    """Draw a token everywhere, keep the k whose probability is the largest, equal ones at random."""

    def __init__(self, k):
        self.k = k

    def step(self, run, tokens, memory):
        laws = run.marginals(tokens)
        for weight, drawn in run.draws(laws, [i for i, token in enumerate(tokens) if token is None]):
            for chosen, p in best({i: laws[i][v] for i, v in drawn.items()}, self.k).items():
                yield weight * p, written(tokens, {i: drawn[i] for i in chosen}), memory


def drawn_law(pmf, k, temperature=1):
    return law_and_steps(pmf, DrawnFirst(k), temperature)[0]


def drawn_accuracy(pmf, k):
    assert sum(drawn_law(pmf, k).values()) == 1
    return sum(drawn_law(pmf, k).get(y, Fraction(0)) for y in pmf)


def made_squares(n, symbols=None):
    """Shift the symbols row by row, shuffle the rows, then the columns: each square with its count."""
    symbols, found = list(symbols or range(n)), Counter()
    square = [symbols[i:] + symbols[:i] for i in range(n)]
    for rows in permutations(square):
        for columns in permutations(zip(*rows, strict=True)):
            found[tuple(v for row in zip(*columns, strict=True) for v in row)] += 1
    return found


def accepted_squares(n):
    """Every cell filled in by rows that are permutations, where all columns are too."""
    rows = list(permutations(range(n)))
    grids = product(rows, repeat=n)
    return {sum(g, ()) for g in grids if all(len(set(column)) == n for column in zip(*g, strict=True))}
