"""Mutants of the rooms of the theory, made by cosmic-ray.

None is inside annotations, which are never evaluated, or in ``__all__``.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

ROOMS = ("numbers", "information", "bounds", "policies", "decoding")


class Mutant(NamedTuple):
    """One change of one file."""

    path: str
    operator: str
    occurrence: int
    line: int


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


def every_mutant(root: Path) -> list[Mutant]:
    """All mutants of all operators, in a fixed order."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    found = []
    operators = {name: get_operator(name) for name in sorted(operator_names())}
    plain = {name: made() for name, made in operators.items() if not made.arguments()}
    for file in sorted(path for room in ROOMS for path in (root / "theory" / room).rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        inert, nodes = inert_lines(source), list(ast_nodes(get_ast(source)))
        for name, operator in plain.items():
            places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
            found += [
                Mutant(str(file.relative_to(root)), name, j, line)
                for j, (line, column) in enumerate(places)
                if (line, column) not in inert
            ]
    return found


def mutated(root: Path, mutant: Mutant) -> str | None:
    """The source of the mutant."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = (root / mutant.path).read_text(encoding="utf-8")
    return mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)
