"""``python -m theory``: bounds and exact decodes of a registered task, a task file or a Python object."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import Any

from theory._checks import InputError
from theory.answers import bounds_answer, decode_answer, frontier_answer, schedule_answer
from theory.commandline import OneLineParser, as_json, guarded
from theory.decoder import OFF_SUPPORT
from theory.policies import parse_policy, policies
from theory.taskfile import read_task
from theory.temper import GREEDY_TIES, check_temperature

__all__ = ["build_parser", "find_task", "main"]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = OneLineParser(prog="python -m theory", description=__doc__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    bounds = commands.add_parser("bounds", help="entropies and lower bounds L_T, L*_T of a task")
    _add_task(bounds)
    bounds.add_argument("--partition", help='price an ordered partition such as "0,1|2,3" (Theorem 1)')
    bounds.add_argument(
        "--count", action="store_true", help="also the number of optimal partitions for each T"
    )
    bounds.add_argument(
        "--adaptive", action="store_true", help="also V_T of policies that look at the tokens"
    )
    bounds.add_argument(
        "--randomized", action="store_true", help="also the best mixtures of T-step partitions"
    )
    schedule = commands.add_parser("schedule", help="information curve and best block sizes in random order")
    _add_task(schedule)
    frontier = commands.add_parser(
        "frontier", help="least KL against expected steps over all adaptive policies"
    )
    _add_task(frontier)
    decode = commands.add_parser(
        "decode", help="exact output law of an unmasking policy with the ideal model"
    )
    _add_task(decode)
    decode.add_argument(
        "--policy", required=True, metavar="SPEC", help=f"{', '.join(c.example for c in policies().values())}"
    )
    decode.add_argument("--temperature", default="1", help="tau >= 0; 0 is greedy (default 1)")
    decode.add_argument(
        "--greedy-ties", default="random", choices=GREEDY_TIES, help="equal tokens at tau = 0"
    )
    decode.add_argument(
        "--off-support", default="marginal", choices=OFF_SUPPORT, help="after an impossible token"
    )
    return parser


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task", metavar="TASK", help="a registered name, a .json or .csv file, or module:attribute"
    )
    parser.add_argument("-n", type=int, default=None, help="size of a registered task")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def find_task(name: str, n: int | None) -> Any:
    """Return the task of a command-line name."""
    from synthetic import make_task  # the command is the outer edge: theory itself knows no task

    if name.endswith((".json", ".csv")):
        task = read_task(name)
        if n is not None and n != task.n:
            raise InputError(f"task file {name} has length {task.n}, got -n {n}; leave -n out.")
        return task
    if ":" in name:
        return _imported(name, n)
    return make_task(name, n)


def _imported(name: str, n: int | None) -> Any:
    module, _, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"cannot load task {name!r}: {error}.") from None
    if callable(found) and (isinstance(found, type) or not hasattr(found, "contexts")):
        try:
            found = found() if n is None else found(n=n)
        except TypeError as error:
            raise InputError(f"cannot make task {name!r}: {error}; give its size with -n.") from None
    if not hasattr(found, "contexts"):
        raise InputError(f"{name!r} is no task: it has no method contexts().")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 for wrong input."""
    args = build_parser().parse_args(argv)
    return guarded(lambda: _run(args), "python -m theory")


def _run(args: argparse.Namespace) -> int:
    task = find_task(args.task, args.n)
    if args.command == "bounds":
        wanted = {"adaptive": args.adaptive, "randomized": args.randomized, "count": args.count}
        answer = bounds_answer(task, args.partition, **wanted)
    elif args.command == "schedule":
        answer = schedule_answer(task)
    elif args.command == "frontier":
        answer = frontier_answer(task)
    else:
        switches: dict[str, Any] = {"temperature": check_temperature(args.temperature)}
        if args.greedy_ties != "random":
            switches["greedy_ties"] = args.greedy_ties
        if args.off_support != "marginal":
            switches["off_support"] = args.off_support
        answer = decode_answer(task, parse_policy(args.policy), **switches)
    if args.json:
        print(as_json(answer))
    else:
        _print_table(answer)
    return 0


def _print_table(answer: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    exact = answer.get("exact", {})
    table = Table(title=f"{answer['task']}, n = {answer['n']}", title_justify="left")
    for column in ("quantity", "value", "exact"):
        table.add_column(column, overflow="fold")
    for key, value in answer.items():
        if key in ("task", "n", "exact", "optimal_partitions", "optimal_sizes"):
            continue
        if isinstance(value, dict):
            for name, item in value.items():
                table.add_row(f"{key} {name}", _number(item), exact.get(key, {}).get(name, ""))
        elif isinstance(value, list):
            for t, item in enumerate(value, start=1):
                _add_item(table, answer, key, t, item)
        else:
            table.add_row(key, _number(value), exact.get(key, ""))
    Console(file=sys.stdout).print(table)


def _add_item(table: Any, answer: dict[str, Any], key: str, t: int, item: Any) -> None:
    """Add one entry of a list: entry t of a bound stands for T = t steps."""
    from rich.markup import escape

    exact = answer.get("exact", {}).get(key)
    if isinstance(item, dict):
        texts = [f"{name} = {_number(value)}" for name, value in item.items()]
        table.add_row(escape(f"{key}[{t}]"), ", ".join(texts), exact[t - 1]["kl"] if exact else "")
        return
    note = ""
    if key == "optimal_bound" and answer.get("optimal_partitions"):
        note = "  " + "|".join(",".join(map(str, block)) for block in answer["optimal_partitions"][t - 1])
    if key == "expected_kl":
        note = "  sizes " + ",".join(map(str, answer["optimal_sizes"][t - 1]))
    index = "j" if key == "information_curve" else "T"
    table.add_row(escape(f"{key}[{index}={t}]{note}"), _number(item), exact[t - 1] if exact else "")


def _number(value: Any) -> str:
    if value is None or isinstance(value, str):
        return "-" if value is None else value
    return f"{float(value):.9g}"


if __name__ == "__main__":
    sys.exit(main())
