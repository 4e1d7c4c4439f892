"""docs/statements.md: every function, command and test that it names exists, and every statement names some."""

import ast
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from theory.commands.arguments import build_parser

TESTS = Path(__file__).parent
DOCS = TESTS.parent / "docs"
PAGE = (DOCS / "statements.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """A statement."""

    section: str
    statement: str
    source: str
    functions: tuple[str, ...]
    command: str
    test: str


def code(cell: str) -> tuple[str, ...]:
    """The parts in backticks; only commas may be between them."""
    assert not re.sub(r"`[^`]+`|[, ]", "", cell), cell
    return tuple(re.findall(r"`([^`]+)`", cell))


def rows() -> list[Row]:
    found = []
    header = " statement | source | function | command | test "
    for section, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.S | re.M):
        assert ">>>" in text, f"{section} has no example"
        tables = re.split(r"^\|" + re.escape(header) + r"\|$", text, flags=re.M)
        assert len(tables) > 1, f"{section} has no table"
        for table in tables[1:]:
            for line in re.findall(r"^\|(.*)\|$", table, flags=re.M)[1:]:
                cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
                assert len(cells) == 5, line
                statement, source, functions, command, test = cells
                commands = code(command) if command != "-" else ("",)
                (name,) = code(test)
                assert len(commands) == 1, line
                assert statement, line
                assert source, line
                found.append(Row(section, statement, source, code(functions), commands[0], name))
    return found


ROWS = rows()


@cache
def names_of(module: str) -> frozenset[str]:
    tree = ast.parse((TESTS / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return frozenset(
        f.name for f in functions if "pytest.mark.deep" not in map(ast.unparse, f.decorator_list)
    )


def test_every_section_has_statements():
    assert len(ROWS) > 100
    assert len({row.section for row in ROWS}) == len(re.findall(r"^## ", PAGE, flags=re.M))
    same = [(row.section, row.statement) for row in ROWS]
    assert len(set(same)) == len(same)


def test_functions_are_public_and_documented():
    offenders = []
    for name in sorted({name for row in ROWS for name in row.functions}):
        module, _, function = name.rpartition(".")
        made = import_module(module)
        found = getattr(made, function, None)
        if function not in getattr(made, "__all__", ()) or not found.__doc__:
            offenders.append(name)
    assert not offenders


def test_tests_exist():
    """And are in the default run."""
    names = [row.test.rpartition(".") for row in ROWS]
    gone = [f"{module}.{function}" for module, _, function in names if function not in names_of(module)]
    assert not gone


@pytest.mark.parametrize("command", sorted({row.command for row in ROWS} - {""}))
def test_commands_are_understood(command):
    (commands,) = [a for a in build_parser()._actions if hasattr(a, "choices") and a.choices]
    name, *options = command.split()
    known = {option for action in commands.choices[name]._actions for option in action.option_strings}
    assert set(options) <= known


def test_sections_are_the_rooms_in_their_order():
    sections = list(dict.fromkeys(row.section for row in ROWS))
    known = [
        "Numbers",
        "Distributions",
        "Information",
        "Bounds",
        "Policies",
        "Decoding",
        "Optima",
        "Sampling",
    ]
    assert sections == known
    assert all(row.functions[0].split(".")[1] == row.section.lower() for row in ROWS)


def test_every_statement_names_a_function():
    assert all(row.functions for row in ROWS)


def test_sources_are_papers_proofs_or_links():
    """A paper by its number, a name with a year, or a proof: behind a link, or in a docstring."""
    for row in ROWS:
        assert re.search(r"arXiv \d{4}\.\d{4,5}|\b(18|19|20)\d\d\b|derived here|\]\(", row.source), row


def slugs(page: Path) -> frozenset[str]:
    """The anchors that GitHub and the site give to the headings of a page."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.M)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found)


def linked() -> set[tuple[str, str]]:
    return {link for row in ROWS for link in re.findall(r"\]\(([\w.]+)#([^)]*)\)", row.source)}


def test_links_to_proofs_lead_to_a_heading():
    assert sum(row.source.count("](") for row in ROWS) == sum(row.source.count(".md#") for row in ROWS) > 40
    gone = [(page, part) for page, part in linked() if part not in slugs(DOCS / page)]
    assert not gone


def test_every_proof_of_the_page_of_proofs_is_cited():
    text = (DOCS / "proofs.md").read_text(encoding="utf-8")
    parts = slugs(DOCS / "proofs.md") - {"proofs"} - {row.section.lower() for row in ROWS}
    assert len(parts) == text.count("\n### ")
    assert parts == {part for page, part in linked() if page == "proofs.md"}


def docstring(name: str) -> str:
    module, _, function = name.rpartition(".")
    return getattr(import_module(module), function).__doc__ or ""


def test_what_is_derived_here_has_a_proof():
    """Where no link leads to it, the docstring of a function or of its module says "proof"."""
    for row in ROWS:
        if "derived here" in row.source and "](" not in row.source:
            modules = {import_module(name.rpartition(".")[0]).__doc__ or "" for name in row.functions}
            found = " ".join([*modules, *map(docstring, row.functions)])
            assert re.search(r"\bproofs?\b", found, flags=re.IGNORECASE), row
