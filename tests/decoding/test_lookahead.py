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
from theory.decoding import lookahead
from theory.decoding.decoder import decode
from theory.decoding.forward import PolicyRun
from theory.decoding.lookahead import RowsAhead, SetsAhead, require_runs, set_masks
from theory.decoding.process import ProcessRun
from theory.decoding.sampled_steps import SAMPLED_STEPS
from theory.decoding.tasks.decode import decode_contexts
from theory.distributions import agreeing_outcomes as agreeing
from theory.distributions.agreeing_outcomes import AgreeingOutcomes
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.listed_model import ListedModel
from theory.distributions.outcomes import MASK
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform
from theory.limits import Budget, CostError, allowing
from theory.numbers import log_sums
from theory.numbers.log_sums import log_sum
from theory.numbers.lognumber import LogNumber
from theory.numbers.rationals import to_fmpq
from theory.numbers.unseen import Foreseen, is_saturated, least_number, look_ahead
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
            patch.setattr(agreeing, "STATE_SECONDS", alone)
            patch.setattr(agreeing, "PASS_SECONDS", together)
            patch.setattr(agreeing, "BATCH_CELLS", cells)
            mass, counts = AgreeingOutcomes(model.ids, pmf.weights, model.width).counts(states)
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
        found = AgreeingOutcomes(np.array([[0, 1]]), np.array([1]), 2)
        mass, counts = found.counts(np.zeros((0, 2), dtype=np.int64))
        assert (mass.shape, counts.shape, found.seconds) == ((0,), (0, 2, 2), 0)

    def test_long_rows_have_no_packed_key(self):
        ids = np.array([[1] * 80, [0] * 80])
        states = np.array([[1] * 79 + [MASK], [0] * 79 + [MASK], [0] * 78 + [1, MASK]])
        mass, counts = AgreeingOutcomes(ids, np.array([3, 4]), 2).counts(states)
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

    def test_samples_are_saturated_if_more_than_four_fifths_are_alone(self):
        assert not is_saturated("abcdefghij")  # too few
        assert is_saturated("abcdefghijkk")  # 10 of 12
        assert not is_saturated("abcdefghiijj")  # 8 of 12
        assert not is_saturated("aabbccddeeffg")


def run_of(name: str, n: int, spec: str) -> ProcessRun:
    rule = parse_policy(spec)
    process = SampledConfidence(rule) if "sampled" in spec else rule
    return ProcessRun(distribution_of(name, n), process, Transform(), "marginal")


class TestLooks:
    """How many samples a look takes."""

    @pytest.mark.parametrize(
        ("seconds", "each", "saturated", "looks"),
        [
            (1, 1e-3, False, [100]),  # far below the limit
            (1, 1e-3, True, [100, 1000]),
            (30, 1e-3, False, [100, 1000]),
            (90, 1e-3, False, [100, 1000]),  # what a refusal suggests is worth more samples
            (30, 6e-3, False, [100, 500]),
            (30, 15e-3, False, [100, 200]),
            (30, 1, False, [100]),
        ],
    )
    def test_more_samples_where_they_tell_more_and_are_a_small_part_of_the_limit(
        self, seconds, each, saturated, looks
    ):
        seen: list[int] = []

        def look(samples: int) -> Foreseen:
            seen.append(samples)
            return Foreseen(seconds=seconds, each=each, saturated=saturated)

        look_ahead(look, Budget("it", "stop"), few=100, many=1000)
        assert seen == looks


