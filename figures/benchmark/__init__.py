"""The benchmark's published points beside the exact scores of a perfect model."""
