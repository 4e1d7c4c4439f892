"""The number of examples of tests that need more or fewer than the profile says."""

from hypothesis import settings

__all__ = ["examples"]

USUAL = 25  # of the default profile


def examples(count: int) -> int:
    """Return a count of examples that is ``count`` in the default profile and grows with the others."""
    return max(1, count * settings.default.max_examples // USUAL)
