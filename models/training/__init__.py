"""Training from scratch and fine-tuning."""
