"""The list tasks of Figures 3, 5, 9, 11, 14 and 21 to 24, beside a perfect model."""

from __future__ import annotations

from figures.benchmark.figure import benchmark_figure

__all__ = ["FIGURES"]

_MODELS = {21: "LLaDA 1.0", 22: "LLaDA 1.5", 23: "Dream", 24: "DiffuCoder"}

FIGURES = (
    benchmark_figure(
        3,
        title="Score over tokens per step, with a perfect model's",
        about="LLaDA 1.5 with random, confident and left-to-right top-k, and the threshold.",
    ),
    benchmark_figure(
        5,
        title="Score by block length, with a perfect model's",
        about="LLaDA 1.5 in random order with two tokens per step. A block of four holds one whole person, whose two "
        "names are drawn at once: Shuffle dips there for a perfect model as well.",
    ),
    benchmark_figure(
        9,
        title="Four rankings of top-k, with a perfect model's",
        about="LLaDA 1.5 with top-k by random, confidence, margin and entropy.",
    ),
    benchmark_figure(
        11,
        title="Threshold and factor, with a perfect model's",
        about="LLaDA 1.5 with adaptive numbers of tokens per step. The lines lie at the tokens per step of a perfect "
        "model, which differ from those published for the same settings.",
    ),
    benchmark_figure(
        14,
        title="Score by block length and ranking, with a perfect model's",
        about="LLaDA 1.5 with two tokens per step by random and confidence.",
    ),
    *(
        benchmark_figure(
            number,
            title=f"{model} on the list tasks, with a perfect model",
            about=f"{model} with random, confident and left-to-right top-k, and the threshold.",
        )
        for number, model in _MODELS.items()
    ),
)
