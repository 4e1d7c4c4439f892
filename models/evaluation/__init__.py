"""Comparisons of a predictor with the ideal model."""
