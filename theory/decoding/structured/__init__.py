"""Exact decodes of distributions too long to list."""
