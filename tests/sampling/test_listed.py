"""Listed distributions beyond the exact limit: sampled decodes and random orders, against exact numbers."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.strategies import targets
from theory.bounds.schedules.random_order import expected_kl
from theory.commands.bounds import schedule_answer
from theory.commands.decode import decode_answer
from theory.distributions.contexts import listed_task
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.outcomes import MASK
from theory.distributions.pmf import JointPMF
from theory.distributions.sampled_list import SampledList
from theory.information.curves.curve import information_curve
from theory.information.subsets.builder import subset_entropies
from theory.limits import CostError, allowing
from theory.policies import parse_policy
from theory.sampling.random_orders import RandomOrders


@dataclass(frozen=True)
class Task:
    """A listed task."""

    pmf: JointPMF
    name: str = "listed"

    @property
    def n(self) -> int:
        return self.pmf.n

    def contexts(self) -> tuple[Context, ...]:
        return (Context(weight=Fraction(1), distribution=ListedDistribution(self.pmf)),)

    def chain(self) -> None:
        return None


WORDS = JointPMF.from_mapping({"abcab": "1/4", "abbca": "1/4", "cabca": "3/8", "ccbaa": "1/8"})


@given(target=targets(), data=st.data())
def test_conditionals_are_those_of_the_list(target, data):
    plain = ListedDistribution(target.exact)
    ids = st.integers(MASK, len(plain.tokens) - 1)
    row = st.lists(ids, min_size=target.n, max_size=target.n)
    rows = np.array(data.draw(st.lists(row, min_size=1, max_size=4)))
    found = SampledList(target.exact).conditional(rows)
    assert np.abs(found - plain.conditional(rows)).max() < 1e-12


def test_beyond_the_limit_a_decode_is_sampled_with_its_interval():
    rows = np.unique(np.random.default_rng(0).integers(0, 3, (40, 7)), axis=0)
    task, rule = Task(JointPMF.uniform(map(tuple, rows.tolist()))), parse_policy("topk:k=2,by=random")
    exact = decode_answer(task, rule)
    with allowing(Fraction(1, 20_000)):  # too little for all states, enough for the samples
        found = decode_answer(task, rule, samples=400, seed=1)
    assert found["samples"] == 400
    for key in ("accuracy", "path_kl"):
        assert found["arithmetic"][key] == "estimate"
        assert found[key]["low"] <= float(exact[key]) <= found[key]["high"]
    assert found["steps"] == exact["steps"]
    assert found["notes"]["accuracy"].startswith("sampled: ")


def test_random_orders_hold_the_mean_entropies_and_the_loss_of_sizes():
    curve = information_curve(subset_entropies(WORDS))
    orders = RandomOrders([(Fraction(1), WORDS)])
    means, errors = orders.mean_entropies(4000, np.random.default_rng(2))
    for mean, error, exact in zip(means, errors, curve.means, strict=True):
        assert abs(mean - float(exact)) <= 6 * error + 1e-12
    sizes = [[5], [2, 3], [3, 2], [1, 2, 2], [1, 1, 1, 1, 1]]
    for one, found in zip(sizes, orders.losses(sizes, 4000, np.random.default_rng(3)), strict=True):
        exact = float(expected_kl(curve, one))
        assert found.low <= exact <= found.high
        assert abs(found.estimate - exact) <= 6 * found.standard_error + 1e-12


def test_one_order_for_all_contexts():
    other = JointPMF.from_mapping({"aaaaa": "1/2", "abcde": "1/2"})
    parts = [(Fraction(1, 3), WORDS), (Fraction(2, 3), other)]
    curve = information_curve(subset_entropies(parts))
    found = RandomOrders(parts).losses([[5], [2, 3]], 3000, np.random.default_rng(4))
    assert abs(found[0].estimate - float(expected_kl(curve, [5]))) < 1e-9
    assert found[1].low <= float(expected_kl(curve, [2, 3])) <= found[1].high


def test_random_orders_are_as_many_as_the_limit_allows_unless_a_number_is_asked_for():
    rng = np.random.default_rng(5)
    task = listed_task(JointPMF.uniform({tuple(row) for row in rng.integers(0, 2, (60, 30)).tolist()}))
    assert schedule_answer(task)["samples"] == 2000
    with allowing(Fraction(1, 500)):
        few = schedule_answer(task)["samples"]
        assert 100 <= few < 2000
        with pytest.raises(CostError, match="2000 random orders of 30 positions"):
            schedule_answer(task, samples=2000)
