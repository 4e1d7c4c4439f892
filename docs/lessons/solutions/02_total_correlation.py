"""Solutions of lesson 2."""

from math import log2

from solved import Solved, show

import parabounds as pb
from theory import total_correlation

parity, copies, shuffle = pb.task("parity", n=6), pb.task("repeated_bit", n=6), pb.task("shuffle", n=3)
solutions = [
    Solved(
        answer=[total_correlation(parity, [0, 1]), total_correlation(parity)],
        why="Any five bits are free, so a pair has 0; together 6 - 5 = 1.",
        hint="How many of the six bits are free? Which pairs of values can two of them have?",
        mistakes=(
            ([1, 1], "Write down the four values of a pair with their probabilities."),
            ([0, 5], "This is the entropy of all six; what do they have one by one?"),
        ),
    ),
    Solved(
        answer=total_correlation(copies),
        why="6 positions of 1 bit each, together 1 bit: 6 - 1 = 5.",
        hint="Add the entropies of the six positions and subtract that of all.",
        mistakes=(
            (1, "This is the entropy."),
            (6, "This is the sum of the six entropies; subtract that of all."),
        ),
    ),
    Solved(
        answer=total_correlation(shuffle),
        why="3 log2(3) - log2(3!) = 2 log2(3) - 1.",
        hint="Each position is uniform over three items; there are six orders.",
        mistakes=(
            (log2(6), "This is the entropy of the orders."),
            (3 * log2(3), "This is the sum of the three entropies; subtract that of the orders."),
            (5 - log2(3), "That was four items."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
