"""Graders of the benchmark: hand-made outputs for every branch, and the ceiling of a stored grid."""

import sys
from collections import Counter
from fractions import Fraction
from itertools import combinations

import pytest

from synthetic.grids import latin_squares, sudoku_grids
from synthetic.parallelbench import PROTOCOLS, Sample, bench_task, explain, grade
from synthetic.parallelbench.puzzles import generated_squares, stored_grid_ceiling, stored_grids
from synthetic.parallelbench.text_metrics import bertscore, grammar_checker, inverse_bleu, rouge
from theory.validation import InputError

LINE = ["Ada Klein", "Otto Frost", "Nora Lund"]
MATCH = Sample(input={}, answer='["Ada Klein", "Otto Frost", "Nora Lund"]', metadata={})
MANY = Sample(input={}, answer={"input": LINE, "word": "Zoe Hale"}, metadata={})
TWICE = Sample(input={}, answer={"input": ["A", "B", "A"], "word": "A"}, metadata={})
SQUARE = Sample(input={}, answer={"symbols": list("ABCD")}, metadata={})
GRID = Sample(input={"sudoku": "1204\n3412\n2143\n4301"}, answer="1234\n3412\n2143\n4321", metadata={})
GOOD = "A,B,C,D\nB,A,D,C\nC,D,A,B\nD,C,B,A"

# task, sample, output, released score, strict score, sound
CASES = [
    ("copy", MATCH, '["Ada Klein", "Otto Frost", "Nora Lund"]', 1, 1, True),
    ("copy", MATCH, 'It is ["Ada Klein", "Otto Frost", "Nora Lund"], as asked.', 1, 1, False),
    ("copy", MATCH, '["Ada Klein","Otto Frost","Nora Lund"]', 1, 0, True),
    ("copy", MATCH, "Ada Klein, Otto Frost, Nora Lund", 1, 0, False),
    ("copy", MATCH, '[Ada Klein, "Otto Frost", Nora Lund', 1, 0, False),
    ("copy", MATCH, '[\n  "Ada Klein",\n  "Otto Frost",\n  "Nora Lund"\n]', 0, 0, True),  # newlines stay
    ("copy", MATCH, "['Ada Klein', 'Otto Frost', 'Nora Lund']", 0, 0, False),  # quotes stay
    (
        "copy",
        MATCH,
        '["Ada Klein", "Otto Frost", "Nora Lund"] [1]',
        0,
        0,
        False,
    ),  # a later bracket replaces it
    ("copy", MATCH, '["Ada Klein", "Otto Frost", "", "Nora Lund"]', 0, 0, False),  # an empty item stays
    ("copy", MATCH, '["Ada Klein", "Otto Frost", , "Nora Lund"]', 1, 0, False),  # a blank one goes
    ("copy", MATCH, '["ada klein", "otto frost", "nora lund"]', 0, 0, False),
    ("copy", MATCH, '["Ada Klein", "Otto Frost"]', 0, 0, False),
    ("copy", MATCH, "", 0, 0, False),
    ("shuffle", MANY, '["Otto Frost", "Ada Klein", "Nora Lund"]', 1, 1, True),
    ("shuffle", MANY, '["Ada Klein", "Otto Frost", "Nora Lund"]', 0, 0, False),
    ("shuffle", MANY, '["Otto Frost", "Otto Frost", "Nora Lund"]', 0, 0, False),
    ("shuffle", MANY, '["Otto Frost", "Nora Lund"]', 0, 0, False),
    ("insert_random", MANY, '["Zoe Hale", "Ada Klein", "Otto Frost", "Nora Lund"]', 1, 1, True),
    ("insert_random", MANY, '["Ada Klein", "Zoe Hale", "Nora Lund", "Otto Frost"]', 0, 0, False),
    ("insert_random", MANY, '["Ada Klein", "Otto Frost", "Nora Lund"]', 0, 0, False),
    ("insert_random", TWICE, '["A", "B", "A", "A"]', 0, 0, True),  # the first A is taken out: B A A
    ("insert_random", TWICE, '["A", "A", "B", "A"]', 1, 1, True),
    ("remove_random", MANY, '["Ada Klein", "Nora Lund"]', 1, 1, True),
    ("remove_random", MANY, '["Nora Lund", "Ada Klein"]', 0, 0, False),
    ("remove_random", MANY, '["Ada Klein"]', 0, 0, False),
    ("remove_random", MANY, '["Ada Klein", "Zoe Hale"]', 0, 0, False),
    ("replace_random", MANY, '["Ada Klein", "Zoe Hale", "Nora Lund"]', 1, 1, True),
    ("replace_random", MANY, '["Zoe Hale", "Zoe Hale", "Nora Lund"]', 0, 0, False),
    ("replace_random", MANY, '["Ada Klein", "Otto Frost", "Nora Lund"]', 0, 0, False),
    ("replace_random", MANY, '["Ada Klein", "Zoe Hale"]', 0, 0, False),
    ("latin_square", SQUARE, GOOD, 1, 1, True),
    ("latin_square", SQUARE, f"Here it is:\n{GOOD}\nDone", 1, 1, False),
    ("latin_square", SQUARE, GOOD.replace(",", " , "), 1, 1, True),
    ("latin_square", SQUARE, f"A,B,C,D\n{GOOD}", 0, 0, False),  # the header is the first row
    (
        "latin_square",
        SQUARE,
        GOOD.replace("A,B,C,D", "A,B,C,D,D"),
        1,
        1,
        False,
    ),  # columns end with the shortest row
    ("latin_square", SQUARE, GOOD.replace(",", ""), 0, 0, False),
    ("latin_square", SQUARE, "A,B,C,D\nB,A,D,C\nC,D,A,B", 0, 0, False),
    ("latin_square", SQUARE, "A,B,C,D\nA,B,C,D\nC,D,A,B\nD,C,B,A", 0, 0, False),
    ("sudoku", GRID, "1234\n3412\n2143\n4321", 1, 1, True),
    ("sudoku", GRID, "1 2 3 4\n3,4,1,2\n2143\n4321", 1, 0, False),
    ("sudoku", GRID, "Row: 1234.\n3412\n2143\n4321", 1, 0, False),
    ("sudoku", GRID, "1234\n\n3412\n2143\n4321", 1, 1, True),
    ("sudoku", GRID, "1234\n3412\n2143\n4321\n1234", 0, 0, False),
    ("sudoku", GRID, "The 4 x 4 grid\n1234\n3412\n2143\n4321", 1, 0, False),
    ("sudoku", GRID, "١٢٣٤\n3412\n2143\n4321", 1, 1, True),  # digits of any script
    ("sudoku", GRID, "2134\n3412\n1243\n4321", 0, 0, False),  # a grid, but not this one
    ("sudoku", GRID, "no idea", 0, 0, False),
]


