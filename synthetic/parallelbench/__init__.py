"""The 17 tasks of ParallelBench under both released protocols."""

from synthetic.parallelbench.explanations import explain
from synthetic.parallelbench.make import make_samples
from synthetic.parallelbench.prompts import messages
from synthetic.parallelbench.protocol import PROTOCOLS, Protocol
from synthetic.parallelbench.samples import Sample, read_samples, write_samples
from synthetic.parallelbench.tasks import TASKS, BenchTask, bench_task
from synthetic.parallelbench.verdicts import Verdict, grade

__all__ = [
    "PROTOCOLS",
    "TASKS",
    "BenchTask",
    "Protocol",
    "Sample",
    "Verdict",
    "bench_task",
    "explain",
    "grade",
    "make_samples",
    "messages",
    "read_samples",
    "write_samples",
]
