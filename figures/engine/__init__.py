"""What computes, keeps, checks and reports figures."""
