"""Every task: its distribution written a second time, conditionals, grading, sampling."""

from fractions import Fraction
from itertools import product
from math import factorial
from random import Random

import numpy as np
import pytest
from scipy import stats

from synthetic import Arrangements, ListTask, known_tasks, make_task
from tests.helpers.task_truth import (
    CASES,
    EXPECTED,
    LIST_TASKS,
    REGISTERED,
    contexts_with_truth,
    expected_marginals,
    states,
)
from tests.helpers.tolerance import FAMILY_WISE, ROUNDING
from tests.reference import definitions as ref
from theory.distributions.distribution import ListedDistribution, context_pmfs
from theory.distributions.outcomes import MASK
from theory.distributions.pmf import JointPMF

HALF = Fraction(1, 2)


# --- Every distribution, written a second time and slowly -------------------------------------------------------------


def test_the_registry_is_pinned():
    assert list(known_tasks()) == REGISTERED
    assert sorted(name for name, cls in known_tasks().items() if issubclass(cls, ListTask)) == LIST_TASKS
    assert all(cls.name == name for name, cls in known_tasks().items())


@pytest.mark.parametrize(("name", "n"), CASES)
def test_distribution(name, n):
    pairs = contexts_with_truth(name, n)
    assert sum(context.weight for context, _ in pairs) == 1
    assert len({context.label for context, _ in pairs}) == len(pairs)
    for context, (weight, truth) in pairs:
        pmf = context.distribution.pmf()
        assert context.weight == weight
        assert dict(pmf) == truth
        assert pmf.is_exact
        assert context.distribution.n == pmf.n == ref.length(truth)
        assert context.distribution.tokens == tuple(sorted({v for y in truth for v in y}))


@pytest.mark.parametrize(("name", "n"), CASES)
def test_context_pmfs(name, n):
    task = make_task(name, n)
    assert [(w, dict(pmf)) for w, pmf in context_pmfs(task.contexts())] == EXPECTED[name][1](n)


# --- Conditionals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), CASES)
def test_conditionals(name, n):
    rng = Random(f"{name} {n}")
    for context, (_, truth) in contexts_with_truth(name, n):
        distribution = context.distribution
        rows = states(truth, distribution.tokens, rng, 25)
        probs = distribution.conditional(np.array(rows))
        assert probs.shape == (len(rows), distribution.n, len(distribution.tokens))
        assert probs.dtype == np.float64
        wanted = np.array([expected_marginals(truth, distribution.tokens, row) for row in rows])
        np.testing.assert_allclose(probs, wanted, rtol=0, atol=ROUNDING)
        listed = ListedDistribution(distribution.pmf()).conditional(np.array(rows))
        np.testing.assert_allclose(listed, wanted, rtol=0, atol=ROUNDING)
        assert distribution.conditional(np.empty((0, distribution.n), dtype=np.int64)).shape == (
            0,
            distribution.n,
            len(distribution.tokens),
        )


@pytest.mark.grid(2)
@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize("n", [3, 4])
def test_every_state_of_the_arrangements(n, identity):
    truth = ref.shuffle(n) if identity else ref.shuffle_strict(n)
    rows = list(product(range(-1, n + 1), repeat=n))
    probs = Arrangements(n, identity=identity).conditional(np.array(rows))
    tokens = tuple(range(n))
    wanted = {row: expected_marginals(truth, tokens, row) for row in rows}
    np.testing.assert_allclose(probs, [wanted[row] for row in rows], rtol=0, atol=ROUNDING)


