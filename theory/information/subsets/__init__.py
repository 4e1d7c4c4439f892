"""The table of all subset entropies of a listed pmf, sparse and dense, in exact and float numbers."""
