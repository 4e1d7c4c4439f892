"""A resumable run of ``verify`` over several workers."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from models.evaluation.verify import RECORD_KEYS, Report, verify
from models.inputs.list_tasks_as_text import TextFormat
from models.inputs.task_models import TokenSubject, load_subject
from models.inputs.text_model import TextSubject
from models.predictors.huggingface_options import HFOptions
from models.runs.output_folder import check_folder
from models.runs.output_lock import locked
from models.runs.progress import say
from models.runs.records import Records
from models.runs.shares import local_device, run_shares
from models.sampling.decoding_settings import Decoding
from theory.distributions.tempering import check_temperature
from theory.policies import parse_policy
from theory.validation import InputError

__all__ = ["VerifySpec", "run_verify"]


@dataclass(frozen=True, kw_only=True)
class VerifySpec:
    """The settings of a run.

    Attributes:
        model: As :func:`models.inputs.task_models.load_subject` reads it.
        task: One task; all that the model knows if ``None``.
        n: Length of the list; the shortest, middle and longest trained if ``None``.
        policy: A policy specification.
        temperature: tau >= 0, as text.
        samples: Decodes a row.
        seed: The seed of instances and draws.
        batch: First batch size; chosen by memory if ``None``.
        words: Items of the lists, for a language model.
        written: How lists are written, for a language model.
        options: How a language model is read; ``device`` applies to all models.
        out: Folder of the records, ``None`` for none.
        decoding: How tokens are drawn and scored, and how the model is called.
    """

    model: str = "shipped"
    task: str | None = None
    n: int | None = None
    policy: str = "topk:k=2,by=random"
    temperature: str = "1"
    samples: int = 1000
    seed: int = 0
    batch: int | None = None
    words: tuple[str, ...] | None = None
    written: TextFormat = field(default_factory=lambda: TextFormat(name="auto"))
    options: HFOptions = field(default_factory=HFOptions)
    out: Path | None = None
    decoding: Decoding = field(default_factory=Decoding)


def run_verify(spec: VerifySpec, *, jobs: int = 1, report: Report | None = None) -> dict[str, Any]:
    """Verify a model, continuing from ``spec.out``; the result is empty if another worker reports.

    Args:
        spec: The run.
        jobs: Workers on a CPU. The draws depend on their number and on the seed.
        report: Called after every batch of a single worker.

    Raises:
        InputError: For anything wrong with the settings or files.
    """
    parse_policy(spec.policy)  # before a model is loaded
    check_temperature(spec.temperature)
    if spec.out is not None:
        check_folder(spec.out)
    with locked(spec.out), tempfile.TemporaryDirectory() as folder:
        kept = spec if spec.out is not None else replace(spec, out=Path(folder))
        work = _Work(kept, report if jobs == 1 else None)
        chief = run_shares(work, jobs=jobs, device=spec.options.device, on_disk=spec.out is not None)
        return work.answer() if chief else {}


class _Work:
    """The work of one worker; the model is loaded once."""

    def __init__(self, spec: VerifySpec, report: Report | None = None) -> None:
        self._spec, self._report = spec, report
        self._subject: TokenSubject | TextSubject | None = None
        self._answer: dict[str, Any] = {}

    def __call__(self, rank: int, world: int) -> None:
        self._answer = self._verify(rank, world)

    def answer(self) -> dict[str, Any]:
        """Return the result, with the records of other workers."""
        return self._answer if self._answer.get("rows") else self._verify(0, 1)

    def _verify(self, rank: int, world: int) -> dict[str, Any]:
        spec, subject = self._spec, self._loaded()
        tasks = _tasks(subject, spec.task, spec.n)
        return verify(
            subject,
            tasks,
            policy=parse_policy(spec.policy),
            temperature=check_temperature(spec.temperature),
            samples=spec.samples,
            seed=spec.seed,
            batch=spec.batch,
            records=_records(spec, subject, tasks, rank),
            rank=rank,
            world=world,
            report=self._report,
            decoding=spec.decoding,
        )

    def _loaded(self) -> TokenSubject | TextSubject:
        if self._subject is None:
            spec = self._spec
            options = replace(spec.options, device=local_device(spec.options.device))
            tasks = None if spec.task is None else (spec.task,)
            self._subject = load_subject(
                spec.model, options, words=spec.words, written=spec.written, tasks=tasks
            )
        return self._subject


def _tasks(subject: TokenSubject | TextSubject, task: str | None, n: int | None) -> list[tuple[str, int]]:
    if isinstance(subject, TextSubject):
        if task is None or n is None:
            raise InputError("a Hugging Face model needs --task NAME and -n N.")
        return [(task, n)]
    recipe = subject.recipe
    middle = (recipe.shortest + recipe.longest) // 2
    sizes = sorted({recipe.shortest, middle, recipe.longest}) if n is None else [n]
    return [(name, size) for name in ([task] if task else recipe.tasks) for size in sizes]


def _records(
    spec: VerifySpec, subject: TokenSubject | TextSubject, tasks: list[tuple[str, int]], rank: int
) -> Records:
    assert spec.out is not None
    settings: dict[str, Any] = {
        "run": "verify",
        "facts": subject.facts,
        "tasks": [list(pair) for pair in tasks],
        "policy": str(parse_policy(spec.policy)),
        "temperature": str(check_temperature(spec.temperature)),
        "samples": spec.samples,
        "seed": spec.seed,
        **spec.decoding.differences(),
    }
    if isinstance(subject, TextSubject):
        settings |= {"words": list(subject.words), "written": asdict(subject.written)}
    records = Records(spec.out / "verify.jsonl", settings, rank=rank, kinds=RECORD_KEYS)
    say(records.dropped if rank == 0 else ())
    return records
