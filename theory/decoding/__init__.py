"""Exact output distribution, losses and number of model calls of one decoder."""

from theory.decoding.decoder import decode, step_distribution
from theory.decoding.lumped import decode_lumped
from theory.decoding.output import output_distribution
from theory.decoding.result import Decode
from theory.decoding.tasks.decode import decode_contexts
from theory.decoding.tie_breaks import tie_interval

__all__ = [
    "Decode",
    "decode",
    "decode_contexts",
    "decode_lumped",
    "output_distribution",
    "step_distribution",
    "tie_interval",
]
