"""Token sequences of the list tasks: built from the distribution, checked against each task's description in words."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from synthetic import make_task
from synthetic.encoding import WORDS, Batch, Encoding, context_distributions, list_task_names
from synthetic.grading import FOREIGN, distribution_ids, grade, render, to_roles
from synthetic.task import list_task
from tests.helpers.intervals import assert_frequencies
from theory.distributions.outcomes import MASK
from theory.validation import InputError

LIST_TASKS = list_task_names()


class Reading(NamedTuple):
    """A sequence as a person reads it: the list x, the named index i, the new item z and the answer y."""

    x: list[int]
    i: int | None
    z: int | None
    y: list[int]


# the tasks once more, from their descriptions alone
MEANING: dict[str, Callable[[Reading], bool]] = {
    "copy": lambda r: r.y == r.x,
    "insert_index": lambda r: r.y == [*r.x[: r.i], r.z, *r.x[r.i :]],
    "insert_random": lambda r: any(r.y == [*r.x[:j], r.z, *r.x[j:]] for j in range(len(r.x) + 1)),
    "remove_index": lambda r: r.y == [*r.x[: r.i], *r.x[r.i + 1 :]],
    "remove_random": lambda r: any(r.y == [*r.x[:j], *r.x[j + 1 :]] for j in range(len(r.x))),
    "replace_index": lambda r: r.y == [*r.x[: r.i], r.z, *r.x[r.i + 1 :]],
    "replace_random": lambda r: any(r.y == [*r.x[:j], r.z, *r.x[j + 1 :]] for j in range(len(r.x))),
    "reverse": lambda r: r.y == r.x[::-1],
    "shuffle": lambda r: sorted(r.y) == sorted(r.x),
    "shuffle_strict": lambda r: sorted(r.y) == sorted(r.x) and r.y != r.x,
    "sort": lambda r: r.y == sorted(r.x),
}


def batch_of(name: str, n: int = 4, size: int = 200, seed: int = 0) -> Batch:
    return Encoding().sample_batch(list_task(name, n), size, np.random.default_rng(seed))


def read(batch: Batch, row: int, answer: np.ndarray) -> Reading:
    """Read a sequence by the layout [task] [index] [new] x.. [sep] y.."""
    e, n = batch.encoding, batch.task.n
    task, index, new, *rest = batch.tokens[row].tolist()
    assert task == e.task_token(batch.task.name)
    assert rest[n] == e.sep
    named = None if index == e.none else index - e.index_token(0)
    return Reading(rest[:n], named, None if new == e.none else new, answer.tolist())


def test_every_list_task_has_a_meaning_here():
    assert set(LIST_TASKS) == set(MEANING)


@pytest.mark.parametrize("n", [2, 3, 7])
@pytest.mark.parametrize("name", LIST_TASKS)
def test_answers_mean_what_the_task_says(name, n):
    batch = batch_of(name, n)
    for row, answer in enumerate(batch.tokens[:, batch.answer]):
        reading = read(batch, row, answer)
        assert len({*reading.x, reading.z}) == n + 1
        assert max(reading.x) < batch.encoding.items
        assert MEANING[name](reading)
    assert grade(batch, batch.tokens[:, batch.answer]).all()


@pytest.mark.parametrize("name", LIST_TASKS)
def test_grading_agrees_with_the_meaning_on_wrong_answers(name):
    batch = batch_of(name, 3, size=400)
    rng = np.random.default_rng(1)
    answers = batch.tokens[:, batch.answer].copy()
    # two columns swapped, one token repeated, one unknown token, one left masked, or nothing at all
    kind = rng.integers(0, 5, size=len(batch))
    answers[kind == 0] = answers[kind == 0][:, ::-1]
    answers[kind == 1, 0] = answers[kind == 1, -1]
    answers[kind == 2, 0] = batch.encoding.sep
    answers[kind == 3, 0] = batch.encoding.mask
    verdicts = grade(batch, answers)
    for row, answer in enumerate(answers):
        assert verdicts[row] == MEANING[name](read(batch, row, answer)), render(batch, row, answer)


@pytest.mark.parametrize("name", LIST_TASKS)
def test_answers_follow_the_distribution_of_their_context(name):
    batch = batch_of(name, 3, size=6000)
    roles = to_roles(batch, batch.tokens[:, batch.answer])
    for c, (context, distribution) in enumerate(
        zip(batch.task.contexts(), context_distributions(batch.task), strict=True)
    ):
        rows = roles[batch.context == c]
        assert_frequencies([len(rows)], [float(context.weight)], len(batch))
        pmf = distribution.pmf()
        counts = [int((rows == np.array(outcome)).all(axis=1).sum()) for outcome in pmf.outcomes]
        assert sum(counts) == len(rows)
        assert_frequencies(counts, [float(p) for p in pmf.probabilities], len(rows))


def test_items_are_uniform_and_in_any_order():
    batch = batch_of("copy", 2, size=8000)
    items = batch.encoding.items
    assert_frequencies(np.bincount(batch.tokens[:, 3], minlength=items), [1 / items] * items, len(batch))
    assert_frequencies([int((batch.tokens[:, 3] < batch.tokens[:, 4]).sum())], [0.5], len(batch))


def test_sort_shows_its_items_in_any_order():
    batch = batch_of("sort", 2, size=4000)
    assert_frequencies([int((batch.tokens[:, 3] < batch.tokens[:, 4]).sum())], [0.5], len(batch))


@pytest.mark.parametrize("names", [("shuffle",), ("copy", "sort"), ()])
def test_token_ids_do_not_overlap_and_fill_the_vocabulary(names):
    e = Encoding(items=5, longest=3, names=names)
    ids = [*range(e.items), e.mask, e.sep, e.none]
    ids += [e.task_token(name) for name in e.names] + [e.index_token(i) for i in range(e.longest + 1)]
    assert sorted(ids) == list(range(e.vocab_size))
    assert e.index_token(None) == e.none


@pytest.mark.parametrize("name", LIST_TASKS)
def test_no_sequence_is_longer_than_announced(name):
    encoding = Encoding(longest=6)
    batch = encoding.sample_batch(list_task(name, 6), 3, np.random.default_rng(0))
    assert batch.tokens.shape[1] <= encoding.longest_sequence
    assert (batch.tokens < encoding.vocab_size).all()
    assert (batch.tokens != encoding.mask).all()


def test_roles_of_masks_and_foreign_tokens():
    batch = batch_of("replace_random", 3, size=1)
    x = batch.roles[0]
    foreign = next(t for t in range(32) if t not in x)
    answers = np.array([[x[3], batch.encoding.mask, foreign]])
    assert to_roles(batch, answers).tolist() == [[3, MASK, FOREIGN]]


def test_roles_that_a_distribution_never_uses_become_foreign():
    distribution = list_task("remove_index", 3).distribution(1)
    assert distribution.tokens == (0, 2)
    assert distribution_ids(distribution, np.array([[0, 1, 2, MASK, FOREIGN]])).tolist() == [
        [0, FOREIGN, 1, MASK, FOREIGN]
    ]


def test_rendering_shows_given_answers_masks_and_foreign_tokens():
    batch = batch_of("copy", 2, size=1)
    first = WORDS[batch.tokens[0, 3]]
    answer = np.array([batch.tokens[0, 3], batch.encoding.mask])
    assert render(batch, 0, answer).endswith(f"-> {first} _")
    assert render(batch, 0, np.array([batch.encoding.sep])).endswith("-> <33>")


def test_words_sort_as_their_ids():
    assert len(set(WORDS)) == len(WORDS) >= 32
    assert all(a < b for a, b in pairwise(WORDS))


def test_the_same_seed_gives_the_same_batch():
    first, again, other = batch_of("shuffle"), batch_of("shuffle"), batch_of("shuffle", seed=1)
    assert (first.tokens == again.tokens).all()
    assert (first.tokens != other.tokens).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Encoding(items=0), "items must be a whole number of at least 1"),
        (lambda: Encoding(names=("city_names",)), "'city_names' is not a list task"),
        (lambda: Encoding(names=("copy",)).task_token("sort"), "task 'sort' has no token here"),
        (lambda: batch_of("copy", 17), "n must be at most 16"),
        (
            lambda: Encoding(items=3).sample_batch(
                make_task("replace_random", 3), 1, np.random.default_rng(0)
            ),
            "4 distinct items are needed, the encoding has 3",
        ),
    ],
)
def test_wrong_input_is_named(make, message):
    with pytest.raises(InputError, match=message):
        make()
