"""Sequences filled up to whole blocks, against decodes of the same steps without padding."""

from fractions import Fraction

import pytest

from synthetic import make_task
from theory.commands.rules import realised_answer
from theory.decoding.tasks.block_padding import PaddedTask, padding
from theory.decoding.tasks.decode import decode_contexts
from theory.limits import allowing
from theory.policies import parse_policy


@pytest.mark.parametrize(
    ("spec", "masked", "more"),
    [("topk:k=1,block=4", 10, 2), ("topk:k=1,block=4", 8, 0), ("topk:k=1,block=9", 8, 0), ("topk:k=1", 7, 0)],
)
def test_positions_that_fill_the_last_block(spec, masked, more):
    assert padding(parse_policy(spec), masked) == more


def accuracy(sizes):
    return decode_contexts(make_task("replace_random", 6), f"sizes:sizes={sizes}").accuracy


def test_the_surest_positions_are_padding():
    """By confidence padding is taken first: the last block of two takes one place, then the other."""
    answer = realised_answer("topk:k=3,block=4", 6, task=lambda n: make_task("replace_random", n))
    assert answer["accuracy"] == accuracy("3+1+2")
    assert answer["padded_accuracy"] == accuracy("3+1+1+1")


def test_in_random_order_padding_takes_places():
    """Three of two places and two of padding are both places with probability 1/2, else one of them."""
    answer = realised_answer("topk:k=3,block=4,by=random", 6, task=lambda n: make_task("replace_random", n))
    assert answer["accuracy"] == accuracy("3+1+2")
    assert answer["padded_accuracy"] == (accuracy("3+1+2") + accuracy("3+1+1+1")) / 2
    assert (answer["model_calls"], answer["padded_model_calls"]) == (3, 4)


def test_padding_is_certain():
    task = make_task("shuffle", 3)
    plain, padded = (decode_contexts(t, "topk:k=9,by=random") for t in (task, PaddedTask(task, 2)))
    assert (padded.accuracy, padded.kl) == (plain.accuracy, plain.kl)


def test_what_padding_would_cost_too_much_is_said():
    """The settings themselves are answered all the same."""
    with allowing(Fraction(1, 100)):
        answer = realised_answer("topk:k=2,block=5,by=random", 6, task=lambda n: make_task("shuffle", n))
    assert answer["padded_masked"] == 10
    assert "the limit is" in answer["notes"]["padded_masked"]
    assert "padded_model_calls" not in answer
    assert answer["accuracy"]
