"""Divergence and accuracy, and the most accurate decoders."""
