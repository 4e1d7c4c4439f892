"""Value-adaptive unmasking with the ideal model: optimal policies, their bounds and their frontier."""
