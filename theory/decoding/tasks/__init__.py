"""Decodes of tasks over their contexts; the one place that chooses a route."""
