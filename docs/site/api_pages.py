"""A page for each module that has public names, written before the site is built.

Public is what the packages list, what the statements name, and every registered rule and task. Each name stands in the
module that defines it. The pages are in ``docs/api``, which is not committed.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statement_blocks import statements

from synthetic import known_tasks
from theory import registered_policies

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PACKAGES = (
    *("parabounds", "parabounds.subject", "parabounds.results", "parabounds.trace"),
    *("theory", "theory.policies", "synthetic", "synthetic.parallelbench", "models", "figures"),
)
OURS = ("parabounds", "theory", "synthetic", "models", "figures")
FOLDER = Path(__file__).parents[1] / "api"


def public_names() -> dict[str, set[str]]:
    """Return the public names of each module that defines some."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        made = import_module(package)
        for name in getattr(made, "__all__", ()) or [n for n in dir(made) if not n.startswith("_")]:
            module = getattr(getattr(made, name), "__module__", None) or ""
            if module.partition(".")[0] in OURS:
                found.setdefault(module, set()).add(name)
    for one in (one for table in statements() for one in table):
        for function in one.functions:
            module, _, name = function.rpartition(".")
            found.setdefault(module, set()).add(name)
    for made in (*registered_policies().values(), *known_tasks().values()):
        found.setdefault(made.__module__, set()).add(made.__name__)
    return dict(sorted(found.items()))


def _room(module: str) -> str:
    return ".".join(module.split(".")[:2]) if module.startswith("theory.") else module.partition(".")[0]


def pages() -> dict[str, str]:
    """Return the text of each page by its name."""
    names = public_names()
    made = {module: _page(module, public) for module, public in names.items()}
    rooms: dict[str, list[str]] = {}
    for module in names:
        rooms.setdefault(_room(module), []).append(module)
    index = [*_title("API"), "Public names, each where it is defined.", ""]
    for room in sorted(rooms, key=lambda room: (OURS.index(room.partition(".")[0]), room)):
        about = [f"- :doc:`{module}`: {_first_line(module)}" for module in rooms[room]]
        index += [*_title(room, "-"), *about, "", ".. toctree::", "   :hidden:", ""]
        index += [*(f"   {module}" for module in rooms[room]), ""]
    return {**made, "index": "\n".join(index)}


def _page(module: str, public: set[str]) -> str:
    members = f"   :members: {', '.join(sorted(public))}"
    return "\n".join([".. rst-class:: module", "", *_title(module), f".. automodule:: {module}", members, ""])


def _title(text: str, line: str = "=") -> list[str]:
    return [text, line * len(text), ""]


def _first_line(module: str) -> str:
    return (import_module(module).__doc__ or "").partition("\n")[0]


def _write(_app: Sphinx, _config: Any) -> None:
    FOLDER.mkdir(exist_ok=True)
    texts = pages()
    for path in FOLDER.glob("*.rst"):
        if path.stem not in texts:
            path.unlink()
    for name, text in texts.items():
        path = FOLDER / f"{name}.rst"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("config-inited", _write)
    return {"parallel_read_safe": True}
