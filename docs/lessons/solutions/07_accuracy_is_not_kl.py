"""Solutions of lesson 7."""

from solved import Solved, show

import parabounds as pb

weighted = pb.pmf(
    {("New", "York"): "1/2", ("New", "Delhi"): "1/8", ("Mexico", "City"): "1/4", ("Panama", "City"): "1/8"}
)
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
        answer=pb.task("remove_random", n=5).decode("topk:k=4", temperature=0).kl,
        why="It never writes four of the five answers, and log2(P/0) is infinite.",
        hint="How often does it write each of the five answers? What is P log2(P/Q) where Q is zero?",
        mistakes=((0, "It is always right, but does it write every right answer?"),),
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
