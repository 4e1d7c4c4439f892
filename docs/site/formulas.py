"""Formulas, rendered by Node when the site is built.

The package ``sphinxcontrib-katex`` connects to a Unix socket before Node listens there, which fails on a busy machine.
Over TCP it tries again; without Nagle's algorithm, which would delay each formula by 40 ms. A formula that KaTeX cannot
read is an error.
"""

from __future__ import annotations

import socket
from pathlib import Path
from subprocess import Popen
from typing import TYPE_CHECKING

from sphinxcontrib import katex

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PATIENCE = 60  # seconds, for the start of Node and for a formula


def _start(folder: Path, timeout: float) -> tuple[Popen[bytes], socket.socket]:
    process, connection = katex.KaTeXServer.start_network_socket(folder, timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return process, connection


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.setup_extension("sphinxcontrib.katex")
    katex.KaTeXServer.start_server_process = _start
    katex.STARTUP_TIMEOUT = katex.RENDER_TIMEOUT = PATIENCE
    katex.KATEX_DEFAULT_OPTIONS["throwOnError"] = True
    return {"parallel_read_safe": True}