class TestProcesses:
    """Runs of processes."""

    def test_a_long_run_is_refused_before_its_first_step(self):
        run = run_of("parity", 10, "wino")
        with pytest.raises(CostError, match=r"following wino would take about .*, the limit is 60 seconds"):
            run.finished()
        assert run.budget.spent == 0

    @pytest.mark.grid(1)
    @pytest.mark.parametrize("limit", [Fraction(1, 6000), Fraction(1, 600)])
    def test_the_limit_can_be_moved(self, limit):
        pmf, rule = distribution_of("markov_chain", 8), parse_policy("topk:k=2,confidence=sampled")
        with allowing(limit), pytest.raises(CostError) as refused:
            decode(pmf, rule)
        assert refused.value.factor is not None
        with allowing(refused.value.factor):
            assert decode(pmf, rule).steps == 4

    @pytest.mark.grid(1)
    @pytest.mark.parametrize(
        ("task", "n", "spec"),
        [
            ("markov_chain", 8, "topk:k=2,confidence=sampled"),
            ("parity", 8, "slowfast:explore=2"),
            ("shuffle", 5, "topk:k=2,confidence=sampled"),
            ("repeated_bit", 8, "wino"),
        ],
    )
    def test_estimates_and_what_was_done_are_of_one_size(self, task, n, spec):
        run = run_of(task, n, spec)
        expected = run.foresee().seconds
        run.run()
        assert run.budget.spent / 4 < expected < 4 * run.budget.spent

    def test_what_follows_grows_with_what_was_found(self):
        ahead = RowsAhead(seconds=0, steps={0: (1.0, 0.05), 1: (3.0, 0.07), 2: (6.0, 0.09)})
        assert ahead.rest(0, 1.0) == pytest.approx(3 + 0.07 + 6 + 0.09)
        assert ahead.rest(1, 9.0) == pytest.approx(3 * 6 + 0.09)
        assert ahead.rest(2, 9.0) == ahead.rest(7, 9.0) == 0

    def test_planned_steps_beyond_those_looked_at_are_like_the_last(self):
        run = run_of("parity", 3, "remdm:steps=1000,eta=1/5")
        some, more = (
            lookahead.rows_ahead(
                run.process, run.rule, run.chance, run.batch, planned=planned, stop=False, runs=20
            )
            for planned in (0, 1000)
        )
        last = max(some.steps)
        assert last == SAMPLED_STEPS - 1
        assert more.seconds - some.seconds == pytest.approx((1000 - last - 1) * some.steps[last][0], rel=0.01)

    def test_memory_is_that_of_the_most_rows_and_of_all_states_that_the_model_is_asked_about(self):
        n = 4  # one possible answer, one token a step: one row at a time, and four states
        rule = parse_policy("topk:k=1,confidence=sampled,ties=lowest")
        pmf = JointPMF.uniform([tuple(range(n))])
        run = ProcessRun(pmf, SampledConfidence(rule), Transform(), "marginal")
        found = lookahead.rows_ahead(
            run.process, run.rule, run.chance, run.batch, planned=0, stop=False, runs=5
        )
        cells = n * run.model.width
        assert run.memory == 8 * cells + 600  # a reference for each marginal, and what a row has beside
        assert found.memory == run.memory + 120 * n * cells  # exact marginals of each of the states

    def test_a_state_that_splits_into_many_rows_is_not_split(self):
        run = run_of("parity", 17, "wino")
        found = lookahead.rows_ahead(
            run.process, run.rule, run.chance, run.batch, planned=0, stop=False, runs=2
        )
        assert found.steps[0][0] == run.chance.seconds_of(2**17)  # the draws of the bits, not what follows

    def test_a_rule_that_asks_much_is_tried_on_few_rows(self):
        # 36 states for each row, and up to 2^9 rows of each state: with all of them it takes a minute
        run = run_of("parity", 9, "info_gain:candidates=8,k=2")
        run.foresee()
        assert run.chance.asked_seconds < 0.3


