"""Figure 2, the accuracy of parallel decoding on Shuffle and Replace Random.

- a, b: Shuffle, random top-k, at temperature 1 and 0
- c, d: Replace Random, random top-k, at temperature 1 and 0
- e: both tasks, confidence threshold, n = 10, temperature 0

Lines are the exact distribution of the ideal model. Circles are samples of the ideal model, squares of the trained
one, both with 95 % intervals; crosses are the paper's points (LLaDA 1.5, fine-tuned, about 100 samples each).

At temperature 0 the ideal marginals tie, and the choice of argmax among ties decides the result. Solid lines let every
position break ties independently (the paper's zero-mean noise), dashed lines take the lowest token everywhere, and the
shaded band spans every deterministic tie-break for k > 1 (b, d) or for the threshold (e). A trained model breaks ties
by its own small biases, in the same way at all positions, so its points, and the paper's in panel b, can be anywhere in
the band: they are shown without a verdict. In panel e a confidence equal to the threshold passes under the non-strict
rule of the released code (dotted), but not under the strict rule of the text (solid): Shuffle ties at 1/2 and Replace
Random at 9/10, where the published points lie between the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from figures.engine.check import clopper_pearson
from figures.engine.data import published_rows
from figures.engine.figure import Cell, Figure, Row, Settings, derived_seed
from figures.paper.cells import exact_decode, ideal_samples, model_samples, threshold_curve, tie_range
from figures.paper.figure2_checks import checks
from figures.paper.figure2_plot import TITLES, TOPK_PANELS, draw
from figures.tasks.listed_curves import task_figure

__all__ = ["FIGURE"]

PUBLISHED_SAMPLES = 100

Setting = dict[str, Any]  # one point of the x axis of one curve


def points(settings: Settings) -> list[Setting]:
    """Return every (panel, curve, x) of the figure with its policy."""
    out: list[Setting] = []
    for panel, (task, temperature) in TOPK_PANELS.items():
        for k in settings["k"]:
            for n in settings["n"]:
                policy = f"topk:k={n if k == 'n' else k},by=random"
                out.append(
                    {
                        "panel": panel,
                        "task": task,
                        "temperature": temperature,
                        "policy": policy,
                        "k": k,
                        "n": n,
                    }
                )
    for task in TITLES:
        for gamma in settings["gamma"]:
            policy = f"threshold:gamma={gamma}"
            out.append(
                {
                    "panel": "e",
                    "task": task,
                    "temperature": 0,
                    "policy": policy,
                    "gamma": gamma,
                    "n": settings["n_e"],
                }
            )
    return out


def variants(point: Setting) -> dict[str, dict[str, str]]:
    """Return the exact distributions shown for a point, by the convention and by other switches that explain a gap."""
    distributions = {"exact": {"policy": point["policy"], "greedy_ties": "random"}}
    if point["temperature"] == 0:
        distributions["exact_lowest"] = {"policy": point["policy"], "greedy_ties": "lowest"}
    if point["panel"] == "e":
        distributions["exact_non_strict"] = {
            "policy": point["policy"] + ",strict=false",
            "greedy_ties": "random",
        }
    return distributions


def cells(settings: Settings) -> list[Cell]:
    """Return the trained model's cells first (they take longest), then the ideal model's, then the exact ones."""
    model: list[Cell] = []
    ideal: list[Cell] = []
    exact: list[Cell] = []
    for point in points(settings):
        common = {key: point[key] for key in ("task", "n", "policy", "temperature")}
        device = settings["device"]
        seeds = [
            derived_seed(settings["seed"], "figure2", kind, *common.values()) for kind in ("ideal", "model")
        ]
        ideal.append(
            Cell(
                function=ideal_samples,
                kwargs={**common, "samples": settings["ideal_samples"], "seed": seeds[0], "device": device},
            )
        )
        model.append(
            Cell(
                function=model_samples,
                kwargs={**common, "samples": settings["model_samples"], "seed": seeds[1], "device": device}
                | {"weights": settings["weights"]},
            )
        )
        exact += [
            Cell(function=exact_decode, kwargs={**common, **distribution})
            for distribution in variants(point).values()
        ]
        if point["temperature"] == 0:
            exact.append(
                Cell(function=tie_range, kwargs={key: common[key] for key in ("task", "n")} | _loose(point))
            )
    return [
        *model,
        *ideal,
        *exact,
        *(Cell(function=threshold_curve, kwargs=kwargs) for kwargs in curves(settings)),
    ]


def curves(settings: Settings) -> list[dict[str, Any]]:
    """Return the exact distributions of panel e as functions of the threshold, on a fine grid."""
    return [
        {"task": task, "n": settings["n_e"], "strict": strict, "steps": settings["gamma_steps"]}
        for task in TITLES
        for strict in (True, False)
    ]


def _loose(point: Setting) -> dict[str, str]:
    """Return the policy whose tie-breaks the band spans, non-strict, since ties occur at the threshold."""
    return {"policy": point["policy"] + (",strict=false" if point["panel"] == "e" else "")}


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row a point and source: model, ideal, the exact distributions, tie range, published."""
    listed = points(settings)
    size = len(listed)
    model, ideal, exact = results[:size], results[size : 2 * size], iter(results[2 * size :])
    rows: list[Row] = []
    for point, trained, sampled in zip(listed, model, ideal, strict=True):
        base = {key: point.get(key) for key in ("panel", "task", "temperature", "policy", "k", "n", "gamma")}
        for source in variants(point):
            rows.append({**base, "source": source, "accuracy": Fraction(next(exact)["accuracy"])})
        if point["temperature"] == 0:
            low, high = next(exact)
            rows.append({**base, "source": "tie_range", "low": Fraction(low), "high": Fraction(high)})
        for source, counted in (("ideal", sampled), ("model", trained)):
            rows.append({**base, "source": source} | _proportion(counted["successes"], counted["trials"]))
    for curve, values in zip(curves(settings), exact, strict=True):
        base = {"panel": "e", "task": curve["task"], "temperature": 0, "n": curve["n"]}
        source = "curve" if curve["strict"] else "curve_non_strict"
        rows += [{**base, "source": source, "gamma": gamma, "accuracy": Fraction(a)} for gamma, a in values]
    rows += _published(settings)
    columns = (
        "panel",
        "task",
        "temperature",
        "policy",
        "k",
        "n",
        "gamma",
        "source",
        "accuracy",
        "low",
        "high",
    )
    return [{key: row.get(key) for key in (*columns, "successes", "trials")} for row in rows]


