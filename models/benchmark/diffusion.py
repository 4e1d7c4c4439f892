"""Diffusion models on the benchmark, with any rule and all settings of decoding."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import torch

from models.benchmark.chat import answer_length, check_end, layout_of, prompt_ids, text_of
from models.benchmark.questions import Answer, Answered, Answerer, Question
from models.benchmark.token_lists import TokenLists
from models.inputs.task_models import TokenSubject, load_subject
from models.predictors.checkpoint import SHIPPED_LISTS
from models.predictors.huggingface import OpenedHF, open_hf
from models.predictors.huggingface_options import HFOptions
from models.predictors.predictor import MaskedPredictor
from models.runs.halving_batches import batch_size, halving_batches
from models.runs.shares import local_device
from models.sampling.decode import decode
from models.sampling.decoding_settings import Decoding
from theory.distributions.tempering import check_temperature
from theory.policies import parse_policy
from theory.validation import InputError

__all__ = ["DiffusionModel"]


class Writer(Protocol):
    """Turns questions into rows with masks, and rows into text."""

    @property
    def predictor(self) -> MaskedPredictor:
        """The model."""
        ...

    @property
    def facts(self) -> dict[str, Any]:
        """Facts about it, JSON values."""
        ...

    @property
    def layout(self) -> str | None:
        """The token layout of answers, if known."""
        ...

    @property
    def end(self) -> int | None:
        """The end token, if answers have one."""
        ...

    def write(self, question: Question) -> list[int]:
        """Return the tokens of a question, masks at the end."""
        ...

    def read(self, question: Question, answer: list[int]) -> str:
        """Return the answer as text."""
        ...


@dataclass(frozen=True, kw_only=True)
class DiffusionModel:
    """A diffusion model as named on the command line.

    Attributes:
        model: ``shipped``, a ``.safetensors`` file of this project, or a Hugging Face directory.
        policies: The rules, each with its own answers.
        temperature: tau >= 0, as text.
        seed: Of the draws.
        batch: First batch size; chosen by memory if ``None``.
        length: Positions of an answer; those of the paper if ``None``.
        end: The end token; that of the tokenizer if ``None``.
        layout: ``auto``, ``released`` or ``none``.
        options: How a language model is read; ``device`` applies to all models.
        decoding: How tokens are drawn and scored, and how the model is called.
    """

    model: str
    policies: tuple[str, ...]
    temperature: str = "0"
    seed: int = 0
    batch: int | None = None
    length: int | None = None
    end: int | None = None
    layout: str = "auto"
    options: HFOptions = field(default_factory=HFOptions)
    decoding: Decoding = field(default_factory=Decoding)

    def __post_init__(self) -> None:
        if not self.policies:
            raise InputError("give a rule with --policy, such as topk:k=2.")
        for spec in self.policies:
            parse_policy(spec)
        check_temperature(self.temperature)

    @property
    def device(self) -> str:
        """Where it computes."""
        return self.options.device

    @property
    def writes_text(self) -> bool:
        """Whether it is a language model; else one of this project, whose answers are tokens."""
        return self.model != "shipped" and not self.model.lower().endswith(".safetensors")

    def names(self) -> list[str]:
        """Return the specifications of the rules."""
        return [str(parse_policy(spec)) for spec in self.policies]

    def load(self, questions: Sequence[Question]) -> list[Answerer]:
        """Return the model with each rule; all questions are written before the weights are read."""
        options = replace(self.options, device=local_device(self.options.device))
        if not self.writes_text:
            file = str(SHIPPED_LISTS) if self.model == "shipped" else self.model
            subject = load_subject(file, options)
            assert isinstance(subject, TokenSubject)
            subject.facts["model"] = self.model
            writer: Writer = TokenLists(subject, self.seed)
            for question in questions:
                writer.write(question)
        else:
            chats = _Chats(open_hf(self.model, options), self, questions)
            chats.load()
            writer = chats
        return [_Decodes(self, writer, spec) for spec in self.names()]


class _Chats:
    """Questions in the chat template of a language model, with as many masks as the answer may have tokens."""

    predictor: MaskedPredictor
    facts: dict[str, Any]

    def __init__(self, opened: OpenedHF, spec: DiffusionModel, questions: Sequence[Question]) -> None:
        self._opened, self._spec = opened, spec
        self.end = opened.tokenizer.eos_token_id if spec.end is None else spec.end
        if self.end is None:
            raise InputError(f"{spec.model}: the tokenizer names no end token; give --end-token ID.")
        check_end(self.end, opened.tokenizer)
        for question in questions:
            if (tokens := len(self.write(question))) > opened.longest:
                raise InputError(
                    f"{spec.model}: sample {question.row} of {question.task.name} needs {tokens} tokens, "
                    f"over the context length of {opened.longest}; give a smaller --length."
                )
        self.layout = layout_of(spec.layout, opened.tokenizer, questions)

    def load(self) -> None:
        """Read the weights."""
        loaded = self._opened.load()
        self.predictor = loaded.predictor
        self.facts = loaded.facts | {"chat_template": bool(self._opened.tokenizer.chat_template)}

    def write(self, question: Question) -> list[int]:
        length = self._spec.length or answer_length(question)
        return [*prompt_ids(self._opened.tokenizer, question), *[self._opened.mask_id] * length]

    def read(self, question: Question, answer: list[int]) -> str:  # noqa: ARG002
        assert self.end is not None
        return text_of(self._opened.tokenizer, answer, self.end)[0]


class _Decodes:
    """A model with one rule."""

    def __init__(self, spec: DiffusionModel, writer: Writer, policy: str) -> None:
        self._spec, self._writer, self._policy = spec, writer, parse_policy(policy)

    @property
    def settings(self) -> dict[str, Any]:
        spec = self._spec
        length = {} if spec.length is None else {"length": spec.length}
        return {
            "model": self._writer.facts["model"],
            "facts": self._writer.facts,
            "policy": str(self._policy),
            "temperature": str(check_temperature(spec.temperature)),
            "seed": spec.seed,
            "layout": self._writer.layout,
            "end": self._writer.end,
            **length,
            **spec.decoding.differences(),
        }

    def answers(self, questions: Sequence[Question]) -> Iterator[list[Answered]]:
        groups: dict[tuple[int, int], list[tuple[Question, list[int]]]] = defaultdict(list)
        for question in questions:
            tokens = self._writer.write(question)
            groups[len(tokens), tokens.count(self._writer.predictor.mask_id)].append((question, tokens))
        for (length, masks), rows in groups.items():
            predictor = self._writer.predictor
            size = self._spec.batch or batch_size(predictor.device, length * predictor.vocab_size)

            def work(batch: Sequence[tuple[Question, list[int]]], masks: int = masks) -> list[Answered]:
                return self._decoded(batch, masks)

            yield from halving_batches(rows, work, size)

    def _decoded(self, batch: Sequence[tuple[Question, list[int]]], masks: int) -> list[Answered]:
        spec, predictor, end = self._spec, self._writer.predictor, self._writer.end
        first = batch[0][0]
        generator = torch.Generator(predictor.device)
        generator.manual_seed(((spec.seed << 32) + first.row) % (1 << 63))
        done = decode(
            spec.decoding.reads(predictor, self._policy),
            torch.tensor([tokens for _, tokens in batch], device=predictor.device),
            self._policy,
            generator=generator,
            temperature=check_temperature(spec.temperature),
            batch_size=len(batch),
            end=end,
            **spec.decoding.switches(self._writer.facts.get("dtype", "float32")),
        )
        found: list[Answered] = []
        parts = (done.tokens[:, -masks:], done.steps, done.steps_to_end)
        for (question, _), ids, steps, to_end in zip(batch, *(part.tolist() for part in parts), strict=True):
            used = ids.index(end) + 1 if end in ids else len(ids)
            answer = Answer(
                output=self._writer.read(question, ids),
                steps=steps,
                positions=masks if spec.decoding.stop is None else used,
                steps_to_end=to_end,
                tokens=used,
            )
            found.append((question, answer))
        return found
