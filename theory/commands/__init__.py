"""The commands of ``parabounds``, and how their results are printed."""
