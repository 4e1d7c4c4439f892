"""Value-adaptive unmasking: optimal policies, their bounds and their frontier."""
