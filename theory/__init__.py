"""Exact theory of parallel decoding: pmfs, correlation, bounds, unmasking policies and the exact decoder."""

from theory import policies
from theory._checks import InputError
from theory.adaptive import adaptive_bounds, depth_within, frontier, serial_depth
from theory.bounds import OptimalBounds, optimal_bounds, optimal_partition_counts, step_bound
from theory.correlation import (
    conditional_entropy,
    dual_total_correlation,
    entropy,
    kl_divergence,
    product_of_marginals,
    total_correlation,
)
from theory.curves import information_curve
from theory.decoded import Decode
from theory.decoder import decode
from theory.diversity import most_accurate
from theory.entropy_table import EntropyTable
from theory.expectation import decode_contexts
from theory.law import Context, Law, ListedLaw
from theory.limits import CostError
from theory.lognumber import LogNumber
from theory.lumped import decode_lumped, tie_interval_lumped
from theory.mixtures import optimal_mixture
from theory.output_law import output_law
from theory.path_costs import pseudo_cost
from theory.pmf import JointPMF
from theory.policies import parse_policy, registered_policies
from theory.random_order import expected_kl, optimal_sizes
from theory.step_counts import step_law
from theory.step_laws import StepLaw
from theory.structured import GrammarLaw, HMMLaw, MarkovLaw
from theory.subsets import subset_entropies
from theory.taskfile import read_task
from theory.ties import tie_interval

__all__ = [
    "Context",
    "CostError",
    "Decode",
    "EntropyTable",
    "GrammarLaw",
    "HMMLaw",
    "InputError",
    "JointPMF",
    "Law",
    "ListedLaw",
    "LogNumber",
    "MarkovLaw",
    "OptimalBounds",
    "StepLaw",
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
    "output_law",
    "parse_policy",
    "policies",
    "product_of_marginals",
    "pseudo_cost",
    "read_task",
    "registered_policies",
    "serial_depth",
    "step_bound",
    "step_law",
    "subset_entropies",
    "tie_interval",
    "tie_interval_lumped",
    "total_correlation",
]
