"""Distributions whose conditionals have a closed form, one a file."""
