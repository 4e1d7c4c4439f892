"""A figure of tossed coins, quick and with every kind of check."""

import random
import time
from fractions import Fraction
from pathlib import Path

from figures import Cell, Figure, derived_seed
from figures.drawing.style import COLOURS, MARKS, new_figure
from figures.engine.check import (
    binomial_check,
    exact_check,
    model_check,
    published_check,
)


def toss(*, heads, trials, seed, log, stop=None, hold=None, wait=0.0, weights=None):  # noqa: ARG001
    """Toss coins; write a line to `log` for each real call; a file `stop` interrupts, a file `hold` makes it wait."""
    if stop is not None and Path(stop).exists():
        raise KeyboardInterrupt
    with Path(log).open("a") as file:
        file.write(f"{heads}\n")
    time.sleep(wait)
    while hold is not None and Path(hold).exists():
        time.sleep(0.02)
    rng = random.Random(seed)
    return {"heads": heads, "successes": sum(rng.random() < float(Fraction(heads)) for _ in range(trials))}


def infinite(*, n):
    return float("inf") if n else 0


ABOUT = """Coins & what they show.

Second `paragraph`.

    p -> heads
    1 - p -> tails

- one
  item
- two
"""


def toy(log, *, name="toy", stop=None, stop_at=None, hold=None, lie=0, with_weights=False):
    """Return a figure of a few biased coins; `lie` changes what its checks expect, `hold` stops two cells of four."""

    def cells(settings):
        fixed = {"trials": settings["trials"], "log": str(log)}
        weights = {"weights": settings["weights"]} if with_weights else {}
        return [
            Cell(
                function=toss,
                kwargs={
                    "heads": heads,
                    "seed": derived_seed(settings["seed"], heads),
                    "stop": str(stop) if heads == stop_at else None,
                    "hold": str(hold) if hold and heads in ("2/3", "1") else None,
                    **fixed,
                    **weights,
                },
            )
            for heads in settings["heads"]
        ]

    def compute(settings, results):
        return [
            {**result, "trials": settings["trials"], "exact": Fraction(result["heads"])} for result in results
        ]

    def draw(rows, _settings):
        drawing, axes = new_figure(width=4, height=2.5)
        exact = [float(row["exact"]) for row in rows]
        axes[0][0].plot(exact, exact, color=COLOURS["blue"], **MARKS["exact"])
        axes[0][0].plot(exact, [row["successes"] / row["trials"] for row in rows], **MARKS["ideal"])
        axes[0][0].set_xlabel("probability of heads")
        return drawing

    def checks(rows, _settings):
        for row in rows:
            numbers = (row["heads"], row["successes"], row["trials"])
            yield exact_check(row["heads"], row["exact"], Fraction(row["heads"]) + lie)
            yield binomial_check(*numbers, row["exact"])
            yield model_check(*numbers, row["exact"])
            yield published_check(row["heads"], 0, 100, row["exact"])

    return Figure(
        name=name,
        title="Tossed <coins>",
        paper="Figure 0",
        about=ABOUT,
        seconds=0.5,
        settings={"heads": ["0", "1/2", "2/3", "1"], "trials": 200},
        fast={"trials": 50},
        cells=cells,
        compute=compute,
        draw=draw,
        checks=checks,
    )


def calls(log):
    return log.read_text().split() if log.exists() else []
