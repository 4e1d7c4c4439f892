"""Bounds, expected divergences and decodes at a thousand positions, through the structure of a law."""

from theory.large.entropies import Copies, Exchangeable, Structure
from theory.large.gaps import Gaps

__all__ = ["Copies", "Exchangeable", "Gaps", "Structure"]
