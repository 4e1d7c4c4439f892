"""Messages along a chain: compiled and by numpy they are the same, on chains with zeros and with rare states."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from theory.distributions.parametric import forward_backward as chain
from theory.distributions.parametric.forward_backward import others_posterior, posterior

SHARE = st.sampled_from([0.0, 0.0, 1e-200, 1e-3, 0.5, 1.0])


@st.composite
def chains(draw):
    """Initial and transition probabilities, for all steps or for each, and evidence that may be impossible."""
    states, n = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    steps = draw(st.sampled_from([1, max(n - 1, 1)]))

    def rows(count):
        shares = np.array(draw(st.lists(SHARE, min_size=count * states, max_size=count * states)))
        shares = shares.reshape(count, states)
        total = shares.sum(axis=1, keepdims=True)
        return np.where(total > 0, shares / np.where(total > 0, total, 1), 1 / states)

    size = draw(st.integers(1, 3))
    evidence = np.array(draw(st.lists(SHARE, min_size=size * n * states, max_size=size * n * states)))
    return rows(1)[0], rows(steps * states).reshape(steps, states, states), evidence.reshape(size, n, states)


@pytest.mark.parametrize("passes", [posterior, others_posterior])
@given(asked=chains())
def test_compiled_equals_numpy(passes, asked):
    found = {}
    for compiled in (False, True):
        found[compiled] = passes(*asked, compiled=compiled)
    assert found[True].shape == asked[2].shape
    assert ((found[True] > 0) == (found[False] > 0)).all()
    np.testing.assert_allclose(found[True], found[False], rtol=1e-12, atol=0)


def test_by_hand():
    """Two states that never mix: a last token of the second one determines the whole chain."""
    start, stay = np.array([0.25, 0.75]), np.eye(2)[None]
    evidence = np.ones((1, 300, 2))
    evidence[0, -1] = [0, 1]
    assert chain._is_long(evidence)
    found = posterior(start, stay, evidence)
    assert (found[0, :, 0] == 0).all()
    assert (found[0, :, 1] > 0).all()
    rest = others_posterior(start, stay, evidence)
    assert (rest[0, -1] == start).all()


@pytest.mark.parametrize(("shape", "long"), [((1, 199, 2), False), ((1, 200, 2), True), ((64, 32, 2), True)])
def test_short_chains_are_not_worth_it(shape, long, monkeypatch):
    assert chain._is_long(np.ones(shape)) == long
    monkeypatch.setattr(chain, "has_compiler", lambda: False)
    assert not chain._is_long(np.ones(shape))
