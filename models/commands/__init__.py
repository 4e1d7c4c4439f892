"""The commands of ``python -m models``, one per module."""
