"""Value-adaptive unmasking with the ideal model: optimal policies, their bounds and their frontier."""

from theory.adaptive.average import average_bounds, average_depth, average_frontier
from theory.adaptive.cap import AdaptiveBounds, adaptive_bounds
from theory.adaptive.depth import SerialDepth, serial_depth
from theory.adaptive.frontier import Frontier, Vertex, frontier
from theory.adaptive.graph import StateGraph, state_graph
from theory.adaptive.policy import AdaptivePolicy, Decision
from theory.adaptive.within import DepthWithin, depth_within

__all__ = [
    "AdaptiveBounds",
    "AdaptivePolicy",
    "Decision",
    "DepthWithin",
    "Frontier",
    "SerialDepth",
    "StateGraph",
    "Vertex",
    "adaptive_bounds",
    "average_bounds",
    "average_depth",
    "average_frontier",
    "depth_within",
    "frontier",
    "serial_depth",
    "state_graph",
]