def _proportion(successes: int, trials: int) -> Row:
    low, high = clopper_pearson(successes, trials)
    return {
        "accuracy": successes / trials,
        "low": low,
        "high": high,
        "successes": successes,
        "trials": trials,
    }


def _published(settings: Settings) -> list[Row]:
    rows: list[Row] = []
    for entry in published_rows("figure2"):
        gamma, k, n = entry["gamma"] or None, entry["k"] or None, int(entry["n"])
        if gamma in (None, *settings["gamma"]) and (n in settings["n"] or entry["panel"] == "e"):
            temperature = TOPK_PANELS[entry["panel"]][1] if entry["panel"] in TOPK_PANELS else 0
            policy = f"threshold:gamma={gamma}" if gamma else f"topk:k={n if k == 'n' else k},by=random"
            base = {
                "panel": entry["panel"],
                "task": entry["task"],
                "temperature": temperature,
                "policy": policy,
            }
            successes = round(float(entry["accuracy_percent"]) * PUBLISHED_SAMPLES / 100)
            rows.append({**base, "k": k, "n": n, "gamma": gamma, "source": "published"})
            rows[-1] |= _proportion(successes, PUBLISHED_SAMPLES)
    return rows


FIGURE = Figure(
    name="figure2",
    title="Accuracy of parallel decoding on list tasks",
    paper="Figure 2 a-e",
    about=__doc__,
    seconds=150,
    settings={
        "n": [6, 8, 10, 12, 14, 16],
        "k": ["1", "2", "n"],
        "gamma": ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"],
        "n_e": 10,
        "gamma_steps": 100,
        "ideal_samples": 2_000,
        "model_samples": 500,
    },
    fast={"n": [6, 10, 16], "gamma": ["0.5", "0.7", "0.9"], "ideal_samples": 300, "model_samples": 100},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    groups={
        "exact": (
            "Exact distribution against closed form, and within the range of tie-breaks",
            "Equality, no tolerance.",
        )
    },
    for_task=task_figure,
)
