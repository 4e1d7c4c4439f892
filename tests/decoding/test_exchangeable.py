"""Prefix rules at large n: where floats decide they agree with exact entropies; the others are decided exactly."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.decoding.structured.test_structured_decode import FIELDS
from theory.decoding import exchangeable
from theory.decoding.decoder import decode
from theory.decoding.exchangeable import exchangeable_size, size_of_rows, states_left
from theory.decoding.lumped import decode_lumped
from theory.decoding.structured.dispatch import NotKnownError, decode_structured
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tasks.route import structure_of
from theory.limits import CostError, allowing
from theory.policies import parse_policy

SPECS = (
    *(f"eb:gamma={gamma}" for gamma in ("0", "0.1", "1", "1e400")),
    *(f"eb:gamma=1/3,by={by}" for by in ("confidence", "margin", "left_to_right")),
    *(f"entropy_sum:eta={eta}" for eta in ("0", "1", "5/2")),
    "entropy_sum:eta=1,crossing=keep,by=confidence",
    "entropy_sum:eta=2,by=margin,ties=lowest",
    "frechet:delta=1/4",
    "frechet:delta=0",
)


def _exactly(monkeypatch, compute):
    """Return what exact numbers say, as if floats decided nothing."""
    with monkeypatch.context() as patch:
        patch.setattr(exchangeable, "float_size", lambda *_, **__: None)
        patch.setattr(exchangeable, "float_size_of_rows", lambda *_: None)
        patch.setattr(exchangeable, "MONOTONE", ())
        return compute()


@given(
    rows=st.lists(
        st.sampled_from([(12, 0, 0), (11, 1, 0), (6, 6, 0), (6, 3, 3), (4, 4, 4), (3, 9, 0), (1, 4, 7)]),
        min_size=1,
        max_size=9,
    ),
    before=st.integers(0, 2),
    spec=st.sampled_from(SPECS),
)
def test_floats_tell_the_number_of_exact_entropies(rows, before, spec):
    policy, n, table = parse_policy(spec), len(rows) + before, np.array(rows)
    with pytest.MonkeyPatch.context() as patch:
        exact = _exactly(patch, lambda: size_of_rows(n, policy, table, 12))
    assert size_of_rows(n, policy, table, 12) == exact


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("spec", [*SPECS, "eb:gamma=1/2,block=4", "entropy_sum:eta=3,block=2"])
@pytest.mark.parametrize("marginal", [(1,), ("1/2", "1/2"), ("1/3", "1/3", "1/3"), (1, 0), ("9/10", "1/10")])
def test_exchangeable_positions_too(spec, marginal, monkeypatch):
    policy, row = parse_policy(spec), [Fraction(p) for p in marginal]
    for left in range(1, 10):
        exact = _exactly(monkeypatch, lambda left=left: exchangeable_size(9, policy, row, left))
        assert exchangeable_size(9, policy, row, left) == exact


@pytest.mark.grid(every=6)
@pytest.mark.parametrize(("name", "n"), [("insert_random", 5), ("remove_random", 6)])
@pytest.mark.parametrize("spec", SPECS)
def test_intervals_equal_listed_distributions(name, n, spec):
    task, policy = make_task(name, n), parse_policy(spec)
    found = decode_structured(structure_of(task), policy)
    listed = decode(task.contexts()[0].distribution.pmf(), policy)
    for field in FIELDS:
        if field != "kl" or found.kl is not None:  # random choices between mirror images
            assert getattr(found, field) == getattr(listed, field), field


@pytest.mark.parametrize("name", ["bernoulli_walk", "one_hot_blocks"])
@pytest.mark.parametrize("spec", ["eb:gamma=1/3,by=left_to_right", "entropy_sum:eta=1,by=left_to_right"])
def test_blocks_from_the_left_follow_from_entropies(name, spec):
    """Elsewhere a rule from the left takes as many as its clock says: these are not known in a closed form."""
    with pytest.raises(NotKnownError, match="no polynomial decode of"):
        decode_structured(structure_of(make_task(name, 16)), parse_policy(spec))


@pytest.mark.deep
def test_a_thousand_sums_of_logarithms_are_not_taken(monkeypatch):
    """The exact entropies of every state of 999 positions once took minutes without a message."""
    monkeypatch.setattr("theory.numbers.arithmetic.ExactNumbers.entropy", None)
    result = decode_contexts(make_task("shuffle", 999), parse_policy("eb:gamma=0.1"))
    assert (result.accuracy, result.steps) == (1, 999)


def test_long_intervals_are_refused_by_their_first_states():
    task = structure_of(make_task("insert_random", 10**6))
    with pytest.raises(
        CostError, match=r"decoding 1000001 positions exactly by topk:k=2 would take about .* n"
    ):
        decode_structured(task, parse_policy("topk:k=2"))
    assert states_left(1000, 951, 7.0) == 0  # the first states say nothing about the others
    assert states_left(1000, 900, 19.0) == pytest.approx(81)


def test_long_chains_are_refused_by_their_first_states():
    chain, policy = make_task("shuffle", 400).chain(), parse_policy("topk:k=2")
    with (
        allowing(Fraction(1, 10_000)),
        pytest.raises(CostError, match="decoding 400 positions exactly by topk:k=2"),
    ):
        decode_lumped(chain, policy)
    assert decode_lumped(chain, policy).steps == 200


def test_confidence_is_the_largest_of_three_probabilities():
    # entropies 0.54, 1.5, 1.56 by falling confidence: of the first two all but the largest are within 1 bit
    rows = np.array([[2, 3, 3], [2, 2, 4], [0, 1, 7]])
    policy = parse_policy("eb:gamma=1,by=confidence")
    assert exchangeable.float_size_of_rows(3, policy, rows, 8) == size_of_rows(3, policy, rows, 8) == 2
