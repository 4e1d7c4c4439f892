"""Solutions of lesson 9."""

from fractions import Fraction
from math import log

from solved import Solved, show

import parabounds as pb
from figures import clopper_pearson
from models.predictors.distance_to_ideal import loss_floor

floor = (loss_floor("shuffle", 4) + loss_floor("replace_random", 4)) / 2
ideal = pb.task("shuffle", n=4).decode("topk:k=2,by=random").accuracy
model = Fraction(339, 1000)
solutions = [
    Solved(
        answer=floor,
        why="(log(24)/4 + log(4)/4)/2 = 0.571 nats.",
        hint="H(Y)/4 for each task: 24 equally likely answers of Shuffle, 4 of Replace Random.",
        mistakes=(
            (floor / log(2), "This is in bits; nats are asked for."),
            (4 * floor, "Per token: divide by the length."),
            (loss_floor("shuffle", 4), "This is Shuffle alone."),
            ((loss_floor("shuffle", 3) + loss_floor("replace_random", 3)) / 2, "These are lists of three."),
        ),
    ),
    Solved(
        answer=list(clopper_pearson(339, 1000)),
        why="0.310 to 0.369: 3/8 lies outside, so this model has an error of its own, a small one.",
        hint="Call clopper_pearson with the number of right answers and the number of all.",
        mistakes=((list(clopper_pearson(661, 1000)), "These are the wrong answers."),),
    ),
    Solved(
        answer=(1 - ideal) / (1 - model),
        why="0.625/0.661 = 0.946: what is left for the training is 5 % of the errors.",
        hint="How many answers of each are wrong?",
        mistakes=(
            (model / ideal, "This is the ratio of the right answers."),
            (1 - (1 - ideal) / (1 - model), "This is the share that training could remove."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
