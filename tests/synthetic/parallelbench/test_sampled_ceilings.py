"""Sampled ceilings against the exact ones, and on lists that are too long for those."""

import numpy as np
import pytest

from synthetic.parallelbench import bench_task
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.list_ceilings import list_contexts, list_layout, size_ceiling
from synthetic.parallelbench.sampled_ceilings import sampled_ceiling
from synthetic.parallelbench.sudoku_ceilings import sudoku_ceiling
from synthetic.task import list_task
from theory import parse_policy
from theory.decoding.structured.laid_out import LaidOut
from theory.decoding.structured.layouts import decode_layout
from theory.distributions.distribution import MASK
from theory.validation import InputError

CASES = [
    (task, rule)
    for task in ("shuffle", "replace_random", "insert_random", "remove_random")
    for rule in (
        "topk:k=2,by=random,block=4",
        "threshold:gamma=0.6,strict=false",
        "topk:k=4,by=left_to_right",
    )
]


@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize(("name", "rule"), CASES)
def test_samples_agree_with_the_exact_ceiling(name: str, rule: str, temperature: int) -> None:
    from scipy.stats import binomtest

    task, policy = bench_task(name), parse_policy(rule)
    exact = size_ceiling(str(task.operation), 4, policy, layout="names", temperature=temperature)
    found = sampled_ceiling(task, policy, people=4, layout="names", temperature=temperature, samples=400)
    # 24 tests together wrongly fail with a probability of at most 1e-6
    if exact.accuracy in (0, 1):
        assert found.right == 400 * exact.accuracy
    else:
        assert binomtest(found.right, 400, float(exact.accuracy)).pvalue > 1e-6 / 24
    assert found.low <= found.accuracy <= found.high
    given = list_contexts(str(task.operation), 4)[0][1]
    placed = list_layout("names", given.pmf.n)
    runs = decode_layout(given, placed, policy, temperature=temperature).runs
    variance = sum(p * (calls - exact.steps) ** 2 for calls, p in runs.items())
    assert abs(found.steps - exact.steps) <= 6 * float(variance / 400) ** 0.5  # six standard errors


@pytest.mark.parametrize(("rule", "temperature"), [("wino", 1), ("rcr:steps=3", 0)])
def test_rules_that_mask_again_go_on_after_an_impossible_token(rule: str, temperature: int) -> None:
    from scipy.stats import binomtest

    task, policy = bench_task("replace_random"), parse_policy(rule)
    exact = size_ceiling("replace_random", 3, policy, layout="names", temperature=temperature)
    found = sampled_ceiling(task, policy, people=3, layout="names", temperature=temperature, samples=4000)
    # 2 tests together wrongly fail with a probability of at most 1e-6; a run that stopped would be right in 29 %
    assert binomtest(found.right, 4000, float(exact.accuracy)).pvalue > 1e-6 / 2


@pytest.mark.parametrize("name", ["shuffle", "replace_random", "insert_random", "remove_random", "reverse"])
def test_one_token_at_a_time_is_right_on_twenty_people(name: str) -> None:
    rule = parse_policy("topk:k=1,by=left_to_right")
    found = sampled_ceiling(bench_task(name), rule, people=20, layout="items", samples=20)
    assert found.right == found.samples == 20
    assert found.low > 0.8


def test_latin_squares_from_left_to_right_in_pairs() -> None:
    rule = parse_policy("topk:k=2,by=left_to_right")
    found = sampled_ceiling(bench_task("latin_square"), rule, people=4, samples=20)
    assert (found.right, found.steps) == (20, 32)


@pytest.mark.parametrize("holes", [4, pytest.param(8, marks=pytest.mark.deep)])
@pytest.mark.parametrize("temperature", [0, 1])
def test_sampled_sudokus_agree_with_the_exact_ceiling(holes: int, temperature: int) -> None:
    from scipy.stats import binomtest

    rule = parse_policy("topk:k=4,block=4")
    exact = sudoku_ceiling(rule, holes=holes, temperature=temperature).accuracy
    found = sampled_ceiling(
        bench_task("sudoku"), rule, people=4, temperature=temperature, samples=1000, holes=holes
    )
    # 4 tests together wrongly fail with a probability of at most 1e-6
    assert binomtest(found.right, 1000, float(exact)).pvalue > 1e-6 / 4
    assert found.steps == 16


@pytest.mark.parametrize("spec", ["wino", "klass:tau=0.6,eps=0.01", "credit:gamma=0.9", "bisection:order=1"])
def test_a_sudoku_with_one_solution_is_solved_by_any_rule(spec: str) -> None:
    rule, task = parse_policy(spec), bench_task("sudoku")
    found = sampled_ceiling(task, rule, people=4, samples=20)
    assert found.right == 20
    with pytest.raises(InputError, match=r"(can be sampled|or sample it) \(--samples N\)"):
        ceiling(task, rule, holes=4)


def test_fifteen_people_are_written_in_128_tokens() -> None:
    found = sampled_ceiling(bench_task("copy"), parse_policy("topk:k=32,by=random"), people=15, samples=3)
    assert (found.accuracy, found.steps) == (1, 4)


def test_the_tokens_of_a_layout_are_a_distribution() -> None:
    shuffle = list_task("shuffle_strict", 3).contexts()[0].distribution
    written = LaidOut(shuffle, list_layout("names", 3))
    pmf = written.pmf()
    assert (pmf.n, len(pmf)) == (6, 5)
    revealed = np.full((2, 6), MASK)
    revealed[0, 1] = 1  # the last name of item 1 in front
    revealed[1, :2] = (0, 1)  # two people at once: impossible
    first, wrong = written.conditional(revealed)
    assert first[0].tolist() == first[1].tolist() == [0, 1, 0, 0]
    assert wrong.tolist() == written.conditional(np.full((1, 6), MASK))[0].tolist()
    answers = written.sample(np.random.default_rng(0), 20)
    assert written.contains(answers).all()
    assert np.allclose(written.log_prob(answers), np.log2(1 / 5))
    answers[:, 0] = (answers[:, 0] + 1) % 3
    assert not written.contains(answers).any()


def test_what_cannot_be_sampled_is_refused() -> None:
    with pytest.raises(InputError, match="has no known distribution"):
        sampled_ceiling(bench_task("summary"), parse_policy("topk:k=1"), people=4)
    with pytest.raises(InputError, match="got 11"):
        sampled_ceiling(bench_task("sudoku"), parse_policy("topk:k=1"), people=4, holes=11)
    shuffle = list_task("shuffle", 3).contexts()[0].distribution
    with pytest.raises(InputError, match="the layout has 2 items, the distribution 3"):
        LaidOut(shuffle, list_layout("names", 2))
