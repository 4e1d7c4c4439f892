"""Distributions given by parameters: Markov chains, hidden Markov models, grammars.

They have the same interface as a listed pmf (:class:`theory.distributions.distribution.Law`) and work where the
outcomes are too many to list.
"""
