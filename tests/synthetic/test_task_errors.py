"""Tasks: wrong and too large input."""

import tracemalloc

import pytest

from synthetic import find_task, make_task
from synthetic.tasks.sudoku import Sudoku
from theory.distributions.distribution import context_pmfs
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError
from theory.validation import InputError

BAD = {
    "unknown": (lambda: make_task("shufle", 3), "unknown task 'shufle'; known: affine_subspace, balanced"),
    "no size": (lambda: make_task("shuffle"), "task 'shuffle' needs a size"),
    "zero": (lambda: make_task("shuffle", 0), "n must be a whole number of at least 1, got 0"),
    "negative": (lambda: make_task("copy", -2), "n must be a whole number of at least 1, got -2"),
    "fraction": (lambda: make_task("copy", 2.5), "n must be a whole number of at least 1, got 2.5"),
    "text": (lambda: make_task("copy", "many"), "n must be a whole number of at least 1, got 'many'"),
    "nan": (lambda: make_task("copy", float("nan")), "n must be a whole number of at least 1, got nan"),
    "too small": (lambda: make_task("remove_random", 1), "remove_random needs n of at least 2, got 1"),
    "strict too small": (
        lambda: make_task("shuffle_strict", 1),
        "shuffle_strict needs n of at least 2, got 1",
    ),
    "fixed size": (lambda: make_task("city_names", 3), "'city_names' has the fixed size n = 2, got n = 3"),
    "odd": (lambda: make_task("balanced", 3).contexts(), "balanced needs an even n, got 3"),
    "no square": (lambda: make_task("one_hot_blocks", 5).contexts(), "needs a square n .*, got 5"),
    "large square": (
        lambda: make_task("latin_square", 5).contexts(),
        "latin_square is listed for n = 2, 3, 4",
    ),
    "clue outside": (lambda: Sudoku(clues=(0, 16)), r"clues must be distinct cells of 0\.\.15.*\[0, 16\]"),
    "clue twice": (lambda: Sudoku(clues=(0, 0)), "clues must be distinct cells"),
    "clue text": (lambda: make_task("sudoku:clues=0+x"), r"clues must be cells joined by \+, .*'0\+x'"),
    "key": (lambda: make_task("tree:stray=1", 3), "task 'tree' has no parameter 'stray'; known: stay"),
    "no key": (lambda: make_task("copy:a=1", 3), "task 'copy' has no parameter 'a'; it takes none"),
    "no value": (lambda: make_task("tree:stay", 3), "task 'tree:stay': 'stay' must have the form key=value"),
    "twice": (lambda: make_task("tree:stay=1,stay=1", 3), "'stay' is given twice"),
    "probability": (lambda: make_task("hmm:right=3/2", 3), r"right must lie in 0\.\.1, got 3/2"),
    "block": (lambda: make_task("one_hot_blocks:block=3", 4), "block must divide n = 4, got 3"),
    "no prime": (lambda: make_task("reed_solomon:order=6", 4), "prime of at least n = 4, such as 5, got 6"),
    "dimension": (lambda: make_task("reed_solomon:dimension=5", 4), "dimension must be at most n = 4, got 5"),
    "no field": (lambda: make_task("affine_subspace:order=6", 4), "order must be a prime power .*, got 6"),
    "all clues": (lambda: Sudoku(clues=range(16)), "clues must be distinct cells"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input(name):
    make, message = BAD[name]
    with pytest.raises(InputError, match=message):
        make()


def test_a_task_with_parameters_is_named_as_asked():
    assert make_task("tree:stay=0.60", 3).name == "tree:stay=0.60"
    assert make_task("tree:", 3).name == "tree"
    assert make_task("tree:stay=3/5", 3) == make_task("tree:stay=0.6", 3)
    assert find_task("sudoku:clues=0+5+10+15").name == "sudoku:clues=0+5+10+15"


def test_a_fixed_size_may_be_repeated():
    assert make_task("city_names", 2) == make_task("city_names")
    assert make_task("sudoku", 4) == make_task("sudoku")


TOO_LARGE = [
    ("shuffle", 13, r"listing the 13! orders would need about .*the limit is 2 GiB"),
    ("shuffle_strict", 13, r"listing the 13! orders would need about"),
    ("shuffle", 3000, "the limit is 2 GiB"),
    ("parity", 60, r"listing 576460752303423488 outcomes of 60 tokens would need"),
    ("hmm", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("tree", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("markov_chain", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("bernoulli_walk", 60, "listing 1152921504606846976 outcomes of 60 tokens"),
    ("affine_subspace", 120, "listing 1152921504606846976 outcomes of 120 tokens"),
    ("balanced", 60, "outcomes of 60 tokens would need"),
    ("one_hot_blocks", 400, "outcomes of 400 tokens would need"),
    ("reed_solomon", 40, "outcomes of 40 tokens would need"),
]


@pytest.mark.parametrize(("name", "n", "message"), TOO_LARGE)
def test_too_large_is_said_before_anything_is_allocated(name, n, message):
    tracemalloc.start()
    try:
        with pytest.raises(CostError, match=message):
            make_task(name, n).contexts()[0].distribution.pmf()
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_contexts_of_a_task_fit_the_table():
    table = subset_entropies(context_pmfs(make_task("insert_index", 3).contexts()))
    assert table.h.tolist() == [0.0] * 16
