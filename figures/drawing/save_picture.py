"""Single plots that commands write with ``--plot``."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from figures.drawing.style import METADATA, STYLE
from figures.drawing.tooltips import add_tooltips
from theory.files import write_atomically
from theory.validation import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

__all__ = ["check_plot_file", "save_picture"]


def check_plot_file(path: str) -> Path:
    """Return the path of a plot; raise before any work if its ending is not supported."""
    file = Path(path)
    if file.suffix.lower().lstrip(".") not in METADATA:
        raise InputError(f"--plot {path}: the file must end in {', '.join(f'.{end}' for end in METADATA)}.")
    if not file.parent.is_dir():
        raise InputError(f"--plot {path}: there is no folder {file.parent}.")
    return file


def save_picture(draw: Callable[[], Drawing], path: Path) -> None:
    """Draw and write a plot in the format of the ending of ``path``."""
    from matplotlib import rc_context

    ending = path.suffix.lower().lstrip(".")
    with rc_context(cast("Any", STYLE)):
        image = io.BytesIO()
        draw().savefig(image, format=ending, metadata=METADATA[ending])
    data = image.getvalue()
    if ending == "svg":
        data = add_tooltips(data.decode("utf-8")).encode("utf-8")
    try:
        write_atomically(path, data)
    except OSError as error:
        raise InputError(f"--plot {path}: cannot write it ({error.strerror}); name another file.") from None
