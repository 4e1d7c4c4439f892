"""The report of an output folder, as ``report.html`` and ``report.json``.

Tasks of the user's own come first, each with its bounds and their verdict, then the paper in its order. Figures of
earlier runs into the same folder are kept while their files are unchanged; each names what made it, and the summary
counts this run alone. Neither file has a time or a path, so the same run writes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import figures.engine.cache
from figures.engine.check import KINDS, Check, Kind, tally
from figures.engine.figure import RunSettings, place_in_paper
from figures.engine.report_page import render
from figures.engine.run import FigureResult
from theory.files import write_atomically

__all__ = ["summary", "write_report"]

FORMAT = 3  # of report.json; figures of another format are dropped

GROUPS: dict[Kind, tuple[str, str]] = {
    "exact": ("Exact value against closed form", "Equality, no tolerance."),
    "ideal": (
        "Samples of the ideal model against the exact distribution",
        "Exact binomial tests; a correct run fails any of them at most once in a million.",
    ),
    "model": (
        "Trained model against the exact value",
        "The 95 % sampling interval comes within the tolerance of the exact value.",
    ),
    "published": (
        "Published value against the exact value",
        "The exact value lies in the published point's own 95 % interval. Counted, without a verdict.",
    ),
}


def summary(results: Sequence[FigureResult]) -> dict[str, Any]:
    """Return the verdict of a run and the counts of its checks by kind."""
    checks = [check for result in results for check in result.checks]
    counts = {kind: dict(zip(("passed", "total"), tally(checks, kind), strict=True)) for kind in KINDS}
    return {"passed": all(result.passed for result in results), "counts": counts}


def write_report(results: Sequence[FigureResult], *, run: RunSettings, out: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.json` into a folder and return their paths."""
    made_with = {
        "run": _run_facts(run),
        "source_code": figures.engine.cache.source_digest()[:12],
        "versions": _all_versions(),
    }
    page, data = out / "report.html", out / "report.json"
    listed = [_figure_facts(result, out, made_with) for result in results]
    listed += _earlier_figures(out, {result.figure.name for result in results})
    listed.sort(key=_order)
    report = {"format": FORMAT, "summary": summary(results), **made_with, "figures": listed}
    write_atomically(data, json.dumps(report, indent=1, allow_nan=False) + "\n")
    write_atomically(page, render(report, out))
    return page, data


def _order(facts: dict[str, Any]) -> tuple[Any, ...]:
    """Return a key: tasks of one's own first, this run before earlier ones, each with its bounds; then the paper."""
    if facts["task"]:
        return 0, not facts["from_this_run"], facts["task"], facts["verdict"] is None, facts["name"]
    return 1, *place_in_paper(facts["paper"]), facts["name"]


def _run_facts(run: RunSettings) -> dict[str, Any]:
    path = run.weights
    weights = (
        "shipped" if path is None else f"trained again, sha256 {figures.engine.cache.file_digest(Path(path))}"
    )
    return {"settings": "fast" if run.fast else "full", **run.shared(), "weights": weights}


def _all_versions() -> dict[str, str]:
    libraries = figures.engine.cache.versions()
    return {"parabounds": _own_version(), **libraries, "matplotlib": metadata.version("matplotlib")}


def _own_version() -> str:
    """Return the version of this source tree, or of the installed package."""
    try:
        project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
        if project["name"] == "parabounds":
            return str(project["version"])
    except (OSError, ValueError, KeyError):
        pass
    try:
        return metadata.version("parabounds")
    except metadata.PackageNotFoundError:
        return "unknown"


def _figure_facts(result: FigureResult, out: Path, made_with: dict[str, Any]) -> dict[str, Any]:
    figure = result.figure
    files = [path.name for path in result.files.values()]
    return {
        "name": figure.name,
        "title": figure.title,
        "paper": figure.paper,
        "task": figure.task,
        "verdict": None if figure.verdict is None else figure.verdict(result.rows, result.settings),
        "about": figure.about or "",
        **summary([result]),
        "from_this_run": True,
        "made_with": made_with,
        "settings": {name: result.settings[name] for name in figure.settings},
        "files": files,
        "digest": _files_digest(out, files),
        "table": None if figure.table is None else figure.table(result.rows, result.settings),
        "groups": _groups(result),
        "checks": [_check_facts(check) for check in result.checks],
    }


def _groups(result: FigureResult) -> dict[str, dict[str, str]]:
    """Return title and rule of each kind of check that the figure has."""
    special = result.figure.groups
    return {
        kind: dict(zip(("title", "rule"), special.get(kind, GROUPS[kind]), strict=True))
        for kind in KINDS
        if tally(result.checks, kind)[1]
    }


def _check_facts(check: Check) -> dict[str, Any]:
    facts = asdict(check)
    del facts["figure"]
    for key in ("value", "expected"):
        if isinstance(facts[key], float) and not math.isfinite(facts[key]):
            facts[key] = str(facts[key])  # "inf": JSON has no number for it
    return facts


def _earlier_figures(folder: Path, fresh: set[str]) -> list[dict[str, Any]]:
    """Return the entries of the folder's report for other figures with unchanged files."""
    try:
        report = json.loads((folder / "report.json").read_bytes())
        if report["format"] != FORMAT:
            return []
        return [
            {**facts, "from_this_run": False}
            for facts in report["figures"]
            if facts["name"] not in fresh and facts["digest"] == _files_digest(folder, facts["files"])
        ]
    except (OSError, ValueError, KeyError, TypeError):  # missing or incomplete
        return []


def _files_digest(folder: Path, names: Iterable[str]) -> str:
    digests = [hashlib.sha256((folder / Path(name).name).read_bytes()).hexdigest() for name in names]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()
