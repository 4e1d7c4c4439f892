"""The tasks of ParallelBench with their prompts, graders and distributions.

Source: arXiv 2510.04767, Table 2; names in brackets are those of the releases.
"""

from __future__ import annotations

from dataclasses import dataclass

from synthetic.parallelbench.protocol import Kind
from theory.validation import InputError, choice

__all__ = ["TASKS", "BenchTask", "bench_task"]


@dataclass(frozen=True, kw_only=True)
class BenchTask:
    """One task.

    Attributes:
        name: Group and task, such as ``waiting_line/shuffle``.
        kind: Lists, puzzles or texts.
        grader: The released name of its metric.
        fields: What the prompt is filled with.
        needs: What the grader needs, for tasks with many right answers; else the answer is one text.
        operation: The list task of :mod:`synthetic` that has the distribution of the answers.
        released: Other names: of v1, then of v2.
    """

    name: str
    kind: Kind
    grader: str
    fields: tuple[str, ...]
    needs: tuple[str, ...] = ()
    operation: str | None = None
    released: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        """Whether the distribution of the answers is known."""
        return self.kind != "text"


def _line(name: str, grader: str, *more: str, needs: tuple[str, ...] = (), operation: str = "") -> BenchTask:
    return BenchTask(
        name=f"waiting_line/{name}",
        kind="list",
        grader=grader,
        fields=("context", *more),
        needs=needs,
        operation=operation or name,
    )


def _text(name: str, grader: str, fields: str, needs: tuple[str, ...], *released: str) -> BenchTask:
    return BenchTask(
        name=f"text/{name}", kind="text", grader=grader, fields=(fields,), needs=needs, released=released
    )


def _words(level: str) -> BenchTask:
    names = (f"words_to_sentence/{level}", f"text_writing/words_to_sentence_{level}")
    return _text(f"words_{level}", "sentence_to_words_score", "words", ("words",), *names)


_ALL = (
    _line("copy", "list_match_score"),
    _line("reverse", "list_match_score"),
    _line("sort", "list_match_score"),
    _line("shuffle", "list_shuffle_score", needs=("input",), operation="shuffle_strict"),
    _line("replace_index", "list_match_score", "word", "index"),
    _line("replace_random", "list_random_replace_score", "word", needs=("input", "word")),
    _line("insert_index", "list_match_score", "word", "index"),
    _line("insert_random", "list_random_insert_score", "word", needs=("input", "word")),
    _line("remove_index", "list_match_score", "index"),
    _line("remove_random", "list_random_remove_score", needs=("input",)),
    BenchTask(
        name="puzzles/latin_square",
        kind="puzzle",
        grader="latin_square_score",
        fields=("size", "symbols"),
        needs=("symbols",),
        released=("puzzle/latin_square_n4", "puzzles/latin_square_n4"),
    ),
    BenchTask(
        name="puzzles/sudoku",
        kind="puzzle",
        grader="sudoku_score",
        fields=("puzzle",),
        released=("puzzle/sudoku_n4_12", "puzzles/sudoku_n4"),
    ),
    _words("easy"),
    _words("medium"),
    _words("hard"),
    _text(
        *("paraphrase", "paraphrase_score", "text", ("text",)),
        *("paraphrase_summarize/chatgpt-paraphrases", "text_writing/chatgpt_paraphrases"),
    ),
    _text(
        *("summary", "summary_score", "text", ("text", "summary")),
        *("paraphrase_summarize/samsum", "text_writing/samsum"),
    ),
)
TASKS = {task.name: task for task in _ALL}
_OTHER_NAMES = {other: task for task in _ALL for other in (*task.released, task.name.partition("/")[2])}


def bench_task(name: str) -> BenchTask:
    """Return a task by its name, its name without the group, or a released name.

    Raises:
        InputError: For an unknown name.

    Example:
        >>> bench_task("shuffle").name, bench_task("puzzle/sudoku_n4_12").name
        ('waiting_line/shuffle', 'puzzles/sudoku')
    """
    if name in _OTHER_NAMES:
        return _OTHER_NAMES[name]
    if not name.isprintable():
        raise InputError(f"unknown task {name!r}; known: {', '.join(TASKS)}.")
    return TASKS[choice(name, "task", TASKS)]
