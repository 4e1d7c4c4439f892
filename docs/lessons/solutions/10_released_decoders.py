"""Solutions of lesson 10."""

from solved import Solved, show

import parabounds as pb

solutions = [
    Solved(
        answer=pb.audit("dream:steps=10", masked=10, task="shuffle").accuracy,
        why="Its first call takes nothing and its last one two: two items that clash half of the time.",
        hint='`pb.audit("dream:steps=10", masked=10)` has `tokens_per_call`. Which call takes more than one?',
        mistakes=((1, "One a step would be right. Is it one a step?"),),
    ),
    Solved(
        answer=pb.audit("llada:steps=4", masked=10, task="shuffle").accuracy,
        why="3 + 3 + 2 + 2: 10!/(10^3 7^3 4^2 2^2) = 81/490.",
        hint="The calls take 3, 3, 2 and 2 tokens, of 10, 7, 4 and 2 items that are left.",
        mistakes=(
            (
                pb.audit("dream:steps=4", masked=10, task="shuffle").accuracy,
                "That is Dream's schedule; LLaDA takes the larger numbers first.",
            ),
            (pb.audit("llada:steps=5", masked=10, task="shuffle").accuracy, "These are five steps."),
        ),
    ),
    Solved(
        answer=pb.task("shuffle", n=10).decode("factor:f=1,variant=released").accuracy,
        why="One a step until two are left, each with confidence 1/2: the released code takes both.",
        hint="The printed rule takes one token at a time. With two items left, c = 1/2: what does the other form do?",
        mistakes=((1, "That is the rule as printed: 2 (1 - 1/2) is not below 1."),),
    ),
]

if __name__ == "__main__":
    show(solutions)
