"""Comparing a predictor with the ideal model: verify and gap."""
