"""Decodes of tasks over their contexts, with the choice of the algorithm."""
