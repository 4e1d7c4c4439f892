"""Errors of means of exact and float parts: they hold the exact mean, and are of the size of one rounding."""

from fractions import Fraction

from theory.numbers.error_of_means import mean_error, ratio_error


def test_an_exact_part_among_floats_costs_one_rounding():
    third, half = Fraction(1, 3), Fraction(1, 2)
    mean = float(half * third + half * Fraction(0.1))
    error = mean_error([(half, third, None), (half, 0.1, 1e-17)], mean)
    exact = half * third + half * Fraction(1, 10)  # within 1e-17 of the float 0.1
    assert error is not None
    assert abs(Fraction(mean) - exact) <= Fraction(error) < Fraction(1, 10**15)


def test_a_quotient_is_farthest_where_the_divisor_is_least():
    assert 1 <= ratio_error(Fraction(3), 1.5, 0.5) < 1 + 1e-15  # 3 / 1 against 3 / 1.5
    assert ratio_error(Fraction(3), 1.5, 1.5) is None  # there may be no step at all
