"""The commands of ``python -m theory``, and how their results are printed."""
