"""Mixtures of partitions: the best random choice of a schedule before decoding."""
