"""One draw for each row of probabilities, in numpy and torch."""

import array_api_compat.torch
import numpy as np
import pytest
import torch

from tests.helpers.intervals import assert_frequencies
from theory.distributions.draws import draw

PROBS = [0.0, 0.1, 0.0, 0.7, 0.2, 0.0]
LIBRARIES = pytest.mark.parametrize(
    ("array", "xp"), [(torch.tensor, array_api_compat.torch), (np.array, np)], ids=("torch", "numpy")
)


@LIBRARIES
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_token_has_its_probability_and_an_impossible_one_never_comes(dtype, array, xp):
    probs = array([PROBS] * 20_000, dtype=getattr(xp, dtype))
    uniforms = array(np.random.default_rng(0).random(20_000), dtype=getattr(xp, dtype))
    counts = np.bincount(np.asarray(draw(probs, uniforms, xp)), minlength=6)
    assert_frequencies(counts, np.array(PROBS), 20_000)


@LIBRARIES
@pytest.mark.parametrize(("uniform", "token"), [(0.0, 1), (1 - 2**-53, 4)])
def test_the_ends_of_the_uniform_draw_possible_tokens(uniform, token, array, xp):
    probs = array([PROBS], dtype=xp.float64)
    assert draw(probs, array([uniform], dtype=xp.float64), xp).tolist() == [token]
