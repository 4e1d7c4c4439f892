"""Solutions of lesson 3."""

from fractions import Fraction
from math import log2

from solved import Solved, show

import parabounds as pb
from theory import kl_divergence

cities = pb.pmf([("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")])
second = cities.marginals()[1]
written = {(a, b): Fraction(1, 3) * p for a in ("New", "Mexico", "Panama") for b, p in second.items()}
shuffle = pb.task("shuffle", n=4)
three_first = shuffle.bounds("0,1,2|3").partition_bound
one_first = shuffle.bounds("0|1,2,3").partition_bound
solutions = [
    Solved(
        answer=kl_divergence(cities, written),
        why="C = 1, and D(P_1 || Q_1) = log2(3) - 3/2 = 0.085.",
        hint="It is C plus the divergence of the first word's distribution from the model's.",
        mistakes=(
            (1, "This is C; the model's error comes on top."),
            (log2(3) - 1.5, "This is the error of the model; what the step loses comes on top."),
        ),
    ),
    Solved(
        answer=shuffle.bounds("0,1|2,3").partition_bound,
        why="2 log2(4) + 2 log2(2) - log2(24): every item of a step is uniform over those that are left.",
        hint="In the first step each item is uniform over four, in the second over two. There are 24 orders.",
        mistakes=(
            (shuffle.bounds().at(1), "This is one step."),
            (1, "This is what the second pair loses alone; the first pair loses something too."),
        ),
    ),
    Solved(
        answer=one_first - three_first,
        why="log2(27/6) - log2(64/24) = log2(27/16).",
        hint="3 + 1: three items uniform over four. 1 + 3: one over four, then three uniform over three.",
        mistakes=(
            (one_first, "This is the loss of 1 + 3; subtract that of 3 + 1."),
            (three_first, "This is the loss of 3 + 1."),
            (0, "Work out both: the sizes are the same, their order is not."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
