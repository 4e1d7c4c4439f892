"""Least losses of parallel decoding, by partition, schedule, rounds and accuracy."""

from theory.bounds.accuracy.divergence import accuracy_floor
from theory.bounds.accuracy.diversity import most_accurate
from theory.bounds.block_sizes import optimal_sizes
from theory.bounds.partitions.path_costs import pseudo_cost
from theory.bounds.partitions.step_bounds import optimal_bounds, optimal_partition_counts, step_bound
from theory.bounds.schedules.random_order import expected_kl
from theory.bounds.schedules.upper_bounds import upper_bounds

__all__ = [
    "accuracy_floor",
    "expected_kl",
    "most_accurate",
    "optimal_bounds",
    "optimal_partition_counts",
    "optimal_sizes",
    "pseudo_cost",
    "step_bound",
    "upper_bounds",
]
