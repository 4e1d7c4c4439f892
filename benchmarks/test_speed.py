"""Run times of the main computations; only results are asserted.

Run with ``python -m pytest -c benchmarks/pytest.ini benchmarks``.
"""

from __future__ import annotations

import timeit
from collections import Counter
from itertools import permutations

import numpy as np
import pytest

from theory.bounds.partitions.step_bounds import optimal_bounds
from theory.decoding.decoder import decode
from theory.distributions.pmf import JointPMF
from theory.information.measures import total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.policies import parse_policy


@pytest.fixture(scope="module")
def shuffle8():
    return JointPMF.uniform(permutations(range(8)))


def test_total_correlation_of_shuffle_8(benchmark, shuffle8):
    assert str(benchmark(total_correlation, shuffle8)) == "17 log2(2) - 2 log2(3) - log2(5) - log2(7)"


def test_a_pmf_of_40320_python_tuples(benchmark):
    """Its ratio to a bare count of the tuples is in ``extra_info``: 6, where it was 18."""
    rows = list(permutations(range(8)))
    assert len(benchmark(JointPMF.uniform, rows)) == 40_320
    counted = min(timeit.repeat(lambda: Counter(rows), number=1, repeat=5))
    benchmark.extra_info["times a count of the tuples"] = round(benchmark.stats.stats.min / counted, 2)


def test_all_subset_entropies_of_shuffle_8(benchmark, shuffle8):
    table = benchmark(subset_entropies, shuffle8)
    assert table.exact(255) == total_correlation(shuffle8) * -1 + 8 * table.exact(1)


def test_optimal_bounds_of_a_random_pmf_on_10_positions(benchmark):
    p = np.random.default_rng(0).dirichlet(np.ones(1 << 10)).reshape((2,) * 10)
    table = subset_entropies(JointPMF.from_dense(p))
    bounds = benchmark.pedantic(optimal_bounds, args=(table,), rounds=3)
    assert bounds.values[0] > bounds.values[4] > bounds.values[9] - 1e-12


def test_exact_distribution_of_random_top_2_on_shuffle_7(benchmark):
    pmf = JointPMF.uniform(permutations(range(7)))
    result = benchmark.pedantic(decode, args=(pmf, parse_policy("topk:k=2,by=random")), rounds=3)
    assert str(result.accuracy) == "16/35"


def test_100_000_decodes_of_the_ideal_model(benchmark):
    from models.evaluation.trials import ideal_trials

    trials = benchmark.pedantic(
        ideal_trials,
        args=("shuffle", 16, "topk:k=2,by=random"),
        kwargs={"samples": 100_000, "seed": 0},
        rounds=1,
    )
    assert trials.samples == 100_000


def test_10_000_decodes_of_the_trained_model(benchmark):
    from models import load
    from models.evaluation.trials import model_trials

    trials = benchmark.pedantic(
        model_trials,
        args=(load(), "shuffle", 16, "topk:k=2,by=random"),
        kwargs={"samples": 10_000, "seed": 0},
        rounds=1,
    )
    assert trials.samples == 10_000
