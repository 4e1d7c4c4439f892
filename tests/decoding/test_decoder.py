"""The exact decoder against an enumeration of every draw; identities and inequalities."""

from fractions import Fraction
from itertools import permutations, product
from math import inf, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.comparison import same
from tests.helpers.decoder_targets import FEW, TASKS, temperatures
from tests.helpers.strategies import FOUR, rules, targets
from tests.helpers.tolerance import ROUNDING
from tests.reference import definitions as ref
from theory.bounds.partitions.step_bounds import step_bound
from theory.decoding.decoder import decode
from theory.decoding.result import OFF_SUPPORT, Decode
from theory.decoding.set_states import SetStates
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import GREEDY_TIES, Transform
from theory.information.measures import total_correlation
from theory.information.subsets.builder import subset_entropies
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy

HALF = Fraction(1, 2)
TINY = [(1,), (3,), (1, 2), (2, 2), (3, 2)]
SMALL = [(2, 2), (3, 2), (2, 2, 2), (2, 3, 2), (3, 1, 3)]
EASY = ("dense", "sparse")  # no two numbers within the tolerance at which floats tie, unless equal


switches = st.fixed_dictionaries(
    {"greedy_ties": st.sampled_from(GREEDY_TIES), "off_support": st.sampled_from(OFF_SUPPORT)}
)


deterministic = st.one_of(rules(ties=("lowest", "all")), rules(by=("left_to_right",)))


def check_exact(result: Decode, truth: ref.Decoded, distribution: ref.PMF) -> None:
    assert result.n == ref.length(distribution)
    assert result.distribution == {y: truth.distribution.get(y, 0) for y in distribution}
    assert all(isinstance(q, Fraction) for q in result.distribution.values())
    assert result.accuracy == truth.accuracy
    assert result.steps == truth.steps
    assert result.steps_under_data == truth.steps_under_data
    assert result.tokens_per_step == result.n / truth.steps
    assert same(result.kl, truth.kl_exact)
    assert same(result.path_kl, truth.path_kl_exact)


def check_close(result: Decode, truth: ref.Decoded, distribution: ref.PMF) -> None:
    assert result.distribution == pytest.approx(
        {y: float(truth.distribution.get(y, 0)) for y in distribution}, abs=ROUNDING
    )
    for name in ("accuracy", "kl", "path_kl", "steps", "steps_under_data"):
        value, wanted = getattr(result, name), getattr(truth, name)
        # 1/tau whole: exact; else a float with its error, which tests/decoding/test_decode_errors.py judges
        assert value == inf or isinstance(value, float) == (name in result.errors)
        assert float(value) == pytest.approx(float(wanted), abs=ROUNDING * 10)


def at_most(left, right) -> bool:
    """left <= right where either may be infinite."""
    return right == inf or (left != inf and left <= right)


# --- Against the enumeration ---------------------------------------------------------------------------------


@given(target=targets([*TINY, *SMALL]), rule=rules(), tau=temperatures, switch=switches)
def test_exact_decode(target, rule, tau, switch):
    result = decode(target.exact, parse_policy(rule.spec), temperature=tau, **switch)
    check_exact(result, ref.decode(target.distribution, rule.select, tau, **switch), target.distribution)


@given(target=targets(FOUR, kinds=FEW), rule=rules(), tau=temperatures, switch=switches)
def test_exact_decode_of_four_positions(target, rule, tau, switch):
    result = decode(target.exact, parse_policy(rule.spec), temperature=tau, **switch)
    check_exact(result, ref.decode(target.distribution, rule.select, tau, **switch), target.distribution)


@given(target=targets([(2, 2, 2, 2, 2)], kinds=("sparse",)), rule=rules(), tau=temperatures, switch=switches)
def test_exact_decode_of_five_positions_off_the_support(target, rule, tau, switch):
    result = decode(target.exact, parse_policy(rule.spec), temperature=tau, **switch)
    check_exact(result, ref.decode(target.distribution, rule.select, tau, **switch), target.distribution)


@given(target=targets([*TINY, *SMALL], EASY), rule=rules(), tau=temperatures, switch=switches)
def test_float_pmf(target, rule, tau, switch):
    result = decode(target.floats, parse_policy(rule.spec), temperature=tau, **switch)
    check_close(result, ref.decode(target.distribution, rule.select, tau, **switch), target.distribution)


