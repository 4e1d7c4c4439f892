"""Float forms at a million positions."""
