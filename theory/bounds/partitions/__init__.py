"""Losses of ordered partitions, and the least of them (Theorems 1 to 3 of arXiv 2510.04767)."""
