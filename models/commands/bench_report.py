"""The command ``parabounds bench report``, the scores of files of answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from synthetic.parallelbench.protocol import PROTOCOLS
from theory.commands.progress import working

__all__ = ["add", "answer"]


def add(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="answers of bench run, sample logs of lm-eval, released samples with output; or folders of them",
    )
    parser.add_argument("--grammar", default="languagetool", metavar="NAME", help="or module:function")
    group = parser.add_argument_group("what files of others do not say")
    group.add_argument("--task", metavar="NAME", help="their task (by their names)")
    group.add_argument("--protocol", choices=tuple(PROTOCOLS), help="(v2 for lm-eval, else v1)")
    group.add_argument("--label", metavar="TEXT", help="their model (the name of their folder)")
    group.add_argument(
        "--policy", metavar="SPEC", help="their rule, for the perfect model (by their settings)"
    )
    group.add_argument(
        "--layout",
        metavar="NAME|PATH",
        help="token layout for the same: released, none, a JSON file with length and places, or a directory with a "
        "tokenizer (as recorded)",
    )


def answer(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the report."""
    from models.benchmark.report import bench_report
    from models.benchmark.results import Defaults

    given = Defaults(
        task=arguments.task,
        protocol=arguments.protocol,
        label=arguments.label,
        policy=arguments.policy,
        layout=arguments.layout,
    )
    with working("parabounds bench report") as work:
        return bench_report(arguments.files, given, grammar=arguments.grammar, report=work.parts)
