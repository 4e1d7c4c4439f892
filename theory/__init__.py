"""Exact theory of parallel decoding, from pmfs and bounds to policies and the decoder."""

from theory import policies
from theory.bounds.accuracy.diversity import most_accurate
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.path_costs import pseudo_cost
from theory.bounds.partitions.step_bounds import (
    OptimalBounds,
    optimal_bounds,
    optimal_partition_counts,
    step_bound,
)
from theory.bounds.schedules.random_order import expected_kl
from theory.decoding.call_distribution import StepDistribution
from theory.decoding.decoder import decode, step_distribution
from theory.decoding.lumped import decode_lumped, tie_interval_lumped
from theory.decoding.output import output_distribution
from theory.decoding.result import Decode
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tie_breaks import tie_interval
from theory.distributions.distribution import Context, Distribution, ListedDistribution
from theory.distributions.files.task_file import read_task
from theory.distributions.parametric.grammar import GrammarDistribution
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.pmf import JointPMF
from theory.information.curves.curve import information_curve
from theory.information.measures import (
    conditional_entropy,
    dual_total_correlation,
    entropy,
    kl_divergence,
    product_of_marginals,
    total_correlation,
)
from theory.information.subsets.builder import subset_entropies
from theory.information.subsets.table import EntropyTable
from theory.limits import CostError
from theory.numbers.lognumber import LogNumber
from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.optima.mixtures.optimal import optimal_mixture
from theory.policies import parse_policy, registered_policies
from theory.validation import InputError

__all__ = [
    "Context",
    "CostError",
    "Decode",
    "Distribution",
    "EntropyTable",
    "GrammarDistribution",
    "HMMDistribution",
    "InputError",
    "JointPMF",
    "ListedDistribution",
    "LogNumber",
    "MarkovDistribution",
    "OptimalBounds",
    "StepDistribution",
    "adaptive_bounds",
    "conditional_entropy",
    "decode",
    "decode_contexts",
    "decode_lumped",
    "depth_within",
    "dual_total_correlation",
    "entropy",
    "expected_kl",
    "frontier",
    "information_curve",
    "kl_divergence",
    "most_accurate",
    "optimal_bounds",
    "optimal_mixture",
    "optimal_partition_counts",
    "optimal_sizes",
    "output_distribution",
    "parse_policy",
    "policies",
    "product_of_marginals",
    "pseudo_cost",
    "read_task",
    "registered_policies",
    "serial_depth",
    "step_bound",
    "step_distribution",
    "subset_entropies",
    "tie_interval",
    "tie_interval_lumped",
    "total_correlation",
]
