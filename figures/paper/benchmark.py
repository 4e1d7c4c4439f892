"""Figures 3 to 25 and Tables 5 to 7, beside a perfect model where one is known."""

from __future__ import annotations

from figures.benchmark.averages import FIGURE as AVERAGES
from figures.benchmark.figure import benchmark_figure
from figures.benchmark.models import FIGURE as MODELS
from figures.benchmark.scatter import FIGURE as SCATTER

__all__ = ["FIGURES"]

_MODELS = {
    21: "LLaDA 1.0",
    22: "LLaDA 1.5",
    23: "Dream",
    24: "DiffuCoder",
    25: "LLaDA 1.5 with a prefix cache",
}
_RULES = "with random, confident and left-to-right top-k, and the threshold."
_DREAM = (
    " The perfect model has Dream's schedule, in single precision on a CPU. Two tokens per step by confidence are then "
    "always right on Shuffle, near the published scores of Dream; in even steps of two they are in 42 %."
)
_ABOUT = {
    3: ("Score over tokens per step", f"LLaDA 1.5 on ten tasks {_RULES}"),
    4: (
        "Autoregressive models and Mercury on longer lists",
        "Reverse and Shuffle of 5 to 20 people. An autoregressive model decodes one token at a time, which loses "
        "nothing on lists of any length. Mercury's sampler is not published.",
    ),
    5: (
        "Score by block length",
        "LLaDA 1.5 in random order with two tokens per step. A block of four holds one whole person, whose two "
        "names are drawn at once: Shuffle dips there for a perfect model as well.",
    ),
    8: (
        "Remedies: chain of thought, remasking, fine-tuning",
        "LLaDA 1.5 with top-k by confidence (the caption says random; the points equal those by confidence). The paper "
        "has a panel for each remedy; here each task has one.",
    ),
    9: ("Four rankings of top-k", "LLaDA 1.5 with top-k by random, confidence, margin and entropy."),
    10: (
        "Four rankings of top-k on texts",
        "LLaDA 1.5; the combined score of the texts (metrics times grammar).",
    ),
    11: (
        "Threshold and factor",
        "LLaDA 1.5 with adaptive numbers of tokens per step. The lines lie at the tokens per step of a perfect model, "
        "which differ from those published for the same settings.",
    ),
    12: (
        "Threshold and factor on texts",
        "LLaDA 1.5; the combined score of the texts (metrics times grammar).",
    ),
    13: (
        "With and without a prefix cache",
        "LLaDA 1.5 with top-k by confidence and the threshold. The rule is the same with a cache, and so is the "
        "perfect model: what the cache costs is an error of the model.",
    ),
    14: ("Score by block length and ranking", "LLaDA 1.5 with two tokens per step by random and confidence."),
    15: (
        "Texts by block length and ranking",
        "LLaDA 1.5 with two tokens per step; the score is the grammar alone.",
    ),
    16: (
        "LLaDA 1.5, fine-tuned",
        "Ten panels under the paper's labels, which are not reliable. Four are identified by lines of other figures "
        "that they equal: reverse is Shuffle, replace_index is Replace Random, remove_random is Replace Index, and "
        "sort is the pretrained model on Sort. The others have no perfect model here, since their task is not known.",
    ),
    17: (
        "Chain of thought",
        "LLaDA 1.5 with 256 positions and an answer after some reasoning, whose law is unknown.",
    ),
    18: (
        "Remasking with RCR",
        "LLaDA 1.5. Tokens per step of RCR are those of its settings, not measured calls.",
    ),
    19: (
        "Remasking with ReMDM",
        "LLaDA 1.5. ReMDM takes one step more than its number of tokens per step says.",
    ),
    20: (
        "SEDD by total steps",
        "SEDD 90M, absorbing and uniform, fine-tuned and sampled at temperature 1. Lines without crosses are a perfect "
        "model with the same sampler on four people, each one token, with equally spaced signals (in double "
        "precision). Published are other lists and layouts, so they judge no point.",
    ),
    **{
        number: (
            f"{model} on the 17 tasks",
            f"{model} {_RULES} Texts: the grammar alone." + (_DREAM if number in (23, 24) else ""),
        )
        for number, model in _MODELS.items()
    },
}

FIGURES = (
    *(benchmark_figure(number, title=title, about=about) for number, (title, about) in _ABOUT.items()),
    *(SCATTER, AVERAGES, MODELS),
)
