"""Modules of the working folder that have the names of ours."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["name_shadows", "shadows"]

_OURS = ("theory", "synthetic", "models", "figures", "parabounds")
_HOME = Path(__file__).parents[2]


def shadows(folder: Path) -> list[str]:
    """Return the modules and packages in ``folder`` that Python would take for ours.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as name:
        ...     _ = Path(name, "theory.py").write_text("")
        ...     shadows(Path(name))
        ['theory.py']
    """
    if folder.resolve() == _HOME:
        return []
    kinds = [f"{name}{end}" for name in _OURS for end in (".py", "/__init__.py")]
    return [kind for kind in kinds if (folder / kind).exists()]


def name_shadows(program: str) -> None:
    """Say on stderr which modules of the working folder are left aside."""
    if found := shadows(Path.cwd()):
        sys.stderr.write(
            f"{program}: {' and '.join(found)} in this folder has the name of a part of parabounds and is left aside; "
            "python -m theory and python -m models run such a file in place of ours, the command parabounds does not.\n"
        )
