"""Samples of the benchmark: what they ask for, their files, their errors."""

import json
import re
from dataclasses import replace
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from synthetic.parallelbench import (
    PROTOCOLS,
    TASKS,
    bench_task,
    grade,
    make_samples,
    messages,
    read_samples,
    write_samples,
)
from synthetic.parallelbench.people import FIRST_NAMES, LAST_NAMES, draw_people
from synthetic.parallelbench.words import RARE, THEMES
from tests.reference.parallelbench import is_sudoku, right_lists
from theory.validation import InputError

LISTS = [task for task in TASKS.values() if task.kind == "list"]
MADE = [task for task in TASKS.values() if task.name not in ("text/paraphrase", "text/summary")]


def place_of(task_name: str, protocol: str, index: int) -> int:
    """The place counted from 0 that a prompt names; v2 says after whom an insertion goes, counted from 1."""
    return index if protocol == "v1" or task_name == "insert_index" else index - 1


def test_there_are_17_tasks_under_two_protocols() -> None:
    assert len(TASKS) == 17
    assert [len([t for t in TASKS.values() if t.kind == kind]) for kind in ("list", "puzzle", "text")] == [
        10,
        2,
        5,
    ]
    assert set(PROTOCOLS) == {"v1", "v2"}


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_stored_answers_of_lists_are_right_by_definition(protocol: str) -> None:
    for task in LISTS:
        name = task.name.partition("/")[2]
        for sample in make_samples(task, PROTOCOLS[protocol], count=40, seed=5):
            line, index = json.loads(sample.input["context"]), sample.input.get("index")
            place = None if index is None else place_of(name, protocol, index)
            right = right_lists(name, line, sample.input.get("word"), place)
            assert tuple(json.loads(sample.example_answer)) in right, (task.name, sample)


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_well_formed_list_passes_exactly_if_it_is_right(protocol: str) -> None:
    for task in LISTS:
        name = task.name.partition("/")[2]
        for sample in make_samples(task, PROTOCOLS[protocol], count=3, sizes=(3,), seed=9):
            line, index = json.loads(sample.input["context"]), sample.input.get("index")
            place = None if index is None else place_of(name, protocol, index)
            right = right_lists(name, line, sample.input.get("word"), place)
            known = [*line, *([sample.input["word"]] if "word" in sample.input else [])]
            for length in range(5):
                for items in product(known, repeat=length):
                    verdict = grade(task, sample, json.dumps(items), PROTOCOLS[protocol])
                    assert verdict.score == (items in right), (task.name, items)
                    assert verdict.sound == (items in right)


def test_indices_cover_what_each_protocol_allows() -> None:
    def indices(name: str, protocol: str) -> set[int]:
        made = make_samples(bench_task(name), PROTOCOLS[protocol], count=200, sizes=(3,))
        return {sample.input["index"] for sample in made}

    assert indices("insert_index", "v1") == {0, 1, 2, 3}
    assert indices("insert_index", "v2") == {1, 2, 3}  # never in front
    assert indices("remove_index", "v1") == indices("replace_index", "v1") == {0, 1, 2}
    assert indices("remove_index", "v2") == indices("replace_index", "v2") == {1, 2, 3}


def test_examples_are_each_ones_own_or_one_of_three_people_for_all() -> None:
    v1 = make_samples(bench_task("copy"), PROTOCOLS["v1"], count=40)
    assert {sample.example.metadata["length"] for sample in v1 if sample.example} == {3, 4, 5, 6}
    v2 = make_samples(bench_task("copy"), PROTOCOLS["v2"], count=40)
    assert len({sample.example.example_answer for sample in v2 if sample.example}) == 1
    assert all(sample.example and len(json.loads(sample.example_answer)) == 3 for sample in v2[:10])
    assert {*v2[0].as_json()["input"]["icl_examples"][0]} == {"input", "answer"}  # as in the 2026 package
    assert all(sample.example and sample.example.input != sample.input for sample in v2)


def test_sudokus_of_both_protocols() -> None:
    for name, empty, count in (("v1", "0", 4), ("v2", "_", 8)):
        for sample in make_samples(bench_task("sudoku"), PROTOCOLS[name], count=20):
            puzzle = sample.input.get("puzzle", sample.input.get("sudoku"))
            assert puzzle.count(empty) == count
            assert is_sudoku(sample.example_answer.split("\n"))
            pattern = re.compile(puzzle.replace(empty, "."))
            assert pattern.fullmatch(sample.example_answer)


def test_names_are_our_own_and_shared_only_if_asked() -> None:
    assert len(set(FIRST_NAMES) | set(LAST_NAMES)) == len(FIRST_NAMES) + len(LAST_NAMES)
    apart = draw_people(Random(0), 60)
    assert len({word for person in apart for word in person.split()}) == 120
    together = draw_people(Random(0), 200, sharing=True)
    assert len(set(together)) == 200
    assert len({person.split()[0] for person in together}) < 200


