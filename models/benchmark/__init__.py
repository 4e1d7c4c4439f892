"""Models and endpoints on the tasks of ParallelBench, and their scores."""
