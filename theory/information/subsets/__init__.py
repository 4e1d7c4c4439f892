"""The table of all subset entropies of a listed pmf."""
