"""Inputs of a run, prompts and list tasks as text or padded rows."""
