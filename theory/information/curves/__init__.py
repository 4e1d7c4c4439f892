"""Information curves: mean entropies of all sets of a size, from tables or from structure."""
