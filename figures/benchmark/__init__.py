"""Figures of the benchmark: published points beside the exact score of a perfect model."""
