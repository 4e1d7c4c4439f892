"""The lessons run, their checks accept the solutions and hint at mistakes, and nothing in them tells."""

import os
import runpy
import subprocess
import sys
from fractions import Fraction
from math import inf
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LESSONS = ROOT / "docs" / "lessons"
FILES = sorted(LESSONS.glob("[0-9][0-9]_*.py"))

# by hand, from definitions: three significant digits of every answer, in the order of the exercises
KNOWN = [
    [Fraction(5, 8), 1, 1],
    [Fraction(5, 9), Fraction(2, 9), "New City"],
    [[0, 1], 5, 2.17],
    [1.08, 1.42, 0.755],
    [14, [3.42, 1.42, 0.415, 0], 2],
    [2.89, 0.0384, 4.88],
    [0.422, 0.5, 0.375],
    [0.516, [1, inf], 0.208],
    [0.17, 0.0441, 4],
    [0.571, [0.31, 0.369], 0.946],
    [0.5, 0.165, 0.5],
]


@pytest.fixture(scope="module")
def solved():
    before = list(sys.path)
    yield runpy.run_path(str(LESSONS / "solutions" / "solved.py"))
    sys.path[:] = before


@pytest.fixture(scope="module")
def solutions(solved):
    return solved["solutions"]()


def test_eleven_lessons_of_three_exercises(solutions):
    assert [path.name[:2] for path in FILES] == [f"{number:02}" for number in range(11)]
    assert [len(solutions[number]) for number in range(11)] == [3] * 11


def test_solutions_are_the_known_answers_and_what_is_stored(solved, solutions):
    digest = solved["digest"]
    for lesson, answers in enumerate(KNOWN):
        for n, (one, known) in enumerate(zip(solutions[lesson], answers, strict=True), start=1):
            assert digest(lesson, n, one.answer) == digest(lesson, n, known), (lesson, n, one.answer)
    assert (LESSONS / "exercises.json").read_text(encoding="utf-8") == solved["stored"](solutions)


def test_checks_accept_solutions_and_hint_at_mistakes(solutions, capsys):
    from classroom import checker

    for lesson, exercises in solutions.items():
        check = checker(lesson)
        for n, one in enumerate(exercises, start=1):
            tried = [(one.answer, "right."), ("nonsense", f"not yet. {one.hint}")]
            tried += [(value, f"not yet. {hint}") for value, hint in one.mistakes]
            for value, said in tried:
                check(n, value)
                assert capsys.readouterr().out == f"Exercise {n}: {said}\n", (lesson, n, value)


def test_checks_know_percent_nats_and_signs(capsys):
    from classroom import checker

    said = {}
    for lesson, n, answer in (
        (1, 1, 55.56),
        (2, 3, 1.504),
        (2, 3, -2.17),
        (0, 1, ...),
        (0, 4, 1),
        (0, 1, "5/8"),
    ):
        checker(lesson)(n, answer)
        said[lesson, n, answer] = capsys.readouterr().out
    assert [*said.values()] == [
        "Exercise 1: not yet. A probability is asked for, not percent.\n",
        "Exercise 3: not yet. This is in nats; one bit is log(2) nats.\n",
        "Exercise 3: not yet. Look at the sign.\n",
        "Exercise 1: write your answer in place of the three dots.\n",
        "This lesson has exercises 1 to 3, not 4.\n",
        "Exercise 1: right.\n",
    ]


def run(path, **more):
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT), **more}
    done = subprocess.run(
        [sys.executable, path], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("write your answer in place of the three dots") == 3
    return done.stdout


@pytest.mark.deep
@pytest.mark.parametrize("path", [p for p in FILES if p.name[:2] != "09"], ids=lambda path: path.stem)
def test_as_a_script(path):
    assert "NOT EQUAL" not in run(path)


@pytest.mark.deep
@pytest.mark.parametrize(
    "fast", ["1", pytest.param("0", marks=pytest.mark.slow)], ids=["shipped weights", "trained"]
)
def test_training_as_a_script(fast):
    said = run(LESSONS / "09_train_it.py", PARABOUNDS_FAST=fast)
    assert ("loaded the shipped weights" in said) == (fast == "1")


@pytest.mark.deep
@pytest.mark.extras("jupytext", "nbclient", "ipykernel")
def test_in_jupyter():
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(LESSONS / "01_new_city.py")
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(LESSONS))
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output["output_type"] == "error"]
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1


def slides(*arguments):
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(LESSONS / "slides.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


@pytest.mark.deep
def test_slides_are_the_figures_of_a_lesson(tmp_path):
    import matplotlib.image

    done = slides("01", "04", "--out", str(tmp_path / "made"))
    assert done.returncode == 0, done.stderr
    made = sorted((tmp_path / "made").iterdir())
    assert done.stdout.split() == [str(path) for path in made]
    assert [path.name[:2] for path in made] == ["01", "04", "04"]
    for path in made:
        picture = matplotlib.image.imread(path)
        assert picture.shape[:2] == (1080, 1920)
        assert picture.std() > 0.05  # not empty


@pytest.mark.deep
def test_slides_of_an_unknown_lesson_are_refused_in_one_line(tmp_path):
    done = slides("11", "--out", str(tmp_path / "made"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(
        "no lesson '11'; known: " + ", ".join(f"{n:02}" for n in range(11)) + "."
    )
    assert not (tmp_path / "made").exists()
