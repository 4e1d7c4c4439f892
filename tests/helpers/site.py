"""What must be true of the pages of the site, read from the HTML."""

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {
    ("img", "src"),
    ("script", "src"),
    ("iframe", "src"),
    ("source", "src"),
}  # fetched when a page opens


class Page(HTMLParser):
    """The ids, links and cells of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.inputs = self.outputs = self.pictures = 0
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = {key: value or "" for key, value in attributes}
        self.ids |= {found[key] for key in ("id", "name") if key in found}
        classes = found.get("class", "").split()
        self.inputs += "cell_input" in classes
        self.outputs += "cell_output" in classes
        self.pictures += tag == "img" and "_images/" in found.get("src", "")
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag == "link" and "stylesheet" in found.get("rel", "") + found.get("as", ""):
            self.loaded.append(found["href"])
        self.loaded += [found[key] for key in ("src",) if (tag, key) in LOADED and key in found]


@cache
def page(path: Path) -> Page:
    return Page(path)


def pages(site: Path) -> list[Path]:
    return sorted(path for path in site.rglob("*.html") if path.name != "explorer.html")


def dead_links(site: Path) -> Iterator[str]:
    """Links inside the site whose page or target is missing."""
    for path in pages(site):
        found = page(path)
        for link in [*found.links, *found.loaded]:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            inside = file.suffix == ".html" and file.name != "explorer.html" and parts.fragment
            if not file.is_file():
                yield f"{path.relative_to(site)}: {link} is missing"
            elif inside and unquote(parts.fragment) not in page(file).ids:
                yield f"{path.relative_to(site)}: {link} has no such target"


def fetched_from_elsewhere(site: Path) -> Iterator[str]:
    """What a page would load from the network."""
    for path in pages(site):
        for link in page(path).loaded:
            if urlsplit(link).netloc:
                yield f"{path.relative_to(site)} loads {link}"


def without_outputs(site: Path, sources: list[Path]) -> Iterator[str]:
    """Pages of scripts whose cells were not run."""
    for source in sources:
        name = f"{source.stem}.html"
        found = page(site / ("lessons" if source.parent.name == "lessons" else ".") / name)
        if not (found.inputs >= found.outputs >= found.inputs / 2 > 0 and found.pictures):
            yield f"{name}: {found.inputs} cells, {found.outputs} outputs, {found.pictures} pictures"


def uncited(site: Path, labels: set[str]) -> Iterator[str]:
    """Labels of statements without a block, without a citation, and blocks that no statement has."""
    there = page(site / "statements.html").ids
    cited = {
        urlsplit(link).fragment
        for path in pages(site)
        if path.name != "statements.html"
        for link in page(path).links
        if urlsplit(link).path.endswith("statements.html")
    }
    yield from (f"{label} has no block" for label in sorted(labels - there))
    yield from (f"{label} is cited nowhere" for label in sorted(labels - cited))


def tests_that_are_gone(site: Path, root: Path) -> Iterator[str]:
    """Tests that a statement names and that do not exist."""
    text = re.sub(r"<[^>]+>", "", (site / "statements.html").read_text(encoding="utf-8"))
    named = set(re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", text))
    if len(named) < 100:
        yield f"only {len(named)} tests are named"
    for file, test in sorted(named):
        if not (root / file).is_file() or f"def {test}(" not in (root / file).read_text(encoding="utf-8"):
            yield f"{file}::{test}"
