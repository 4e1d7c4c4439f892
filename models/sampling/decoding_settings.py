"""The settings of a decode beside rule and temperature, which released decoders differ in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any

import torch

from models.predictors.answer_columns import wrapped
from models.predictors.guidance import Guided
from models.predictors.kv_cache import CACHES, KVCache
from models.predictors.predictor import MaskedPredictor
from theory.distributions.tempering import Transform
from theory.validation import InputError, choice

__all__ = ["CONFIDENCE", "Decoding"]

CONFIDENCE = ("float64", "float32", "bfloat16", "float16", "model")


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How tokens are drawn and scored, and how the model is called.

    Attributes:
        greedy_ties: As in :class:`theory.distributions.tempering.Transform`, as the next four.
        top_p: See there.
        top_k: See there.
        nucleus: See there.
        scored: See there.
        confidence_dtype: The dtype of the probabilities that the rule reads; ``model`` for that of the model.
        ranked_last: Tokens that may be drawn, but a position that would get one is taken last (the soft form of
            suppression).
        stop: A token, such as EOS, at which a row ends: once nothing before it is masked, what is masked becomes it.
        cache: ``none``, ``prefix`` or ``dual``, see :mod:`models.predictors.kv_cache`.
        guidance: Strength of classifier-free guidance, 0 for none.

    Example:
        >>> Decoding(top_p="9/10").differences()
        {'top_p': '9/10'}
    """

    greedy_ties: str = "random"
    top_p: str | None = None
    top_k: str | None = None
    nucleus: str = "keep"
    scored: str = "before"
    confidence_dtype: str = "float64"
    ranked_last: tuple[int, ...] = ()
    stop: int | None = None
    cache: str = "none"
    guidance: float = 0.0

    def __post_init__(self) -> None:
        Transform(**self.truncation())
        if self.nucleus != "keep" and self.top_p is None:
            raise InputError("--nucleus decides about the token that crosses --top-p; give --top-p too.")
        choice(self.confidence_dtype, "confidence dtype", CONFIDENCE)
        choice(self.cache, "cache", CACHES)
        if not (isfinite(self.guidance) and self.guidance >= 0):
            raise InputError(f"guidance must be at least 0, got {self.guidance}.")
        if self.guidance and self.cache != "none":
            raise InputError("guidance and a cache do not go together; no released decoder has both.")

    def truncation(self) -> dict[str, Any]:
        """Return the switches that an exact decode has as well, those that are not the default."""
        names = ("greedy_ties", "top_p", "top_k", "nucleus", "scored")
        return {name: value for name, value in self.differences().items() if name in names}

    def differences(self) -> dict[str, Any]:
        """Return the settings that are not the default, as JSON values."""
        usual = {name: field.default for name, field in type(self).__dataclass_fields__.items()}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != usual[name]
        }

    def switches(self, dtype: str) -> dict[str, Any]:
        """Return the switches of :func:`models.sampling.decode.decode` for a model of this dtype."""
        name = dtype if self.confidence_dtype == "model" else self.confidence_dtype
        return {
            **self.truncation(),
            "confidence_dtype": None if name == "float64" else getattr(torch, name),
            "ranked_last": self.ranked_last,
            "stop": self.stop,
        }

    def reads(self, predictor: MaskedPredictor, policy: Any) -> MaskedPredictor:
        """Return the model with its cache or guidance; a cache has the blocks of the policy."""
        if self.cache != "none":
            block = getattr(policy, "block", None)
            return wrapped(predictor, lambda inner: KVCache(inner, self.cache, block=block))
        if self.guidance:
            return wrapped(predictor, lambda inner: Guided(inner, self.guidance))
        return predictor
