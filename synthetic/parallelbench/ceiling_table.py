"""Table of the exact ceilings of all list tasks, computed once and shipped.

It holds every list task, layout, size 3 to 6 and temperature 0 and 1 with the 150 settings of the paper for 32
positions (:mod:`synthetic.parallelbench.settings`) and the thresholds with ``>`` as well. Tasks with one right answer
share their lines under ``one answer``. Values are exact ratios. ``parabounds bench table`` computes it
again, the file ``data/ceilings.csv.gz``; what it does not hold is computed when asked for.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import nullcontext
from fractions import Fraction
from functools import cache
from importlib import resources
from multiprocessing import get_context
from pathlib import Path

from synthetic.parallelbench.list_ceilings import LAYOUTS, SizeCeiling, list_layout, size_ceiling
from synthetic.parallelbench.settings import paper_settings
from synthetic.parallelbench.tasks import TASKS
from synthetic.task import list_task
from theory.files import write_atomically
from theory.policies import parse_policy
from theory.policies.policy import RankedPolicy
from theory.validation import positive_int

__all__ = ["build_table", "row_name", "stored_ceiling", "table_policies"]

LENGTH = 32
SIZES = (3, 4, 5, 6)
TEMPERATURES = (0, 1)
ONE_ANSWER = "one answer"
COLUMNS = ("row", "layout", "temperature", "people", "policy", "accuracy", "steps", "tokens_per_step")

_Key = tuple[str, str, int, int, str]  # row, layout, temperature, people in the answer, policy


@cache
def row_name(operation: str, n: int) -> tuple[str, int]:
    """Return the row of the table that a list task has, and the people in its answer.

    Example:
        >>> row_name("remove_index", 5), row_name("shuffle_strict", 5)
        (('one answer', 4), ('shuffle_strict', 5))
    """
    contexts = list_task(operation, n).contexts()
    people = contexts[0].distribution.n
    if operation in _several():
        return operation, people
    return ONE_ANSWER, people


@cache
def _several() -> tuple[str, ...]:
    """The list tasks with more than one right answer."""
    names = [str(task.operation) for task in TASKS.values() if task.kind == "list"]
    return tuple(
        name for name in names if any(len(c.distribution.pmf()) > 1 for c in list_task(name, 3).contexts())
    )


@cache
def table_policies() -> tuple[str, ...]:
    """Return the specifications of the rules in the table.

    Example:
        >>> len(table_policies())
        186
    """
    paper = [str(parse_policy(spec)) for spec in paper_settings(LENGTH)]
    strict = [str(parse_policy(spec.replace(",strict=false", ""))) for spec in paper]
    return tuple(dict.fromkeys([*paper, *strict]))


def stored_ceiling(
    operation: str, n: int, policy: RankedPolicy, *, layout: str, temperature: int
) -> SizeCeiling | None:
    """Return the ceiling of the table, or ``None`` if it does not hold this one."""
    if not SIZES[0] <= n <= SIZES[-1]:
        return None
    row, people = row_name(operation, n)
    if policy.block is not None and policy.block >= list_layout(layout, people).length == LENGTH:
        policy = parse_policy(str(policy).replace(f",block={policy.block}", ""))
    return _stored().get((row, layout, temperature, people, str(policy)))


@cache
def _stored() -> dict[_Key, SizeCeiling]:
    file = resources.files("synthetic.parallelbench") / "data" / "ceilings.csv.gz"
    if not file.is_file():
        return {}
    text = gzip.decompress(file.read_bytes()).decode("ascii")
    found: dict[_Key, SizeCeiling] = {}
    for line in csv.DictReader(io.StringIO(text)):
        key = (line["row"], line["layout"], int(line["temperature"]), int(line["people"]), line["policy"])
        found[key] = SizeCeiling(
            accuracy=Fraction(line["accuracy"]),
            steps=Fraction(line["steps"]),
            tokens_per_step=Fraction(line["tokens_per_step"]),
        )
    return found


def build_table(
    path: Path,
    *,
    jobs: int,
    say: Callable[[str], None],
    layouts: Sequence[str] = LAYOUTS,
    sizes: Sequence[int] = SIZES,
) -> int:
    """Compute the table and write it.

    Args:
        path: The file, gzip of CSV with the columns :data:`COLUMNS`.
        jobs: Processes.
        say: Called with a line on the progress.
        layouts: Of the lists.
        sizes: People in a line.

    Returns:
        The number of ceilings.
    """
    positive_int(jobs, "jobs")
    one = [(ONE_ANSWER, "copy", people) for people in range(min(sizes) - 1, max(sizes) + 2)]
    many = [(name, name, n) for name in _several() for n in sizes]
    cells = [
        (row, operation, n, layout, temperature)
        for layout in reversed(layouts)  # the longest first
        for row, operation, n in sorted(one + many, key=lambda cell: -cell[2])
        for temperature in TEMPERATURES
    ]
    lines: list[tuple[str, ...]] = []
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) if jobs > 1 else nullcontext() as pool:
        found = (
            (future.result() for future in as_completed([pool.submit(_cell, *cell) for cell in cells]))
            if pool
            else (_cell(*cell) for cell in cells)
        )
        for number, some in enumerate(found, 1):
            lines += some
            say(f"{number} of {len(cells)} parts, {len(lines)} ceilings")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(sorted(lines))
    write_atomically(path, gzip.compress(text.getvalue().encode("ascii"), mtime=0))
    return len(lines)


def _cell(row: str, operation: str, n: int, layout: str, temperature: int) -> list[tuple[str, ...]]:
    people = row_name(operation, n)[1]
    lines: list[tuple[str, ...]] = []
    for spec in table_policies():
        found = size_ceiling(operation, n, parse_policy(spec), layout=layout, temperature=temperature)
        values = (found.accuracy, found.steps, found.tokens_per_step)
        lines.append((row, layout, str(temperature), str(people), spec, *map(str, values)))
    return lines
