"""Distributions given by parameters, Markov chains, hidden Markov models and grammars."""
