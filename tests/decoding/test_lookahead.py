"""Look-ahead: the work of an exact run is estimated by sampled runs before it starts."""

from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from flint import arb, fmpq
from hypothesis import given
from hypothesis import strategies as st

from synthetic import make_task
from tests.helpers.strategies import targets
from theory.decoding import forward_cost as flow_cost
from theory.decoding import lookahead as pilot
from theory.decoding import process as process_decoder
from theory.decoding import process_cost as run_cost
from theory.decoding.decoder import decode
from theory.decoding.forward import Flow
from theory.decoding.forward_cost import FlowCost, expected_work
from theory.decoding.tasks.decode import decode_contexts
from theory.distributions import agreeing_outcomes as agreement
from theory.distributions.agreeing_outcomes import Agreement
from theory.distributions.distribution import MASK, Context, ListedDistribution
from theory.distributions.listed_model import ListedModel
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import CostError, allowing
from theory.numbers import log_sums
from theory.numbers.arithmetic import to_fmpq
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import LogNumber
from theory.numbers.unseen import least_number
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.policies import parse_policy
from theory.policies.as_process import SampledConfidence
from theory.policies.view import UNKNOWN


def distribution_of(name: str, n: int) -> JointPMF:
    return make_task(name, n).contexts()[0].distribution.pmf()


