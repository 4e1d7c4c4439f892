"""Solutions of lesson 4."""

from solved import Solved, show

import parabounds as pb

places = [("New", "York"), ("New", "Delhi"), ("Mexico", "City")]
tours = pb.pmf([(*a, *b, *c) for a in places for b in places for c in places])
losses = tours.bounds().optimal_bound
shuffle = pb.task("shuffle", n=4).bounds().optimal_bound
solutions = [
    Solved(
        answer=2**4 - 2,
        why="Each position goes in the first or in the second step, 16 ways, and no step may be empty.",
        hint="Give each position the number of its step. Which of these choices leave a step empty?",
        mistakes=(
            (16, "Two of these leave a step empty."),
            (7, "The order counts: (0, 1), then (2, 3) is not (2, 3), then (0, 1)."),
            (75, "This is the number of orders into any number of blocks."),
        ),
    ),
    Solved(
        answer=list(shuffle),
        why="log2(256/24), 2 + 2 or 3 + 1: log2(64/24), 2 + 1 + 1: log2(32/24), and 0.",
        hint="Four numbers, from log2(4^4/4!) down to 0. For two steps compare 2 + 2, 3 + 1 and 1 + 3.",
        mistakes=(
            (list(reversed(shuffle)), "One step loses the most."),
            (list(shuffle[:3]), "Four steps belong to it."),
        ),
    ),
    Solved(
        answer=1 + next(t for t, bits in enumerate(losses) if bits == 0),
        why="The first tokens of all three places together, then the second ones.",
        hint="Which tokens of different places may be drawn together? How many does one place have?",
        mistakes=(
            (3, "One place a step would draw New and York at once, which costs. And places need not wait."),
            (6, "Places are independent: their tokens need not wait for each other."),
            (1, "The two tokens of a place need each other."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
