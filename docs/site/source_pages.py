"""What the pages say for GitHub, said for Sphinx.

Pages are written once and read on GitHub too. Anchors in HTML become targets, so that Sphinx can check the links to
them; a link to a folder, which is no page of the site, becomes its name. What a cell returns beside its drawing,
such as ``<Axes: ...>``, is left out. Listings of code in folders of one depth share their table of contents, which
takes longer to make than the rest of such a page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from pygments.lexers.special import TextLexer

if TYPE_CHECKING:
    from sphinx.application import Sphinx

_ANCHOR = re.compile(r'^<a id="([\w-]+)"></a>$', re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+:)([^)#\s]+)\)")
_CONTENTS: dict[tuple[Any, ...], str] = {}  # by depth of the page and options
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


def _share_contents(_app: Sphinx, name: str, _template: str, context: dict[str, Any], _page: Any) -> None:
    if not name.startswith("_modules/"):
        return
    make, depth = context["toctree"], name.count("/")

    def shared(**options: Any) -> str:
        key = (depth, *sorted(options.items()))
        if key not in _CONTENTS:
            _CONTENTS[key] = make(**options)
        return _CONTENTS[key]

    context["toctree"] = shared


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", _read)
    app.connect("doctree-read", _leave_out)
    app.connect("builder-inited", lambda _app: _CONTENTS.clear())
    app.connect("html-page-context", _share_contents, priority=400)  # before furo asks for it
    for kind in ("csv", "jsonl"):
        app.add_lexer(kind, TextLexer)
    return {"parallel_read_safe": True}
