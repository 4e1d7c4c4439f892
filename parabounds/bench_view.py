"""The report of a benchmark run as a reader sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["bench_view"]

Row = Mapping[str, Any]
_COLUMNS = ("setting", "task", "score, %", "95 %", "perfect, %", "verdict", "steps", "tokens/step")
_TO_END = ("steps to end", "tokens/step to end")  # where it differs from the padded count


def bench_view(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a reader sees: a row for each setting and task, means and oracle, and PBx below."""
    tasks, settings, oracle = answer["tasks"], answer["settings"], answer["oracle"]
    models = list(dict.fromkeys(row["model"] for row in tasks))
    protocols = list(dict.fromkeys(row["protocol"] for row in tasks))
    best = max(settings, key=lambda row: row["score"])
    count = f"{best['tasks']} task" + ("s" if best["tasks"] > 1 else "")
    said = f"mean score {_percent(best['score'])} % over {count}"
    if len(settings) > 1:
        said = f"the best of {len(settings)} settings, {_name(best, models)}, has a {said}"
    if best["ceiling"] is not None:
        said += f"; a perfect model would have {_percent(best['ceiling'])} %"
    several = {
        (row["model"], row["setting"], row["protocol"]): row["tasks"] for row in settings if row["tasks"] > 1
    }
    ends = any(row["steps_to_end"] != row["steps"] for row in tasks)
    rows: list[tuple[str, ...]] = []
    for setting in settings:
        key = (setting["model"], setting["setting"], setting["protocol"])
        rows += [
            _row(_name(row, models), row)
            for row in tasks
            if (row["model"], row["setting"], row["protocol"]) == key
        ]
        if key in several:
            rows.append(_row(_name(setting, models), {**setting, "task": f"mean of {several[key]} tasks"}))
    rows += [_row(_oracle_name(row, models), row) for row in oracle]
    notes = [*answer["notes"]]
    for row in answer["pbx"]:
        values = ", ".join(f"{key} {_number(row[key])}" for key in row if key.startswith("PB"))
        notes.append(f"{_name({**row, 'setting': row['rule']}, models)}, tokens per step: {values}")
    return {
        "title": f"ParallelBench, protocol {' and '.join(protocols)}, {', '.join(models)}",
        "headline": f"{said[0].upper()}{said[1:]}.",
        "columns": (*_COLUMNS, *_TO_END) if ends else _COLUMNS,
        "rows": rows if ends else [row[: len(_COLUMNS)] for row in rows],
        "values": [_values(row) for row in tasks],
        "notes": notes,
        "folded": False,
    }


def _values(row: Row) -> dict[str, Any]:
    low, high = row["interval"] or (None, None)
    return {**{key: value for key, value in row.items() if key != "interval"}, "low": low, "high": high}


def _name(row: Row, models: list[str]) -> str:
    setting = str(row["setting"])
    return f"{row['model']} {setting}".rstrip() if len(models) > 1 or not setting else setting


def _oracle_name(row: Row, models: list[str]) -> str:
    return _name({**row, "setting": f"best of {row['settings']} for each sample"}, models)


def _row(name: str, row: Row) -> tuple[str, ...]:
    ends = row.get("interval")
    return (
        *(name, str(row["task"]).rpartition("/")[2], _percent(row["score"])),
        "" if ends is None else f"{_percent(ends[0])} to {_percent(ends[1])}",
        _percent(row.get("ceiling")),
        str(row.get("verdict") or ""),
        *(_number(row.get(key)) for key in ("steps", "tokens_per_step")),
        *(_number(row.get(key)) for key in ("steps_to_end", "tokens_per_step_to_end")),
    )


def _percent(value: Any) -> str:
    return "-" if value is None else f"{100 * float(value):.1f}"


def _number(value: Any) -> str:
    return "-" if value is None else f"{float(value):.2f}"
