"""Solutions of lesson 8."""

from solved import Solved, show

import parabounds as pb

replace = pb.task("replace_random", n=3).bounds(randomized=True)
selector = pb.task("matching_selector").bounds(adaptive=True)
insert = pb.task("insert_random", n=8).bounds().optimal_bound
solutions = [
    Solved(
        answer=replace.randomized_bound[1],
        why="2 log2(3) - 3 = 0.170, where the best fixed blocks lose log2(3) - 4/3 = 0.252.",
        hint="`bounds(randomized=True)` has a list `randomized_bound`; its first entry is one step.",
        mistakes=(
            (replace.at(2), "This is the best fixed order; a mixture loses less."),
            (replace.at(1), "This is one step."),
        ),
    ),
    Solved(
        answer=selector.at(3) - selector.adaptive_bound[2],
        why="V_3 = 0 and L*_3 = 3/2 log2(3) - 7/3.",
        hint="One of the two is zero. `bounds(adaptive=True)` has both.",
        mistakes=((selector.at(2), "This is L*_2."), (0, "Look at the enlarged part of the figure.")),
    ),
    Solved(
        answer=next(t for t, bits in enumerate(insert, start=1) if bits == 0),
        why="L*_4 = 0 and L*_3 = 0.225: three steps do not tell nine positions apart, four do.",
        hint="How many steps did 4, 5, 6 and 7 positions take? Bisection doubles with each step.",
        mistakes=(
            (3, "log2(9) is above 3. And L*_3 is above zero: look it up."),
            (9, "One by one always works. Bisect."),
        ),
    ),
]

if __name__ == "__main__":
    show(solutions)
