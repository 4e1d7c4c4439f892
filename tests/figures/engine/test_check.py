"""Checks of figures: exact, binomial, model and published ones, and how they are judged."""

from fractions import Fraction

import pytest

from figures import RunSettings
from figures.engine.check import (
    Check,
    binomial_check,
    clopper_pearson,
    exact_check,
    judge,
    model_check,
    published_check,
    tally,
)
from figures.engine.run import run_figures
from tests.helpers.toy_figure import toy

pytestmark = pytest.mark.usefixtures("unchanging_code")


class TestChecks:
    def test_interval_is_the_definition(self):
        from scipy.stats import binom

        for successes, trials in [(1, 10), (19, 100), (99, 100), (500, 100_000)]:
            low, high = clopper_pearson(successes, trials)
            assert binom.sf(successes - 1, trials, low) == pytest.approx(0.025)
            assert binom.cdf(successes, trials, high) == pytest.approx(0.025)

    def test_interval_is_exact_at_the_ends(self):
        assert clopper_pearson(0, 100)[0] == 0.0
        assert clopper_pearson(0, 100)[1] == pytest.approx(1 - 0.025 ** (1 / 100))
        assert clopper_pearson(100, 100)[1] == 1.0
        for successes, trials in [(1, 0), (-1, 5), (6, 5)]:
            with pytest.raises(ValueError, match=r"successes must lie in 0\.\.trials"):
                clopper_pearson(successes, trials)
        with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
            clopper_pearson(1, 2, level=95)

    def test_exact_is_equality(self):
        assert exact_check("a", Fraction(5, 16), Fraction(10, 32)).passed
        assert not exact_check("a", 0.1 + 0.2, 0.3).passed
        assert exact_check("a", Fraction(5, 16), 1).value == "5/16"
        assert exact_check("a", Fraction(4, 2), 2).value == 2

    @pytest.mark.parametrize(
        ("p0", "successes", "p_value"), [(0, 0, 1.0), (0, 1, 0.0), (1, 50, 1.0), (Fraction(1), 49, 0.0)]
    )
    def test_certain_outcomes(self, p0, successes, p_value):
        assert binomial_check("a", successes, 50, p0).p_value == p_value

    def test_binomial_needs_a_probability(self):
        with pytest.raises(ValueError, match=r"p0 must be a probability, got 1\.5"):
            binomial_check("a", 1, 2, 1.5)

    def test_judge_corrects_for_all_tests_of_the_run(self):
        def ideal(p_value):
            return Check(name="a", kind="ideal", value=0, expected=0, passed=None, p_value=p_value)

        others = [exact_check("a", 1, 1), exact_check("a", 1, 2)]
        assert [c.passed for c in judge([ideal(1e-6), *others])] == [True, True, False]
        assert [c.passed for c in judge([ideal(0.99e-6)])] == [False]
        # With ten tests each has a tenth of the error.
        assert [c.passed for c in judge([ideal(0.2e-6)] + [ideal(1.0)] * 9)] == [True] * 10
        assert [c.passed for c in judge([ideal(0.05e-6)] + [ideal(1.0)] * 9)] == [False] + [True] * 9
        assert [c.passed for c in judge([ideal(0.02)], error=0.05)] == [False]

    def test_unjudged_check_has_no_verdict(self):
        check = binomial_check("a", 50, 100, 0.5)
        assert check.passed is None
        assert tally([check], "ideal") == (0, 1)

    @pytest.mark.parametrize("side", [0, 1])
    def test_model_passes_up_to_the_tolerance(self, side):
        end = clopper_pearson(400, 1000)[side]
        exact = end + (0.04 if side else -0.04)
        gap = abs(end - exact)
        assert model_check("a", 400, 1000, exact, tolerance=gap).passed
        assert not model_check("a", 400, 1000, exact, tolerance=gap * (1 - 1e-9)).passed
        assert not model_check("a", 400, 1000, exact).passed
        assert model_check("a", 400, 1000, end).passed

    def test_published_agrees_inside_its_own_interval(self):
        low, high = clopper_pearson(19, 100)
        for exact, agrees in [(low, True), (high, True), (low - 1e-9, False), (high + 1e-9, False)]:
            assert published_check("a", 19, 100, exact).passed is agrees
        assert published_check("a", 0, 100, 0).passed
        assert published_check("a", 100, 100, Fraction(1)).passed

    @pytest.mark.deep
    def test_only_published_decides_nothing(self, log, tmp_path):
        good = run_figures([toy(log)], run=RunSettings(), out=tmp_path)[0]
        assert tally(good.checks, "published") == (1, 4)
        assert good.passed
        assert not run_figures([toy(log, lie=1)], run=RunSettings(), out=tmp_path)[0].passed
