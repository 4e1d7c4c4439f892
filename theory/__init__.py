"""Exact theory of parallel decoding: pmfs, correlation, bounds, unmasking policies and the exact decoder."""
