"""Distributions read from files."""
