"""Synthetic tasks with known exact laws."""

from synthetic.laws import Arrangements
from synthetic.task import ListTask, Task, make_task, register, tasks

__all__ = ["Arrangements", "ListTask", "Task", "make_task", "register", "tasks"]
