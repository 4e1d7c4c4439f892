"""Optimal adaptive unmasking, its bounds and its frontier."""
