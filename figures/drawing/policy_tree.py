"""Plot of an adaptive policy, when it reveals each position and what each step loses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from figures.drawing.axes import whole_ticks
from figures.drawing.style import COLOURS, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["draw_policy", "timetable"]

_WRITTEN = 12  # positions up to which cells show their probabilities


def timetable(
    policies: Sequence[dict[str, Any]], n: int, steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the probability that step t reveals position i, shape (T, n), and the bits that step t loses, shape (T,).

    Both along the data, averaged over the contexts.

    Args:
        policies: From ``parabounds policy``, the ``weight`` and ``decisions`` of each context.
        n: The number of positions.
        steps: T.

    Example:
        >>> decision = {"step": 1, "block": [0], "probability": 1.0, "cost": 0.5}
        >>> timetable([{"weight": 1.0, "decisions": [decision]}], 1, 1)
        (array([[1.]]), array([0.5]))
    """
    when, lost = np.zeros((steps, n)), np.zeros(steps)
    for policy in policies:
        for decision in policy["decisions"]:
            share = policy["weight"] * decision["probability"]
            when[decision["step"] - 1, decision["block"]] += share
            lost[decision["step"] - 1] += share * decision["cost"]
    return when, lost


def draw_policy(answer: dict[str, Any]) -> Drawing:
    """Draw the timetable of the best policy and the bits of each step.

    Args:
        answer: The result of ``parabounds policy``.
    """
    decisions = [d for policy in answer["policies"] for d in policy["decisions"]]
    n = 1 + max(i for d in decisions for i in d["block"])
    steps = max(d["step"] for d in decisions)
    when, lost = timetable(answer["policies"], n, steps)
    parts = 1 + bool(lost.any())  # without bars if nothing is lost
    ratio = [max(4.4, 1.6 + 0.42 * n), 2.6]
    drawing, axes = new_figure(
        1, parts, width=sum(ratio[:parts]) + 0.6, height=1.9 + 0.42 * steps, sharey=True,
        width_ratios=ratio[:parts],
    )  # fmt: skip
    left = axes[0][0]
    shown = left.imshow(when, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    if n <= _WRITTEN:
        for t, i in np.argwhere(when > 0).tolist():
            colour = "black" if when[t, i] > 0.55 else "white"
            left.text(i, t, f"{when[t, i]:.2g}", ha="center", va="center", fontsize=8, color=colour)
    left.set(xlabel="position", ylabel="step", xticks=whole_ticks(0, n - 1), yticks=range(steps))
    left.set_yticklabels([str(t) for t in range(1, steps + 1)])
    left.set_title("P(step reveals position)")
    left.grid(visible=False)
    drawing.colorbar(shown, ax=left, label="probability")
    if parts == 2:
        right = axes[0][1]
        right.barh(range(steps), lost, color=COLOURS["vermillion"])
        right.set(xlabel="bits", title="KL lost by each step", xlim=(0, 1.1 * float(lost.max())))
        right.locator_params(axis="x", nbins=4)
    name = Path(str(answer["task"])).name
    most = int(answer["max_steps"])
    title = f"{name}, n = {answer['n']}: best policy of at most {most} step{'s' if most > 1 else ''}"
    said = f"KL {float(answer['kl']):.4g} bits, accuracy {float(answer['accuracy']):.4g}"
    drawing.suptitle(f"{title},\n{said}{'' if lost.any() else ': nothing is lost'}", fontsize=10)
    return drawing
