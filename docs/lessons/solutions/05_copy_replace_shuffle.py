"""Solutions of lesson 5."""

from math import e, log, log2

from solved import Solved, show

import parabounds as pb

insert = pb.task("insert_random", n=6).bounds()
solutions = [
    Solved(
        answer=2 * log2(e),
        why="Entropies of independent parts add up, so total correlations do: 2 log2(e).",
        hint="What is the total correlation of two independent parts, if those of the parts are known?",
        mistakes=(
            (log2(e), "This is one list."),
            (1 / e, "This is the limit of the accuracy with one list."),
            (1 / e**2, "This is the limit of the accuracy; how many bits are that?"),
        ),
    ),
    Solved(
        answer=pb.task("shuffle", n=5).decode("topk:k=5").accuracy,
        why="5!/5^5 = 24/625.",
        hint="Five independent uniform draws of five items: how often are they all different?",
        mistakes=(
            ("1/120", "This is how often a given order comes, if only orders come."),
            ("1/3125", "This is the probability of one order; all 120 are right."),
        ),
    ),
    Solved(
        answer=insert.total_correlation,
        why="6 log2(7) - 2/7 (1 log2(1) + .. + 6 log2(6)): H(y_i) = log2(7) - (i log2(i) + (6-i) log2(6-i))/7.",
        hint="Add the entropies of the seven positions and subtract log2(7). A sum of seven terms; use Python.",
        mistakes=(
            (log2(7), "This is the entropy of the answer."),
            (
                insert.total_correlation + insert.entropy,
                "This is the sum of the entropies; subtract that of the answer.",
            ),
            (6 * log(7 / 6, 2), "That is Replace Random of seven items."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
