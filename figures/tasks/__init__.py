"""Curves of a task of the user's own."""
