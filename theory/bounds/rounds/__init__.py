"""Numbers of rounds that decode a distribution without loss."""
