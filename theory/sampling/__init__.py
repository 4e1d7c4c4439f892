"""Sampled decodes and estimates, each with its interval."""

from theory.sampling.estimates import estimate_step_bound
from theory.sampling.intervals import Estimate
from theory.sampling.observed import Observed, read_samples
from theory.sampling.runs import follow_data, sample_runs

__all__ = ["Estimate", "Observed", "estimate_step_bound", "follow_data", "read_samples", "sample_runs"]
