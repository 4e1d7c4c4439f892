"""Predictors of masked tokens: the ideal model, our transformer, Hugging Face checkpoints."""
