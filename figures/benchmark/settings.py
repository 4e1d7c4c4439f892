"""The decoder settings behind the published points of the benchmark.

A series of a figure is one rule at several settings. Top-k: k = 1, 2, 4, .., 32; "left to right" is a block of k
positions, decoded at once. Threshold: gamma = 1, 0.9, .., 0.5, with ``>=`` as in the released code; smaller ones take
more tokens per step. Factor: f = 0.7, 1, 1.3, 1.6, 1.9. By block length: two tokens per step.

Dream and DiffuCoder have top-k by Dream's schedule with eps = 0, whose sizes are truncated in float32: two tokens per
step are 2, 1, 2, 2, .., 2 and 3. Source: arXiv 2510.04767 and the configurations of its repository, with
``model/dream_model.py`` and ``model/dream_model_utils.py`` (72de8f7).
"""

from __future__ import annotations

from collections.abc import Sequence

from synthetic.parallelbench.settings import FACTORS, GAMMAS

__all__ = ["DREAM", "LISTS", "PUZZLES", "SERIES", "TASKS", "TEXTS", "policies_of"]

DREAM = ("Dream 7B", "DiffuCoder")
"""The models that Dream's sampler runs."""
TOKENS = (1, 2, 4, 8, 16, 32)
BLOCKS = (2, 4, 8, 16, 32)
SERIES = {
    "random_topk": "random",
    "confidence_topk": "confidence",
    "margin_topk": "margin",
    "entropy_topk": "entropy",
    "left_to_right_topk": "left to right",
    "confidence_threshold": "threshold",
    "confidence_factor": "factor",
}
"""The rules of the figures with their names in the legend."""
LISTS = (
    *("copy", "reverse", "sort", "shuffle", "replace_index", "replace_random"),
    *("insert_index", "insert_random", "remove_index", "remove_random"),
)
"""The list tasks, in the order of the panels."""
PUZZLES = ("latin_square", "sudoku")
TEXTS = ("w2s_easy", "w2s_medium", "w2s_hard", "paraphrasing", "summarization")
TASKS = (*LISTS, *PUZZLES, *TEXTS)


def policies_of(series: str, x_name: str, *, dream: int | None = None) -> Sequence[str]:
    """Return the rule of each point of a series, in the order of more tokens per step, or of longer blocks.

    Args:
        series: The name of the published line.
        x_name: ``tokens_per_step`` or ``block_length``.
        dream: The positions of the output, for models with Dream's schedule.

    Example:
        >>> policies_of("left_to_right_topk", "tokens_per_step")[1]
        'topk:k=2,by=random,block=2'
        >>> policies_of("confidence_topk", "tokens_per_step", dream=32)[1]
        'dream:steps=16,by=confidence,eps=0'
    """
    rank = {"random_topk": "random", "margin_topk": "margin", "entropy_topk": "entropy"}.get(
        series, "confidence"
    )
    if x_name == "block_length":
        return [f"topk:k=2,by={rank},block={block}" for block in BLOCKS]
    if series == "left_to_right_topk":
        return [f"topk:k={k},by=random,block={k}" for k in TOKENS]
    if series == "confidence_threshold":
        return [f"threshold:gamma={gamma},strict=false" for gamma in GAMMAS]
    if series == "confidence_factor":
        return [f"factor:f={factor},variant=released" for factor in FACTORS]
    if dream is not None:
        return [f"dream:steps={dream // k},by={rank},eps=0" for k in TOKENS]
    return [f"topk:k={k},by={rank}" for k in TOKENS]
