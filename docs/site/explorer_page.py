"""The explorer, written into the site as the command writes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def _write(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        from parabounds.explorer.build import page
        from parabounds.explorer.embedded import embedded

        Path(app.outdir, "explorer.html").write_text(page(embedded()), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True}
