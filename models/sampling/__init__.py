"""Decoding with a predictor, in parallel and one by one, and teacher forcing."""