@given(
    target=targets([*TINY, *SMALL], EASY),
    rule=rules(),
    tau=st.sampled_from([0.25, 0.5, 0.9, 2, 10]),
    off_support=st.sampled_from(OFF_SUPPORT),
    kind=st.sampled_from(["exact", "floats"]),
)
def test_other_temperatures(target, rule, tau, off_support, kind):
    result = decode(getattr(target, kind), parse_policy(rule.spec), temperature=tau, off_support=off_support)
    check_close(
        result,
        ref.decode(target.distribution, rule.select, tau, off_support=off_support),
        target.distribution,
    )


SPECS = {
    "topk:k=2,by=random": ref.topk(2, "random"),
    "topk:k=3": ref.topk(3, "confidence"),
    "topk:k=2,by=margin,ties=all": ref.topk(2, "margin", "all"),
    "threshold:gamma=0.5": ref.threshold("0.5"),
    "threshold:gamma=1/2,strict=false,ties=lowest": ref.threshold("1/2", strict=False, ties="lowest"),
    "factor:f=1.0": ref.factor(1),
}


@pytest.mark.grid(every=10)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("tau", [0, 1])
def test_tasks(task, spec, tau):
    for greedy_ties in GREEDY_TIES if tau == 0 else ("random",):
        result = decode(
            JointPMF.from_mapping(TASKS[task]), parse_policy(spec), temperature=tau, greedy_ties=greedy_ties
        )
        check_exact(result, ref.decode(TASKS[task], SPECS[spec], tau, greedy_ties), TASKS[task])


# --- Identities and inequalities -----------------------------------------------------------------------------


@given(target=targets(kinds=FEW), rule=rules(), tau=temperatures, switch=switches)
def test_inequalities(target, rule, tau, switch):
    pmf = target.exact
    result = decode(pmf, parse_policy(rule.spec), temperature=tau, **switch)
    assert all(0 <= q <= 1 for q in result.distribution.values())
    assert list(result.distribution) == list(pmf.outcomes)
    assert result.accuracy == sum(result.distribution.values()) <= 1
    assert (result.kl == inf) == (0 in result.distribution.values())
    assert at_most(0, result.kl)
    assert at_most(result.kl, result.path_kl)
    if result.kl != inf:
        assert result.kl + LogNumber.log2(result.accuracy) >= 0  # accuracy >= 2^-kl
        truth = sum(
            (p * (LogNumber.log2(p) - LogNumber.log2(result.distribution[y])) for y, p in pmf), LogNumber()
        )
        assert result.kl == truth
    if switch["off_support"] != "stop":
        assert 1 <= result.steps <= pmf.n
    assert 1 <= result.steps_under_data <= pmf.n


@given(
    target=targets(kinds=FEW),
    rule=rules(),
    tau=st.sampled_from([0, 0.5, 1, 2]),
    ties=st.sampled_from(GREEDY_TIES),
)
def test_off_support_changes_the_steps_alone(target, rule, tau, ties):
    policy = parse_policy(rule.spec)
    one, two, three = (
        decode(target.exact, policy, temperature=tau, greedy_ties=ties, off_support=how)
        for how in OFF_SUPPORT
    )
    for other in (two, three):
        for name in ("distribution", "accuracy", "kl", "path_kl", "steps_under_data"):
            assert getattr(other, name) == getattr(one, name)
    slack = 0 if tau in (0, 1) else ROUNDING
    assert three.steps <= one.steps + slack
    assert three.steps <= two.steps + slack


@given(target=targets(kinds=FEW), rule=deterministic, tau=temperatures, switch=switches)
def test_a_policy_without_random_choices_has_no_gap(target, rule, tau, switch):
    result = decode(target.exact, parse_policy(rule.spec), temperature=tau, **switch)
    assert result.kl == result.path_kl


