"""How many rounds decode a distribution without loss."""
