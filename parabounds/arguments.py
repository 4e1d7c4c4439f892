"""The arguments of the command ``parabounds``, put together from those of the rooms."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, NoReturn

from figures.command import add_arguments
from models.commands import bench_report, bench_run, finetune, gap, train, verify
from parabounds.explorer import command as explorer
from synthetic.parallelbench import command as bench
from theory.commands.arguments import add_commands, add_runs
from theory.commands.command_line import OneLineParser, whole

__all__ = ["BENCH", "MODELS", "build_parser"]

MODELS = {
    "train": (train, "train a model from scratch; seeded, resumable"),
    "verify": (verify, "decode with a trained model and compare with exact values"),
    "gap": (gap, "what parallel decoding costs any model, without labels"),
    "finetune": (finetune, "LoRA on list tasks with the recipe of the paper; resumable"),
}
BENCH = {
    "run": (bench_run, "ask a model or an endpoint; resumable"),
    "report": (bench_report, "scores, speed and perfect scores of answers, of ours and of others"),
}
_ABOUT = "What parallel decoding costs: exact bounds, decodes, schedules and figures."
_FIRST = "first steps: parabounds tasks; parabounds bounds shuffle -n 4; parabounds compare shuffle -n 4"
_TABLES = (
    "tasks",
    "rules",
    "bounds",
    "schedule",
    "frontier",
    "policy",
    "decode",
    "compare",
    "audit",
    "estimate",
)
_COMPARED = ["topk:k=1", "topk:k=2", "topk:k=3", "threshold:gamma=0.7", "threshold:gamma=0.9", "factor:f=1"]


class Parser(OneLineParser):
    """A parser whose errors are one line with a guess at what was meant, and whose help is coloured on a terminal."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("formatter_class", _formatter)
        kwargs.setdefault("allow_abbrev", False)
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Print the message with a guess and exit."""
        super().error(message + self._guess(message))

    def _guess(self, message: str) -> str:
        known = [*_words(self)]
        words = message.replace("'", " ").replace("(", " ").split()
        if "invalid choice" in message:
            known = message.partition("(choose from")[2].replace("'", "").strip(" )").split(", ")
            words = words[words.index("choice:") + 1 :][:1]
        elif "unrecognized" in message:
            words = [word.partition("=")[0] for word in words if word.startswith("-")]
        else:
            return ""
        # a word that is known belongs to another command
        found = [match for word in words for match in get_close_matches(word, known, 1) if word not in known]
        return f"; did you mean {found[0]}?" if found else ""


def _words(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the options and choices of a parser and of its sub-parsers."""
    for action in parser._actions:
        yield from action.option_strings
        for name in action.choices or ():
            yield str(name)
        if isinstance(action.choices, dict):
            for below in action.choices.values():
                yield from _words(below)


def _formatter(prog: str, **kwargs: Any) -> argparse.HelpFormatter:
    from rich_argparse import RichHelpFormatter  # for help alone: no other command waits for it

    return RichHelpFormatter(prog, **kwargs)


class _Renamed:
    """The sub-parsers, in which one command has another name and help."""

    def __init__(self, commands: Any) -> None:
        self.commands = commands

    def add_parser(self, name: str, **kwargs: Any) -> Any:
        return self.commands.add_parser("audit" if name == "realised" else name, **kwargs)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from importlib.metadata import version

        sys.stdout.write(f"parabounds {version('parabounds')}\n")
        parser.exit(0)


def build_parser() -> Parser:
    """Return the parser."""
    parser = Parser(prog="parabounds", description=_ABOUT, epilog=_FIRST)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and stop")
    parser.add_argument(
        "--print-completion",
        choices=("bash", "zsh", "tcsh"),
        help="print a script of completions for a shell",
    )
    commands: Any = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    tasks = commands.add_parser("tasks", help="the registered tasks, with what they are")
    tasks.add_argument("--json", action="store_true", help="print JSON instead of a table")
    add_commands(_Renamed(commands))
    _add_compare(commands)
    bounds = commands.choices["bounds"]
    bounds.add_argument("--plot", metavar="FILE", help="also draw it into a .png, .svg or .pdf file")
    commands.choices["audit"].add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="SPEC",
        help="another rule, side by side; may be repeated",
    )
    for name in ("schedule", "decode"):
        commands.choices[name].add_argument("--plot", metavar="FILE", help="also draw it into a picture")
    for name in _TABLES:
        _add_output(commands.choices[name])
    add_arguments(
        commands.add_parser("figures", help="the figures and tables of the paper, or of your own task")
    )
    about = "ParallelBench: its tasks and graders, a perfect model's scores, and yours"
    kinds = bench.add(commands.add_parser("bench", help=about))
    for name, (module, text) in BENCH.items():
        module.add(kinds.add_parser(name, help=text))
        kinds.choices[name].add_argument("--json", action="store_true", help="print JSON instead of a table")
        _add_output(kinds.choices[name])
    explorer.add_arguments(
        commands.add_parser(
            "explorer", help="a page for the browser: decode small distributions, step by step"
        )
    )
    model = commands.add_parser("model", help="train, verify, measure and finetune models")
    kinds = model.add_subparsers(dest="model_command", required=True, metavar="COMMAND", parser_class=Parser)
    for name, (module, text) in MODELS.items():
        module.add(kinds.add_parser(name, help=text))
    return parser


def _add_compare(commands: Any) -> None:
    compare = commands.add_parser("compare", help="several policies on one task, against the optimum")
    compare.add_argument("task", metavar="TASK", help="as for bounds")
    compare.add_argument("-n", type=whole, default=None, help="size of a registered or structured task")
    compare.add_argument(
        "--policy",
        action="append",
        metavar="SPEC",
        help=f"a policy; repeat it (default: {', '.join(_COMPARED)})",
    )
    compare.add_argument("--temperature", default="1", help="one, or several as 0,1 (default 1)")
    compare.add_argument(
        "--seconds", default="60", help="for a bracket of the optimum of many positions (default 60)"
    )
    add_runs(compare)
    compare.add_argument(
        "--normalise", action="store_true", help="divide a file's probabilities by their sum"
    )
    compare.add_argument(
        "--exact", action="store_true", help="numbers of over 12 digits as written, no floats"
    )
    compare.add_argument(
        "--limit", default="1", metavar="FACTOR", help="multiply the limits of time and memory"
    )
    compare.add_argument("--json", action="store_true", help="print JSON instead of a table")
    compare.add_argument("--plot", metavar="FILE", help="also draw it into a .png, .svg or .pdf file")
    compare.set_defaults(usual=_COMPARED)


def _add_output(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("output")
    group.add_argument(
        "--forms", action="store_true", help="also exact forms, and bounds on errors of floats"
    )
    group.add_argument("--all", action="store_true", help="all rows of long tables")
    group.add_argument("--out", metavar="FILE", help="write the table into a .txt, .csv, .tex or .json file")
    group.add_argument("--csv", metavar="FILE", help="write it as CSV (- for the terminal)")
    group.add_argument("--latex", metavar="FILE", help="write it as a LaTeX table (- for the terminal)")