class TestAgreement:
    """Counts equal those of the definition on every route."""

    @pytest.mark.parametrize(("alone", "together"), [(0, 10**12), (10**12, 0), (15_000, 60_000)])
    @pytest.mark.parametrize("cells", [1, 1 << 21])
    @given(target=targets(), seed=st.integers(0, 2**32 - 1))
    def test_counts(self, alone, together, cells, target, seed):
        pmf, rng = target.exact, np.random.default_rng(seed)
        model = ListedModel.by_token(pmf)
        states = rng.integers(-1, model.width + 1, size=(12, pmf.n))  # one id more than there are
        states[:6] = np.where(rng.random((6, pmf.n)) < 0.5, MASK, model.ids[rng.integers(len(pmf), size=6)])
        states = np.unique(states, axis=0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(agreement, "_ALONE", alone)
            patch.setattr(agreement, "_TOGETHER", together)
            patch.setattr(agreement, "_CELLS", cells)
            mass, counts = Agreement(model.ids, pmf.weights, model.width).counts(states)
        for state, total, table in zip(states.tolist(), mass, counts, strict=True):
            agrees = [
                j
                for j, y in enumerate(model.ids.tolist())
                if all(s in (MASK, v) for s, v in zip(state, y, strict=True))
            ]
            assert total == sum(pmf.weights[j] for j in agrees)
            for i in range(pmf.n):
                for v in range(model.width):
                    assert table[i, v] == sum(pmf.weights[j] for j in agrees if model.ids[j, i] == v)

    def test_nothing_asked(self):
        found = Agreement(np.array([[0, 1]]), np.array([1]), 2)
        mass, counts = found.counts(np.zeros((0, 2), dtype=np.int64))
        assert (mass.shape, counts.shape, found.work) == ((0,), (0, 2, 2), 0)

    def test_long_rows_have_no_packed_key(self):
        ids = np.array([[1] * 80, [0] * 80])
        states = np.array([[1] * 79 + [MASK], [0] * 79 + [MASK], [0] * 78 + [1, MASK]])
        mass, counts = Agreement(ids, np.array([3, 4]), 2).counts(states)
        assert mass.tolist() == [3, 4, 0]
        assert counts[:, 79].tolist() == [[0, 3], [4, 0], [0, 0]]


class TestLeastNumber:
    """Chao's lower bound."""

    def test_all_met_often_is_what_was_met(self):
        assert least_number([1, 1, 2, 2, 3, 3]) == 3

    def test_by_hand(self):
        # five once, two twice: 7 + 5 * 4 / (2 * 3)
        assert least_number("abcdeffgg") == 7 + 20 / 6

    @pytest.mark.parametrize("skew", [0.0, 1.0])
    def test_is_a_lower_bound_and_near_for_equal_values(self, skew):
        """Means of 200 samples; their standard deviation is below 3 % of the number."""
        rng, size = np.random.default_rng(0), 400
        p = np.arange(1, size + 1) ** -skew
        found = [least_number(rng.choice(size, 300, p=p / p.sum()).tolist()) for _ in range(200)]
        assert np.mean(found) < 1.03 * size
        assert np.mean(found) > (0.97 if not skew else 0.4) * size


class TestProcesses:
    """Runs of processes."""

    def test_a_long_run_is_refused_before_its_first_step(self, monkeypatch):
        monkeypatch.setattr(process_decoder._Run, "_check_work", None)  # called after each step
        with pytest.raises(
            CostError, match=r"following wino would take about .* steps, the limit is 6\.0e\+10"
        ):
            decode(distribution_of("parity", 10), parse_policy("wino"))

    @pytest.mark.parametrize("limit", [10**7, 10**8])
    def test_the_limit_can_be_moved(self, limit, monkeypatch):
        monkeypatch.setattr(run_cost, "_LIMIT", limit)
        pmf, rule = distribution_of("markov_chain", 8), parse_policy("topk:k=2,confidence=sampled")
        with pytest.raises(CostError) as refused:
            decode(pmf, rule)
        assert refused.value.factor is not None
        with allowing(100 * refused.value.factor):
            assert decode(pmf, rule).steps == 4

    @pytest.mark.grid(2)
    @pytest.mark.parametrize(
        ("task", "n", "spec"),
        [
            ("markov_chain", 8, "topk:k=2,confidence=sampled"),
            ("parity", 8, "slowfast:explore=2"),
            ("shuffle", 5, "topk:k=2,confidence=sampled"),
            ("repeated_bit", 8, "wino"),
        ],
    )
    def test_estimates_and_what_was_done_are_of_one_size(self, task, n, spec, monkeypatch):
        monkeypatch.setattr(pilot, "_SMALL", 0)
        seen: list[process_decoder._Run] = []

        class Kept(process_decoder._Run):
            def __init__(self, *arguments):
                super().__init__(*arguments)
                seen.append(self)

        monkeypatch.setattr(process_decoder, "_Run", Kept)
        decode(distribution_of(task, n), parse_policy(spec))
        (run,) = seen
        expected = sum(step.rows for step in run.pilot.ahead.values())
        assert run.cost.rows / 4 < expected < 4 * run.cost.rows

    def test_what_follows_grows_with_what_was_found(self):
        ahead = {0: pilot._Ahead(1, 100, 5), 1: pilot._Ahead(9, 300, 7), 2: pilot._Ahead(20, 600, 9)}
        look = object.__new__(pilot.Pilot)
        look.ahead = ahead
        assert look.rest(0, 100) == 300 + 7 + 600 + 9
        assert look.rest(1, 900) == 3 * 600 + 9
        assert look.rest(2, 900) == look.rest(7, 900) == 0

    def test_planned_steps_beyond_those_looked_at_are_like_the_last(self, monkeypatch):
        monkeypatch.setattr(pilot, "_STEPS", 3)
        look = object.__new__(pilot.Pilot)
        look.planned = 10
        look.ahead = {step: pilot._Ahead(1, 100 + step, 5) for step in (0, 1)}
        assert look._unseen() == 0  # all runs had ended
        look.ahead[2] = pilot._Ahead(1, 102, 5)
        assert look._unseen() == 7 * 102
        look.planned = 0
        assert look._unseen() == 0

    def test_a_state_that_splits_into_many_rows_is_not_split(self, monkeypatch):
        monkeypatch.setattr(pilot, "_SPLIT", 10)
        run = process_decoder._Run(
            distribution_of("parity", 10), parse_policy("wino"), Transform(), "marginal"
        )
        monkeypatch.setattr(run.chance.model, "watch", None)
        with pytest.raises(CostError, match="would take about"):
            run.finish()
        assert run.pilot.ahead[0].rows == run.cost.of_rows(2**10)  # the draws of ten bits, not what follows

    @pytest.mark.parametrize(("affordable", "looks"), [(10**9, [100, 1000]), (600, [100, 500]), (100, [100])])
    def test_a_look_ahead_takes_a_small_part_of_the_limit(self, affordable, looks, monkeypatch):
        seen: list[int] = []
        look = pilot.sampled_steps

        def counted(*arguments, runs, **settings):
            seen.append(runs)
            return look(*arguments, runs=runs, **settings)

        def fresh():
            rule = SampledConfidence(parse_policy("topk:k=2"))
            return process_decoder._Run(distribution_of("shuffle", 6), rule, Transform(), "marginal")

        first, again = fresh(), fresh()  # no results are kept from one to the other
        each = first.pilot._look(first.board, 100)[1]
        assert each > 3 * first.cost.of_rows(1)  # three steps of a row, and questions to the model
        monkeypatch.setattr(pilot, "sampled_steps", counted)
        monkeypatch.setattr(run_cost.RunCost, "affords", lambda _, work, __: work <= affordable * each)
        again.pilot.require_affordable(again.board)
        assert seen == looks


class TestFlows:
    """Decodes set by set."""

    def test_a_long_decode_is_refused_before_its_first_set(self):
        flow = Flow(distribution_of("balanced", 14), parse_policy("eb:gamma=0.1"), Transform(), "marginal")
        with pytest.raises(CostError, match=r"decoding set by set, 3432 outcomes, would take about"):
            flow.run()
        assert (flow.cost.pairs, flow.cost.spent) == (0, 0)

    @pytest.mark.grid(2)
    @pytest.mark.parametrize(
        ("task", "n", "spec"),
        [
            ("parity", 9, "topk:k=2"),
            ("balanced", 8, "eb:gamma=0.1"),
            ("markov_chain", 9, "threshold:gamma=0.9"),
            ("tree", 9, "topk:k=1,by=random"),
            ("sort", 9, "dllm:steps=3"),
        ],
    )
    def test_estimates_and_what_was_done_are_of_one_size(self, task, n, spec):
        pmf, policy = distribution_of(task, n), parse_policy(spec)
        expected = expected_work(FlowCost(pmf=pmf), ListedModel.by_code(pmf), policy, Transform(), stop=False)
        flow = Flow(pmf, policy, Transform(), "marginal")
        flow.run()
        assert flow.cost.spent / 3 < expected < 3 * flow.cost.spent

    def test_what_follows_is_judged_by_what_was_done(self):
        cost = FlowCost(pmf=distribution_of("parity", 4), spent=600)
        assert cost.rest(5) == 0
        cost.foresee({1: 1.0, 2: 2.0, 8: 3.0, 9: 6.0})
        assert [cost.rest(mask) for mask in (0, 1)] == [0, 0]
        assert cost.rest(8) == 9 / 3 * 600 * 2 / 3
        assert cost.rest(15) == 0

    def test_a_decode_that_turns_out_long_ends_on_the_way(self, monkeypatch):
        pmf, policy = distribution_of("parity", 6), parse_policy("topk:k=1,by=random")
        flow = Flow(pmf, policy, Transform(), "marginal")
        flow.run()
        monkeypatch.setattr(flow_cost, "_LIMIT", flow.cost.spent * 2 // 3)
        monkeypatch.setattr(flow_cost, "_BRIEF", 0)
        again = Flow(pmf, policy, Transform(), "marginal")
        again.cost.foresee({mask: 1.0 for mask in range(64)})
        with pytest.raises(CostError, match="decoding set by set"):
            again.run()
        assert again.cost.spent < flow.cost.spent / 2

    def test_policies_that_look_at_the_tokens_are_shown_them(self, monkeypatch):
        """Also off the support, where no token is known."""
        pmf = distribution_of("shuffle_strict", 4)
        policy = adaptive_bounds(pmf).policy(2)
        brief = decode(pmf, policy)
        monkeypatch.setattr(flow_cost, "_BRIEF", 10**9)
        seen = list[np.ndarray]()
        plan = type(policy).plan
        monkeypatch.setattr(
            type(policy), "plan", lambda self, view: seen.append(view.revealed) or plan(self, view)
        )
        looked_at = decode(pmf, policy)
        assert (looked_at.distribution, looked_at.kl, looked_at.steps) == (
            brief.distribution,
            brief.kl,
            brief.steps,
        )
        assert [len(rows) for rows in seen[:2]] == [100, 100]  # two steps of a look ahead
        assert UNKNOWN in seen[1]
        assert (seen[1] >= 0).any()

    def test_sets_of_any_number_of_positions_are_told_apart(self):
        rows = np.eye(130, dtype=bool)
        assert flow_cost._masks(rows) == [1 << i for i in range(130)]
        assert flow_cost._masks(~rows[:1]) == [2**130 - 2]

    def test_brief_decodes_are_not_looked_at(self, monkeypatch):
        monkeypatch.setattr(flow_cost, "sampled_steps", None)
        assert decode(distribution_of("shuffle", 4), parse_policy("topk:k=2")).steps == 2


class TestLogSums:
    """Divergences with too many large bases are balls that hold the exact value."""

    @given(target=targets())
    def test_the_ball_holds_the_sum(self, target):
        p = [to_fmpq(x) for x in target.exact.probabilities]
        pairs = [(a, a * (j + 2)) for j, a in enumerate(p)]
        exact = log_sum(pairs)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_sums, "_LIMIT", -1)
            ball = log_sum(pairs)
        assert isinstance(exact, LogNumber)
        assert isinstance(ball, arb)
        assert ball.overlaps(exact.interval(256))
        assert ball.rad() < 1e-20

    def test_a_decode_says_so(self, monkeypatch):
        pmf, rule = distribution_of("markov_chain", 6), parse_policy("topk:k=2")
        exact = decode(pmf, rule)
        monkeypatch.setattr(log_sums, "_LIMIT", -1)
        balls = decode(pmf, rule)
        assert balls.accuracy == exact.accuracy
        assert set(balls.errors) == {"kl", "path_kl"}
        for key, error in balls.errors.items():
            assert abs(getattr(balls, key) - float(getattr(exact, key))) <= error <= 1e-15

    def test_only_large_bases_cost(self):
        assert log_sums._cost([fmpq(2**90, 3**50)] * 9) == 0
        assert log_sums._cost([fmpq(2**97, 3)]) == log_sums._cost([fmpq(3, 2**97)] * 2) > 0


class TestContexts:
    """All contexts together keep to the limit."""

    def test_each_has_its_share(self, monkeypatch):
        distributions = [JointPMF.from_weights(["ab" * 2, "ba" * 2], [1, weight]) for weight in range(1, 6)]
        contexts = [
            Context(weight=Fraction(1, 5), distribution=ListedDistribution(distribution))
            for distribution in distributions
        ]
        task = SimpleNamespace(contexts=lambda: contexts, chain=lambda: None)
        policy = parse_policy("topk:k=1,by=random")
        monkeypatch.setattr(flow_cost, "_BRIEF", 0)
        one = Flow(task.contexts()[0].distribution.pmf(), policy, Transform(), "marginal")
        one.run()
        monkeypatch.setattr(flow_cost, "_LIMIT", 2 * one.cost.spent)  # of five contexts of one size
        with pytest.raises(CostError, match="decoding set by set"):
            decode_contexts(task, policy, lumped=False)
        monkeypatch.setattr(flow_cost, "_LIMIT", 11 * one.cost.spent)
        assert decode_contexts(task, policy, lumped=False).steps == 4
