"""Bounds, expected divergences and decodes at a thousand or a million positions, through the structure of a law."""