class TestFlows:
    """Decodes set by set."""

    def test_a_long_decode_is_refused_before_its_first_set(self):
        run = PolicyRun(
            distribution_of("balanced", 14), parse_policy("eb:gamma=0.1"), Transform(), "marginal"
        )
        with pytest.raises(CostError, match=r"decoding set by set, 3432 outcomes, would take about"):
            require_runs([run])
        assert run.spent == 0

    @pytest.mark.grid(1)
    @pytest.mark.parametrize(
        ("task", "n", "spec"),
        [
            ("parity", 7, "topk:k=2"),
            ("balanced", 8, "eb:gamma=0.1"),
            ("markov_chain", 9, "threshold:gamma=0.9"),
            ("tree", 9, "topk:k=1,by=random"),
            ("sort", 9, "dllm:steps=3"),
        ],
    )
    def test_estimates_and_what_was_done_are_of_one_size(self, task, n, spec):
        run = PolicyRun(distribution_of(task, n), parse_policy(spec), Transform(), "marginal")
        expected = run.foresee().seconds
        run.run()
        assert run.spent / 3 < expected < 3 * run.spent

    def test_what_follows_is_judged_by_what_was_done(self):
        assert SetsAhead(seconds=0).rest(5, 600) == 0
        ahead = SetsAhead(seconds=0, met=[1, 2, 8, 9], up_to=[0.0, 1.0, 3.0, 6.0, 12.0])
        assert [ahead.rest(mask, 600) for mask in (0, 1)] == [0, 0]
        assert ahead.rest(8, 600) == 9 / 3 * 600 * 2 / 3
        assert ahead.rest(15, 600) == 0

    def test_a_decode_that_turns_out_long_ends_on_the_way(self):
        pmf, policy = distribution_of("parity", 6), parse_policy("topk:k=1,by=random")
        run = PolicyRun(pmf, policy, Transform(), "marginal")
        run.run()
        with allowing(Fraction(run.spent / 4) / 60):
            again = PolicyRun(pmf, policy, Transform(), "marginal")
        again.ahead = SetsAhead(seconds=0, met=range(64), up_to=[float(k) for k in range(65)])
        with pytest.raises(CostError, match="decoding set by set"):
            again.run()
        assert again.spent < run.spent

    def test_policies_that_look_at_the_tokens_are_shown_them(self, monkeypatch):
        """Also off the support, where no token is known."""
        pmf = distribution_of("shuffle_strict", 4)
        policy = adaptive_bounds(pmf).policy(2)
        brief = decode(pmf, policy)
        seen = list[np.ndarray]()
        plan = type(policy).plan
        monkeypatch.setattr(
            type(policy), "plan", lambda self, view: seen.append(view.revealed) or plan(self, view)
        )
        with allowing(Fraction(1, 500)):
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
        assert set_masks(rows) == [1 << i for i in range(130)]
        assert set_masks(~rows[:1]) == [2**130 - 2]

    def test_brief_decodes_are_not_looked_at(self, monkeypatch):
        monkeypatch.setattr(lookahead, "sampled_steps", None)
        assert decode(distribution_of("shuffle", 4), parse_policy("topk:k=2")).steps == 2


class TestLogSums:
    """Divergences with too many large bases are balls that hold the exact value."""

    @given(target=targets())
    def test_the_ball_holds_the_sum(self, target):
        p = [to_fmpq(x) for x in target.exact.probabilities]
        pairs = [(a, a * (j + 2)) for j, a in enumerate(p)]
        exact = log_sum(pairs)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(log_sums, "LIMIT", -1)
            ball = log_sum(pairs)
        assert isinstance(exact, LogNumber)
        assert isinstance(ball, arb)
        assert ball.overlaps(exact.interval(256))
        assert ball.rad() < 1e-20

    def test_a_decode_says_so(self, monkeypatch):
        pmf, rule = distribution_of("markov_chain", 6), parse_policy("topk:k=2")
        exact = decode(pmf, rule)
        monkeypatch.setattr(log_sums, "LIMIT", -1)
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

    def test_they_share_one_budget(self):
        distributions = [JointPMF.from_weights(["ab" * 2, "ba" * 2], [1, weight]) for weight in range(1, 6)]
        contexts = [
            Context(weight=Fraction(1, 5), distribution=ListedDistribution(distribution))
            for distribution in distributions
        ]
        task = SimpleNamespace(contexts=lambda: contexts, chain=lambda: None)
        policy = parse_policy("topk:k=1,by=random")
        one = PolicyRun(task.contexts()[0].distribution.pmf(), policy, Transform(), "marginal")
        one.run()
        with (
            allowing(Fraction(one.spent * 2) / 60),  # of five contexts of one size
            pytest.raises(CostError, match="decoding set by set") as refused,
        ):
            decode_contexts(task, policy, lumped=False)
        assert refused.value.factor > Fraction(one.spent * 4) / 60
        with allowing(refused.value.factor):
            assert decode_contexts(task, policy, lumped=False).steps == 4
