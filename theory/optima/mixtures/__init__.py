"""Optimal mixtures of partitions, drawn before decoding."""
