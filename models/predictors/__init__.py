"""Predictors of masked tokens."""
