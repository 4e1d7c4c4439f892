"""Mutants of the rooms of the theory, made by cosmic-ray.

None is inside annotations, which are never evaluated, or in ``__all__``.
"""

from __future__ import annotations

import ast
import hashlib
import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from difflib import unified_diff
from itertools import islice
from pathlib import Path
from typing import NamedTuple

ROOMS = ("numbers", "information", "bounds", "policies", "decoding")


class Mutant(NamedTuple):
    """One change of one file: the ``nth`` place of an operator in lines of this text, whatever changes elsewhere."""

    path: str
    operator: str
    text: str
    nth: int


def inert_lines(source: str) -> set[tuple[int, int]]:
    """Places (line, column) inside annotations and ``__all__``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            parts.append(node)
        for part in filter(None, parts):
            for inner in ast.walk(part):
                if hasattr(inner, "lineno"):
                    columns = range(
                        inner.col_offset, inner.end_col_offset if inner.end_lineno == inner.lineno else 200
                    )
                    found |= {(inner.lineno, column) for column in columns}
    return found


def every_mutant(root: Path) -> dict[Mutant, tuple[int, int]]:
    """All mutants of all operators, with the number of their place among those of the operator, and their line."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    found: dict[Mutant, tuple[int, int]] = {}
    operators = {name: get_operator(name) for name in sorted(operator_names())}
    plain = {name: made() for name, made in operators.items() if not made.arguments()}
    for file in sorted(path for room in ROOMS for path in (root / "theory" / room).rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        inert, nodes, lines = inert_lines(source), list(ast_nodes(get_ast(source))), source.splitlines()
        for name, operator in plain.items():
            places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
            seen = Counter[str]()
            for j, (line, column) in enumerate(places):
                text = lines[line - 1].strip()
                if (line, column) not in inert:
                    found[Mutant(str(file.relative_to(root)), name, text, seen[text])] = j, line
                seen[text] += 1
    return found


def mutated(root: Path, mutant: Mutant, place: int) -> tuple[str, list[str]]:
    """The source of the mutant, and its difference, line by line."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    before = (root / mutant.path).read_text(encoding="utf-8")
    source = mutate_code(before, get_operator(mutant.operator)(), place)
    return source, [*unified_diff(before.splitlines(), source.splitlines(), n=0, lineterm="")][3:]


def drawn(root: Path, count: int, seed: int) -> Iterator[tuple[Mutant, int, int]]:
    """The first mutants in an order by their hashes, those that are explained left out, with place and line.

    A change of the code leaves the order of all others as it is.
    """
    found, known = every_mutant(root), explanations(root)
    order = sorted(found, key=lambda mutant: hashlib.sha256(repr((seed, *mutant)).encode()).digest())
    told = (
        (mutant, *found[mutant])
        for mutant in order
        if changed_lines(mutant.path, mutated(root, mutant, found[mutant][0])[1]) not in known
    )
    return islice(told, count)


def explanations(root: Path) -> set[tuple[str, str, str]]:
    """Mutants (path, line before, line after) that are no errors; the file has the reasons."""
    found = tomllib.loads((root / "benchmarks/mutants_explained.toml").read_text(encoding="utf-8"))
    return {(m["path"], m["before"], m["after"]) for m in found["mutant"]}


def changed_lines(path: str, diff: list[str]) -> tuple[str, str, str]:
    """Path, line before and line after."""
    sides = [" ".join(line[1:].strip() for line in diff if line[0] == sign) for sign in "-+"]
    return path, sides[0], sides[1]


def known_results(results: Path) -> dict[Mutant, dict]:
    """The last result of each mutant."""
    lines = results.read_text().splitlines() if results.exists() else []
    return {Mutant(*(e[name] for name in Mutant._fields)): e for e in map(json.loads, lines)}


def report(done: list[dict]) -> Iterator[str]:
    """Survivors and figures."""
    alive = [entry for entry in done if not entry["killed"]]
    for entry in alive:
        head = "survives" if entry["all"] else "survives the first round"
        yield "\n    ".join([f"{head} {entry['path']}:{entry['line']}", *entry["diff"]])
    yield f"{len(done) - len(alive)} of {len(done)} killed"
