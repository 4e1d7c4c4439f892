"""Listed pmfs, contexts, ideal models, and distributions given by parameters."""

from theory.distributions.distribution import Context, Distribution, ListedDistribution
from theory.distributions.files.task_file import read_task
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.distributions.tempering import Transform

__all__ = [
    "Context",
    "Distribution",
    "GrammarDistribution",
    "HMMDistribution",
    "JointPMF",
    "ListedDistribution",
    "MarkovDistribution",
    "Transform",
    "read_task",
]
