"""The rules of the frontier figure, the values of their parameters, and their families."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CURVES", "FAMILIES", "Curve", "specs_of"]

# family -> (colour of figures.drawing.style, marker, its size in points, what the legend says); shapes fit into each
# other
FAMILIES: dict[str, tuple[str, str, float, str]] = {
    "topk": ("blue", "o", 3.2, "top-k and schedules"),
    "order": ("sky", "s", 5.2, "by position (DUS, bisection)"),
    "threshold": ("vermillion", "^", 7.5, "thresholds and factors"),
    "entropy": ("green", "v", 7.5, "entropy budgets"),
    "pairs": ("black", "<", 10, "pairwise influence (DEMASK)"),
    "memory": ("purple", "D", 8.5, "memory or lookahead"),
    "remask": ("orange", "x", 4.5, "remasking"),
}


@dataclass(frozen=True)
class Curve:
    """A rule over its parameter.

    Attributes:
        name: Its name in tables.
        family: Its family.
        pattern: A specification with ``{}`` for the parameter.
        values: Values of the parameter; ``counts`` means 1 .. number of positions, only some of them for long outcomes.
        heavy: Whether it has too many states for tasks of more than six positions.
    """

    name: str
    family: str
    pattern: str
    values: tuple[str, ...] | str
    heavy: bool = False


_GAMMAS = ("1/4", "2/5", "1/2", "3/5", "7/10", "4/5", "9/10", "1")
_FACTORS = ("1/2", "7/10", "1", "13/10", "8/5", "19/10", "5/2")
_BITS = ("0", "1/100", "1/10", "1/4", "1/2", "1", "3/2", "2", "3")

CURVES: tuple[Curve, ...] = (
    Curve("top-k random", "topk", "topk:k={},by=random", "counts"),
    Curve("top-k confidence", "topk", "topk:k={}", "counts"),
    Curve("top-k margin", "topk", "topk:k={},by=margin", "counts"),
    Curve("top-k entropy", "topk", "topk:k={},by=entropy", "counts"),
    Curve("top-k left to right", "topk", "topk:k={},by=left_to_right", "counts"),
    Curve("top-k sampled confidence", "topk", "topk:k={},confidence=sampled", "counts", heavy=True),
    Curve("LLaDA schedule", "topk", "llada:steps={},by=confidence", "counts"),
    Curve("dllm schedule", "topk", "dllm:steps={},by=confidence", "counts"),
    Curve("Dream schedule", "topk", "dream:steps={},by=confidence", "counts"),
    Curve("MaskGIT schedule", "topk", "maskgit:steps={},by=confidence", "counts"),
    Curve("ancestral", "topk", "ancestral:steps={}", ("1", "2", "4", "8"), heavy=True),
    Curve("Plackett-Luce", "topk", "plackett_luce:k={},alg_temp=0.2", "counts"),
    Curve("PC-Sampler", "topk", "pc:k={}", "counts"),
    Curve("DUS", "order", "dus:base={}", ("2", "3", "4")),
    Curve("bisection", "order", "bisection:order={}", ("1", "2")),
    Curve("threshold", "threshold", "threshold:gamma={}", _GAMMAS),
    Curve(
        "threshold, released",
        "threshold",
        "threshold:gamma={},strict=false,confidence=sampled",
        _GAMMAS,
        True,
    ),
    Curve("dInfer threshold", "threshold", "dinfer:gamma={}", _GAMMAS),
    Curve("hierarchy", "threshold", "hierarchy:gamma={}", _GAMMAS),
    Curve("factor", "threshold", "factor:f={}", _FACTORS),
    Curve("factor, released", "threshold", "factor:f={},variant=released", _FACTORS),
    Curve("Frechet", "threshold", "frechet:delta={}", ("0", "1/8", "1/4", "1/2", "3/4")),
    Curve("EB-Sampler", "entropy", "eb:gamma={},by=confidence", _BITS),
    Curve("entropy sum", "entropy", "entropy_sum:eta={}", _BITS),
    Curve("DEMASK", "pairs", "demask:budget={}", ("0", "1/10", "3/10", "1/2", "1")),
    Curve("KLASS", "memory", "klass:tau={},eps=0.01", ("1/2", "3/5", "4/5", "9/10")),
    Curve("credit", "memory", "credit:gamma={}", ("1/2", "7/10", "9/10")),
    Curve("SlowFast", "memory", "slowfast:explore={}", ("1", "2", "3", "4")),
    Curve("LoPA", "memory", "lopa:gamma={},k=2,by=confidence", ("1/2", "7/10", "9/10"), heavy=True),
    Curve("ReMDM", "remask", "remdm:steps={},eta=1/5,variant=rescale", ("2", "3", "4"), heavy=True),
    Curve("ReMDM (LLaDA)", "remask", "remdm_llada:steps={},extra=1", ("2", "3", "4"), heavy=True),
    Curve("RCR", "remask", "rcr:steps={}", ("1", "2", "3", "4"), heavy=True),
    Curve("WINO", "remask", "wino:tau1={}", ("2/5", "3/5", "4/5"), heavy=True),
    Curve("Saber", "remask", "saber:least={}", ("1", "2", "3"), heavy=True),
)


def specs_of(curve: Curve, positions: int) -> list[str]:
    """Return the specifications of a curve for outcomes of ``positions`` positions."""
    if not isinstance(curve.values, str):
        return [curve.pattern.format(value) for value in curve.values]
    counts = range(1, positions + 1) if positions <= _FEW else (1, 2, 3, 4, 6, positions)
    return [curve.pattern.format(count) for count in counts]


_FEW = 6  # positions
