"""What Figure 2 shows of the paper's tasks, for a law too large to list: estimates with error bars.

- a, b: accuracy against tokens a step, at temperature 1 and 0; bars are exact 95 % intervals
- c: divergence along the path against steps, at temperature 1, both along runs of the data; bars are 1.96 standard
  errors, the guaranteed intervals are in the table

Every point is the ideal model decoded by one policy: top-k with k tokens a step, the factor rule, or the confidence
threshold. It is a sample, except what a Markov chain gives by formula, without a bar (at temperature 1: fixed blocks,
and the divergence of random order). For Markov chains c also shows `L*_T`, the least divergence of fixed blocks, up to
rounding, from T = 1 until it is zero; the frontier of adaptive policies needs a law that can be listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import inf, nan
from typing import TYPE_CHECKING, Any

from figures.check import Check, binomial_check, exact_check
from figures.families import FAMILIES, looks
from figures.figure import Cell, Figure, Row, Settings, derived_seed
from figures.style import MARKS, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["bounds_sampled", "certain_sampled", "decode_sampled", "sampled_figure"]

LOOKS = looks((4, 6, 8, 6, 5), elinewidth=0.8)
_LEGEND = """samples of the ideal model
bars: 95 % intervals (c: 1.96 standard errors)
no bar: by formula, or below the size of the mark"""
_SERIAL = 20  # runs of one token a step: n model calls each
_ROUNDING = 1e-9  # bits: of sums of a few hundred logarithms
_MOST_STEPS = 32  # of the top-k points: each step of a sample is a model call


def sampled_figure(name: str, law: dict[str, Any], digest: str) -> Figure:
    """Return the figure of a law given as an entry of a task file."""
    n = int(next(iter(law.values()))["length"])
    sizes = sorted({-(-n // steps) for steps in (1, 2, 4, 8, 16, _MOST_STEPS)})
    return Figure(
        name="figure2_task",
        title=f"Accuracy and divergence of parallel decoding, sampled: {name}",
        paper="as Figure 2, for a law of your own too large to list",
        about=__doc__,
        seconds=300,
        settings={
            "task": name,
            "law": digest,
            "k": sizes,
            "gamma": ["2/5", "1/2", "3/5", "7/10", "4/5"],
            "f": ["1", "2", "4"],
            "samples": 400,
        },
        fast={"k": [sizes[0], sizes[-1]], "gamma": ["1/2"], "f": ["2"], "samples": 60},
        cells=partial(cells, law),
        compute=compute,
        draw=draw,
        checks=checks,
    )


def policies(settings: Settings) -> list[tuple[str, str]]:
    """Return (family, specification) of every policy of the figure."""
    topk = [
        (by, f"topk:k={k},by={by}") for by in ("random", "confidence", "left_to_right") for k in settings["k"]
    ]
    threshold = [("threshold", f"threshold:gamma={gamma}") for gamma in settings["gamma"]]
    return [*topk, *threshold, *(("factor", f"factor:f={f}") for f in settings["f"])]


def cells(law: dict[str, Any], settings: Settings) -> list[Cell]:
    """Return the bounds, what must hold, then one decode a policy and temperature."""
    seed, samples = settings["seed"], settings["samples"]
    blocks = [spec for family, spec in policies(settings) if family == "left_to_right"]
    given = {"law": law, "seed": derived_seed(seed, "certain"), "samples": samples, "policies": blocks}
    out = [
        Cell(function=bounds_sampled, kwargs={"law": law}),
        Cell(function=certain_sampled, kwargs=given),
    ]
    for tau in (1, 0):
        for _, spec in policies(settings):
            kwargs = {"law": law, "policy": spec, "temperature": tau, "samples": samples}
            out.append(
                Cell(function=decode_sampled, kwargs={**kwargs, "seed": derived_seed(seed, spec, tau)})
            )
    return out


def decode_sampled(
    *, law: dict[str, Any], policy: str, temperature: int, samples: int, seed: int
) -> dict[str, Any]:
    """Return the answer of ``python -m theory decode``; infinity is the text "inf"."""
    from theory import CostError, parse_policy
    from theory.structured.decode_answers import large_decode
    from theory.taskfile import FileTask

    task, rule = FileTask(name="", parts=()), parse_policy(policy)
    try:
        answer = large_decode(task, _law(law), rule, samples=samples, seed=seed, temperature=temperature)
    except CostError as error:
        return {"refused": str(error)}
    return {key: "inf" if value == inf else value for key, value in answer.items()}


def bounds_sampled(*, law: dict[str, Any]) -> list[float]:
    """Return `L*_T` of a Markov chain for T = 1, 2, ... up to the first zero; nothing for other laws."""
    from theory.limits import CostError
    from theory.structured import MarkovLaw, chain_optimal_bounds

    made = _law(law)
    try:
        return list(chain_optimal_bounds(made).values) if isinstance(made, MarkovLaw) else []
    except CostError:
        return []


def certain_sampled(*, law: dict[str, Any], policies: list[str], samples: int, seed: int) -> dict[str, Any]:
    """Return what one token a step loses (nothing), and sampled against exact accuracies of fixed blocks of a chain."""
    import numpy as np

    from theory import parse_policy
    from theory.structured import MarkovLaw
    from theory.structured.fixed import fixed_schedule
    from theory.structured.gap_decode import chain_accuracy
    from theory.structured.sampled_run import follow_data, sample_runs

    made, rng = _law(law), np.random.default_rng(seed)
    one = parse_policy("topk:k=1,by=random")
    runs = sample_runs(made, one, samples=_SERIAL, rng=rng)
    along = follow_data(made, one, samples=_SERIAL, rng=rng)
    out: dict[str, Any] = {"valid": int(made.contains(runs.tokens).sum())}
    out["lost"] = float(np.abs(along.log_p - along.log_q).max())
    out["blocks"] = []
    for spec in policies if isinstance(made, MarkovLaw) else []:
        known = fixed_schedule(parse_policy(spec), made.n)
        assert known is not None
        assert known.partition is not None
        drawn = sample_runs(made, parse_policy(spec), samples=samples, rng=rng).tokens
        exact = min(
            1.0, chain_accuracy(made, known.partition)
        )  # a sum of products may exceed one by a rounding
        out["blocks"].append([spec, int(made.contains(drawn).sum()), samples, exact])
    return out


def _law(entry: dict[str, Any]) -> Any:
    from theory.structured.taskfile import read_structured

    ((kind, data),) = entry.items()
    return read_structured(kind, data, None, normalise=False)


_COLUMNS = ("tokens_per_step", "steps", "steps_under_data", "accuracy", "path_kl")
_ENDS = ("standard_error", "low", "high")


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row a policy and temperature, one a T, and one for each thing that must hold."""
    bounds, certain, *decodes = results
    found = iter(decodes)
    rows: list[Row] = []
    for tau in (1, 0):
        for family, spec in policies(settings):
            rows.append({"source": "decode", "family": family, "policy": spec, "temperature": tau})
            rows[-1] |= _numbers(next(found))
    for t, bits in enumerate(bounds, start=1):
        rows.append({"source": "bound", "steps_under_data": float(t), "path_kl": bits})
    rows.append(
        {"source": "serial", "samples": _SERIAL, "successes": certain["valid"], "path_kl": certain["lost"]}
    )
    for spec, successes, samples, exact in certain["blocks"]:
        rows.append({"source": "blocks", "policy": spec, "successes": successes, "samples": samples})
        rows[-1]["accuracy"] = exact
    names = ["source", "family", "policy", "temperature", "samples", "successes"]
    names += [f"{name}{end}" for name in _COLUMNS for end in ("", *(f"_{e}" for e in _ENDS))]
    return [{name: row.get(name) for name in (*names, "refused")} for row in rows]


