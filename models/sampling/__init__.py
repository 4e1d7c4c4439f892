"""Decoding with a predictor, one by one and in parallel, and teacher forcing."""
