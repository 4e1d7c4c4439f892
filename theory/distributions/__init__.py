"""Distributions: listed pmfs, contexts, tempering, ideal models, and those given by parameters or in closed form."""

from theory.distributions.distribution import Context, Law, ListedLaw
from theory.distributions.files.task_file import read_task
from theory.distributions.parametric.grammar import GrammarLaw
from theory.distributions.parametric.hmm import HMMLaw
from theory.distributions.parametric.markov import MarkovLaw
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform

__all__ = [
    "Context",
    "GrammarLaw",
    "HMMLaw",
    "JointPMF",
    "Law",
    "ListedLaw",
    "MarkovLaw",
    "Transform",
    "read_task",
]
