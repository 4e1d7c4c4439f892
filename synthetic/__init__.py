"""Synthetic tasks with known exact distributions."""

from synthetic.distributions import Arrangements
from synthetic.lookup import find_task
from synthetic.task import ListTask, Task, known_tasks, make_task, register

__all__ = ["Arrangements", "ListTask", "Task", "find_task", "known_tasks", "make_task", "register"]
