"""The answers of the commands, and how they are printed."""
