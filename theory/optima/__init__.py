"""Best strategies with the ideal model, adaptive policies and mixtures of partitions."""

from theory.optima.adaptive.depth_within import depth_within
from theory.optima.adaptive.frontier import frontier
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.optima.mixtures.optimal import optimal_mixture

__all__ = ["adaptive_bounds", "depth_within", "frontier", "optimal_mixture", "serial_depth"]
