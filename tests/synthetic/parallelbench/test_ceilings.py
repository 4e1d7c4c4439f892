"""Ceilings of a perfect model: equal to the decoder on items, and to what was published where decoding explains it."""

from fractions import Fraction

import pytest

from synthetic import make_task
from synthetic.parallelbench import TASKS, bench_task
from synthetic.parallelbench.ceilings import ceiling
from synthetic.parallelbench.list_ceilings import LAYOUTS, list_layout, tie_ends
from synthetic.parallelbench.sampled_ceilings import sampled_ceiling
from synthetic.task import list_task
from theory import JointPMF, decode, decode_contexts, parse_policy, tie_interval
from theory.limits import CostError
from theory.validation import InputError

LISTS = [task for task in TASKS.values() if task.kind == "list"]
RANDOM = [task for task in LISTS if task.name.endswith(("random", "shuffle"))]


@pytest.mark.grid(every=2)
@pytest.mark.parametrize("temperature", [0, 1])
@pytest.mark.parametrize(
    "rule", ["topk:k=2,by=random", "topk:k=2", "threshold:gamma=0.6,strict=false", "factor:f=1"]
)
def test_with_a_token_a_person_the_ceiling_is_the_exact_decode(rule: str, temperature: int) -> None:
    policy = parse_policy(rule)
    for task in LISTS:
        found = ceiling(task, policy, layout="items", temperature=temperature, sizes=(3, 4))
        for n in (3, 4):
            whole = decode_contexts(
                make_task(str(task.operation), n), policy, lumped=False, temperature=temperature
            )
            assert found.by_size[n] == whole.accuracy, (task.name, n)


def test_tasks_with_one_answer_lose_nothing_in_any_layout() -> None:
    policy = parse_policy("topk:k=32,by=random")
    for task in LISTS:
        if task in RANDOM:
            continue
        assert all(ceiling(task, policy, layout=layout).accuracy == 1 for layout in LAYOUTS)


# Figure 5 of the paper, replace random, two tokens per step in random order by block length; an ideal model at
# temperature 0. Published: 81, 51, 65, 73, 73: the rest is the model's.
@pytest.mark.parametrize(("block", "percent"), [(2, 100.0), (4, 83.3), (8, 87.6), (16, 92.7), (32, 95.5)])
def test_replace_random_by_block_length(block: int, percent: float) -> None:
    rule = parse_policy(f"topk:k=2,by=random,block={block}")
    assert round(100 * float(ceiling(bench_task("replace_random"), rule).accuracy), 1) == percent


def test_left_to_right_four_tokens_at_once_leaves_one_in_twelve() -> None:
    rule = parse_policy("topk:k=4,by=random,block=4")  # the block is one person: both names are drawn at once
    found = ceiling(bench_task("shuffle"), rule)
    assert round(100 * float(found.accuracy), 1) == 7.9  # published: 4 to 13
    assert found.tokens_per_step == 4
    # by hand at n = 3: two of three people are most likely in front, then two or one; names of a pair agree by chance
    assert found.by_size[3] == Fraction(1, 4)


def test_tokens_per_step_is_a_mean_of_ratios() -> None:
    # a new person that is seen first leaves certain places, two calls; else it takes three: 1/3 3/2 + 2/3 1, not 9/8
    task, rule = bench_task("replace_random"), parse_policy("threshold:gamma=0.7")
    found = ceiling(task, rule, layout="items", temperature=1, sizes=(3,))
    assert (found.steps, found.tokens_per_step) == (Fraction(8, 3), Fraction(7, 6))
    # greedy the first one is old and the second a tie, so three calls; along a random right answer it would be 8/3
    assert ceiling(task, rule, layout="items", sizes=(3,)).steps == 3
    # a rule that is decoded over all positions takes two calls in 1 of 3 runs: 1/3 3/2 + 2/3 1
    listed = ceiling(task, parse_policy("hierarchy:gamma=0.9"), layout="items", sizes=(3,))
    assert (listed.steps, listed.tokens_per_step) == (Fraction(8, 3), Fraction(7, 6))


def test_wrong_runs_count_for_the_calls() -> None:
    """After an impossible token the model returns the marginals of the context alone, and the run goes on."""
    rule = parse_policy("threshold:gamma=0.5,strict=false")
    for n in (3, 4):
        for name in ("shuffle", "insert_random"):
            pmf = list_task(str(bench_task(name).operation), n).contexts()[0].distribution.pmf()
            for temperature in (0, 1):
                whole = decode(pmf, rule, temperature=temperature)
                found = ceiling(bench_task(name), rule, layout="items", temperature=temperature, sizes=(n,))
                assert (found.accuracy, found.steps) == (whole.accuracy, whole.steps)


def test_longer_answers_are_padded_to_128_tokens() -> None:
    assert [list_layout("released", people).length for people in (2, 7, 8, 16)] == [32, 32, 128, 128]


