"""The explorer as one text, from its parts beside this file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files
from typing import Any

from parabounds.explorer.embedded import embedded

__all__ = ["ENGINE", "PAGE", "page", "part"]

ENGINE = ("exact", "pmf", "rule", "decode", "run", "worker")  # also the text of the worker
PAGE = ("input", "tour", "state", "view", "chart", "page")


def part(name: str) -> str:
    """Return a file of the explorer."""
    return (files("parabounds.explorer") / name).read_text(encoding="utf-8")


def page(data: dict[str, Any] | None = None) -> str:
    """Return the page: HTML that needs no other file and asks for none.

    Its Content-Security-Policy names the scripts and the style by their SHA-256: a browser runs nothing else.

    Args:
        data: As of :func:`parabounds.explorer.embedded.embedded`, by default computed here, in about ten seconds.
    """
    scripts = [_joined(ENGINE), _joined(PAGE)]
    style = part("style.css")
    filled = {
        "script_hashes": " ".join(map(_hash, scripts)),
        "style_hash": _hash(style),
        "style": style,
        "data": json.dumps(embedded() if data is None else data, separators=(",", ":")).replace(
            "<", "\\u003c"
        ),
        "engine": scripts[0],
        "page": scripts[1],
    }
    return re.sub(r"\{(\w+)\}", lambda found: filled[found[1]], part("page.html"))


def _joined(names: tuple[str, ...]) -> str:
    """Return the files one after the other, with one ``"use strict"`` at the top."""
    parts = [part(f"{name}.js").replace('"use strict";\n', "") for name in names]
    return '\n"use strict";\n' + "\n".join(parts)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
