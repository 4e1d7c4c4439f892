"""Float forms at large n keep their stated errors: against exact numbers, and intervals at a million positions."""

from itertools import product

import pytest
from flint import arb, ctx

from synthetic import make_task
from theory._checks import InputError
from theory.large.answers import structure_of
from theory.large.decode import decode_structured
from theory.large.floats import large_threshold, large_topk, large_total_correlation
from theory.large.gaps import Gaps
from theory.limits import CostError
from theory.lumped import decode_lumped
from theory.policies import parse_policy


def _exact(name, n, spec):
    task, policy = make_task(name, n), parse_policy(spec)
    chain = task.chain()
    return (
        decode_lumped(chain, policy) if chain is not None else decode_structured(structure_of(task), policy)
    )


def _within(value, ball):
    assert abs(ball - value.value) <= value.error + 1e-40, (value, ball)


def _log2(value):
    return (arb(value.numerator) / value.denominator).log() / arb(2).log()


def _compare(approximate, exact):
    before = ctx.prec
    ctx.prec = 200
    try:
        _within(approximate.kl, exact.path_kl.interval(200))
        _within(approximate.log2_accuracy, _log2(exact.accuracy))
        assert abs(float(exact.steps) - approximate.steps.value) <= approximate.steps.error
    finally:
        ctx.prec = before


@pytest.mark.parametrize("n", [2, 3, 8, 33, 100])
@pytest.mark.parametrize(
    "name",
    ["shuffle", "replace_random", "insert_random", "remove_random", "parity", "repeated_bit", "reed_solomon"],
)
def test_floats_of_topk_keep_their_error(name, n):
    for k in {1, 2, 7, n, 2 * n}:
        for by in ("confidence", "left_to_right"):
            _compare(large_topk(name, n, k, by=by), _exact(name, n, f"topk:k={k},by={by}"))


@pytest.mark.parametrize(
    ("name", "k"), [("shuffle", 2), ("replace_random", 3), ("insert_random", 8), ("remove_random", 20)]
)
def test_floats_at_a_thousand(name, k):
    _compare(
        large_topk(name, 1000, k, by="left_to_right"), _exact(name, 1000, f"topk:k={k},by=left_to_right")
    )


@pytest.mark.parametrize("n", [2, 5, 100])
@pytest.mark.parametrize("name", ["shuffle", "replace_random", "parity", "repeated_bit", "reed_solomon"])
def test_floats_of_thresholds_keep_their_error(name, n):
    for gamma, strict in product(("0", "0.01", "1/2", "0.9", "0.99", "1"), ("true", "false")):
        found = large_threshold(name, n, gamma, strict=strict == "true")
        _compare(found, _exact(name, n, f"threshold:gamma={gamma},strict={strict}"))


@pytest.mark.parametrize("n", [2, 3, 9, 20, 100])
@pytest.mark.parametrize("name", ["insert_random", "remove_random"])
def test_floats_of_interval_thresholds_keep_their_error(name, n):
    for gamma, strict in product(
        ("-1", "0.01", "0.45", "1/2", "0.55", "2/3", "0.9", "0.99", "1"), ("true", "false")
    ):
        found = large_threshold(name, n, gamma, strict=strict == "true")
        _compare(found, _exact(name, n, f"threshold:gamma={gamma},strict={strict}"))


def test_interval_thresholds_at_a_million():
    """The ends that go in the first step, in intervals: later steps add less than 2^-10000 of the accuracy."""
    n, before = 10**6, ctx.prec
    ctx.prec = 160
    try:
        ends = n // 10 - 1  # confidence above 9/10: (n - 1 - p) / n for p = 0.. at the left end
        side = arb(n).lgamma() - arb(n - ends).lgamma() - ends * arb(n).log()
        # named by position j of the left end: those before it say later, those after it and the right end earlier
        named, earlier, j = arb(0), arb(1), ends - 1
        later = arb(1)  # over the product of all
        while j >= ends - 300:
            later /= arb(n - 1 - j) / n
            named += later * (j + 1) / n * earlier
            earlier *= arb(j + 1) / n
            j -= 1
        accuracy = (2 * side + (2 * named).log()) / arb(2).log()
        found = large_threshold("remove_random", n, "0.9")
        _within(found.log2_accuracy, accuracy)
        assert found.kl.error < 1e-8
    finally:
        ctx.prec = before
    with pytest.raises(CostError, match="a threshold on 100000000 items would need about"):
        large_threshold("insert_random", 10**8, "0.9")
    with pytest.raises(CostError, match="a threshold on 10000000 items would take about"):
        large_threshold("insert_random", 10**7, "0.999999")


