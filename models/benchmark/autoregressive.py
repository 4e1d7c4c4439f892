"""Autoregressive models on the benchmark, read from a directory by transformers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from models.benchmark.chat import check_end, prompt_ids, text_of
from models.benchmark.questions import Answer, Answered, Answerer, Question
from models.predictors.device import check_device
from models.predictors.huggingface_files import check_directory, check_finite, check_loaded, fingerprint
from models.predictors.huggingface_options import HFOptions
from models.predictors.huggingface_predictor import LONGEST
from models.predictors.huggingface_tokenizer import load_tokenizer
from models.predictors.huggingface_versions import one_line, quiet, transformers
from models.runs.halving_batches import batch_size, halving_batches
from models.runs.shares import local_device
from theory.distributions.tempering import check_temperature
from theory.validation import InputError

__all__ = ["ANSWERS", "AutoregressiveModel", "is_autoregressive"]

ANSWERS = "answers"  # the name of the one setting
NEW_TOKENS = 1024  # of the paper
ONE_BY_ONE = "topk:k=1,by=left_to_right"  # what it is as a decoder


def is_autoregressive(directory: str) -> bool:
    """Return whether the configuration of a directory names a causal model that transformers knows.

    Raises:
        InputError: If the directory has no sound configuration and weights.
    """
    config = check_directory(Path(directory))
    auto = transformers().models.auto.modeling_auto
    causal, masked = (
        set(getattr(auto, f"MODEL_FOR_{kind}_LM_MAPPING_NAMES").values()) for kind in ("CAUSAL", "MASKED")
    )
    named = set(config.get("architectures") or ())
    return "auto_map" not in config and bool(named & causal) and not named & masked


@dataclass(frozen=True, kw_only=True)
class AutoregressiveModel:
    """A model that writes one token per call from left to right.

    Attributes:
        model: Its directory.
        temperature: tau >= 0, as text.
        seed: Of the draws.
        batch: First batch size; chosen by memory if ``None``.
        length: Most new tokens; 1024 as in the paper if ``None``.
        end: The end token; that of the tokenizer if ``None``.
        options: Device and dtype.
    """

    model: str
    temperature: str = "0"
    seed: int = 0
    batch: int | None = None
    length: int | None = None
    end: int | None = None
    options: HFOptions

    @property
    def device(self) -> str:
        """Where it computes."""
        return self.options.device

    def names(self) -> list[str]:
        """Return its one name."""
        return [ANSWERS]

    def load(self, questions: Sequence[Question]) -> list[Answerer]:
        """Return the model; all questions are written before the weights are read."""
        options = replace(self.options, device=local_device(self.options.device))
        check_device(options.device)
        directory = Path(self.model)
        raw = check_directory(directory)
        tokenizer = load_tokenizer(directory, False)
        end = tokenizer.eos_token_id if self.end is None else self.end
        if end is None:
            raise InputError(f"{self.model}: the tokenizer names no end token; give --end-token ID.")
        check_end(end, tokenizer)
        new = self.length or NEW_TOKENS
        limits = (raw.get("max_position_embeddings"), raw.get("n_positions"))
        longest = min([LONGEST, *(int(limit) for limit in limits if limit)])
        for question in questions:
            if (tokens := len(prompt_ids(tokenizer, question)) + new) > longest:
                raise InputError(
                    f"{self.model}: sample {question.row} of {question.task.name} needs {tokens} tokens with {new} "
                    f"new ones, over the context length of {longest}; give a smaller --length."
                )
        model = _weights(self.model, options)
        return [_Writes(self, model, tokenizer, int(end), new)]


def _weights(source: str, options: HFOptions) -> Any:
    package = transformers()
    dtype = "float32" if options.dtype == "auto" and options.device == "cpu" else options.dtype
    key = "dtype" if int(package.__version__.split(".")[0]) >= 5 else "torch_dtype"
    with quiet(), one_line(f"the model {source}"):
        model, info = package.AutoModelForCausalLM.from_pretrained(
            source,
            local_files_only=True,
            use_safetensors=True,
            output_loading_info=True,
            **{key: dtype if dtype == "auto" else getattr(torch, dtype)},
        )
    check_loaded(source, info)
    check_finite(source, model)
    return model.requires_grad_(False).eval().to(options.device)


class _Writes:
    """A loaded model."""

    def __init__(self, spec: AutoregressiveModel, model: Any, tokenizer: Any, end: int, new: int) -> None:
        self._spec, self._model, self._tokenizer, self._end, self._new = spec, model, tokenizer, end, new

    @property
    def settings(self) -> dict[str, Any]:
        return {
            "model": Path(self._spec.model).name,
            "facts": {
                "architecture": type(self._model).__name__,
                "sha256": fingerprint(Path(self._spec.model)),
                "dtype": str(self._model.dtype).removeprefix("torch."),
                "chat_template": bool(self._tokenizer.chat_template),
            },
            "policy": ONE_BY_ONE,
            "temperature": str(check_temperature(self._spec.temperature)),
            "seed": self._spec.seed,
            "layout": "names",  # from left to right one by one every layout has the same score
            "end": self._end,
            "length": self._new,
        }

    def answers(self, questions: Sequence[Question]) -> Iterator[list[Answered]]:
        groups: dict[int, list[tuple[Question, list[int]]]] = defaultdict(list)
        for question in questions:  # prompts of one length need no padding
            ids = prompt_ids(self._tokenizer, question)
            groups[len(ids)].append((question, ids))
        entries = int(self._model.config.vocab_size)
        for length, rows in groups.items():
            size = self._spec.batch or batch_size(self._model.device, (length + self._new) * entries)
            yield from halving_batches(rows, self._written, size)

    @torch.no_grad()
    def _written(self, batch: Sequence[tuple[Question, list[int]]]) -> list[Answered]:
        ids = torch.tensor([ids for _, ids in batch], device=self._model.device)
        tau = float(check_temperature(self._spec.temperature))
        drawn = {"do_sample": True, "temperature": tau} if tau else {"do_sample": False, "temperature": None}
        devices = [self._model.device] if self._model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices), quiet():
            torch.manual_seed(((self._spec.seed << 32) + batch[0][0].row) % (1 << 63))
            out = self._model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=self._new,
                eos_token_id=self._end,
                pad_token_id=self._end,
                top_p=None if not tau else 1.0,
                top_k=None if not tau else 0,
                **drawn,
            )
        found: list[Answered] = []
        for (question, _), row in zip(batch, out[:, ids.shape[1] :].tolist(), strict=True):
            text, used = text_of(self._tokenizer, row, self._end)
            answer = Answer(output=text, steps=used, positions=used, steps_to_end=used, tokens=used)
            found.append((question, answer))
        return found
