"""The machinery that computes, caches, checks and reports figures."""
