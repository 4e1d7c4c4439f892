"""What the pages say for GitHub, said for Sphinx.

Pages are written once and read on GitHub too. Anchors in HTML become targets, so that Sphinx can check the links to
them; a link to a folder, which is no page of the site, becomes its name. What a cell returns beside its drawing,
such as ``<Axes: ...>``, is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$', re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:)([^)#\s]+)\)")
_DRAWN = re.compile(r"<(Axes|matplotlib|Figure)\b|Text\(")


def for_sphinx(text: str, folder: Path) -> str:
    """Return the source of a page that lies in a folder, as Sphinx reads it."""
    text = _ANCHOR.sub(r"(\1)=", text)
    return _LINK.sub(lambda link: f"`{link[2]}`" if (folder / link[2]).is_dir() else link[0], text)


def _read(app: Sphinx, name: str, source: list[str]) -> None:
    path = Path(app.env.doc2path(name))
    if path.suffix == ".md":
        source[0] = for_sphinx(source[0], path.parent)


def _leave_out(_app: Sphinx, page: nodes.document) -> None:
    cells = [node for node in page.findall(nodes.container) if node.get("nb_element") == "cell_code_output"]
    for cell in cells:
        for output in list(cell.children):
            if _DRAWN.match(output.astext().lstrip()) and not list(output.findall(nodes.image)):
                cell.remove(output)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _leave_out)
    for kind in ("csv", "jsonl"):
        app.add_lexer(kind, TextLexer)
    return {"parallel_read_safe": True}