@pytest.mark.parametrize(("n", "k"), [(4, 1), (36, 3), (36, 36), (400, 10), (400, 400)])
def test_floats_of_one_hot_blocks(n, k):
    found = large_topk("one_hot_blocks", n, k, by="left_to_right")
    _compare(found, _exact("one_hot_blocks", n, f"topk:k={k},by=left_to_right"))


@pytest.mark.parametrize("n", [4, 9, 100])
def test_floats_of_one_hot_thresholds_keep_their_error(n):
    for gamma, strict in product(("0", "0.4", "1/2", "2/3", "0.9", "1"), ("true", "false")):
        found = large_threshold("one_hot_blocks", n, gamma, strict=strict == "true")
        _compare(found, _exact("one_hot_blocks", n, f"threshold:gamma={gamma},strict={strict}"))


@pytest.mark.parametrize("n", [1, 2, 7, 40, 101])
def test_floats_of_walks_keep_their_error(n):
    for k in (1, 2, 4, 7, 40, n):
        for by in ("left_to_right", "confidence") if k % 2 == 0 or k == 1 else ("left_to_right",):
            _compare(large_topk("bernoulli_walk", n, k, by=by), _walk(n, f"topk:k={k},by=left_to_right"))
    for gamma, strict in product(("0", "0.2", "3/8", "0.45", "1/2", "0.9", "1"), ("true", "false")):
        found = large_threshold("bernoulli_walk", n, gamma, strict=strict == "true")
        _compare(found, _walk(n, f"threshold:gamma={gamma},strict={strict}"))


def _walk(n, spec):
    return decode_structured(Gaps(n, "walk"), parse_policy(spec))


def test_what_has_no_float_form_of_a_walk_is_said():
    for k, by in ((3, "confidence"), (2, "random")):
        with pytest.raises(InputError, match="from the left, by confidence for even k, and for k = 1"):
            large_topk("bernoulli_walk", 10**6, k, by=by)
    with pytest.raises(InputError, match="blocks of up to 400 places; use a smaller k"):
        large_topk("bernoulli_walk", 10**6, 500, by="left_to_right")
    with pytest.raises(InputError, match="blocks of up to 400 places"):
        large_threshold("bernoulli_walk", 10**6, "0.001")


def test_floats_at_a_million():
    """Against intervals of 160 bits."""
    n, before = 10**6, ctx.prec
    ctx.prec = 160
    try:
        log2 = arb(2).log()
        orders = arb(n + 1).lgamma() / log2
        _within(large_total_correlation("shuffle", n), n * arb(n).log() / log2 - orders)
        half = arb(n // 2 + 1).lgamma() / log2  # 500,000 pairs: sum 2 log2(2 j) - log2 n!
        _within(large_topk("shuffle", n, 2).kl, n + 2 * half - orders)
        _within(large_topk("shuffle", n, 2).log2_accuracy, orders - n - 2 * half)
        correlation = (n - 1) * (arb(n).log() - arb(n - 1).log()) / log2
        _within(large_total_correlation("replace_random", n), correlation)
        _within(large_total_correlation("one_hot_blocks", n), 1000 * 999 * (arb(1000) / 999).log() / log2)
        cost, logs = arb(0), [arb(0), *(arb(m).log() for m in range(1, n + 1))]
        for m in range(2, n + 1, 2):
            cost += 2 * (m * logs[m] - (m - 1) * logs[m - 1])
        _within(large_topk("replace_random", n, 2).kl, (cost / n - logs[n]) / log2)
        stay, accuracy = arb(1), arb(0)
        for m in range(n, 0, -2):
            accuracy += stay * 2 * (m - 1) / (m * m)
            stay = stay * (m - 1) * (m - 1) / (m * m)
        _within(large_topk("replace_random", n, 2).log2_accuracy, accuracy.log() / log2)
        # one at a time until 1/m passes 1/1000: then 999 at once
        last = arb(1000).lgamma() / log2 - 999 * arb(999).log() / log2
        found = large_threshold("shuffle", n, "0.001")
        _within(found.log2_accuracy, last)
        assert found.steps.value == n - 999 + 1
        assert large_threshold("replace_random", n, 1 - 1e-6).steps.value == (n + 3) / 2 - 1 / n
        _within(large_topk("bernoulli_walk", n, 2).log2_accuracy, n // 2 * (arb(3) / 4).log() / log2)
        found = large_topk("reed_solomon", n, 3)  # 166,667 steps of three: one symbol too many
        _within(found.kl, arb(1000003).log() / log2)
        at_once = n + (arb(n + 1).lgamma() - (n + 1) * arb(n + 1).log()) / log2
        _within(large_topk("insert_random", n, 2 * n).log2_accuracy, at_once)
        _within(large_topk("insert_random", n - 1, 2).log2_accuracy, accuracy.log() / log2)
    finally:
        ctx.prec = before
