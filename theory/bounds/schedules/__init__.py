"""Losses of block sizes in random order, best sizes, and published schedules."""
