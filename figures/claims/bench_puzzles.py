"""Errata on the released puzzles and word tasks."""

from __future__ import annotations

from figures.claims.claim import Claim, Evidence
from synthetic.parallelbench.protocol import PROTOCOLS
from synthetic.parallelbench.puzzles import solutions, stored_grid_ceiling
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import bench_task
from synthetic.parallelbench.text_metrics import included, whole_words
from synthetic.parallelbench.verdicts import grade

__all__ = ["ENTRIES"]


def sudoku_solutions() -> Evidence:
    """Compute what a perfect solver scores where only the stored grid counts."""
    found = Evidence()
    eight, four = stored_grid_ceiling(8), stored_grid_ceiling(4)
    found.number("8 empty cells (v2): a solver that takes any solution", eight.any_solution)
    found.number("8 empty cells: one that knows how grids are made", eight.most_likely)
    found.number("8 empty cells: puzzles with one solution", eight.unique)
    found.number(
        "4 empty cells, v2's way of making grids: a solver that takes any solution", four.any_solution
    )
    puzzle, stored, other = "12__\n34__\n21__\n43__", "1234\n3412\n2143\n4321", "1243\n3421\n2134\n4312"
    found.number("solutions of 12__ 34__ 21__ 43__", len(solutions(puzzle)))
    sample = Sample(input={"puzzle": puzzle}, answer=stored, metadata={})
    grids = {"stored": stored, "other": other}
    scores = {
        name: grade(bench_task("sudoku"), sample, grid, PROTOCOLS["v2"]) for name, grid in grids.items()
    }
    found.released("v2: every puzzle has one solution", eight.unique == 1)
    found.released("v2: another solution of the puzzle gets the score", scores["other"].score == 1)
    found.also("both grids solve it", bool(scores["stored"].sound and scores["other"].sound))
    return found


def loose_graders() -> Evidence:
    """Grade wrong grids and sentences that pass."""
    found = Evidence()
    latin = Sample(input={}, answer={"symbols": list("ABCD"), "example": ""}, metadata={"length": 4})
    outputs = {
        "a row of five cells fails": "A,B,C,D,A\nB,C,D,A\nC,D,A,B\nD,A,B,C",
        "a fifth row that does not fit fails": "A,B,C,D\nB,C,D,A\nC,D,A,B\nD,A,B,C\nA,B,C,D",
    }
    for fact, output in outputs.items():
        verdict = grade(bench_task("latin_square"), latin, output, PROTOCOLS["v1"])
        found.released(f"Latin square: {fact}", verdict.score == 0)
        found.also(f"Latin square: {fact} by the words of the prompt", verdict.sound is False)
    header = "A,B,C,D\nB,A,D,C\nA,B,C,D\nD,C,B,A\nC,D,A,B"
    verdict = grade(bench_task("latin_square"), latin, header, PROTOCOLS["v1"])
    found.released(
        "Latin square: a line that lists the symbols before the square is no row", verdict.score == 1
    )
    sentence, word = "Every category is full.", "cat"
    found.released("words to sentence: cat is not in category", not included(sentence, [word]))
    found.also("words to sentence: as a whole word it is not", not whole_words(sentence, [word]))
    return found


ENTRIES = (
    Claim(
        id="sudoku-v2",
        page="errata",
        title="Sudoku with several solutions",
        claim="A Sudoku has one solution, so a perfect solver scores 100 %.",
        place="Table 2; released v2 task generator",
        test="Exact mean over all grids, as the generator makes them, and all sets of empty cells.",
        evidence=sudoku_solutions,
        verdict="release differs",
        refuted=("v2: every puzzle has one solution", "v2: another solution of the puzzle gets the score"),
        condition="v2 empties 8 random cells and accepts the stored grid alone: 81.07 % of its puzzles have "
        "one solution, and a perfect solver scores 90.33 %, or 92.29 % if it knows how grids are made. The "
        "suspicion that the paper's v1 puzzles are not unique is refuted: all 108 of the v1 file have one "
        "solution, as claimed.",
        numbers={
            "8 empty cells (v2): a solver that takes any solution": "93007/102960",
            "8 empty cells: one that knows how grids are made": "47513/51480",
            "8 empty cells: puzzles with one solution": "1897/2340",
            "4 empty cells, v2's way of making grids: a solver that takes any solution": "727/728",
            "solutions of 12__ 34__ 21__ 43__": "4",
        },
    ),
    Claim(
        id="loose-graders",
        page="errata",
        title="Wrong answers that pass",
        claim="A grader passes what the prompt asks for, and nothing else.",
        place="Released graders, v1 and v2",
        test="Wrong grids and a sentence that pass, and a right grid that fails.",
        evidence=loose_graders,
        verdict="release differs",
        refuted=(
            "Latin square: a row of five cells fails",
            "Latin square: a fifth row that does not fit fails",
            "Latin square: a line that lists the symbols before the square is no row",
            "words to sentence: cat is not in category",
        ),
        condition="Latin squares: the first four lines whose cells are the symbols as a set count as rows, "
        "and columns end with the shortest row. Words: any substring counts.",
        numbers={},
    ),
)
