"""Hypothesis draws the same examples in every run: a red test is red for everybody."""

from hypothesis import settings

settings.register_profile(
    "project", derandomize=True, database=None, deadline=None, max_examples=60, print_blob=True
)
settings.load_profile("project")
