"""The table of statements, as one block for each: kind, source, proof, functions, command and test.

``docs/statements.md`` is a table on GitHub. On the site each of its rows is a theorem, a lemma or a proposition with a
label, and each function lists the statements that it computes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx


PAGE = Path(__file__).parents[1] / "statements.md"
_HEADER = "| statement | source | function | command | test |\n| --- | --- | --- | --- | --- |\n"
_TABLE = re.compile(re.escape(_HEADER) + r"((?:\|.*\|\n)+)")
_ARXIV = re.compile(r"arXiv (\d{4}\.\d{4,5})\b")
_TARGET = re.compile(r"\[[^\]]+\](\([^)]+\))")
_LINKS = re.compile(r" \((\[[^\]]+\]\([^)]+\)(, )?)+\)")
_PROOF = re.compile(r"\bproofs?\b", re.IGNORECASE)
_KINDS = {"Theorem": "theorem", "Lemma": "lemma", "Corollary": "corollary"}


@dataclass(frozen=True)
class Statement:
    """A row of the table; ``label`` is its target on the site, ``functions`` are where they are defined."""

    text: str
    source: str
    functions: tuple[str, ...]
    command: str
    test: str
    label: str

    @property
    def kind(self) -> str:
        """The kind of block, by the words of the source."""
        return next((kind for word, kind in _KINDS.items() if word in self.source), "proposition")

    def proofs(self) -> list[str]:
        """Return references to the proof: what the source links to, else the docstrings that hold it."""
        links = [f"[]{target}" for target in _TARGET.findall(self.source)]
        if links or "derived here" not in self.source:
            return links
        modules = dict.fromkeys(name.rpartition(".")[0] for name in self.functions)
        own = [f"{{py:obj}}`{name}`" for name in self.functions if _PROOF.search(_docstring(name))]
        return own or [f"{{py:mod}}`{name}`" for name in modules if _PROOF.search(_docstring(name))]

    def block(self) -> str:
        """Return the block in MyST."""
        test_file, _, test = self.test.rpartition(".")
        where = [("Proof", ", ".join(self.proofs()))] if self.proofs() else []
        where.append(("Function", ", ".join(f"{{py:obj}}`{name}`" for name in self.functions)))
        if self.command != "-":
            where.append(("Command", f"`parabounds {self.command}`"))
        where.append(("Test", f"`tests/{test_file.replace('.', '/')}.py::{test}`"))
        source = _ARXIV.sub(_link, _LINKS.sub("", self.source))
        head = [f"``````{{prf:{self.kind}}} {source}", f":label: {self.label}", ":nonumber:", ""]
        return "\n".join([*head, self.text, "", *(f"- {name}: {what}" for name, what in where), "``````"])

    def cited(self) -> str:
        """Return a reference to the block in reStructuredText, its words without marks of code."""
        words = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", self.text).replace("`", "")
        escaped = re.sub(r"([\\<>*_|])", r"\\\1", words)
        return f":prf:ref:`{escaped} <{self.label}>`"


def _link(paper: re.Match[str]) -> str:
    return f"[{paper[0]}](https://arxiv.org/abs/{paper[1]})"


def _docstring(name: str) -> str:
    module, _, last = name.rpartition(".")
    made = import_module(module)
    return (getattr(made, last) if hasattr(made, last) else import_module(name)).__doc__ or ""


def where_defined(name: str) -> str:
    """Return the name of a public object in the module that defines it."""
    module, _, last = name.rpartition(".")
    return f"{getattr(import_module(module), last).__module__}.{last}"


def _rows(table: str, seen: set[str]) -> Iterator[Statement]:
    for line in table.splitlines():
        text, source, functions, command, test = (
            cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line[1:-1])
        )
        found = tuple(where_defined(name) for name in re.findall(r"`([^`]+)`", functions))
        label = base = test.strip("`").rpartition(".")[2].removeprefix("test_").replace("_", "-")
        while label in seen:
            number = int(label[len(base) + 1 :] or 1) + 1
            label = f"{base}-{number}"
        seen.add(label)
        yield Statement(text, source, found, command.strip("`"), test.strip("`"), label)


def statements(page: str | None = None) -> list[list[Statement]]:
    """Return the statements of the page, table by table."""
    seen: set[str] = set()
    text = PAGE.read_text(encoding="utf-8") if page is None else page
    return [list(_rows(table[1], seen)) for table in _TABLE.finditer(text)]


def as_blocks(page: str) -> str:
    """Return the page with a block in place of each row of its tables."""
    tables = iter(statements(page))
    return _TABLE.sub(lambda _: "\n\n".join(one.block() for one in next(tables)) + "\n", page)


def _read(_app: Sphinx, name: str, source: list[str]) -> None:
    if name == PAGE.stem:
        source[0] = as_blocks(source[0])


def _cite(app: Sphinx, _what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    if found := app.statements_of.get(name):  # type: ignore[attr-defined]
        lines += ["", "Statements:", "", *(f"- {one.cited()}" for one in found), ""]


def _prepare(app: Sphinx) -> None:
    of: dict[str, list[Statement]] = {}
    for one in (one for table in statements() for one in table):
        for name in one.functions:
            of.setdefault(name, []).append(one)
    app.statements_of = of  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", _prepare)
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _cite, priority=900)  # after the docstring is read
    return {"parallel_read_safe": False}
