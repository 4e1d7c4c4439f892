"""One step of a run, and in a sentence why it takes what it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from parabounds.numbers import number

__all__ = ["Step", "sentence"]

Number = Any  # a Fraction, or a float of a float pmf or an irrational temperature


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        revealed: Tokens by position before the step.
        marginals: What the ideal model says of each masked position: probabilities by token.
        scores: By position that competes; empty for rules that rank nothing.
        ties: Positions whose score equals that of the last one taken, where not all of them are taken.
        sets: How many sets were possible, by the random choices of the policy.
        chosen: The positions taken.
        tokens: Those revealed, by position.
        cost: Bits, or ``None`` after an impossible token; minus infinity for a step that makes the answer impossible.
        drawn: The probability of drawing these tokens.
    """

    revealed: Mapping[int, Any] = field(repr=False)
    marginals: Mapping[int, Mapping[Any, Number]] = field(repr=False)
    scores: Mapping[int, Any] = field(repr=False)
    ties: tuple[int, ...]
    sets: int
    chosen: tuple[int, ...]
    tokens: Mapping[int, Any]
    cost: Any
    drawn: Number


def sentence(step: Step, t: int, by: str, policy: str) -> str:
    """Return why step t of a policy that ranks by a score takes its positions, and what it costs."""
    count, left = len(step.chosen), len(step.marginals)
    if not step.chosen:
        return f"Step {t} takes no position: {policy} goes by the clock and takes none here."
    what = f"Step {t} takes position{'s' if count > 1 else ''} {_list(step.chosen)}"
    if count == left:
        return f"{what}, all that is left. {_price(step)}"
    if by == "left_to_right":
        return f"{what}, the leftmost of {left} masked positions. {_price(step)}"
    if not step.scores or by == "random":
        tail = f", one of {step.sets} equally good sets, drawn at random" if step.sets > 1 else ""
        return f"{what}: {policy} takes {count} of {left} masked positions{tail}. {_price(step)}"
    sign = -1 if by == "entropy" else 1  # scores are higher where entropies are lower
    edge, unit = ("lowest", " bits") if by == "entropy" else ("highest", "")
    values = [sign * float(step.scores[i]) for i in step.chosen]
    span = f"{_span(number(min(values)), number(max(values)))}{unit}"
    why = f"{'its' if count == 1 else 'their'} {by or 'score'} of {span} is the {edge}"
    if step.ties:
        needed = sum(i in step.chosen for i in step.ties)
        drawn = "was" if needed == 1 else "were"
        why += f"; positions {_list(step.ties)} tie, and {needed} of these {len(step.ties)} {drawn} drawn at random"
    else:
        others = [sign * float(score) for i, score in step.scores.items() if i not in step.chosen]
        next_one = max(others, key=lambda value: sign * value) if others else None
        why += f" of {len(step.scores)} masked positions"
        why += "" if next_one is None else f", the next is {number(next_one)}{unit}"
    return f"{what}: {why}. {_price(step)}"


def _price(step: Step) -> str:
    if step.cost is None:
        return "The tokens before it are impossible already."
    if step.cost == -inf:
        return "The tokens drawn do not occur together: the answer is impossible now."
    drawn = f"drawn apart, their probability is {number(step.drawn)}"
    if len(step.chosen) == 1:
        drawn = f"its token has probability {number(step.drawn)}"
    if not isinstance(step.cost, float) and step.cost == 0:
        return f"It costs nothing ({drawn})."
    cost = number(step.cost)
    return f"It costs {cost} bit{'' if cost == '1' else 's'} ({drawn})."


def _span(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def _list(positions: Sequence[int]) -> str:
    *first, last = map(str, positions)
    return f"{', '.join(first)} and {last}" if first else last