@pytest.mark.parametrize(("name", "sample", "output", "score", "strict", "sound"), CASES)
def test_verdicts(name: str, sample: Sample, output: str, score: int, strict: int, sound: bool) -> None:
    verdict = grade(bench_task(name), sample, output, PROTOCOLS["v1"])
    assert (verdict.score, verdict.strict, verdict.sound) == (score, strict, sound)
    text = explain(bench_task(name), sample, output, PROTOCOLS["v1"])

    assert text.startswith(f"released score: {score}")


def test_v2_cuts_lists_at_a_blank_line_and_puzzles_at_two() -> None:
    long = f"{MATCH.answer}\n\n[]"
    assert [grade(bench_task("copy"), MATCH, long, PROTOCOLS[p]).score for p in ("v1", "v2")] == [0, 1]
    square = f"{GOOD}\n\n\nA,B,C,D"
    assert grade(bench_task("latin_square"), SQUARE, square, PROTOCOLS["v2"]).sound
    apart = GOOD.replace("\n", "\n\n")
    assert grade(bench_task("latin_square"), SQUARE, apart, PROTOCOLS["v2"]).score == 1


def test_all_576_squares_pass_and_the_example_is_one_of_144() -> None:
    squares = latin_squares(4)
    passed = 0
    for square in squares:
        rows = [",".join("ABCD"[v] for v in square[i : i + 4]) for i in range(0, 16, 4)]
        passed += grade(bench_task("latin_square"), SQUARE, "\n".join(rows), PROTOCOLS["v1"]).score
    assert passed == len(squares) == 576
    generated = generated_squares()
    assert len(generated) == 144
    assert set(generated.outcomes) < set(squares)


def test_a_stored_grid_caps_a_perfect_solver() -> None:
    # published counts of the generator: 96 grids of probability 1/192, 192 of 1/384
    assert Counter(stored_grids(False).probabilities) == {Fraction(1, 192): 96, Fraction(1, 384): 192}
    assert stored_grid_ceiling(4).any_solution == Fraction(727, 728)
    grids = sudoku_grids()
    # by definition, with two empty cells: a puzzle's score is 1 over the number of grids that agree with it
    total = Fraction(0)
    for empty in combinations(range(16), 2):
        shown = [tuple(v for cell, v in enumerate(grid) if cell not in empty) for grid in grids]
        counts = Counter(shown)
        total += sum((Fraction(1, counts[clues]) for clues in shown), Fraction(0)) / len(grids)
    assert stored_grid_ceiling(2, unique=True).any_solution == total / 120