def _numbers(answer: dict[str, Any]) -> Row:
    """Return the answer with each estimate in a column, and the rest of it in others."""
    out: Row = {key: answer.get(key) for key in ("samples", "refused")}
    for name in _COLUMNS:
        value = answer.get(name)
        if isinstance(value, dict):
            out[name] = value["estimate"]
            out |= {f"{name}_{end}": value.get(end) for end in _ENDS}
        else:
            out[name] = value
    return out


def draw(rows: list[Row], settings: Settings) -> Drawing:
    """Draw the three panels and the legend."""
    drawing, axes = new_figure(2, 2, width=8.6, height=6.6)
    for ax, tau, letter in ((axes[0][0], 1, "a"), (axes[0][1], 0, "b")):
        _draw_families(ax, [row for row in rows if row["temperature"] == tau], "tokens_per_step", "accuracy")
        ax.set(xlabel="tokens a step", ylabel="accuracy", ylim=(-0.03, 1.03))
        _log_axis(ax)
        ax.set_title(rf"{letter}  $\tau$ = {tau}")
    ax = axes[1][0]
    line = [row for row in rows if row["source"] == "bound"]
    grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
    ax.plot([row["steps_under_data"] for row in line], [row["path_kl"] for row in line], **grey)
    _draw_families(ax, [row for row in rows if row["temperature"] == 1], "steps_under_data", "path_kl")
    ax.set(xlabel="expected steps (along the data)", ylabel="divergence along the path, bits")
    _log_axis(ax)
    ax.set_title(r"c  $\tau$ = 1")
    _draw_legend(axes[1][1], bounds=bool(line))
    drawing.suptitle(settings["task"], fontsize=10)
    return drawing


