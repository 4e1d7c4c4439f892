"""Definitions in slow Fractions that share no code with the product."""
