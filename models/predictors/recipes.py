"""Training recipes, with everything that decides the trained weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from models.predictors.transformer import ModelConfig
from synthetic.encoding import Encoding
from theory.validation import InputError, choice, positive_int

__all__ = ["PRESETS", "Recipe", "recipe"]

# the sampled tasks are harder than the deterministic ones
TASKS = {"copy": 1.0, "replace_index": 1.5, "replace_random": 2.5, "shuffle": 3.0}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The recipe of a training run, with AdamW, warm-up then cosine to zero, and fresh data every step.

    Attributes:
        name: The name of the files.
        model: Shape of the model.
        items: Number of words.
        shortest: Smallest n trained.
        longest: Largest n trained; each step draws one n in between.
        tasks: Task names with their shares of a batch.
        steps: Optimiser steps.
        batch: Sequences per step, over all workers.
        rate: Peak learning rate.
        warmup: Share of the steps with a rising rate.
        decay: Weight decay of the matrices.
        clip: Largest norm of the gradient.
        half: Compute in bfloat16 on cuda.
        seed: The seed of the initial weights and of all data.
    """

    name: str
    model: ModelConfig = field(default_factory=ModelConfig)
    items: int = 32
    shortest: int = 4
    longest: int = 16
    tasks: dict[str, float] = field(default_factory=lambda: dict(TASKS))
    steps: int = 5000
    batch: int = 128
    rate: float = 3e-3
    warmup: float = 0.03
    decay: float = 0.01
    clip: float = 1.0
    half: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("items", "shortest", "longest", "steps", "batch"):
            object.__setattr__(self, name, positive_int(getattr(self, name), name))
        if self.shortest > self.longest:
            raise InputError(f"shortest must be at most longest, got {self.shortest} and {self.longest}.")
        if not self.tasks or min(self.tasks.values()) <= 0:
            raise InputError("tasks must name at least one task, each with a positive share.")
        if self.seed < 0:
            raise InputError(f"seed must be at least 0, got {self.seed}.")

    @property
    def encoding(self) -> Encoding:
        """The token ids of the model."""
        return Encoding(items=self.items, longest=self.longest, names=tuple(self.tasks))

    def to_json(self) -> dict[str, Any]:
        """Return all fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recipe:
        """Return the recipe with these fields.

        Raises:
            InputError: If a field is unknown, missing or out of range.
        """
        try:
            fields: dict[str, Any] = {**values, "model": ModelConfig(**values["model"])}
            return cls(**fields)
        except (TypeError, KeyError, AttributeError) as error:
            raise InputError(f"not a recipe: {error}.") from None


_PLAIN = ModelConfig(width=64, layers=3, copy_scores=False)
_LARGE = ModelConfig(width=256, layers=6, heads=8, copy_scores=False)
_UNIFORM = ModelConfig(noise="uniform")
_UNIFORM_TASKS = {"replace_random": 1.5, "shuffle": 1.0}
_WAITING_LINE = {  # the ten list tasks of ParallelBench, each item a token
    **{"copy": 0.2, "reverse": 0.4, "sort": 1.2, "shuffle_strict": 3.0},
    **{"replace_index": 0.5, "insert_index": 0.5, "remove_index": 0.5},
    **{"replace_random": 2.0, "insert_random": 3.0, "remove_random": 2.5},
}

PRESETS = {
    preset.name: preset
    for preset in (
        Recipe(name="smoke", longest=8, steps=300, batch=64),
        Recipe(name="small"),
        Recipe(name="plain", model=_PLAIN, steps=10000, rate=2e-3),
        Recipe(name="uniform", model=_UNIFORM, longest=6, steps=10000, tasks=_UNIFORM_TASKS),
        Recipe(name="lists", items=16, shortest=3, longest=6, steps=15000, tasks=_WAITING_LINE),
        Recipe(name="large", model=_LARGE, steps=20000, batch=2048, rate=1e-3, half=True),
    )
}


def recipe(name: str, *, steps: int | None = None, seed: int | None = None) -> Recipe:
    """Return a preset, with other steps or another seed if given.

    Example:
        >>> recipe("small", steps=600).steps
        600
    """
    preset = PRESETS[choice(name, "preset", PRESETS)]
    return replace(
        preset,
        steps=preset.steps if steps is None else steps,
        seed=preset.seed if seed is None else seed,
    )