def _log_axis(ax: Axes) -> None:
    """Scale x by logarithms, with ticks at 1, 2 and 5 times the powers of ten, written as plain numbers."""
    from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    ax.xaxis.set_minor_locator(NullLocator())


def _draw_families(ax: Axes, rows: list[Row], x: str, y: str) -> None:
    for family, look in LOOKS.items():
        mine = [row for row in rows if row["family"] == family and isinstance(row[y], float)]
        mine.sort(key=lambda row: row[x])
        bars = [_bar(row, y) for row in mine]
        reach = [[low for low, _ in bars], [high for _, high in bars]]
        ax.errorbar([row[x] for row in mine], [row[y] for row in mine], yerr=reach, **look)


def _bar(row: Row, y: str) -> tuple[float, float]:
    """Return how far the bar reaches below and above; not a number, so no bar, for what is no estimate."""
    if row[f"{y}_low"] is None:
        return nan, nan
    if y == "accuracy":
        return row[y] - row[f"{y}_low"], row[f"{y}_high"] - row[y]
    return 1.96 * row[f"{y}_standard_error"], 1.96 * row[f"{y}_standard_error"]


def _draw_legend(ax: Axes, *, bounds: bool) -> None:
    from matplotlib.lines import Line2D

    ax.set_axis_off()
    looks = {family: {k: v for k, v in look.items() if k != "elinewidth"} for family, look in LOOKS.items()}
    handles = [Line2D([], [], label=label, **looks[name]) for name, label in FAMILIES.items()]
    if bounds:
        grey: dict[str, Any] = {**MARKS["exact_other"], "color": "#444444", "marker": "."}
        handles.append(Line2D([], [], **grey, label="c: L*_T, best fixed partition"))
    ax.legend(handles=handles, loc="center left", fontsize=9, title=_LEGEND)


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """What must hold of every law: one token a step loses nothing, and fixed blocks of a chain follow the formula."""
    out: list[Check] = []
    for row in rows:
        if row["source"] == "serial":
            out.append(exact_check("topk:k=1: every answer is possible", row["successes"], row["samples"]))
            out.append(exact_check("topk:k=1: P(y) = Q(y) along the data", row["path_kl"] < _ROUNDING, True))
        elif row["source"] == "blocks":
            name = f"{row['policy']}: sampled accuracy"
            out.append(binomial_check(name, row["successes"], row["samples"], row["accuracy"]))
    return out
