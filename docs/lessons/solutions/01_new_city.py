"""Solutions of lesson 1."""

from solved import Solved, show

import parabounds as pb
from theory import output_distribution

six = pb.pmf(
    [
        ("New", "York"),
        ("New", "Orleans"),
        ("New", "Delhi"),
        ("New", "Haven"),
        ("Mexico", "City"),
        ("Panama", "City"),
    ]
)
(always,) = [answer for answer, p in output_distribution(six, "topk:k=2", temperature=0).items() if p]
solutions = [
    Solved(
        answer=six.decode("topk:k=2").accuracy,
        why="4 * 2/3 * 1/6 + 2 * 1/6 * 1/3 = 4/9 + 1/9.",
        hint="For each city multiply the marginals of its two words, then add the six products.",
        mistakes=(
            ("1/2", "That was four cities. What are the marginals now?"),
            ("4/9", "Are the cities that end with City among your products?"),
        ),
    ),
    Solved(
        answer=output_distribution(six, "topk:k=2")["New", "City"],
        why="2/3 * 1/3.",
        hint="It is a product of two marginals.",
        mistakes=(
            ("1/4", "That was four cities. What are the marginals now?"),
            ("1/3", "This is the marginal of City; the first word has to be New as well."),
        ),
    ),
    Solved(
        answer=" ".join(always),
        why="New has 2/3 in the first position, City 1/3 in the second: each is the best of its own position.",
        hint="Which token is the most probable in the first position? Which in the second?",
        mistakes=(
            ("New York", "York goes with New, but the second position does not know the first."),
            ("New Orleans", "Orleans goes with New, but the second position does not know the first."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
