"""Distributions whose conditionals have a closed form, one per file."""
