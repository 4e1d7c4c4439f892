"""Solutions of lesson 0."""

from math import log2

from solved import Solved, show

import parabounds as pb

weighted = pb.pmf(
    {("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "1/4", ("Panama", "City"): "1/8"}
)
solutions = [
    Solved(
        answer=weighted.marginals()[0]["New"],
        why="1/2 + 1/8: add the probabilities of the sentences that begin with New.",
        hint="Which sentences begin with New? Add their probabilities.",
        mistakes=(("1/2", "Two sentences begin with New, and they do not count the same."),),
    ),
    Solved(
        answer=weighted.marginals({0: "Mexico"})[1]["City"],
        why="Only Mexico City begins with Mexico.",
        hint="Keep the sentences that begin with Mexico. Which second words are left?",
        mistakes=(
            ("3/8", "This is the probability of City while nothing is known."),
            ("1/4", "This is the probability of the whole sentence; here the first word is known."),
        ),
    ),
    Solved(
        answer=-log2(weighted.pmf.probability(("New", "York"))),
        why="Its probability is 1/2, and -log2(1/2) = 1.",
        hint="What is the probability of the sentence? Its surprise is minus the logarithm, base 2.",
        mistakes=(
            (-log2(5 / 8), "This is the surprise of the first word alone."),
            ("1/2", "This is the probability; the surprise is minus its logarithm, base 2."),
            (2, "That was the language of four equally likely sentences."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
