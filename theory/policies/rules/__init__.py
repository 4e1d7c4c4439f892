"""The unmasking rules, one registered rule a file."""
