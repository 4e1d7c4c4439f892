"""Every number of the errata from its definition, in Fractions, without the product."""

from fractions import Fraction
from itertools import combinations, permutations, product
from math import comb, factorial, prod

import numpy as np

from tests.reference import definitions as ref
from tests.reference import released as rel
from tests.reference.claims import shuffle_sizes
from tests.reference.parallelbench import is_sudoku, right_lists

HALF = Fraction(1, 2)
PERCENT_2B = {6: 3, 8: 3, 10: 3, 12: 1, 14: 1, 16: 1}  # Figure 2b, two tokens per step
# Figure 3, random top-k, one token per step, the ten tasks in alphabetical order
PERCENT_3 = ("100", "11", "100", "38", "81", "88", "100", "10.2", "100", "97")


def errata():
    """Every number of every erratum."""
    return figures() | noise() | assumptions() | oracle() | wording() | lists() | puzzles()


def figures():
    out, name = {}, "opposite-trends"
    where = "Replace Random, gamma = 9/10"
    # the text: right iff gamma >= (n-1)/n = 9/10; with >= all ten keep their item at once
    out[name, f"{where}: exact, > gamma as in the text"] = 1
    out[name, f"{where}: exact, >= gamma"] = 0
    out[name, f"{where}: published"] = Fraction(40, 100)
    name = "figure-2b"
    for n, percent in PERCENT_2B.items():
        out[name, f"n = {n}: Eq. (5)"] = shuffle_sizes([2] * (n // 2))
        out[name, f"n = {n}: published"] = Fraction(percent, 100)
    name = "figure-labels"
    out[name, "tasks of Figure 3"] = 10
    out[name, "their mean, random, one token per step"] = sum(map(Fraction, PERCENT_3)) / 1000
    out[name, "Figure 7's average of ten tasks there"] = Fraction(758, 1000)
    out[name, "mean with the two more that Appendix G.2 lists"] = Fraction(7252 + 930 + 990, 12000)
    out[name, "Figure 10, summarization, random, one token per step"] = Fraction(394, 1000)
    out[name, "Figure 22, the same run"] = Fraction(93, 100)
    return out


def noise():
    """Follow the noise by hand: each place is right, or both are wrong together."""
    out, name = {}, "zero-mean-noise"
    greedy, sampling = "greedy Shuffle, n = k = 2", "sampling Replace Random, n = k = 3"
    up = Fraction(9, 10)
    assert up * 1 + (1 - up) * -9 == 0
    out[name, f"{greedy}: Eq. (5)"] = shuffle_sizes([2])
    out[name, f"{greedy}: noise 1 or -9 with mean zero"] = up**2 + (1 - up) ** 2  # A B, or B A
    out[name, f"{greedy}: noise 1 or -1, the same at both places"] = 0  # A A, or B B
    for label, factors in (("no noise", (1, 1)), ("log odds plus or minus ln 2", (2, HALF))):
        chances = [
            Fraction(f) * HALF / (1 + Fraction(f) * HALF) for f in factors
        ]  # odds 1 : 2 of the new item
        words = product((True, False), repeat=3)
        mean = sum(chances) / 2
        out[name, f"{sampling}: {label}"] = sum(
            prod(mean if new else 1 - mean for new in word) for word in words if sum(word) == 1
        )
    return out


def assumptions():
    out, name = {}, "equal-sizes"
    bits = ref.uniform(y for y in product((0, 1), repeat=6) if y[2] == y[3])
    # values at 0..5 of all polynomials of degree below 3 over GF(7)
    code = ref.uniform(
        tuple((a + b * x + c * x * x) % 7 for x in range(6)) for a, b, c in product(range(7), repeat=3)
    )
    for title, pmf in (
        ("six fair bits, the third equal to the fourth", bits),
        ("Reed-Solomon [6, 3] over GF(7)", code),
    ):
        for k in (2, 3):
            blocks = [tuple(range(start, start + k)) for start in range(0, 6, k)]
            out[name, f"{title}: L of {6 // k} steps of {k}"] = ref.step_bound(pmf, blocks)

    run = ref.decode(
        ref.replace_random(5), ref.topk(1, "left_to_right"), 0
    )  # threshold 4/5 takes one at a time
    (new,) = set(range(6)) - set(range(5))
    last = sum(p for y, p in run.distribution.items() if y[-1] == new)
    out["last-step", "n = 5: how often the last step writes the new item"] = last

    name = "table-1"
    for n, k in ((5, 2), (4, 3), (7, 5)):
        run = ref.decode(ref.replace_random(n), ref.topk(k, "left_to_right"), 0)
        out[name, f"n = {n}, k = {k}: accuracy"] = run.accuracy
    out[name, "n = 2, gamma = 2/5: accuracy"] = ref.decode(
        ref.replace_random(2), ref.threshold("2/5"), 0
    ).accuracy

    name, equal = "lemma-1", ref.uniform([(0, 0), (1, 1)])
    out[name, "two equal bits: C of both"] = ref.total_correlation(equal)
    out[name, "two equal bits: sum of the C of each"] = ref.add(
        *(ref.total_correlation(equal, (i,)) for i in (0, 1))
    )
    out[name, "cuts in two parts tested"] = (2**2 - 2) + (3 + 12) * (2**4 - 2)
    return out


FIVE = {(0, 0, 0, 1, 2): 2, (2, 0, 0, 0, 0): 3, (0, 1, 0, 0, 0): 2, (2, 0, 0, 0, 2): 2, (2, 1, 1, 0, 0): 1}
THREE = {(1, 1, 0): 29, (1, 0, 1): 28, (0, 1, 1): 28, (0, 0, 0): 15}


def oracle():
    out, name = {}, "least-threshold"
    five = {y: Fraction(w, 10) for y, w in FIVE.items()}
    eight = {a + b: p * Fraction(w, 100) for (a, p), (b, w) in product(five.items(), THREE.items())}
    for gamma in ("3/5", "7/10"):
        out[name, f"five positions, gamma = {gamma}: steps"] = ref.decode(five, ref.threshold(gamma), 0).steps
    for gamma in ("1/2", "3/5", "7/10", "4/5", "9/10", "1"):
        run = ref.decode(eight, ref.threshold(gamma), 0)
        out[name, f"eight positions, gamma = {gamma}: accuracy"] = run.accuracy
        out[name, f"eight positions, gamma = {gamma}: steps"] = run.steps
    name = "oracle-bound"
    replace = ref.replace_random(5)
    # below 4/5 all keep their item at once, from there on the new item goes last or next to last
    out[name, "fewest steps of a threshold that is right"] = ref.decode(
        replace, ref.threshold("4/5"), 0
    ).steps
    sizes = ref.decode(replace, ref.topk(2, "left_to_right"), 0)
    assert rel.llada_sizes(5, 3) == [2, 2, 1]
    out[name, "sizes 2, 2, 1 (LLaDA, three steps): accuracy"] = sizes.accuracy
    out[name, "sizes 2, 2, 1: steps"] = sizes.steps
    return out


def wording():
    sizes = [2**j for j in range(6)]
    return {
        ("figure-6-axis", "right at every k: x"): Fraction(sum(sizes), len(sizes)),
        ("figure-6-axis", "right at k = 1 alone: x"): 1,
        ("latin-size", "rows of three cells that hold the four symbols"): 0,  # a row has at most three
    }


def lists():
    out, name = {}, "sort-key"
    line, agree = ["A", "B", "C"], 0
    for last in permutations(line):  # first names are in order, the last names in any
        agree += sorted(zip(line, last, strict=True), key=lambda person: person[1]) == list(
            zip(line, last, strict=True)
        )
    assert Fraction(agree, factorial(3)) == Fraction(1, 6)
    mean = sum(Fraction(1, factorial(n)) for n in (3, 4, 5, 6)) / 4
    out[name, "chance that both orders agree, mean of n = 3 to 6"] = mean
    out[name, "chance that both orders agree, n = 15"] = Fraction(1, factorial(15))
    every = len(right_lists("insert_random", line, "W", None))
    out["front-insertion", "n = 3: places asked for, v1"] = every
    out["front-insertion", "n = 3: places asked for, v2"] = every - 1
    return out


def puzzles():
    """Sort the clues that every grid leaves, for every set of empty cells: equal clues are one puzzle."""
    out, name = {}, "sudoku-v2"
    grids = [
        g
        for g in rel.accepted_squares(4)
        if is_sudoku(["".join("1234"[v] for v in g[r : r + 4]) for r in (0, 4, 8, 12)])
    ]
    assert len(grids) == 288
    chances = {grid: backtracking(grids, grid) for grid in grids}
    assert sorted(chances.values()) == [Fraction(1, 384)] * 192 + [Fraction(1, 192)] * 96
    powers = np.array([4**i for i in range(16)])
    chance = np.array([int(384 * chances[grid]) for grid in grids])
    for holes in (4, 8):
        kept = np.ones((comb(16, holes), 16), dtype=np.int64)
        for row, cells in enumerate(combinations(range(16), holes)):
            kept[row, list(cells)] = 0
        # each row: the clues that every grid leaves, with its chance, in order
        clues = np.sort(4 * ((kept * powers) @ np.array(grids).T) + chance, axis=1)
        first = np.diff(clues // 4, axis=1, prepend=-1).ravel() != 0
        starts, shares = np.flatnonzero(first), (clues % 4).ravel()
        totals = np.add.reduceat(shares, starts)
        most = np.maximum.reduceat(shares, starts)
        counts = np.diff(starts, append=shares.size)
        every = 384 * len(kept)
        by_count = {int(c): int(totals[counts == c].sum()) for c in set(counts.tolist())}
        solver = sum(Fraction(total, count) for count, total in by_count.items()) / every
        if holes == 4:
            way = "4 empty cells, v2's way of making grids: a solver that takes any solution"
            out[name, way] = solver
        else:
            out[name, "8 empty cells (v2): a solver that takes any solution"] = solver
            out[name, "8 empty cells: one that knows how grids are made"] = Fraction(int(most.sum()), every)
            out[name, "8 empty cells: puzzles with one solution"] = Fraction(by_count[1], every)
    shown = {0: 0, 1: 1, 4: 2, 5: 3, 8: 1, 9: 0, 12: 3, 13: 2}  # 12__ 34__ 21__ 43__
    fitting = [g for g in grids if all(g[i] == v for i, v in shown.items())]
    out[name, "solutions of 12__ 34__ 21__ 43__"] = len(fitting)
    return out


def backtracking(grids, grid):
    chance = Fraction(1)
    for cell in range(16):
        chance /= len({g[cell] for g in grids if g[:cell] == grid[:cell]})
    return chance
