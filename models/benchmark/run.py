"""A resumable run of models on tasks, a file of answers for each setting and task."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from models.benchmark.questions import Answerer, Asked, Model, Question
from models.runs.output_folder import check_folder
from models.runs.output_lock import locked
from models.runs.progress import say
from models.runs.records import Records
from models.runs.shares import run_shares
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.text_metrics import grammar_checker
from synthetic.parallelbench.verdicts import grade
from theory.validation import InputError

__all__ = ["BenchRun", "answer_file", "run_bench"]

Report = Callable[[int, int], None]  # (answers there, answers in all)
KEYS = ("task", "output", "failed")


@dataclass(frozen=True, kw_only=True)
class BenchRun:
    """What is asked, of whom, and where the answers go.

    Attributes:
        asked: Tasks and samples.
        model: The model, with its settings.
        folder: Folder of the answers, ``SETTING/GROUP_TASK.jsonl``.
        grammar: The grammar checker of text tasks.
    """

    asked: Asked
    model: Model
    folder: Path
    grammar: str = "languagetool"


def answer_file(folder: Path, name: str, task: BenchTask) -> Path:
    """Return the file of the answers of one setting to one task.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> str(answer_file(Path("runs"), "topk:k=2,by=random", bench_task("copy")))
        'runs/topk_k=2_by=random/waiting_line_copy.jsonl'
    """
    return folder / re.sub(r"[^\w.=+-]+", "_", name) / f"{task.name.replace('/', '_')}.jsonl"


def run_bench(run: BenchRun, *, jobs: int = 1, report: Report | None = None) -> list[Path]:
    """Ask what has no answer yet, and return the files of answers; none if another worker reports.

    A sample whose answer failed counts as one without an answer, and is asked again.

    Args:
        run: The run.
        jobs: Workers on a CPU.
        report: Called after every batch of a single worker.

    Raises:
        InputError: For anything wrong with the settings or files, before anything is computed; or if an endpoint
            answers no more, or nothing that was asked.
    """
    run.asked.check()
    questions = {task: run.asked.questions(task) for task in run.asked.tasks}
    _check_metrics(questions, run)
    check_folder(run.folder)
    if run.model.device == "endpoint" and jobs > 1:
        raise InputError("--jobs is for models on the CPU; an endpoint has --concurrency.")
    with locked(run.folder):
        work = _Work(run, questions, report if jobs == 1 else None)
        chief = run_shares(work, jobs=jobs, device=run.model.device, on_disk=True)
    return [answer_file(run.folder, name, task) for name in run.model.names() for task in questions if chief]


def _check_metrics(questions: dict[BenchTask, list[Question]], run: BenchRun) -> None:
    """Raise if a text could not be graded, such as without LanguageTool."""
    for task, asked in questions.items():
        if task.kind == "text":
            checker = grammar_checker(run.grammar)
            grade(task, asked[0].sample, "This is a test.", run.asked.protocol, grammar=checker)


class _Work:
    """The work of one worker; the model is loaded once."""

    def __init__(
        self, run: BenchRun, questions: dict[BenchTask, list[Question]], report: Report | None
    ) -> None:
        self._run, self._questions, self._report = run, questions, report
        self._reasons: list[str] = []  # why what was asked has no answer, empty where it has one

    def __call__(self, rank: int, world: int) -> None:
        everything = [question for asked in self._questions.values() for question in asked]
        loaded = self._run.model.load(everything)
        parts: list[tuple[Answerer, Records, list[Question]]] = []
        for name, answerer in zip(self._run.model.names(), loaded, strict=True):
            for task, asked in self._questions.items():
                settings = {"run": "bench", **self._run.asked.settings(task, asked), **answerer.settings}
                path = answer_file(self._run.folder, name, task)
                records = Records(path, settings, rank=rank, kinds=(KEYS,))
                say(records.dropped if rank == 0 else ())
                mine = [question for question in asked if question.row % world == rank]
                todo = [q for q in mine if records.rows.get(q.row, {"failed": "not asked"})["failed"]]
                parts.append((answerer, records, todo))
        count = len(loaded) * len(everything)
        there = count - sum(len(todo) for _, _, todo in parts)
        for answerer, records, todo in parts:  # every file is looked at before anything is computed
            there = self._ask(answerer, records, todo, there, count)
        if self._reasons and all(self._reasons):
            raise InputError(
                f"none of {len(self._reasons)} samples was answered, the first: {self._reasons[0]} "
                "Run the command again to ask once more."
            )

    def _ask(
        self, answerer: Answerer, records: Records, todo: Sequence[Question], there: int, count: int
    ) -> int:
        with records:
            for found in answerer.answers(todo) if todo else ():
                records.append(
                    {
                        "row": question.row,
                        "task": question.task.name,
                        **question.sample.as_json(),
                        **asdict(answer),
                    }
                    for question, answer in found
                )
                self._reasons += [answer.failed for _, answer in found]
                there += len(found)
                if self._report is not None:
                    self._report(there, count)
        return there
