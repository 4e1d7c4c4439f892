"""Rules that mask again in the torch sampler."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import product

import pytest
import torch

from models.predictors.ideal import IdealPredictor
from models.sampling import decode as sampling
from tests.helpers.asked import Asked, counted
from tests.helpers.intervals import assert_frequencies, assert_mean
from tests.helpers.remasking_cases import SAMPLED, SKEWED
from theory.decoding.decoder import decode
from theory.decoding.output import output_distribution
from theory.distributions.distribution import ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.policies import parse_policy

ROWS = 20_000


@pytest.mark.grid(every=18, deep=3)
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize("spec", SAMPLED)
def test_sampler_follows_the_exact_distribution(spec, temperature):
    pmf, policy = JointPMF.from_mapping(SKEWED), parse_policy(spec)
    ideal = Asked(ListedDistribution(pmf))
    generator = torch.Generator().manual_seed(7)
    done = sampling.decode(ideal, ideal.masked(ROWS), policy, generator=generator, temperature=temperature)
    distribution = output_distribution(pmf, policy, temperature=temperature)
    found = counted(done.tokens.numpy(), ideal.mask_id).items()
    counts = {tuple(ideal.distribution.tokens[v] for v in row): count for row, count in found}
    assert set(counts) <= set(distribution)
    answers = sorted(distribution)
    assert_frequencies(
        [counts.get(y, 0) for y in answers], [float(distribution[y]) for y in answers], ROWS, spec
    )
    expected = decode(pmf, policy, temperature=temperature).steps
    assert_mean(done.steps.double().numpy(), float(expected), span=12, label=spec)


@pytest.mark.grid(every=3)
@pytest.mark.parametrize("spec", SAMPLED)
def test_given_tokens_are_never_masked(spec):
    """A token given between the masks stays; the others follow what the rule does without that position.

    Positions are independent here: then no answer is impossible, and the given token says nothing.
    """
    sides = [
        {0: Fraction(1, 4), 1: Fraction(3, 4)},
        {0: Fraction(1, 2), 1: Fraction(1, 2)},
        {0: Fraction(1, 8), 1: Fraction(7, 8)},
    ]
    free = {y: sides[0][y[0]] * sides[1][y[1]] * sides[2][y[2]] for y in product((0, 1), repeat=3)}
    ideal = IdealPredictor(ListedDistribution(JointPMF.from_mapping(free)))
    start = ideal.masked(4000)
    start[:, 1] = torch.arange(4000) % 2
    done = sampling.decode(ideal, start, parse_policy(spec), generator=torch.Generator().manual_seed(3))
    assert torch.equal(done.tokens[:, 1], start[:, 1])
    if "block" in spec or "remdm_llada" in spec:
        return  # blocks and the place of the extra steps count the given position too
    rest = JointPMF.from_mapping({(a, c): sides[0][a] * sides[2][c] for a, c in product((0, 1), repeat=2)})
    distribution = output_distribution(rest, parse_policy(spec))
    counts = Counter(map(tuple, done.tokens[:, [0, 2]].tolist()))
    assert_frequencies(
        [counts[y] for y in sorted(distribution)],
        [float(distribution[y]) for y in sorted(distribution)],
        4000,
        spec,
    )
