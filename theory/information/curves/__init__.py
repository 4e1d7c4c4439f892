"""Information curves, from tables of entropies or from structure."""
