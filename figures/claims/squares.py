"""The claim on which Latin squares the benchmark generates and accepts."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import permutations

from figures.claims.claim import Claim, Evidence
from figures.claims.distributions import listed
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy

__all__ = ["ENTRIES"]

ORDERS = (2, 3, 4)


def latin_squares() -> Evidence:
    """Compare the squares made with the squares accepted."""
    found = Evidence()
    ways = {n: _made(n) for n in ORDERS}
    made = {n: JointPMF.uniform(sorted(ways[n])) for n in ORDERS}
    valid = {n: listed("latin_square", n) for n in ORDERS}
    c: dict[str, dict[int, object]] = {"made": {}, "accepted": {}}
    for n in ORDERS:
        for name, pmf in (("made", made[n]), ("accepted", valid[n])):
            c[name][n] = total_correlation(pmf)
            found.number(f"n = {n}: squares {name}", len(pmf.outcomes))
            found.number(f"n = {n}: C, squares {name}", c[name][n])
    at_once = parse_policy("topk:k=16,by=random")
    for name, pmf in (("made", made[4]), ("accepted", valid[4])):
        found.number(f"n = 4: one-step accuracy, squares {name}", Fraction(decode(pmf, at_once).accuracy))
    renamed = {tuple(names[v] for v in y) for y in ways[4] for names in permutations(range(4))}
    found.number("n = 4: squares made from the symbols in any order", len(renamed))
    found.convention(
        "the squares made are those accepted, n = 2, 3, 4", all(_same(made[n], valid[n]) for n in ORDERS)
    )
    found.convention("the same for n = 2 and 3", all(_same(made[n], valid[n]) for n in (2, 3)))
    found.also("all squares made are accepted", all(set(ways[n]) <= set(valid[n].outcomes) for n in ORDERS))
    found.also("each is made in equally many ways", all(len(set(ways[n].values())) == 1 for n in ORDERS))
    difference = total_correlation(made[4]) - total_correlation(valid[4])  # type: ignore[operator]
    found.also("n = 4: C differs by log2(576/144) = 2 bits", difference == LogNumber.log2(4))
    found.also(
        "n = 4: every cell is uniform in both, so the ideal one-step decoder is one and the same",
        all(
            distribution.marginal([i]).probability((v,)) == Fraction(1, 4)
            for distribution in (made[4], valid[4])
            for i in range(16)
            for v in range(4)
        ),
    )
    return found


def _made(n: int) -> Counter[tuple[int, ...]]:
    """Return the squares of the released generator, with the number of shuffles that give each.

    Row i of the cyclic square is the list of symbols shifted by i; then rows and columns are shuffled
    (``generate_latin_square`` in ``parallelbench/datasets/task_utils.py`` of furiosa-ai/ParallelBench, 2d9c7aa).
    """
    orders = list(permutations(range(n)))
    return Counter(tuple((i + j) % n for i in rows for j in columns) for rows in orders for columns in orders)


def _same(one: JointPMF, other: JointPMF) -> bool:
    return set(one.outcomes) == set(other.outcomes)


ENTRIES = (
    Claim(
        id="latin-squares",
        title="The benchmark's Latin squares",
        claim="The Latin-square task has one distribution: any square with the given symbols, as its "
        "generator draws them.",
        place="Table 3, Latin square, and the released generator and grader",
        test="All squares that the released generator can make from one list of symbols, by every shuffle of "
        "rows and columns of the cyclic square, against all Latin squares, which the grader accepts.",
        evidence=latin_squares,
        verdict="convention not discussed",
        refuted=("the squares made are those accepted, n = 2, 3, 4",),
        condition="The paper names no distribution. At order 4, the released setting, the generator makes 144 "
        "of 576 squares. Scores do not depend on it: the grader accepts all. Bounds for answers as graded need the "
        "distribution of 576 (task latin_square), those for a model trained on generated squares that of 144.",
        numbers={
            "n = 2: squares made": "2",
            "n = 2: C, squares made": "3 log2(2)",
            "n = 2: squares accepted": "2",
            "n = 2: C, squares accepted": "3 log2(2)",
            "n = 3: squares made": "12",
            "n = 3: C, squares made": "-2 log2(2) + 8 log2(3)",
            "n = 3: squares accepted": "12",
            "n = 3: C, squares accepted": "-2 log2(2) + 8 log2(3)",
            "n = 4: squares made": "144",
            "n = 4: C, squares made": "28 log2(2) - 2 log2(3)",
            "n = 4: squares accepted": "576",
            "n = 4: C, squares accepted": "26 log2(2) - 2 log2(3)",
            "n = 4: one-step accuracy, squares made": "9/268435456",
            "n = 4: one-step accuracy, squares accepted": "9/67108864",
            "n = 4: squares made from the symbols in any order": "432",
        },
    ),
)
