"""The arguments of the commands on tasks, policies and samples."""

from __future__ import annotations

import argparse
from typing import Any

from theory.commands.command_line import OneLineParser, whole
from theory.decoding.result import OFF_SUPPORT
from theory.distributions.tempering import GREEDY_TIES, NUCLEUS, SCORED, check_temperature
from theory.policies import registered_policies
from theory.validation import InputError

__all__ = ["add_commands", "add_runs", "build_parser", "switches"]

_SWITCHES = {"greedy_ties": "random", "off_support": "marginal", "nucleus": "keep", "scored": "before"}

_ABOUT = "Bounds and exact decodes of a registered task, a task file or a Python object."


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = OneLineParser(prog="python -m theory", description=_ABOUT)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=OneLineParser
    )
    add_commands(commands)
    return parser


def add_commands(commands: Any) -> None:
    """Add every command to the sub-parsers of a parser."""
    bounds = commands.add_parser("bounds", help="entropies and lower bounds L_T, L*_T of a task")
    _add_task(bounds)
    _add_samples(bounds)
    _add_float(bounds)
    bounds.add_argument("--seconds", default="60", help="for brackets of L*_T of many positions (default 60)")
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
    _add_samples(schedule)
    schedule.set_defaults(samples=None)  # as many as fit the limit
    _add_float(schedule)
    frontier = commands.add_parser(
        "frontier", help="least KL against expected steps over all adaptive policies"
    )
    _add_task(frontier)
    frontier.add_argument("--plot", metavar="FILE", help="also draw it into a .png, .svg or .pdf file")
    frontier.add_argument("--within", metavar="BITS", help="also the fewest steps at a KL of at most BITS")
    frontier.add_argument(
        "--entropy", metavar="BITS", help="also the best one-step accuracy with an output of this entropy"
    )
    frontier.add_argument(
        "--rules",
        action="store_true",
        help="also the example of each rule, as points; --samples too asks for them",
    )
    frontier.add_argument(
        "--seconds", default="60", help="for brackets of L*_T of many positions (default 60)"
    )
    add_runs(frontier)
    policy = commands.add_parser("policy", help="the best rule that looks at the tokens, step by step")
    _add_task(policy)
    policy.add_argument(
        "--steps", type=whole, default=None, help="most steps (default: the fewest that lose nothing)"
    )
    policy.add_argument("--plot", metavar="FILE", help="also draw it into a .png, .svg or .pdf file")
    estimate = commands.add_parser("estimate", help="bounds estimated from observed sequences")
    _add_samples_file(estimate)
    decode = commands.add_parser(
        "decode", help="exact output distribution of an unmasking policy with the ideal model"
    )
    _add_task(decode)
    add_runs(decode)
    decode.add_argument(
        "--policy",
        required=True,
        metavar="SPEC",
        help=f"{', '.join(c.example for c in registered_policies().values())}",
    )
    _add_switches(decode)
    real = commands.add_parser("realised", help="tokens per model call that a decoder's settings really give")
    real.add_argument(
        "--rule", required=True, metavar="SPEC", help="such as dream:eps=1e-3 or llada:by=confidence"
    )
    real.add_argument("--masked", required=True, type=whole, help="number of masked positions")
    real.add_argument("--steps", type=whole, default=None, help="T, if the rule has it")
    real.add_argument(
        "--task", default=None, metavar="TASK", help="also the accuracy of a perfect model on it"
    )
    real.add_argument("--json", action="store_true", help="print JSON instead of a table")
    _add_switches(real)
    rules = commands.add_parser("rules", help="every unmasking rule: formula, source, release, switches")
    form = rules.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON instead of a table")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")


def switches(args: argparse.Namespace) -> dict[str, Any]:
    """Return the temperature and the switches of a decode that are not the default."""
    if args.nucleus != "keep" and args.top_p is None:
        raise InputError("--nucleus decides about the token that crosses --top-p; give --top-p too.")
    found: dict[str, Any] = {"temperature": check_temperature(args.temperature)}
    found |= {key: getattr(args, key) for key, usual in _SWITCHES.items() if getattr(args, key) != usual}
    return found | {key: getattr(args, key) for key in ("top_p", "top_k") if getattr(args, key) is not None}


def _add_switches(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--temperature", default="1", help="tau >= 0; 0 is greedy (default 1)")
    parser.add_argument(
        "--greedy-ties", default="random", choices=GREEDY_TIES, help="equal tokens at tau = 0"
    )
    parser.add_argument(
        "--off-support", default="marginal", choices=OFF_SUPPORT, help="after an impossible token"
    )
    parser.add_argument(
        "--top-p", default=None, metavar="P", help="draw from the nucleus of this probability"
    )
    parser.add_argument("--top-k", default=None, metavar="K", help="draw from the K most probable tokens")
    parser.add_argument(
        "--nucleus", default="keep", choices=NUCLEUS, help="the token that crosses --top-p (MDLM drops it)"
    )
    parser.add_argument(
        "--scored", default="before", choices=SCORED, help="scores read before or after these (Dream: after)"
    )


def _add_samples_file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="sequences: .csv (y0,y1,...[,x]), .jsonl, .npy or .npz")
    parser.add_argument("--tokenizer", metavar="DIR", help="a Hugging Face directory, for texts in .jsonl")
    parser.add_argument("--partition", help='price an ordered partition such as "0,1|2,3"')
    parser.add_argument(
        "--policy",
        action="append",
        default=[],
        metavar="SPEC",
        help="also decode with this rule on the empirical distribution; may be given several times",
    )
    parser.add_argument(
        "--seed", type=whole, default=0, help="of the halves that choose and price partitions (default 0)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def _add_samples(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--samples",
        type=whole,
        default=2000,
        help="for distributions too large to compute exactly (default 2000)",
    )
    parser.add_argument("--seed", type=whole, default=0, help="seed of the samples (default 0)")


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add the number of sampled runs and their seed."""
    parser.add_argument(
        "--samples",
        type=whole,
        default=None,
        help="draw so many runs, beside exact numbers too (default: 2000 where nothing exact is affordable)",
    )
    parser.add_argument("--seed", type=whole, default=0, help="seed of the samples (default 0)")


def _add_float(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--float",
        action="store_true",
        help="float64 with a bound on its error, if exact logarithms take too long",
    )


def _add_task(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "task",
        metavar="TASK",
        help="a registered name, a file (.json, .csv, .npy, .npz), or module:attribute",
    )
    parser.add_argument("-n", type=whole, default=None, help="size of a registered or parametric task")
    parser.add_argument("--normalise", action="store_true", help="divide a file's probabilities by their sum")
    parser.add_argument(
        "--exact", action="store_true", help="numbers of over 12 digits as written, no floats"
    )
    parser.add_argument(
        "--limit",
        default="1",
        metavar="FACTOR",
        help="multiply the limits of time and memory by this (default 1)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
