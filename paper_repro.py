"""The paper in one command: compute, draw and check its figures and tables, and report what agrees.

    python paper_repro.py                 everything
    python paper_repro.py figure2 --fast  one figure, smaller
    python paper_repro.py --list          what there is
    python paper_repro.py figure2 --task my_task.json  the same curves for a task of your own
    python paper_repro.py explorer        the page for the browser, as ``parabounds explorer`` writes it

All but the last is ``parabounds figures``; exit statuses are those of :mod:`figures.command`.
"""

import signal
import sys
from pathlib import Path

if __name__ == "__main__" and sys.path[0] in ("", str(Path.cwd())) and Path.cwd() != Path(__file__).parent:
    sys.path.append(sys.path.pop(0))  # modules of the working folder that have our names come last

from figures.command import build_parser, main
from figures.engine.commandline import name_shadows

__all__ = ["build_parser", "main"]

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends the other processes too
    name_shadows("paper_repro.py")
    if sys.argv[1:2] == ["explorer"]:
        from parabounds.command import main as whole

        sys.exit(whole(sys.argv[1:]))
    sys.exit(main())
