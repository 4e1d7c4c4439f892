"""The command ``parabounds``.

Exit status: 0 if done, 1 if a check or a comparison fails, 2 for wrong input, 130 if interrupted, 141 if the reader of
the output has gone.
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

import figures
import models
import synthetic
import theory
from parabounds.arguments import MODELS, build_parser
from parabounds.compare import comparison
from parabounds.progress import working
from parabounds.results import Result, ask_bounds, ask_decode, ask_frontier, ask_policy, ask_schedule
from parabounds.terminal import check_out, print_result, write_result
from synthetic.parallelbench import command as bench
from theory.commands.arguments import switches
from theory.commands.command_line import as_json, guarded, within_limits
from theory.commands.frontier import asked_answer
from theory.distributions.tempering import check_temperature
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["main"]

OURS = (
    figures,
    models,
    synthetic,
    theory,
)  # imported before the working folder may offer modules of these names
PROGRAM = "parabounds"


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: ends other processes too
    if str(Path.cwd()) not in sys.path:
        sys.path.append(str(Path.cwd()))  # last: for tasks and policies as module:attribute
    parser = build_parser()
    args = parser.parse_args(argv)
    if args.print_completion:
        import shtab

        print(shtab.complete(parser, args.print_completion))
        return 0
    if args.command is None:
        parser.print_help()
        return 0
    if args.command == "figures":
        from figures.command import run

        return run(args, f"{PROGRAM} figures")
    return guarded(lambda: within_limits(args, _run), f"{PROGRAM} {args.command}")


def _run(args: argparse.Namespace) -> int:
    if args.command == "model":
        return MODELS[args.model_command][0].run(args)
    if args.command == "bench":
        return bench.run(args)
    if args.command == "tasks":
        return _tasks(args)
    if args.command in ("rules", "audit", "estimate"):
        from theory.commands.rules import rules_answer, rules_table

        if args.command == "rules":
            return _rules(args, rules_answer(), rules_table)
        return _audit(args) if args.command == "audit" else _estimate(args)
    if getattr(args, "seed", 0) < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {args.seed}.")
    check_out(args.out)
    path = _plot_path(args)
    result = _ask(args)
    if args.json:
        print(as_json(result.answer))
    elif "-" not in (args.csv, args.latex):
        print_result(result, forms=args.forms, whole=args.all)
    write_result(result, out=args.out, table=args.csv, tex=args.latex)
    if path is not None:
        _draw(result, path)
    return 0


def _ask(args: argparse.Namespace) -> Result:
    if hasattr(args, "samples"):
        positive_int(args.samples, "samples")
    if getattr(args, "float", False) and args.exact:
        raise InputError("--float asks for rounded numbers, --exact for those as written; give one of them.")
    with working(f"{PROGRAM} {args.command}") as report:
        task = synthetic.find_task(args.task, args.n, normalise=args.normalise, exact=args.exact)
        own = {key: getattr(args, key) for key in ("samples", "seed") if hasattr(args, key)}
        if args.command == "bounds":
            wanted = {"adaptive": args.adaptive, "randomized": args.randomized, "count": args.count}
            wanted |= {"seconds": float(exact_fraction(args.seconds, "--seconds"))}
            wanted |= {"say": lambda text: report(text=text)}
            return ask_bounds(task, args.partition, float=args.float, **wanted, **own)
        if args.command == "schedule":
            return ask_schedule(task, float=args.float, **own)
        if args.command == "frontier":
            asked = asked_answer(task, within=args.within, entropy=args.entropy)
            return ask_frontier(task, asked)
        if args.command == "policy":
            return ask_policy(task, args.steps)
        if args.command == "compare":
            taus = [check_temperature(part) for part in args.temperature.split(",")]
            return comparison(task, args.policy or args.usual, temperature=taus, report=report, **own)
        return ask_decode(task, args.policy, **own, **switches(args))


def _plot_path(args: argparse.Namespace) -> Path | None:
    if getattr(args, "plot", None) is None:
        return None
    from figures.drawing.save_picture import check_plot_file

    return check_plot_file(args.plot)


def _draw(result: Result, path: Path) -> None:
    from figures.drawing.policy_tree import draw_policy
    from figures.drawing.save_picture import save_picture

    if result.kind == "policy":  # with the bars of each step
        save_picture(lambda: draw_policy(dict(result.answer)), path)
        return
    save_picture(lambda: result.plot().get_figure(), path)  # type: ignore[arg-type, return-value]


def _tasks(args: argparse.Namespace) -> int:
    from theory.commands.tables import print_rows

    rows = []
    for name, cls in synthetic.known_tasks().items():
        about = " ".join((cls.__doc__ or "").partition("\n\n")[0].split())
        rows.append({"task": name, "size": "-n" if cls.sizes else "fixed", "about": about})
    if args.json:
        print(as_json({"tasks": rows}))
    else:
        print_rows(rows, "")
    return 0


def _rules(args: argparse.Namespace, rows: list[dict[str, Any]], markdown: Any) -> int:
    from theory.commands.tables import print_rows

    if args.markdown:
        print(markdown(), end="")
    elif args.json:
        print(as_json({"rules": rows}))
    else:
        print_rows([{key: row[key] for key in ("example", "formula", "source")} for row in rows], "")
    return 0


def _audit(args: argparse.Namespace) -> int:
    from theory.commands.rules import realised_answer
    from theory.commands.tables import print_answer

    made = None if args.task is None else lambda n: synthetic.find_task(args.task, n)
    with working(f"{PROGRAM} audit"):
        answer, *others = [
            realised_answer(rule, args.masked, args.steps, made, **switches(args))
            for rule in [args.rule, *args.beside]
        ]
    if others:
        return _beside([answer, *others], json=args.json)
    if args.json:
        print(as_json(answer))
    else:
        print_answer(answer, f"{answer['rule']}, {answer['masked']} masked")
    return 0


def _beside(answers: list[dict[str, Any]], *, json: bool) -> int:
    """Print the settings of several rules, one a row."""
    from theory.commands.tables import print_rows

    if json:
        print(as_json(answers))
        return 0
    keys = [key for key in answers[0] if key not in ("exact", "errors", "notes", "masked")]
    print_rows(
        [{key: answer.get(key) for key in keys} for answer in answers], f"{answers[0]['masked']} masked"
    )
    return 0


def _estimate(args: argparse.Namespace) -> int:
    from theory.bounds.partitions.step_bounds import check_partition
    from theory.commands.bounds import parse_partition
    from theory.commands.estimate import estimate_answer
    from theory.commands.estimate_table import print_estimates
    from theory.sampling.observed import read_samples

    tokenize = None
    if args.tokenizer is not None:
        from models.predictors.huggingface import read_tokenizer

        tokenize = read_tokenizer(args.tokenizer)
    with working(f"{PROGRAM} estimate") as report:
        seen = read_samples(args.file, tokenize)
        partition = (
            None if args.partition is None else check_partition(parse_partition(args.partition), seen.n)
        )
        answer = estimate_answer(
            seen,
            partition,
            policies=args.policy,
            seed=args.seed,
            say=lambda text: report(text=text),
        )
    if args.json:
        print(as_json(answer))
    else:
        print_estimates(answer)
    return 0
