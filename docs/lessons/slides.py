"""The figures of the lessons as pictures of 1920 by 1080 pixels: ``python docs/lessons/slides.py --out slides``."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import runpy
import sys
from pathlib import Path

LESSONS = Path(__file__).parent
INCHES, DPI = (9.6, 5.4), 200


def write(lesson: Path, folder: Path) -> list[Path]:
    """Run a lesson and write what it draws, in the order in which it does."""
    import matplotlib.pyplot as plt

    plt.close("all")
    with contextlib.redirect_stdout(io.StringIO()):
        runpy.run_path(str(lesson))
    made = []
    for place, number in enumerate(plt.get_fignums(), start=1):
        made.append(folder / f"{lesson.stem}_{place}.png")
        figure = plt.figure(number)
        figure.set_size_inches(INCHES)  # what a result draws by itself is smaller
        figure.savefig(made[-1], dpi=DPI)
    plt.close("all")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Write the pictures of all lessons, or of those whose numbers are given."""
    lessons = {path.name[:2]: path for path in sorted(LESSONS.glob("[0-9][0-9]_*.py"))}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0] + ".")
    parser.add_argument(
        "lessons", metavar="NN", nargs="*", help=f"two digits, {min(lessons)} to {max(lessons)} (all)"
    )
    parser.add_argument(
        "--out", metavar="FOLDER", type=Path, default=Path("slides"), help="folder (%(default)s)"
    )
    asked = parser.parse_args(arguments)
    if unknown := [number for number in asked.lessons if number not in lessons]:
        parser.error(f"no lesson {unknown[0]!r}; known: {', '.join(lessons)}.")
    os.environ.setdefault("MPLBACKEND", "agg")
    os.environ.setdefault("PARABOUNDS_FAST", "1")  # lesson 9 loads the shipped weights; 0 trains
    asked.out.mkdir(parents=True, exist_ok=True)
    for number in asked.lessons or lessons:
        for path in write(lessons[number], asked.out):
            print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
