"""The commands of ``parabounds model``, one per module."""