def test_words_are_distinct_within_a_level() -> None:
    assert len(set(RARE)) == len(RARE)
    assert all(len(set(theme)) == 6 for theme in THEMES)
    assert len({word for theme in THEMES for word in theme}) == 6 * len(THEMES)


def test_sort_by_whole_or_last_name() -> None:
    task, v1 = bench_task("sort"), PROTOCOLS["v1"]
    for by, key in (("whole", str), ("last", lambda name: name.split()[1])):
        for sample in make_samples(task, v1, count=12, by=by):
            names = json.loads(sample.example_answer)
            assert names == sorted(names, key=key)


def test_the_prompt_of_an_insertion_names_the_place_or_the_person_in_front() -> None:
    task = bench_task("insert_index")
    said = [
        {message["content"].rpartition("\n\n")[2] for message in messages(task, sample, PROTOCOLS[name])[::2]}
        for name in ("v1", "v2")
        for sample in make_samples(task, PROTOCOLS[name], count=4)[:1]
    ]
    assert all("joins the line at position " in text for text in said[0])
    assert all("joins the line right behind the person at position " in text for text in said[1])


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_files_hold_what_was_written(protocol: str, tmp_path: Path) -> None:
    for task in MADE:
        made = make_samples(task, PROTOCOLS[protocol], count=4)
        file = tmp_path / "samples.jsonl"
        write_samples(file, made)
        assert read_samples(file, task) == made
        assert all(json.loads(line) for line in file.read_text(encoding="utf-8").splitlines())


def test_the_same_arguments_give_the_same_samples() -> None:
    for task in MADE:
        one, other = (make_samples(task, PROTOCOLS["v1"], count=4, seed=s) for s in (1, 2))
        assert one == make_samples(task, PROTOCOLS["v1"], count=4, seed=1)
        assert one != other


def test_chats_show_the_example_first_and_have_no_system_message() -> None:
    for task in MADE:
        (sample, *_) = make_samples(task, PROTOCOLS["v1"], count=4)
        roles = [message["role"] for message in messages(task, sample)]
        assert roles == (["user"] if task.kind == "text" else ["user", "assistant", "user"])
        assert not any("{" in message["content"] for message in messages(task, sample))
        alone = messages(task, replace(sample, example=None))
        assert alone == messages(task, sample)[-1:]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1 is not JSON"),
        ("[" * 100_000, "line 1 is not JSON: maximum recursion depth"),
        ("[]", "line 1: the sample must be a JSON object"),
        ('{"answer": {"input": []}}', "line 1: input is missing"),
        ('{"input": {}, "answer": {"input": []}}', "line 1: input.context is missing"),
        ('{"input": {"context": "[]"}, "answer": "[]"}', "line 1: answer must be a JSON object"),
        ('{"input": {"context": "[]"}, "answer": {"input": "A"}}', "line 1: answer.input must be a list"),
        (
            '{"input": {"context": 3}, "answer": {"input": []}}',
            "line 1: input.context must be a text, got 3",
        ),
        (
            '{"input": {"context": "[]", "index": true}, "answer": {"input": []}}',
            "line 1: input.index must be a whole number, got True",
        ),
        (
            '{"input": {"context": "[]"}, "answer": {"input": ["A", 4]}}',
            "line 1: answer.input must hold texts, got 4",
        ),
        ("", "has no samples"),
    ],
)
def test_files_that_are_wrong_are_named_with_line_and_field(line: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read_samples(file, "shuffle")
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({"puzzle": "12x4\n3412\n2143\n4321"}, "line 1: the puzzle must be four lines of four cells"),
        ({"sudoku": "1234\n3412\n2143\n43211"}, "line 1: the puzzle must be four lines of four cells"),
        ({"answer": "1234\n3412\n2143"}, "line 1: answer must be four lines of four digits, got '1234"),
        ({"icl_examples": [{}, {}]}, "line 1: input.icl_examples must hold at most one example, got 2"),
        ({"icl_examples": {}, "puzzle": ""}, "line 1: the puzzle must be"),
    ],
)
def test_puzzles_that_are_none_are_named(line: dict[str, Any], message: str, tmp_path: Path) -> None:
    grid = "1234\n3412\n2143\n4321"
    answer = line.pop("answer", grid)
    file = tmp_path / "bad.jsonl"
    file.write_text(
        json.dumps({"input": {"puzzle": grid, **line} if "sudoku" not in line else line, "answer": answer})
    )
    with pytest.raises(InputError, match=re.escape(message)):
        read_samples(file, "sudoku")


def test_sizes_and_tasks_that_do_not_fit_are_refused() -> None:
    v1 = PROTOCOLS["v1"]
    with pytest.raises(InputError, match="multiple of the 4 sizes"):
        make_samples(bench_task("copy"), v1, count=10)
    with pytest.raises(InputError, match="at least 2 people"):
        make_samples(bench_task("copy"), v1, count=1, sizes=(1,))
    with pytest.raises(InputError, match="needs texts from a file"):
        make_samples(bench_task("summary"), v1)
    with pytest.raises(InputError, match="unknown task"):
        bench_task("shufle")