def test_what_has_no_ceiling_here_is_refused() -> None:
    with pytest.raises(InputError, match="has no known distribution"):
        ceiling(bench_task("words_easy"), parse_policy("topk:k=1"))
    with pytest.raises(InputError, match="up to 12 items"):
        ceiling(bench_task("replace_random"), parse_policy("topk:k=1"), sizes=(15,))
    with pytest.raises(
        InputError, match=r"with empty cells is decoded exactly by ranked rules .* \(--samples N\)"
    ):
        ceiling(bench_task("sudoku"), parse_policy("klass:tau=0.6,eps=0.01"), holes=4)
    with pytest.raises(CostError, match=r"would take .*; use fewer positions, or sample it \(--samples N\)"):
        ceiling(bench_task("shuffle"), parse_policy("threshold:gamma=0.9,spaced=2"), sizes=(3,))
    with pytest.raises(InputError, match="irrational chances, so no exact ceiling"):
        ceiling(
            bench_task("shuffle"), parse_policy("plackett_luce:k=2,alg_temp=0.2"), layout="items", sizes=(3,)
        )


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    "rule", ["hierarchy:gamma=0.9", "klass:tau=0.6,eps=0.01", "rcr:steps=2", "dus:base=2", "wino", "pc:k=2"]
)
def test_any_rule_has_ceilings_where_all_positions_can_be_listed(rule: str) -> None:
    policy = parse_policy(rule)
    for task in RANDOM:
        whole = decode_contexts(make_task(str(task.operation), 3), policy, lumped=False, temperature=0)
        assert ceiling(task, policy, layout="items", sizes=(3,)).accuracy == whole.accuracy
    # both names of a person as tokens of their own, spelled out
    pmf = list_task("shuffle_strict", 3).contexts()[0].distribution.pmf()
    names = {tuple(f"{part} {y}" for y in answer for part in ("first", "last")): p for answer, p in pmf}
    found = ceiling(bench_task("shuffle"), policy, layout="names", sizes=(3,)).accuracy
    assert found == decode(JointPMF.from_mapping(names), policy, temperature=0).accuracy


@pytest.mark.grid(3)
@pytest.mark.parametrize(
    "rule",
    [
        "hierarchy:gamma=0.9",
        "dus:base=2",
        "topk:k=4,ties=lowest",
        "pc:k=4",
        "editing",
        "klass:tau=0.6,eps=0.01",
    ],
)
def test_rules_that_see_single_positions_have_ceilings_among_certain_ones(rule: str) -> None:
    from scipy.stats import binomtest

    task, policy = bench_task("replace_random"), parse_policy(rule)
    exact = ceiling(task, policy, temperature=1, sizes=(3,)).accuracy
    found = sampled_ceiling(task, policy, people=3, temperature=1, samples=400)
    # 6 tests together wrongly fail with a probability of at most 1e-6
    assert binomtest(found.right, 400, float(exact)).pvalue > 1e-6 / 6
    ones = (bench_task("copy"), bench_task("sudoku"))
    assert all(ceiling(one, policy, sizes=(3,)).accuracy == 1 for one in ones)


# Dream's schedule for two tokens per step takes 2, 1, 2, 2, .. in float32, which shifts the pairs onto the names.
@pytest.mark.parametrize(
    ("task", "percent"),
    [
        ("replace_random", 50),
        ("insert_random", 50),
        ("remove_random", 50),
        pytest.param("shuffle", 17.9, marks=pytest.mark.deep),  # in docs/parallelbench.md too
    ],
)
def test_dream_from_left_to_right_in_float32(task: str, percent: float) -> None:
    released = parse_policy("dream:steps=16,by=left_to_right,eps=0")
    assert round(100 * float(ceiling(bench_task(task), released).accuracy), 1) == percent
    even = parse_policy("topk:k=2,by=left_to_right")
    assert ceiling(bench_task(task), even).accuracy == 1


def test_above_or_at_the_threshold_at_a_tie() -> None:
    # Shuffle of three people as names: the first marginal is 1/2, so >= takes all of them at once
    at, above = parse_policy("threshold:gamma=0.5,strict=false"), parse_policy("threshold:gamma=0.5")
    found = [
        ceiling(bench_task("shuffle"), rule, layout="names", sizes=(3,)).accuracy for rule in (at, above)
    ]
    assert found == [Fraction(1, 8), 1]


def test_the_ends_over_ties_hold_the_ceiling() -> None:
    at = parse_policy("threshold:gamma=0.5,strict=false")
    assert tie_ends("shuffle_strict", [3], at, layout="names") == (0, 1)  # 1/8 with random ties
    rule = parse_policy("topk:k=2,by=random")
    for task in RANDOM:
        low, high = tie_ends(str(task.operation), [3, 4], rule, layout="items")
        assert low <= ceiling(task, rule, layout="items", sizes=(3, 4)).accuracy <= high
        pmfs = [make_task(str(task.operation), n).contexts()[0].distribution.pmf() for n in (3, 4)]
        ends = [tie_interval(pmf, rule) for pmf in pmfs]
        assert (low, high) == tuple(sum(map(Fraction, end)) / 2 for end in zip(*ends, strict=True))
    with pytest.raises(InputError, match="up to 12 positions, got 32"):
        tie_ends("shuffle_strict", [3], rule)
