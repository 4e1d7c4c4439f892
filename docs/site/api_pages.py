"""A page for each package that has public names, written before the site is built.

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


def pages() -> dict[str, str]:
    """Return the text of each page by its name: one for each package, and an index."""
    packages: dict[str, dict[str, set[str]]] = {}
    for module, public in public_names().items():
        packages.setdefault(module.rpartition(".")[0] or module, {})[module] = public
    order = sorted(packages, key=lambda name: (OURS.index(name.partition(".")[0]), name))
    index = [*_title("API"), "Public names, each where it is defined.", ""]
    index += [".. toctree::", "   :hidden:", "", *(f"   {name}" for name in order), ""]
    for name in order:
        about = [f"- :mod:`{module}`: {_first_line(module)}" for module in packages[name]]
        index += [*_title(f":doc:`{name}`", "-"), *about, ""]
    made = {name: "\n".join(_page(name, modules)) for name, modules in packages.items()}
    return {**made, "index": "\n".join(index)}


def _page(name: str, modules: dict[str, set[str]]) -> list[str]:
    lines = [".. rst-class:: module", "", *_title(name)]
    for module, public in modules.items():
        lines += _title(module.rpartition(".")[2], "-")
        lines += [f".. automodule:: {module}", f"   :members: {', '.join(sorted(public))}", ""]
    return lines


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
