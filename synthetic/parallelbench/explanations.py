"""Reasons why an output passes or fails, in words."""

from __future__ import annotations

from collections.abc import Callable

from synthetic.parallelbench.protocol import Protocol
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask
from synthetic.parallelbench.verdicts import Verdict, grade

__all__ = ["explain"]

_HEADS = {
    "lenient": "released score",
    "strict": "released strict score",
    "sound": "what the prompt asks for",
}
_PRODUCTS = {
    "sentence_to_words_score": "inclusion x grammar",
    "summary_score": "rougeL x grammar",
    "paraphrase_score": "inverse_bleu x bertscore x grammar",
}


def explain(
    task: BenchTask,
    sample: Sample,
    output: str,
    protocol: Protocol,
    *,
    grammar: Callable[[str], bool] | None = None,
) -> str:
    r"""Return in a few lines how an output is read, and why it passes or fails under each grader.

    Example:
        >>> from synthetic.parallelbench.protocol import PROTOCOLS
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> asked = Sample(input={}, answer='["Ada Klein"]', metadata={})
        >>> print(explain(bench_task("copy"), asked, "[Ada Klein]\n\nDone.", PROTOCOLS["v2"]))
        cut at the first '\n\n': 7 characters are not graded
        released score: 1; read as ['Ada Klein']
        released strict score: 0; read as nothing: the form is not ["A B", "C D"]
        what the prompt asks for: no; read as nothing: the form is not one JSON list of texts alone
    """
    verdict = grade(task, sample, output, protocol, grammar=grammar)
    kept = protocol.cut(output, task.kind)
    lines: list[str] = []
    if len(kept) < len(output):
        mark = protocol.cut_at[task.kind]
        lines.append(f"cut at the first {mark!r}: {len(output) - len(kept)} characters are not graded")
    how = _PRODUCTS.get(task.grader, "") if protocol.combined else "grammar alone"
    return "\n".join(lines + (_of_text(verdict, how) if task.kind == "text" else _of_readings(verdict)))


def _of_readings(verdict: Verdict) -> list[str]:
    lines: list[str] = []
    for name, reading in verdict.readings.items():
        passed = int(reading.passed) if name != "sound" else ("yes" if reading.passed else "no")
        wrong = f": {reading.wrong}" if reading.wrong else ""
        lines.append(f"{_HEADS[name]}: {passed}; read as {reading.read}{wrong}")
    return lines


def _of_text(verdict: Verdict, how: str) -> list[str]:
    parts = ", ".join(f"{name} {value:.3g}" for name, value in verdict.metrics.items())
    sound = [] if verdict.sound is None else [f"what the prompt asks for: {'yes' if verdict.sound else 'no'}"]
    return [f"released score: {verdict.score:.3g}, {how}; {parts}", *sound]
