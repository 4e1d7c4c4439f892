"""Figure 1, the true distribution beside that of drawing every token at once.

Each token is drawn from its own marginal, so that "New York" and "Mexico City" also give "New City". Filled bars
are the true distribution P, open bars the distribution Q of the one-step decoder with the ideal model, dots samples
of it with 95 % intervals. The share of Q on valid answers is the accuracy; the divergence of P from Q is the total
correlation C, the least loss of any one-step factorised decoder.

- left: four city names; C is one bit, half of the answers are wrong
- middle: Replace Random with three items (F is the new item)
- right: Shuffle of three items; the 21 answers that repeat an item are drawn together
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from figures.drawing.style import COLOURS, new_figure
from figures.engine.check import Check, binomial_check, clopper_pearson, exact_check
from figures.engine.figure import Cell, Figure, Row, Settings, derived_seed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

__all__ = ["FIGURE"]

PANELS = {"city_names": "City names", "replace_random": "Replace Random, n = 3", "shuffle": "Shuffle, n = 3"}
OTHERS = "others"
SHOWN = 9  # outcomes with a bar of their own; the rest of a panel shares one


def one_step(*, task: str, n: int, samples: int, seed: int, device: str) -> dict[str, Any]:
    """Return every outcome of the one-step decoder with its exact probabilities and its count in the samples."""
    import torch

    from models.predictors.ideal import IdealPredictor
    from models.sampling.decode import decode as sample
    from synthetic import make_task
    from theory.decoding.decoder import decode
    from theory.information.measures import kl_divergence, product_of_marginals, total_correlation
    from theory.policies import parse_policy

    distribution = make_task(task, n).contexts()[0].distribution
    pmf, policy = distribution.pmf(), parse_policy(f"topk:k={n},by=random")
    once = product_of_marginals(pmf)
    ideal = IdealPredictor(distribution, device)
    drawn = sample(ideal, ideal.masked(samples), policy, generator=torch.Generator(device).manual_seed(seed))
    counts: dict[tuple[Any, ...], int] = {}
    for row in drawn.tokens.tolist():
        answer = tuple(distribution.tokens[token] for token in row)
        counts[answer] = counts.get(answer, 0) + 1
    answers = [
        {"answer": _text(y, n), "p": str(pmf.probability(y)), "q": str(q), "count": counts.pop(y, 0)}
        for y, q in once
    ]
    exact = decode(pmf, policy)
    return {
        "answers": answers,
        "impossible": sum(counts.values()),
        "accuracy": str(exact.accuracy),
        "kl": str(kl_divergence(pmf, once)),
        "total_correlation": str(total_correlation(pmf)),
        "bits": float(total_correlation(pmf)),
    }


def _text(answer: Sequence[Any], n: int) -> str:
    return " ".join(t if isinstance(t, str) else "F" if t == n else chr(ord("A") + t) for t in answer)


def cells(settings: Settings) -> list[Cell]:
    """One cell a panel."""
    shared = {"samples": settings["samples"], "device": settings["device"]}
    sizes = {"city_names": 2, "replace_random": 3, "shuffle": 3}
    return [
        Cell(
            function=one_step,
            kwargs={"task": task, "n": n, "seed": derived_seed(settings["seed"], "figure1", task), **shared},
        )
        for task, n in sizes.items()
    ]


def compute(settings: Settings, results: Sequence[Any]) -> list[Row]:
    """Return one row per outcome, valid ones first."""
    rows: list[Row] = []
    for task, result in zip(PANELS, results, strict=True):
        for entry in sorted(
            result["answers"], key=lambda e: (Fraction(e["p"]) == 0, -Fraction(e["q"]), e["answer"])
        ):
            p, q = Fraction(entry["p"]), Fraction(entry["q"])
            rows.append(
                {
                    "task": task,
                    "answer": entry["answer"],
                    "valid": p > 0,
                    "p": p,
                    "q": q,
                    "count": entry["count"],
                }
                | {
                    "samples": settings["samples"],
                    "accuracy": Fraction(result["accuracy"]),
                    "bits": result["bits"],
                }
                | {"kl": result["kl"], "total_correlation": result["total_correlation"]}
            )
    return rows


def draw(rows: list[Row], settings: Settings) -> Drawing:  # noqa: ARG001
    """Draw P, Q and samples of Q as bars and dots."""
    drawing, (axes,) = new_figure(1, 3, width=9.6, height=3.1, width_ratios=[9, 8, 7])
    for panel, (task, title) in zip(axes, PANELS.items(), strict=True):
        _draw_panel(panel, _shown([row for row in rows if row["task"] == task]), title)
    axes[0].set_ylabel("probability")
    handles, labels = axes[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncols=4)
    return drawing


def _shown(rows: list[Row]) -> list[Row]:
    """Return at most ``SHOWN`` rows; the invalid rest becomes one."""
    valid, invalid = [r for r in rows if r["valid"]], [r for r in rows if not r["valid"]]
    if len(rows) <= SHOWN:
        return rows
    summed = {key: sum(r[key] for r in invalid) for key in ("p", "q", "count")}
    return [*valid, {**invalid[0], **summed, "answer": f"{len(invalid)} {OTHERS}"}]


def _draw_panel(panel: Axes, rows: list[Row], title: str) -> None:
    places = range(len(rows))
    colours = [COLOURS["blue"] if row["valid"] else COLOURS["vermillion"] for row in rows]
    panel.bar(
        [x - 0.2 for x in places],
        [float(r["p"]) for r in rows],
        0.38,
        color=COLOURS["blue"],
        label="true distribution P",
    )
    for valid, name in ((True, "one step Q, valid"), (False, "one step Q, invalid")):
        mine = [x for x in places if rows[x]["valid"] is valid]
        edge = colours[mine[0]]
        heights = [float(rows[x]["q"]) for x in mine]
        panel.bar(
            [x + 0.2 for x in mine],
            heights,
            0.38,
            facecolor="white",
            edgecolor=edge,
            hatch="////",
            label=name,
        )
    ends = [clopper_pearson(r["count"], r["samples"]) for r in rows]
    means = [r["count"] / r["samples"] for r in rows]
    errors = [
        [m - low for m, (low, _) in zip(means, ends, strict=True)],
        [h - m for m, (_, h) in zip(means, ends, strict=True)],
    ]
    panel.errorbar(
        [x + 0.2 for x in places],
        means,
        errors,
        fmt="o",
        color="black",
        markersize=3,
        label="sampled, 95 % interval",
    )
    panel.set_xticks(
        list(places), [r["answer"] for r in rows], rotation=60, ha="right", rotation_mode="anchor"
    )
    panel.grid(axis="x", visible=False)
    panel.set_ylim(0, None)
    panel.set_title(f"{title}\nC = {rows[0]['bits']:.3f} bits, accuracy {rows[0]['accuracy']}")


def checks(rows: list[Row], settings: Settings) -> list[Check]:  # noqa: ARG001
    """Check the numbers printed in the paper, the identities behind the panels, and the samples."""
    out: list[Check] = []
    for task, title in PANELS.items():
        mine = [row for row in rows if row["task"] == task]
        head, n = mine[0], 3
        valid = sum((row["q"] for row in mine if row["valid"]), Fraction(0))
        known = {
            "city_names": Fraction(1, 2),
            "replace_random": Fraction(n - 1, n) ** (n - 1),
            "shuffle": Fraction(6, n**n),
        }
        out.append(
            exact_check(f"{title}: accuracy is the mass of Q on valid answers", head["accuracy"], valid)
        )
        out.append(exact_check(f"{title}: accuracy in closed form", head["accuracy"], known[task]))
        out.append(
            exact_check(f"{title}: D(P || Q) is the total correlation", head["kl"], head["total_correlation"])
        )
        successes = sum(row["count"] for row in mine if row["valid"])
        out.append(binomial_check(f"{title}: valid share", successes, head["samples"], head["accuracy"]))
        out += [
            binomial_check(f"{title}: {row['answer']}", row["count"], row["samples"], row["q"])
            for row in mine
        ]
    out.append(exact_check("City names: C is one bit", rows[0]["total_correlation"], "log2(2)"))
    return out


FIGURE = Figure(
    name="figure1",
    title="One parallel step against the true distribution",
    paper="Figure 1, left and middle",
    about=__doc__,
    seconds=3,
    settings={"samples": 20_000},
    fast={"samples": 2_000},
    cells=cells,
    compute=compute,
    draw=draw,
    checks=checks,
    groups={"exact": ("Exact value against closed form, and identities", "Equality, no tolerance.")},
)
