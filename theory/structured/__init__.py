"""Distributions given by parameters: Markov chains, hidden Markov models, grammars.

They have the same interface as a listed pmf (:class:`theory.law.Law`) and work where the outcomes are too many to list.
"""

from theory.structured.evidence_errors import log_prob_error
from theory.structured.fixed import schedule_log_prob
from theory.structured.gap_means import chain_curve
from theory.structured.gaps import (
    GapBounds,
    approximate_entropy,
    approximate_step_bound,
    bisection,
    chain_optimal_bounds,
)
from theory.structured.grammar import GrammarLaw
from theory.structured.hmm import HMMLaw
from theory.structured.markov import MarkovLaw

__all__ = [
    "GapBounds",
    "GrammarLaw",
    "HMMLaw",
    "MarkovLaw",
    "approximate_entropy",
    "approximate_step_bound",
    "bisection",
    "chain_curve",
    "chain_optimal_bounds",
    "log_prob_error",
    "schedule_log_prob",
]
