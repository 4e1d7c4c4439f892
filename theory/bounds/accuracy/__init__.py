"""What a divergence says about correct answers, and the most accurate decoders."""
