"""The report on files of answers, with score, speed, exact ceiling, PBx and oracle."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.benchmark.results import Answers, Defaults, read_answers
from models.benchmark.scores import Graded, graded, task_row
from models.benchmark.summaries import oracle_rows, pbx_rows, setting_rows
from synthetic.parallelbench.text_metrics import grammar_checker

__all__ = ["bench_report"]


def bench_report(
    paths: Sequence[Path],
    given: Defaults | None = None,
    *,
    grammar: str = "languagetool",
    report: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Return the report on files of answers, of ours and of others.

    Args:
        paths: Files, or folders with files.
        given: What files of others do not say.
        grammar: The grammar checker of text tasks.
        report: Called after each setting and task with how many are graded, and of how many.

    Returns:
        ``tasks`` (a row for each setting and task), ``settings`` (means over tasks), ``pbx``, ``oracle``, ``notes``.

    Raises:
        InputError: If a file is malformed, or a metric is not installed.
    """
    answers = read_answers(list(paths), given)
    checker = grammar_checker(grammar) if any(one.task.kind == "text" for one in answers) else None
    runs: list[tuple[Answers, dict[int, Graded]]] = []
    rows: list[dict[str, Any]] = []
    for one in answers:
        runs.append((one, graded(one, checker)))
        rows.append(task_row(one, [*runs[-1][1].values()]))
        if report is not None:
            report(len(runs), len(answers))
    settings = setting_rows(rows)
    pairs = [(row, found) for row, (_, found) in zip(rows, runs, strict=True)]
    return {
        "tasks": rows,
        "settings": settings,
        "pbx": pbx_rows(settings),
        "oracle": oracle_rows(pairs),
        "notes": _notes(runs),
    }


def _notes(runs: Sequence[tuple[Answers, Mapping[int, Graded]]]) -> list[str]:
    rows = [one for _, found in runs for one in found.values()]
    failed = [one.answer.failed for one in rows if one.answer.failed]
    logged = [one for one in rows if one.logged is not None]
    other = sum(abs(float(one.logged or 0) - one.score) > 1e-6 for one in logged)
    notes: list[str] = []
    if failed:
        notes.append(
            f"{len(failed)} of {len(rows)} samples have no answer and count as wrong; the first: {failed[0]}"
        )
    if logged:
        notes.append(f"{len(logged) - other} of {len(logged)} logged scores are those given here.")
    return notes
