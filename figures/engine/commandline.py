"""Helpers of the command line that ``paper_repro.py`` shares with the other commands."""

from __future__ import annotations

from theory.commands.command_line import guarded as guarded
from theory.commands.command_line import worker_count as worker_count
from theory.commands.terminal import terminal as terminal
from theory.validation import InputError as InputError
