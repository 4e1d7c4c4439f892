"""Sampled decodes and estimates, each with its interval."""