@pytest.mark.deep
def test_the_released_puzzles_cap_a_perfect_solver_at_nine_tenths() -> None:
    ceiling = stored_grid_ceiling(8)
    assert ceiling.any_solution == Fraction(93007, 102960)
    assert ceiling.unique == Fraction(1897, 2340)  # 81.07 %
    assert ceiling.most_likely == Fraction(47513, 51480)


def test_a_sudoku_key_that_is_no_grid_is_refused() -> None:
    broken = Sample(input={"puzzle": ""}, answer="12_4", metadata={})
    with pytest.raises(InputError, match="four lines of four digits"):
        grade(bench_task("sudoku"), broken, "no grid", PROTOCOLS["v2"])


def test_words_by_inclusion_and_as_whole_words() -> None:
    task = bench_task("words_easy")
    asked = Sample(input={"words": "cat, dog"}, answer={"words": ["cat", "dog"]}, metadata={})
    found = grade(task, asked, "A category of dogs.", PROTOCOLS["v1"], grammar=lambda text: bool(text))
    assert (found.score, found.sound, found.metrics) == (1, False, {"inclusion": 1, "grammar": 1})
    said = [
        explain(task, asked, "A cat.", PROTOCOLS[name], grammar=bool).split("\n")[0] for name in ("v1", "v2")
    ]
    assert said == [
        "released score: 0, inclusion x grammar; inclusion 0, grammar 1",
        "released score: 1, grammar alone; inclusion 0, grammar 1",
    ]
    broken = grade(task, asked, "cat dog", PROTOCOLS["v2"], grammar=lambda text: False)  # noqa: ARG005
    assert (broken.score, broken.sound) == (0, False)


def test_other_grammar_checkers_are_not_comparable() -> None:
    with pytest.raises(InputError, match="not comparable"):
        grammar_checker("harper")
    with pytest.raises(InputError, match="module:function"):
        grammar_checker("nothing")
    assert grammar_checker("builtins:bool")("a sentence")
    with pytest.raises(InputError, match="module:function, got 'os:path'"):
        grammar_checker("os:path")  # no function
    with pytest.raises(InputError, match=r"the grammar checker os:getcwd failed: .* takes no arguments"):
        grammar_checker("os:getcwd")("a sentence")


@pytest.mark.extras("rouge_score", "sacrebleu")
def test_text_metrics_are_those_of_their_libraries() -> None:
    assert rouge("the cat sat", "the cat ran") == pytest.approx(
        {"rouge1": 2 / 3, "rouge2": 1 / 2, "rougeL": 2 / 3}
    )
    assert rouge("cats running", "cat run")["rouge1"] == 1  # the stemmer
    assert inverse_bleu("a b c d", "a b c d") == pytest.approx(0)
    assert inverse_bleu("a b c", "a b c") == 1  # no four-gram, so BLEU is 0
    assert inverse_bleu(" ", "a b c d") == 0


@pytest.mark.extras("rouge_score")
def test_a_summary_is_scored_by_rouge_l_times_grammar_or_grammar_alone() -> None:
    asked = Sample(input={"text": ""}, answer={"text": "", "summary": "the cat ran"}, metadata={})
    for name, score in (("v1", 2 / 3), ("v2", 1.0)):
        found = grade(
            bench_task("summary"), asked, "the cat sat", PROTOCOLS[name], grammar=lambda text: bool(text)
        )
        assert found.score == pytest.approx(score)
        assert found.sound is None
    unclean = grade(
        bench_task("summary"), asked, "the cat sat", PROTOCOLS["v1"], grammar=lambda text: not text
    )
    assert unclean.score == 0


def test_missing_metrics_are_named_with_their_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PARABOUNDS_ROBERTA", raising=False)
    with pytest.raises(InputError, match="PARABOUNDS_ROBERTA"):
        bertscore("a sentence", "a sentence")
    monkeypatch.setitem(sys.modules, "sacrebleu.tokenizers.tokenizer_13a", None)
    with pytest.raises(InputError, match=r"python -m pip install 'parabounds\[metrics\]'"):
        inverse_bleu("a sentence", "a sentence")
