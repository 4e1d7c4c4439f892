"""Verdicts on published points, from their interval and the score of a perfect model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from figures.engine.check import clopper_pearson
from figures.engine.figure import Row, Settings

__all__ = ["VERDICTS", "share_of_loss", "verdict_page", "verdict_row"]

SAMPLES = {"sudoku": 108}  # of a published point; 100 for the other tasks
VERDICTS = ("explained by decoding", "model error", "above the ceiling: the model prefers some answers")


def verdict_row(
    percent: float | None, ideal: Fraction | None, task: str | None, *, counts: bool = True
) -> Row:
    """Return the columns that judge one point: interval, ideal, both losses and the verdict.

    Args:
        percent: The published score; ``None`` where nothing is published.
        ideal: The accuracy of a perfect model, or ``None``.
        task: For the number of samples.
        counts: Whether the score is a share of right answers; a mean of metrics has no binomial interval.
    """
    if percent is None:
        return {
            "ideal_accuracy": ideal,
            "ideal_percent": None if ideal is None else round(100 * float(ideal), 2),
            "verdict": "not published",
        }
    samples = SAMPLES.get(task or "", 100)
    low, high = clopper_pearson(round(percent * samples / 100), samples)
    ends = (round(100 * low, 2), round(100 * high, 2)) if counts else (None, None)
    row: Row = {"samples": samples, "low_percent": ends[0], "high_percent": ends[1]}
    if ideal is None:
        empty = ("ideal_accuracy", "ideal_percent", "lost_by_decoding", "lost_by_the_model", "decoding_share")
        return row | dict.fromkeys(empty) | {"verdict": "no perfect model"}
    verdict = VERDICTS[0] if low <= ideal <= high else VERDICTS[1] if ideal > high else VERDICTS[2]
    lost = 1 - percent / 100
    return (
        row
        | {"ideal_accuracy": ideal, "ideal_percent": round(100 * float(ideal), 2)}
        | {"lost_by_decoding": round(100 * float(1 - ideal), 2)}
        | {"lost_by_the_model": round(100 * float(ideal) - percent, 2)}
        | {"decoding_share": round(min(1.0, float(1 - ideal) / lost), 3) if lost > 0 else None}
        | {"verdict": verdict}
    )


def share_of_loss(rows: Sequence[Row]) -> float | None:
    """Return which share of the published loss, summed over the points, a perfect model has too.

    ``None`` without points that have a perfect model, or where nothing is lost.

    Example:
        >>> points = [verdict_row(60, Fraction(9, 10), None), verdict_row(100, Fraction(9, 10), None)]
        >>> share_of_loss([one | {"published_percent": y} for one, y in zip(points, (60, 100))])  # 10 of 40 points
        0.25
    """
    mine = [row for row in rows if row["verdict"] in VERDICTS]
    lost = sum(100 - row["published_percent"] for row in mine)
    by_decoding = sum(min(row["lost_by_decoding"], 100 - row["published_percent"]) for row in mine)
    return by_decoding / lost if lost else None


def verdict_page(title: str, rows: list[Row], settings: Settings) -> str:  # noqa: ARG001
    """Return how many points of each panel decoding explains, and how much of the loss, as a Markdown page."""
    text = [
        f"# {title}",
        "",
        "| panel | points | explained by decoding | model error | above | share of the loss |",
    ]
    text.append("|---|---|---|---|---|---|")
    for panel in dict.fromkeys(row["panel"] for row in rows):
        mine = [row for row in rows if row["panel"] == panel and row["verdict"] in VERDICTS]
        if not mine:
            count = sum(row["panel"] == panel and row["published_percent"] is not None for row in rows)
            text.append(f"| {panel} | {count} | no perfect model | | | |")
            continue
        counts = Counter(row["verdict"] for row in mine)
        share = share_of_loss(mine)
        text.append(
            f"| {panel} | {len(mine)} | {' | '.join(str(counts[verdict]) for verdict in VERDICTS)} "
            f"| {'nothing is lost' if share is None else f'{100 * share:.0f} %'} |"
        )
    text += [
        "",
        "The share is that of the published loss, summed over the points, which a perfect model has too.",
    ]
    return "\n".join(text) + "\n"