@given(
    target=targets(),
    k=st.integers(1, 4),
    remainder=st.sampled_from(["last", "first"]),
    by=st.sampled_from(["by=left_to_right", "by=random,ties=lowest"]),
)
def test_a_fixed_partition_attains_the_step_bound(target, k, remainder, by):
    n = target.n
    steps = -(-n // k)
    sizes = [k] * (n // k) + [n % k] * (n % k > 0)
    if remainder == "first":
        sizes = [n // steps + (t < n % steps) for t in range(steps)]
    ends = [sum(sizes[: t + 1]) for t in range(len(sizes))]
    partition = [range(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    result = decode(target.exact, parse_policy(f"topk:k={k},remainder={remainder},{by}"))
    bound = step_bound(subset_entropies(target.exact), partition)
    assert result.kl == result.path_kl == bound
    assert result.steps == result.steps_under_data == steps
    floats = decode(target.floats, parse_policy(f"topk:k={k},remainder={remainder},{by}"))
    assert floats.kl == pytest.approx(float(bound), abs=ROUNDING)
    assert floats.path_kl == pytest.approx(float(bound), abs=ROUNDING)


@given(target=targets([(2, 2, 2), (3, 2, 2), (2, 2, 2, 2)]), k=st.integers(2, 3))
def test_the_path_of_a_random_order_is_the_mean_of_the_step_bounds(target, k):
    table = subset_entropies(target.exact)
    orders = list(permutations(range(target.n)))
    bounds = [step_bound(table, [order[i : i + k] for i in range(0, target.n, k)]) for order in orders]
    result = decode(target.exact, parse_policy(f"topk:k={k},by=random"))
    assert result.path_kl == sum(bounds, LogNumber()) / len(orders)
    assert result.kl <= result.path_kl


@given(target=targets(), by=st.sampled_from(["confidence", "margin", "entropy", "left_to_right", "random"]))
def test_one_token_a_step_is_exact(target, by):
    result = decode(target.exact, parse_policy(f"topk:k=1,by={by}"))
    assert result.distribution == target.distribution
    assert (result.accuracy, result.steps, result.steps_under_data) == (1, target.n, target.n)
    assert result.kl == result.path_kl == 0
    above_all = decode(target.exact, parse_policy(f"threshold:gamma=1,by={by},ties=lowest"))
    assert above_all.distribution == target.distribution


@given(target=targets(), rule=rules(("topk",)))
def test_one_step_draws_from_the_product_of_the_marginals(target, rule):
    result = decode(target.exact, parse_policy(f"topk:k={target.n}"))
    singles = [ref.marginal(target.distribution, [i]) for i in range(target.n)]
    assert result.distribution == {
        y: prod(m[(v,)] for m, v in zip(singles, y, strict=True)) for y in target.distribution
    }
    assert result.kl == total_correlation(target.exact)
    assert result.steps == 1
    assert decode(target.exact, parse_policy(rule.spec)).steps <= target.n


@given(target=targets([(2, 2, 2), (3, 2), (2, 2, 2, 2)]), rule=rules())
def test_independent_positions_are_decoded_without_error(target, rule):
    singles = [ref.marginal(target.distribution, [i]) for i in range(target.n)]
    distribution = {}
    for choices in product(*(m.items() for m in singles)):
        distribution[tuple(v for (v,), _ in choices)] = prod(p for _, p in choices)
    result = decode(JointPMF.from_mapping(distribution), parse_policy(rule.spec))
    assert result.distribution == distribution
    assert result.kl == result.path_kl == 0


@given(target=targets(kinds=EASY), rule=rules(), factor=st.sampled_from([1e-7, -1e-7]))
def test_temperature_is_continuous_at_one(target, rule, factor):
    policy = parse_policy(rule.spec)
    near, exact = decode(target.exact, policy, temperature=1 + factor), decode(target.exact, policy)
    assert near.distribution == pytest.approx({y: float(q) for y, q in exact.distribution.items()}, abs=1e-5)
    assert near.steps == pytest.approx(float(exact.steps), abs=1e-5)
    assert near.path_kl == pytest.approx(float(exact.path_kl), abs=1e-5)


@pytest.mark.parametrize("half", [0.5, "0.5", "1/2", HALF])
def test_a_temperature_of_every_kind(half):
    pmf = JointPMF.from_pairs([("a",), ("b",)], [Fraction(3, 4), Fraction(1, 4)])
    result = decode(pmf, parse_policy("topk:k=1"), temperature=half)
    assert result.distribution == pytest.approx({("a",): 0.9, ("b",): 0.1}, abs=ROUNDING)
    for one in (1, 1.0, "1", "1.0", Fraction(1)):
        assert decode(pmf, parse_policy("topk:k=1"), temperature=one).kl == LogNumber()
    for zero in (0, 0.0, "0", -0.0):
        greedy = decode(pmf, parse_policy("topk:k=1"), temperature=zero)
        assert (greedy.accuracy, greedy.kl, greedy.path_kl) == (1, inf, inf)


def test_the_states_of_a_revealed_set_are_grouped_once():
    pmf = JointPMF.uniform(permutations(range(3)))
    states = SetStates(pmf, parse_policy("topk:k=1"), Transform(), "marginal")
    groups = [states.groups(mask) for mask in range(8)]
    assert all(states.groups(mask) is found for mask, found in enumerate(groups))
