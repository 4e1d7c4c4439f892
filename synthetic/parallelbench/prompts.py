"""Prompts with the released structure in other words.

No system message; lists and puzzles show one example, as a question and an answer, before the question itself; texts
show none. A chat template adds what the model's own format needs. A model answers other
words differently, so scores with these prompts can be compared with published scores only roughly.
"""

from __future__ import annotations

from synthetic.parallelbench.protocol import PROTOCOLS, Protocol
from synthetic.parallelbench.samples import Sample
from synthetic.parallelbench.tasks import BenchTask

__all__ = ["messages", "prompt"]

_ONLY = "Answer with the new list alone."
_PROMPTS = {
    "copy": "These people wait at a counter, in the order they came:\n\n{context}\n\nWrite the list down once more, "
    "unchanged. Answer with the list alone.",
    "reverse": "These people wait at a counter, but the list runs the wrong way round:\n\n{context}\n\nTurn the order "
    f"around. {_ONLY}",
    "sort": "These people wait at a counter:\n\n{context}\n\nPut them in alphabetical order. " + _ONLY,
    "shuffle": "These people wait at a counter:\n\n{context}\n\nBring them into a random order that differs from this "
    f"one. {_ONLY}",
    "replace_index": 'These people wait at a counter:\n\n{context}\n\n"{word}" takes the place of the person at '
    f"position {{index}}. {_ONLY}",
    "replace_random": 'These people wait at a counter:\n\n{context}\n\n"{word}" takes the place of one of them, '
    f"whichever you like. {_ONLY}",
    "insert_index": 'These people wait at a counter:\n\n{context}\n\n"{word}" joins the line at position {index}. '
    + _ONLY,
    "insert_after": 'These people wait at a counter:\n\n{context}\n\n"{word}" joins the line right behind the '
    f"person at position {{index}}. {_ONLY}",
    "insert_random": 'These people wait at a counter:\n\n{context}\n\n"{word}" joins the line anywhere you like. '
    + _ONLY,
    "remove_index": "These people wait at a counter:\n\n{context}\n\nThe person at position {index} leaves. "
    + _ONLY,
    "remove_random": "These people wait at a counter:\n\n{context}\n\nOne of them, whoever you like, leaves. "
    + _ONLY,
    "latin_square": "Make a Latin square of order {size} from the symbols {symbols}: each symbol once in every row and "
    "every column. Answer with the rows alone, cells separated by commas.",
    "sudoku": "Fill in the empty cells of this 4 x 4 Sudoku ({empty} is an empty cell), so that every row, column and "
    "2 x 2 box holds 1, 2, 3 and 4. Answer with the whole grid alone.\n\n{puzzle}",
    "words": "Write one sentence that uses these words: {words}.",
    "paraphrase": "Say this in other words. Answer with the new sentence alone.\n\n{text}",
    "summary": "Sum up this conversation in a sentence or two. Answer with the summary alone.\n\n{text}",
}


def prompt(task: BenchTask, sample: Sample, rules: Protocol = PROTOCOLS["v1"]) -> str:
    """Return the question of a sample.

    Args:
        task: The task.
        sample: The sample.
        rules: The protocol, which says what the place of an insertion names.

    Example:
        >>> from synthetic.parallelbench.tasks import bench_task
        >>> prompt(bench_task("words_easy"), Sample(input={"words": "dog, park"}, answer={}, metadata={}))
        'Write one sentence that uses these words: dog, park.'
    """
    name = task.name.partition("/")[2]
    if name == "insert_index" and not rules.inserts_in_front:
        name = "insert_after"
    puzzle = str(sample.input.get("puzzle", sample.input.get("sudoku", "")))
    form = _PROMPTS["words" if name.startswith("words_") else name]
    return form.format(**{"puzzle": puzzle, "empty": "_" if "_" in puzzle else "0", **sample.input})


def messages(task: BenchTask, sample: Sample, rules: Protocol = PROTOCOLS["v1"]) -> list[dict[str, str]]:
    """Return the messages of a chat: the example's question and answer, if there is one, and the question."""
    shown = [] if sample.example is None else [sample.example]
    found: list[dict[str, str]] = []
    for example in shown:
        found.append({"role": "user", "content": prompt(task, example, rules)})
        found.append({"role": "assistant", "content": example.example_answer})
    return [*found, {"role": "user", "content": prompt(task, sample, rules)}]
