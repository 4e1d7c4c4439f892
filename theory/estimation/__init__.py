"""Bounds estimated from samples; every result says that it is an estimate."""
