"""The list tasks for a model of this project, which reads lists of tokens and no text.

Each person of a sample becomes one token, and people in alphabetical order become tokens in order, so that sorting
tokens sorts names. The answer has exactly as many positions as people; this is the layout ``items``.
"""

from __future__ import annotations

from random import Random

from models.benchmark.questions import Question
from models.inputs.task_models import TokenSubject
from synthetic.parallelbench.list_graders import read_lenient
from synthetic.parallelbench.lists import list_text
from synthetic.task import list_task
from theory.validation import InputError

__all__ = ["TokenLists"]

LONGER = {"insert_index": 1, "insert_random": 1, "remove_index": -1, "remove_random": -1}


class TokenLists:
    """Samples written for a model of this project.

    Args:
        subject: The model.
        seed: Of the choice of tokens.
    """

    layout = "items"
    end = None

    def __init__(self, subject: TokenSubject, seed: int = 0) -> None:
        self.predictor, self.facts, self._subject, self._seed = (
            subject.predictor,
            subject.facts,
            subject,
            seed,
        )

    def write(self, question: Question) -> list[int]:
        """Return the tokens of a question, with masks for the answer.

        Raises:
            InputError: For a task or a size that the model was not trained on.
        """
        task = question.task
        if task.operation not in self._subject.recipe.tasks:
            known = ", ".join(self._subject.recipe.tasks)
            raise InputError(f"this model does not know {task.name}; it knows the list tasks {known}.")
        people, word = self._people(question)
        encoding = self._subject.encoding(list_task(task.operation, len(people)))
        ids = self._ids(question)
        name = task.name.partition("/")[2]
        index = question.sample.input.get("index")
        if index is not None:  # of an insertion it is the place itself, from 0
            index = int(index) - (0 if name == "insert_index" else question.protocol.first_place)
        return [
            *(encoding.task_token(task.operation), encoding.index_token(index)),
            *(encoding.none if word is None else ids[word], *(ids[person] for person in people)),
            *(encoding.sep, *[encoding.mask] * (len(people) + LONGER.get(name, 0))),
        ]

    def read(self, question: Question, answer: list[int]) -> str:
        """Return the list that the tokens stand for; a token of nobody is written as its number."""
        names = {token: person for person, token in self._ids(question).items()}
        return list_text([names.get(token, f"<{token}>") for token in answer])

    def _people(self, question: Question) -> tuple[list[str], str | None]:
        word = question.sample.input.get("word")
        return read_lenient(str(question.sample.input["context"])), None if word is None else str(word)

    def _ids(self, question: Question) -> dict[str, int]:
        people, word = self._people(question)
        everybody: list[str] = sorted({*people, *([] if word is None else [word])})
        items = self._subject.recipe.items
        if len(everybody) > items:
            raise InputError(f"this model has {items} items, a sample has {len(everybody)} people.")
        rng = Random(f"{self._seed} {question.task.name} {question.row}")
        tokens = sorted(rng.sample(range(items), len(everybody)))
        return {person: token for person, token in zip(everybody, tokens, strict=True)}
