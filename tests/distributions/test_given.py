"""Mappings, rows, arrays and tasks stand for the same pmf wherever one is asked for."""

from fractions import Fraction
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import theory
from synthetic import make_task
from theory import Context, InputError, JointPMF, ListedDistribution
from theory.distributions.given import as_parts, as_pmf, weighted_rows

ROWS = list(permutations(range(3)))
SHARE = Fraction(1, 6)


def only_contexts(*pmfs):
    """A task with ``contexts()`` and nothing else."""
    share = Fraction(1, len(pmfs))
    contexts = tuple(Context(weight=share, distribution=ListedDistribution(pmf)) for pmf in pmfs)
    return SimpleNamespace(contexts=lambda: contexts)


FORMS = {
    "pmf": JointPMF.uniform(ROWS),
    "mapping": dict.fromkeys(ROWS, SHARE),
    "rows": ROWS,
    "iterator": None,  # made anew for each use
    "array": np.array(ROWS),
    "distribution": ListedDistribution(JointPMF.uniform(ROWS)),
    "task": make_task("shuffle", 3),
    "contexts alone": only_contexts(JointPMF.uniform(ROWS)),
}
FUNCTIONS = {
    "entropy": theory.entropy,
    "total_correlation": theory.total_correlation,
    "dual_total_correlation": theory.dual_total_correlation,
    "kl_divergence": lambda p: theory.kl_divergence(p, JointPMF.uniform(ROWS)),
    "product_of_marginals": lambda p: theory.product_of_marginals(p).probabilities,
    "subset_entropies": lambda p: theory.subset_entropies(p).exact(7),
    "optimal_bounds": lambda p: theory.optimal_bounds(p).values,
    "optimal_partition_counts": theory.optimal_partition_counts,
    "step_bound": lambda p: theory.step_bound(p, [[0], [1, 2]]),
    "pseudo_cost": lambda p: theory.pseudo_cost(p, (0, 1, 2), [[0, 1, 2]]),
    "frontier": lambda p: [v.kl for v in theory.frontier(p).vertices],
    "serial_depth": lambda p: theory.serial_depth(p).expected,
    "depth_within": lambda p: theory.depth_within(p, 1).expected,
    "adaptive_bounds": lambda p: theory.adaptive_bounds(p).values,
    "optimal_mixture": lambda p: theory.optimal_mixture(p, 2).kl,
    "most_accurate": lambda p: theory.most_accurate(p, 0).accuracy,
    "decode": lambda p: theory.decode(p, "topk:k=2,by=random").accuracy,
    "step_distribution": lambda p: theory.step_distribution(p, "topk:k=2").runs,
    "output_distribution": lambda p: theory.output_distribution(p, "topk:k=3"),
    "tie_interval": lambda p: theory.tie_interval(p, "topk:k=2,by=random"),
}


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_number(name, form):
    source = iter(ROWS) if form == "iterator" else FORMS[form]
    assert FUNCTIONS[name](source) == FUNCTIONS[name](FORMS["pmf"])


@pytest.mark.parametrize("form", ["mapping", "task", "contexts alone"])
def test_curves_take_pmfs_and_tasks(form):
    pmf = FORMS["pmf"]
    assert theory.information_curve(FORMS[form]).z == theory.information_curve(pmf).z
    assert theory.optimal_sizes(FORMS[form]).values == theory.optimal_sizes(pmf).values
    assert theory.expected_kl(FORMS[form], [1, 2]) == theory.expected_kl(pmf, [1, 2])


def test_a_task_needs_contexts_alone():
    alone, whole = FORMS["contexts alone"], FORMS["task"]
    one, other = (theory.decode_contexts(task, "topk:k=2,by=random") for task in (alone, whole))
    assert (one.accuracy, one.kl, one.steps) == (other.accuracy, other.kl, other.steps)


def test_several_contexts_have_a_mean_table_but_no_pmf():
    task = only_contexts(JointPMF.uniform(["ab", "ba"]), JointPMF.uniform(["aa"]))
    assert str(theory.optimal_bounds(task).values[0]) == "1/2 log2(2)"
    assert len(as_parts(task)) == 2
    with pytest.raises(InputError, match="a task of 2 contexts has no single pmf"):
        theory.decode(task, "topk:k=1")


@pytest.mark.parametrize("wrong", ["shuffle", 7, None])
def test_what_is_no_pmf_is_one_line(wrong):
    with pytest.raises(InputError, match="a pmf must be a JointPMF, a mapping"):
        theory.entropy(wrong)


weights = st.lists(st.integers(0, 9), min_size=6, max_size=6).filter(any)


@given(weights)
def test_arrays_with_weights_are_the_pmf_of_their_rows(weights):
    found = weighted_rows(np.array(ROWS), weights)
    known = JointPMF.from_weights(ROWS, weights)
    assert dict(found) == dict(known)
    assert found.alphabets == known.alphabets
    assert (found.codes == known.codes).all()
    floats = weighted_rows(np.array(ROWS), np.array(weights) / sum(weights))
    assert floats.alphabets == known.alphabets
    assert not floats.is_exact
    assert np.allclose(floats.floats(), known.floats(), rtol=1e-15, atol=0)


def test_rounded_weights_are_divided_by_their_sum_once_more_only_if_they_must():
    assert weighted_rows(np.array([[0, 1], [1, 0]]), [0.25, 0.75]).probabilities == (0.25, 0.75)


@pytest.mark.parametrize(
    ("ids", "weights", "words"),
    [
        ([[0, 1], [0, 1]], None, r"outcome \(0, 1\) is a duplicate"),
        ([[0, 1], [1, 0]], [1], "2 outcomes but 1 weights"),
        ([[0, 1], [1, 0]], [0, 0], "weights must not all be zero"),
        ([[0, 1], [1, 0]], [0.0, 0.0], "weights must not all be zero"),
        ([[0, 1], [1, 0]], [1.5, -0.5], "is negative"),
        ([0, 1], None, "must be a 2-D array of whole numbers, got 2 of int64"),
        ([[0.5, 0.5]], None, "must be a 2-D array of whole numbers"),
    ],
)
def test_wrong_arrays_are_one_line(ids, weights, words):
    with pytest.raises(InputError, match=words):
        weighted_rows(np.array(ids), weights)


def test_tokens_that_are_equal_keep_the_form_of_their_own_position():
    pmf = as_pmf([(1, True), (2, False)])
    assert [[type(token) for token in alphabet] for alphabet in pmf.alphabets] == [[int, int], [bool, bool]]


def test_wide_outcomes_are_told_apart():
    """More than 62 bits of codes: the packed keys are renamed on the way."""
    rows = [tuple((i >> j) % 2 for j in range(80)) for i in (0, 1, 2**79, 2**79 + 1)]
    assert len(as_pmf(rows)) == 4
    with pytest.raises(InputError, match="is a duplicate"):
        as_pmf([*rows, rows[1]])
