"""Solutions of lesson 6."""

from solved import Solved, show

import parabounds as pb

replace, shuffle = pb.task("replace_random", n=4), pb.task("shuffle", n=4)
by_die = shuffle.decode("topk:k=2", temperature=0, greedy_ties="random").accuracy
by_index = shuffle.decode("topk:k=2", temperature=0, greedy_ties="lowest").accuracy
solutions = [
    Solved(
        answer=replace.decode("threshold:gamma=0.75,strict=false").accuracy,
        why="All four go in the first step: 4 * 1/4 * (3/4)^3 = 27/64.",
        hint="Which positions go in the first step? The answer is right if exactly one of them draws the new item.",
        mistakes=(
            (1, "That is the strict rule: 3/4 is not above 3/4. Here it is enough."),
            ("27/256", "The new item may be at any of the four positions."),
        ),
    ),
    Solved(
        answer=replace.decode("topk:k=2", temperature=0).accuracy,
        why="The first two keep their items; of the last two each tosses a coin, right if they differ.",
        hint="What are the most probable tokens of the first two? And what do the other two know then?",
        mistakes=(
            (0, "In the last step two tokens tie at each position."),
            (1, "Two coins decide at the end."),
        ),
    ),
    Solved(
        answer=by_die - by_index,
        why="3/4 * 1/2 = 3/8 with dice; with the lowest token the two of a step take the same item, always.",
        hint="With lowest ties, which tokens do the two positions of the first step take?",
        mistakes=(
            ("3/4", "The second step has to be right too."),
            ("1/2", "The first step has to be right too."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
