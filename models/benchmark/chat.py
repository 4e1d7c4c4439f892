"""Questions as chats for a language model on disk, and the token layout of its answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from models.benchmark.questions import Question
from models.predictors.huggingface_tokenizer import token_places
from models.predictors.huggingface_versions import one_line
from synthetic.parallelbench.prompts import messages
from synthetic.parallelbench.puzzle_ceilings import puzzle_layout
from theory.validation import InputError

__all__ = ["answer_length", "check_end", "layout_of", "layout_problem", "prompt_ids", "text_of"]

LIST, LONG_LIST, OTHER = 32, 128, 64  # positions of an answer in the paper
PER_PERSON = 4  # tokens: two names, and two of quotes and separators


def answer_length(question: Question) -> int:
    """Return the positions that the paper gives to an answer: 32 for lists, 128 for long ones, else 64."""
    if question.task.kind != "list":
        return OTHER
    people = question.sample.example_answer.count('", "') + 1
    return LIST if PER_PERSON * people + 1 <= LIST else LONG_LIST


def check_end(end: int, tokenizer: Any) -> None:
    """Raise if an end token is none of the tokenizer."""
    if end >= len(tokenizer):
        raise InputError(f"--end-token must be a token of the model, 0..{len(tokenizer) - 1}, got {end}.")


def prompt_ids(tokenizer: Any, question: Question) -> list[int]:
    """Return the token ids of a question, in the chat template of the tokenizer if it has one.

    Without a template (of a model that is no chat model) the messages follow each other after blank lines.
    """
    chat = messages(question.task, question.sample, question.protocol)
    if not tokenizer.chat_template:
        text = "".join(f"{message['content']}\n\n" for message in chat)
    else:
        with one_line("the chat template of the tokenizer"):
            text = tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)
    return list(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def text_of(tokenizer: Any, ids: Sequence[int], end: int) -> tuple[str, int]:
    """Return the text before the end token without special tokens, and the number of tokens with the end."""
    tokens = list(ids)
    before = tokens.index(end) if end in tokens else len(tokens)
    text = tokenizer.decode(tokens[:before], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text, min(before + 1, len(tokens))


def layout_problem(tokenizer: Any, answer: str) -> str:
    """Return why a list or a grid is not written in the layout ``released``; empty if it is.

    In a list a person has four tokens: first name at 1 + 4j, last name at 2 + 4j, the rest are quotes and separators.
    In a grid every cell, every comma and every line break is a token.
    """
    ids, spans = token_places(tokenizer, answer, special=False)
    if answer.startswith("["):
        words = [word for person in answer[2:-2].split('", "') for word in person.split()]
        places = [PER_PERSON * (j // 2) + 1 + j % 2 for j in range(len(words))]
    else:
        words = re.findall(r"\w", answer)
        places = [place for (place,) in puzzle_layout("released", commas="," in answer).places]
    if len(words) != len(places):
        return f"the grid has {len(words)} cells"
    end = 0
    for word, place in zip(words, places, strict=True):
        begin = answer.index(word, end)
        end = begin + len(word)
        touched = [i for i, (a, b) in enumerate(spans) if a < end and b > begin]
        if len(touched) != 1:
            return f"{word!r} is {len(touched)} tokens, not one"
        if touched[0] != place:
            return f"{word!r} is token {touched[0]} of the answer, not {place}"
    return "" if len(ids) <= LONG_LIST else f"the answer has {len(ids)} tokens"


def layout_of(wanted: str, tokenizer: Any, questions: Sequence[Question]) -> str | None:
    """Return ``released`` if the tokenizer writes all lists and grids so, else ``None``: then no ceiling is known.

    Args:
        wanted: ``auto``, ``released`` or ``none``.
        tokenizer: The tokenizer.
        questions: The questions.

    Raises:
        InputError: If ``released`` is wanted and an answer is not written so; the name and its tokens are named.
    """
    if wanted == "none":
        return None
    for question in questions:
        if question.task.kind == "text":
            continue
        if problem := layout_problem(tokenizer, question.sample.example_answer):
            if wanted == "auto":
                return None
            raise InputError(
                f"the tokenizer does not write {question.task.name} in the layout 'released': {problem}; "
                "leave out --layout, and no perfect model is shown beside it."
            )
    return "released"
