"""The command ``python -m theory``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

if (
    __name__ == "__main__"
    and sys.path[0] in ("", str(Path.cwd()))
    and Path.cwd() != Path(__file__).parents[1]
):
    sys.path.append(sys.path.pop(0))  # modules of the working folder that have our names come last

from theory.bounds.partitions.partition import check_partition
from theory.commands.answer import joined
from theory.commands.arguments import build_parser, switches
from theory.commands.bounds import bounds_answer, parse_partition, schedule_answer
from theory.commands.command_line import as_json, guarded, within_limits
from theory.commands.decode import decode_answer
from theory.commands.frontier import full_frontier
from theory.commands.progress import Work, working
from theory.commands.rule_points import registry_points
from theory.commands.rules import realised_answer, rules_answer, rules_table
from theory.commands.shadows import name_shadows
from theory.commands.tables import print_answer, print_rows
from theory.decoding.tasks.float_task import as_floats
from theory.files import plain
from theory.policies import parse_policy
from theory.validation import InputError, exact_fraction, positive_int

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit status: 0, or 2 for wrong input."""
    args = build_parser().parse_args(argv)
    return guarded(lambda: within_limits(args, _run), "python -m theory")


def _run(args: argparse.Namespace) -> int:
    if getattr(args, "seed", 0) < 0:
        raise InputError(f"seed must be a whole number of at least 0, got {args.seed}.")
    if getattr(args, "float", False) and args.exact:
        raise InputError("--float asks for rounded numbers, --exact for those as written; give one of them.")
    if getattr(args, "samples", None) is not None:
        positive_int(args.samples, "samples")
    if args.command == "estimate":
        with working(args.command) as work:
            answer = _estimate(args, work.say)
        return _show(args, answer)
    if args.command == "rules" and args.markdown:
        print(rules_table(), end="")
        return 0
    if args.command == "rules":
        return _show(args, {"rules": rules_answer()})
    with working(args.command) as work:
        answer = _answer(args, work)
    return _show(args, answer)


def _answer(args: argparse.Namespace, work: Work) -> dict[str, Any]:
    from synthetic import find_task  # only the command imports tasks

    if args.command == "realised":
        made = None if args.task is None else lambda n: find_task(args.task, n)
        return realised_answer(args.rule, args.masked, args.steps, made, **switches(args))
    given = find_task(args.task, args.n, normalise=args.normalise, exact=args.exact)
    task = as_floats(given, wanted=getattr(args, "float", False))
    if args.command == "bounds":
        wanted = {"adaptive": args.adaptive, "randomized": args.randomized, "count": args.count}
        wanted |= {"seconds": float(exact_fraction(args.seconds, "--seconds")), "say": work.say}
        answer = bounds_answer(task, args.partition, samples=args.samples, seed=args.seed, **wanted)
    elif args.command == "schedule":
        answer = schedule_answer(task, samples=args.samples, seed=args.seed)
    elif args.command == "frontier":
        answer = _frontier(task, args, work)
    elif args.command == "policy":
        answer = _policy(task, args.steps, args.plot)
    else:
        own = {"samples": args.samples, "seed": args.seed}
        answer = decode_answer(task, parse_policy(args.policy), **own, **switches(args))
    note = getattr(given, "note", "")  # how the numbers of a file were read
    return joined(answer, {"notes": {"task": note}}) if note else answer


def _show(args: argparse.Namespace, answer: dict[str, Any]) -> int:
    if args.json:
        print(as_json(answer))
    elif args.command == "estimate":
        from theory.commands.estimate_table import print_estimates

        print_estimates(answer)
    elif args.command == "rules":
        print_rows(
            [{key: row[key] for key in ("example", "formula", "source")} for row in answer["rules"]], ""
        )
    elif "rule" in answer:
        print_answer(answer, f"{answer['rule']}, {answer['masked']} masked")
    else:
        print_answer(answer, f"{answer['task']}, n = {answer['n']}")
        if "verdict" in answer:
            print(f"verdict: {answer['verdict']}")
        if points := answer.get("rules"):
            shown = ("policy", "accuracy", "kl", "path_kl", "steps", "bits_above")
            print_rows([{key: row[key] for key in shown} for row in points], "rules")
        for one in answer.get("rules_left_out", ()):
            print(f"left out: {one['policy']}: {one['reason']}")
        for policy in answer.get("policies", ()):
            context = policy["context"]
            print(f"{plain(context)}\n{policy['tree']}" if context else policy["tree"])
    return 0


def _estimate(args: argparse.Namespace, say: Callable[[str], None]) -> dict[str, Any]:
    from theory.commands.estimate import estimate_answer
    from theory.sampling.observed import read_samples

    tokenize = None
    if args.tokenizer is not None:
        from models.predictors.huggingface_tokenizer import read_tokenizer

        tokenize = read_tokenizer(args.tokenizer)
    seen = read_samples(args.file, tokenize)
    partition = None if args.partition is None else check_partition(parse_partition(args.partition), seen.n)
    return estimate_answer(seen, partition, policies=args.policy, seed=args.seed, say=say)


def _frontier(task: Any, args: argparse.Namespace, work: Work) -> dict[str, Any]:
    path = None
    if args.plot is not None:
        from figures.drawing.save_picture import check_plot_file

        path = check_plot_file(args.plot)
    seconds = float(exact_fraction(args.seconds, "--seconds"))
    own = {"samples": args.samples, "seed": args.seed}
    answer = full_frontier(
        task,
        bounds=cache(partial(bounds_answer, task, seconds=seconds, say=work.say)),
        points=partial(registry_points, partial(decode_answer, task), report=work.parts, **own),
        rules=args.rules or args.samples is not None,
        **{key: getattr(args, key) for key in ("within", "entropy")},
    )
    if path is None:
        return answer
    from figures.drawing.frontier_curve import draw_frontier
    from figures.drawing.save_picture import save_picture

    save_picture(lambda: draw_frontier(answer), path)
    return {**answer, "plot": args.plot}


def _policy(task: Any, steps: int | None, plot: str | None) -> dict[str, Any]:
    from theory.commands.policy import policy_answer

    if plot is None:
        return policy_answer(task, steps)
    from figures.drawing.policy_tree import draw_policy
    from figures.drawing.save_picture import check_plot_file, save_picture

    path = check_plot_file(plot)
    answer = policy_answer(task, steps)
    save_picture(lambda: draw_policy(answer), path)
    return {**answer, "plot": plot}


if __name__ == "__main__":
    name_shadows("python -m theory")
    sys.exit(main())
