"""Plots of answers, on given or new Axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.drawing.axes import loss_axis, step_axis, upper_edge
from figures.drawing.frontier_curve import draw_curve
from figures.drawing.point_labels import write_beside
from figures.drawing.policy_tree import timetable
from figures.drawing.style import COLOURS, MARKS, new_figure
from parabounds.views import view_of
from theory.distributions.outcomes import sorted_tokens
from theory.distributions.pmf import JointPMF
from theory.validation import InputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot", "plot_marginals", "plot_trace"]

Answer = Mapping[str, Any]
_BITS = "KL(P || Q), bits"
_STEPS = "expected steps (model calls)"


def plot(kind: str, answer: Answer, ax: Axes | None = None) -> Axes:
    """Draw an answer."""
    if kind not in _PLOTS:
        raise InputError(f"{kind} has no plot.")
    axes = _axes(ax)
    _PLOTS[kind](answer, axes)
    axes.set_title(axes.get_title() or view_of(kind, answer).title, fontsize=9.5)
    return axes


def _axes(ax: Axes | None, width: float = 5.6, height: float = 3.6) -> Axes:
    if ax is not None:
        return ax
    import sys

    if {"ipykernel", "matplotlib.pyplot"} & set(
        sys.modules
    ):  # a notebook shows the figures that pyplot knows
        from matplotlib import pyplot

        return pyplot.subplots(figsize=(width, height), layout="constrained")[1]
    return new_figure(width=width, height=height)[1][0][0]


def _middle(value: Any) -> float:
    return float(value["estimate"] if isinstance(value, dict) else value)


def _bounds(answer: Answer, ax: Axes) -> None:
    lines = {
        "optimal_bound": ("best fixed blocks, $L^*_T$", "blue", "o"),
        "adaptive_bound": ("policies that look at the tokens, $V_T$", "vermillion", "s"),
        "randomized_bound": ("mixtures of fixed blocks", "green", "^"),
        "optimal_bound_by_context": ("blocks for each context", "purple", "D"),
    }
    drawn = [key for key in lines if answer.get(key)]
    if not drawn:
        raise InputError("there is no bound by steps to draw here.")
    for key in drawn:
        label, colour, mark = lines[key]
        bits = [_middle(value) for value in answer[key]]
        dashes = "-" if key == drawn[0] else "--"
        ax.plot(
            range(1, len(bits) + 1),
            bits,
            dashes,
            label=label,
            color=COLOURS[colour],
            marker=mark,
            markersize=4,
        )
    ax.set(xlabel="steps (model calls)", ylabel="least loss, bits")
    loss_axis(ax, max(_middle(value) for key in drawn for value in answer[key]))
    step_axis(ax, [1, *(len(answer[key]) for key in drawn)])
    ax.legend()


def _decode(answer: Answer, ax: Axes) -> None:
    calls = answer.get("steps_distribution")
    if not calls:
        raise InputError("the distribution of the model calls is not known here; there is nothing to draw.")
    ax.bar([r for r, _ in calls], [float(p) for _, p in calls], color=COLOURS["blue"], width=0.7)
    ax.set(xlabel="model calls of a run", ylabel="probability", ylim=(0, 1.05))
    step_axis(ax, [calls[0][0] - 1, calls[-1][0] + 1] if len(calls) == 1 else [r for r, _ in calls])


def _schedule(answer: Answer, ax: Axes) -> None:
    bits = [_middle(value) for value in answer["expected_kl"]]
    ax.plot(range(1, len(bits) + 1), bits, color=COLOURS["blue"], marker="o", markersize=4)
    ax.set(xlabel="steps (model calls)", ylabel="expected loss of the best sizes, bits")
    loss_axis(ax, max(bits))
    step_axis(ax, [1, len(bits)])


def _hull(vertices: Any, ax: Axes) -> None:
    points = [(float(v["steps"]), float(v["kl"])) for v in vertices]
    style: dict[str, Any] = {**MARKS["exact"], "marker": "o", "markersize": 4, "color": COLOURS["blue"]}
    ax.plot(*zip(*points, strict=True), label="least of all policies", **style)


def _compare(answer: Answer, ax: Axes) -> None:
    """Draw KL against steps, each policy with its name; those far above the rest stand at the upper edge."""
    rows = answer["policies"]
    if answer["vertices"]:
        _hull(answer["vertices"], ax)
    kls = [inf if row["kl"] is None else _middle(row["kl"]) for row in rows]
    edge = upper_edge(kls, max([float(v["kl"]) for v in answer["vertices"]], default=0.0))
    taus = list(dict.fromkeys(row["temperature"] for row in rows))
    labels: list[tuple[float, float, str]] = []
    beyond = 1.12 * edge  # where the marks of those stand that are not drawn to scale
    places_x = [float(v["steps"]) for v in answer["vertices"]]
    for number, tau in enumerate(taus):
        mine = [(row, kl) for row, kl in zip(rows, kls, strict=True) if row["temperature"] == tau]
        steps = [
            _middle(row["steps"] if row["steps_under_data"] is None else row["steps_under_data"])
            for row, _ in mine
        ]
        places = [beyond if kl > edge else kl for _, kl in mine]
        places_x += steps
        ax.plot(
            steps, places, "svDP*"[number % 5], markersize=7 - 2 * min(number, 2), linestyle="none", zorder=4 + number,
            color=COLOURS[("vermillion", "green", "purple", "orange", "black")[number % 5]],
            label=f"temperature {float(tau):g}" if len(taus) > 1 else "the policies named",
        )  # fmt: skip
        for (row, kl), x, y in zip(mine, steps, places, strict=True):
            said = "infinite" if kl == inf else f"{kl:.3g} bits"
            labels.append((x, y, f"{row['policy']}: {said}" if kl > edge else row["policy"]))
    far = any(kl > edge for kl in kls)
    if far:
        ax.axhline(1.05 * edge, color="#999999", linestyle=":", linewidth=0.8, label="above: not to scale")
    ax.set(xlabel=_STEPS, ylabel=_BITS)
    loss_axis(ax, edge, above=0.2 if far else 0.08)
    step_axis(ax, places_x)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    write_beside(ax, labels, fontsize=7)


def _policy(answer: Answer, ax: Axes) -> None:
    decisions = [d for policy in answer["policies"] for d in policy["decisions"]]
    n = 1 + max(i for d in decisions for i in d["block"])
    when, lost = timetable(answer["policies"], n, max(d["step"] for d in decisions))
    _grid(ax, when, [f"{t}: {bits:.3g} bits" for t, bits in enumerate(lost.tolist(), start=1)])
    ax.set(xlabel="position", ylabel="step: its loss")


def _grid(ax: Axes, values: Any, names: list[str], columns: list[str] | None = None) -> None:
    ax.imshow(values, cmap="cividis", vmin=0, vmax=1, aspect="auto")
    for t, i in np.argwhere(values > 0).tolist():
        colour = "black" if values[t, i] > 0.55 else "white"
        ax.text(i, t, f"{values[t, i]:.2g}", ha="center", va="center", fontsize=8, color=colour)
    ax.set_yticks(range(len(names)), names)
    ax.set_xticks(range(values.shape[1]), columns or [str(i) for i in range(values.shape[1])])
    ax.grid(visible=False)


def plot_trace(trace: Any, ax: Axes | None = None) -> Axes:
    """Draw which step reveals which position, with its token and the cost of the step."""
    n = len(trace.answer)
    axes = _axes(ax, height=1.4 + 0.4 * len(trace))
    shown = np.zeros((len(trace), n))
    for t, step in enumerate(trace):
        for i, token in step.tokens.items():
            shown[t, i] = 1
            axes.text(i, t, str(token), ha="center", va="center", fontsize=8)
    axes.imshow(shown, cmap="Blues", vmin=0, vmax=2.5, aspect="auto")
    costs = ["impossible" if s.cost is None else f"{float(s.cost):.3g} bits" for s in trace]
    axes.set_yticks(range(len(trace)), [f"{t}: {cost}" for t, cost in enumerate(costs, start=1)])
    axes.set_xticks(range(n))
    axes.grid(visible=False)
    axes.set(xlabel="position", ylabel="step: its cost", title=trace.policy)
    return axes


def plot_marginals(
    pmf: JointPMF, given: Mapping[int, Any], ax: Axes | None = None, *, title: str = ""
) -> Axes:
    """Draw the ideal marginals of every position given some tokens."""
    now = pmf.condition(given) if given else pmf
    tokens = sorted_tokens({token for alphabet in pmf.alphabets for token in alphabet})
    if len(tokens) * pmf.n > 2000:
        raise InputError(f"{len(tokens)} tokens at {pmf.n} positions are too many to draw.")
    values = np.zeros((len(tokens), pmf.n))
    for i in range(pmf.n):
        for (token,), p in now.marginal([i]):
            values[tokens.index(token), i] = float(p)
    axes = _axes(ax, width=max(3.4, 2.2 + 0.5 * pmf.n), height=1.4 + 0.24 * len(tokens))
    _grid(axes, values, [str(token) for token in tokens])
    known = ", ".join(f"{i}: {token}" for i, token in given.items())
    axes.set(xlabel="position", ylabel="token", title=f"{title}, given {known}" if known else title)
    return axes


_PLOTS: dict[str, Callable[[Answer, Any], None]] = {
    "bounds": _bounds,
    "compare": _compare,
    "decode": _decode,
    "frontier": draw_curve,
    "policy": _policy,
    "schedule": _schedule,
}
