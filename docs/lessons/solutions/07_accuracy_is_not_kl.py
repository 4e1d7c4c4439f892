"""Solutions of lesson 7."""

from solved import Solved, show

import parabounds as pb
from theory import kl_divergence

weighted = pb.pmf(
    {("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "1/4", ("Panama", "City"): "1/8"}
)
cities = [("New", "York"), ("New", "Orleans"), ("Mexico", "City"), ("Panama", "City")]
always = {cities[0]: 1}
one_step = weighted.decode("topk:k=2")
solutions = [
    Solved(
        answer=2 ** -float(one_step.kl),
        why="H(first) = 1.299, H(second) = 1.406, together 1.75: KL = 0.954, and 2^-0.954 = 0.516.",
        hint="KL is the total correlation: the entropies of the two words minus that of both.",
        mistakes=(
            (one_step.accuracy, "This is the accuracy itself; the floor is a little lower."),
            (one_step.kl, "This is the KL divergence."),
            ("1/2", "That was four cities of equal probability."),
        ),
    ),
    Solved(
        answer=[always[cities[0]], kl_divergence(pb.pmf(cities), always)],
        why="New York is right, always; but the three other cities never come, and log2(P/0) is infinite.",
        hint="Is New York a right answer? And what is P log2(P/Q) where Q is zero?",
        mistakes=(
            ([1, 0], "It is always right, but does it write every right answer?"),
            ([1, 2], "How often does it write Mexico City? Put that into the definition of KL."),
            (["1/4", "inf"], "Every answer that it gives is a city, so it is right."),
        ),
    ),
    Solved(
        answer=pb.task("matching_selector").decode("topk:k=3").kl,
        why="1 - log2(3)/2: it is right every time, but writes some of the twelve answers too often.",
        hint="`decode` has the number as `kl`.",
        mistakes=((0, "Its accuracy is 1. Does it write all twelve answers equally often?"),),
    ),
]

if __name__ == "__main__":
    show(solutions)
