"""The shipped table of ceilings: a random part equals a fresh computation, and the command builds it again."""

import csv
import gzip
import io
from fractions import Fraction
from importlib import resources
from random import Random

import pytest

from synthetic.parallelbench import TASKS, bench_task
from synthetic.parallelbench.ceiling_table import (
    build_table,
    row_name,
    stored_ceiling,
    table_policies,
)
from synthetic.parallelbench.list_ceilings import LAYOUTS, size_ceiling
from synthetic.parallelbench.settings import paper_settings
from theory import parse_policy

TABLE = resources.files("synthetic.parallelbench") / "data" / "ceilings.csv.gz"
OPERATIONS = [str(task.operation) for task in TASKS.values() if task.kind == "list"]


def test_the_paper_has_2823_settings_for_each_model() -> None:
    lengths = [32] * 10 + [64] * 7  # lists; puzzles and texts
    assert sum(len(set(paper_settings(length))) for length in lengths) == 2823
    assert {str(parse_policy(spec)) for spec in paper_settings(32)} <= set(table_policies())


def test_the_table_is_small_and_complete() -> None:
    assert len(TABLE.read_bytes()) < 5_000_000
    policies = [parse_policy(spec) for spec in paper_settings(32)]
    for operation in OPERATIONS:
        for n in (3, 4, 5, 6):
            for layout in LAYOUTS:
                for policy in policies:
                    for temperature in (0, 1):
                        assert stored_ceiling(operation, n, policy, layout=layout, temperature=temperature)


def test_a_random_part_of_the_table_is_computed_again() -> None:
    rng = Random(0)
    for _ in range(12):
        operation, n, layout = rng.choice(OPERATIONS), rng.choice((3, 4)), rng.choice(LAYOUTS)
        policy, temperature = parse_policy(rng.choice(table_policies())), rng.choice((0, 1))
        fresh = size_ceiling(operation, n, policy, layout=layout, temperature=temperature)
        assert stored_ceiling(operation, n, policy, layout=layout, temperature=temperature) == fresh


@pytest.mark.deep
def test_more_of_the_table_is_computed_again() -> None:
    rng = Random(1)
    for _ in range(60):
        operation, n, layout = rng.choice(OPERATIONS), rng.choice((5, 6)), rng.choice(LAYOUTS)
        policy, temperature = parse_policy(rng.choice(table_policies())), rng.choice((0, 1))
        fresh = size_ceiling(operation, n, policy, layout=layout, temperature=temperature)
        assert stored_ceiling(operation, n, policy, layout=layout, temperature=temperature) == fresh


def test_a_block_of_all_positions_is_no_block() -> None:
    plain, block = parse_policy("topk:k=2,by=random"), parse_policy("topk:k=2,by=random,block=32")
    found = [
        stored_ceiling("shuffle_strict", 3, one, layout="released", temperature=0) for one in (plain, block)
    ]
    assert found[0] == found[1]
    assert stored_ceiling("copy", 7, plain, layout="released", temperature=0) is None
    assert stored_ceiling("copy", 3, parse_policy("topk:k=3"), layout="items", temperature=0) is None


@pytest.mark.deep
def test_a_part_of_the_table_is_built(tmp_path) -> None:
    lines: list[str] = []
    path = tmp_path / "part.csv.gz"
    count = build_table(path, jobs=1, say=lines.append, layouts=("items",), sizes=(3,))
    rows = list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())))
    assert len(rows) == count == 14 * len(table_policies())
    assert lines[-1] == f"14 of 14 parts, {count} ceilings"
    row = rows[-1]
    fresh = size_ceiling(
        row["row"], 3, parse_policy(row["policy"]), layout="items", temperature=int(row["temperature"])
    )
    assert Fraction(row["accuracy"]) == fresh.accuracy
    assert row_name(str(bench_task("remove_index").operation), 3) == ("one answer", 2)