@pytest.mark.parametrize("identity", [True, False])
@pytest.mark.parametrize("n", [25, 200])
def test_arrangements_too_many_to_list(n, identity):
    distribution = Arrangements(n, identity=identity)
    order = np.roll(np.arange(n), 1)
    rows = np.stack([np.full(n, MASK), np.where(np.arange(n) < n // 2, np.arange(n), MASK), order, order])
    rows[3, : n // 2] = MASK
    probs = distribution.conditional(rows)
    np.testing.assert_allclose(probs.sum(axis=2), 1, atol=ROUNDING)
    np.testing.assert_allclose(probs[0, 0], 1 / n, atol=1e-20 + 1 / factorial(n - 1))
    np.testing.assert_allclose(probs[1, -1, n // 2 :], 1 / (n - n // 2), atol=1e-9)
    assert (probs[2, np.arange(n), order] == 1).all()
    samples = distribution.sample(np.random.default_rng(0), 50)
    assert distribution.contains(samples).all()
    assert not distribution.contains(np.zeros((1, n), dtype=np.int64)).any()
    assert distribution.contains(np.arange(n)[None]).tolist() == [identity]


# --- Grading, sampling ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "n"), CASES)
def test_contains(name, n):
    rng = Random(f"contains {name} {n}")
    for context, (_, truth) in contexts_with_truth(name, n):
        tokens = context.distribution.tokens
        rows = [row for row in states(truth, tokens, rng, 40) if MASK not in row]
        rows += [[tokens.index(v) for v in y] for y in truth]
        rows += [[*row[:-1], len(tokens)] for row in rows[:2]] + [[*row[:-1], MASK] for row in rows[:2]]
        known = {tuple(tokens.index(v) for v in y) for y in truth}
        verdicts = context.distribution.contains(np.array(rows))
        assert verdicts.dtype == bool
        assert verdicts.tolist() == [tuple(row) in known for row in rows]


@pytest.mark.grid(every=2)
@pytest.mark.parametrize(("name", "n"), CASES)
def test_samples_follow_the_distribution(name, n):
    for context, (_, truth) in contexts_with_truth(name, n):
        tokens = context.distribution.tokens
        size = max(400, 30 * len(truth))
        rows = context.distribution.sample(np.random.default_rng(20), size)
        assert rows.shape == (size, ref.length(truth))
        assert context.distribution.contains(rows).all()
        words, counts = np.unique(rows, axis=0, return_counts=True)
        seen = {tuple(tokens[v] for v in w): int(c) for w, c in zip(words.tolist(), counts, strict=True)}
        assert set(seen) <= set(truth)
        common = [y for y in truth if truth[y] * size >= 5]
        observed, wanted = [seen.get(y, 0) for y in common], [float(truth[y] * size) for y in common]
        rest = size - sum(wanted)
        if rest > 1:
            observed, wanted = [*observed, size - sum(observed)], [*wanted, rest]
        if len(observed) > 1:
            wanted = np.array(wanted) * (sum(observed) / sum(wanted))
            assert stats.chisquare(observed, wanted).pvalue > FAMILY_WISE / 100
        again = context.distribution.sample(np.random.default_rng(20), size)
        assert (rows == again).all()


def test_no_samples():
    for name in ("shuffle", "shuffle_strict", "replace_random"):
        distribution = make_task(name, 4).contexts()[0].distribution
        assert distribution.sample(np.random.default_rng(0), 0).shape == (0, 4)


@pytest.mark.parametrize("name", LIST_TASKS)
def test_prompts_show_every_item_once(name):
    task = known_tasks()[name](n=5)
    shown = task.input_roles(np.random.default_rng(0), 30)
    assert shown.shape == (30, 5)
    assert (np.sort(shown, axis=1) == np.arange(5)).all()
    assert (shown == np.arange(5)).all() == (name != "sort")
    assert len(task.contexts()) == len(tuple(task.indices()))
    new_appears = any(5 in y for context in task.contexts() for y in context.distribution.pmf().outcomes)
    assert task.uses_new == new_appears


def test_token_ids_keep_the_order_of_each_alphabet():
    # "the lowest token" must be the same one for the exact decoder (alphabets) and for a sampler (ids)
    pmfs = [
        JointPMF.uniform([(2, 2), (10, "a")]),
        JointPMF.uniform([("b", 1), ("a", 2), ("b", None)]),
        JointPMF.uniform([(10, 9), (9, 100)]),
    ]
    for pmf in pmfs:
        tokens = ListedDistribution(pmf).tokens
        for alphabet in pmf.alphabets:
            assert tuple(token for token in tokens if token in alphabet) == alphabet
