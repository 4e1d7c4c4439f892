"""docs/answers.md: every key that a command gives is there, with its type and when it is missing; no other key is."""

import json
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from parabounds.arguments import build_parser
from parabounds.command import main
from theory.distributions.distribution import Context, ListedDistribution
from theory.distributions.pmf import JointPMF
from theory.policies import registered_policies

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "answers.md").read_text(encoding="utf-8")
ESTIMATE = ("estimate", "standard_error", "low", "high", "interval")
BY_ENTRY = ("errors", "exact", "notes", "arithmetic")  # their keys are names of other entries
OPEN = {
    "revealed",
    "settings",
    "sampled",
}  # keys are positions or entries; objects as in the rest of the section
TYPES = {
    "number": (int, float),
    "whole number": (int,),
    "text": (str,),
    "object": (dict,),
    "estimate": (dict,),
    '"inf"': (str,),
    "null": (type(None),),
    "list": (list,),
    "boolean": (bool,),
}


@dataclass(frozen=True)
class Floats:
    """A task of float probabilities."""

    name: str = "floats"
    n: int = 2

    def contexts(self) -> tuple[Context, ...]:
        distribution = JointPMF.from_mapping({("a", "a"): 0.3, ("a", "b"): 0.3, ("b", "b"): 0.4})
        return (Context(weight=Fraction(1), distribution=ListedDistribution(distribution)),)

    def chain(self) -> None:
        return None


FLOATS = Floats()
CHAIN = {
    "length": 30,
    "tokens": ["a", "b"],
    "initial": ["1/2", "1/2"],
    "transition": [["3/4", "1/4"], ["1/4", "3/4"]],
}
LONG = [[str(j // 3 ** (i % 3) % 3) for i in range(24)] for j in range(12)]
HIDDEN = {**CHAIN, "length": 24, "emission": [["3/4", "1/4"], ["1/4", "3/4"]]}
ROWS = [["a", "a"], ["b", "b"]]
FILES = {
    "chain.json": json.dumps({"markov": CHAIN}),
    "hidden.json": json.dumps({"hmm": HIDDEN}),
    "two.json": json.dumps({"contexts": [{"outcomes": ROWS}, {"outcomes": [["a", "b"]]}]}),
    "lengths.json": json.dumps({"contexts": [{"outcomes": ROWS}, {"outcomes": [["a"]]}]}),
    "floats.json": json.dumps({"outcomes": [*ROWS, ["a", "b"]], "probabilities": [1 / 3] * 3}),
    "columns.json": json.dumps({"outcomes": LONG}),
    "longer.json": json.dumps(
        {"contexts": [{"outcomes": LONG}, {"outcomes": [row[1:] for row in LONG[:5]]}]}
    ),
    "short.json": json.dumps({"outcomes": LONG}),
    "seen.csv": "y0,y1\n" + "a,a\n" * 5 + "b,b\n" * 3 + "a,b\n",
    "few.csv": "y0,y1\na,a\nb,b\n",
    "long.csv": ",".join(f"y{i}" for i in range(11)) + "\n" + (",".join("a" * 11) + "\n") * 3,
}
FEW = ("--samples", "20")
CHEAP = {name: registered_policies()[name] for name in ("topk", "threshold", "wino", "llada")}
RUNS = {
    "bounds": [
        ("city_names", "--partition", "0|1", "--count", "--adaptive", "--randomized"),
        ("city_names", "--float", "--adaptive"),
        ("two.json",),
        ("floats.json",),
        ("lengths.json", "--randomized"),
        ("shuffle", "-n", "30", "--partition", "equal:2"),
        ("insert_random", "-n", "30"),
        ("chain.json", "--partition", "equal:5"),
        ("hidden.json", *FEW, "--partition", "equal:12"),
        ("columns.json", "--partition", "equal:8"),
        ("longer.json",),
    ],
    "schedule": [
        ("shuffle", "-n", "3"),
        ("city_names", "--float"),
        ("floats.json",),
        ("shuffle", "-n", "30"),
        ("chain.json",),
        ("hidden.json", *FEW),
        ("columns.json", *FEW),
    ],
    "decode": [
        ("shuffle", "-n", "3", "--policy", "topk:k=2"),
        *[
            ("shuffle", "-n", "3", "--policy", "topk:k=2", "--temperature", "0", *more)
            for more in [("--greedy-ties", "lowest"), ("--off-support", "uniform")]
        ],
        ("city_names", "--policy", "topk:k=1", "--temperature", "7/10"),
        ("city_names", "--policy", "plackett_luce:k=1,alg_temp=0.2"),
        ("city_names", "--policy", "wino", "--off-support", "stop"),
        ("city_names", "--policy", "topk:k=1", "--top-p", "0.9", "--nucleus", "drop", "--scored", "after"),
        ("city_names", "--policy", "topk:k=1", "--top-k", "2"),
        ("floats.json", "--policy", "topk:k=1"),
        ("chain.json", "--policy", "topk:k=5,by=left_to_right"),
        ("chain.json", "--policy", "threshold:gamma=0.6", *FEW),
        ("hidden.json", "--policy", "topk:k=12,by=random", *FEW),
        ("bernoulli_walk", "-n", "40", "--policy", "topk:k=20,by=random", *FEW),
        ("shuffle", "-n", "20", "--policy", "wino", *FEW),
        ("shuffle", "-n", "3", "--policy", "topk:k=2", *FEW),
        ("one_hot_blocks", "-n", "25", "--policy", "topk:k=3,by=random", *FEW),
    ],
    "frontier": [
        ("shuffle", "-n", "2", "--within", "1/2", "--entropy", "1/2", "--plot", "frontier.svg"),
        ("bernoulli_walk", "-n", "3"),
        ("lengths.json",),
        ("floats.json", "--rules"),
        ("tests.test_answers_page:FLOATS",),
        ("two.json", "--rules", *FEW),
        ("short.json", "--limit", "1/50000", "--samples", "2", "--seconds", "0.1", "--within", "1/2"),
    ],
    "policy": [
        ("shuffle", "-n", "2", "--plot", "policy.svg"),
        ("lengths.json",),
        ("floats.json",),
        ("tests.test_answers_page:FLOATS",),
    ],
    "audit": [
        ("--rule", "llada:steps=2,block=3", "--masked", "4"),
        ("--rule", "topk:k=2,block=2", "--masked", "3", "--task", "shuffle"),
        ("--rule", "topk:k=2", "--beside", "topk:k=1", "--masked", "4"),
        ("--rule", "llada:steps=2", "--masked", "4"),
        ("--rule", "threshold:gamma=0.9", "--masked", "3", "--task", "shuffle"),
        ("--rule", "threshold:gamma=0.9", "--masked", "2", "--task", "city_names", "--temperature", "7/10"),
        ("--rule", "threshold:gamma=0.9", "--masked", "2", "--task", "floats.json"),
        ("--rule", "threshold:gamma=0.9", "--masked", "2", "--task", "city_names", "--temperature", "0"),
    ],
    "rules": [()],
    "tasks": [()],
    "compare": [
        ("city_names", "--policy", "topk:k=1", "--policy", "topk:k=2", "--temperature", "0,1"),
        ("city_names", "--policy", "wino", "--temperature", "7/10"),
        ("shuffle", "-n", "20", "--policy", "threshold:gamma=0.9,block=4", *FEW),
        ("chain.json", "--policy", "klass", *FEW),
    ],
    "estimate": [
        ("seen.csv", "--partition", "0|1", "--policy", "topk:k=1"),
        ("seen.csv", "--partition", "0,1", "--policy", "wino"),
        ("long.csv",),
        ("few.csv",),
    ],
}


@dataclass(frozen=True)
class Row:
    """One row of the page."""

    meaning: str
    unit: str
    type: str
    missing: str


@cache
def page() -> dict[str, dict[str, Row]]:
    """Section to key to row."""
    found: dict[str, dict[str, Row]] = {}
    for title, text in re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", PAGE, flags=re.S | re.M):
        rows = found.setdefault(title.strip("`"), {})
        for line in re.findall(r"^\| `.*\|$", text, flags=re.M):
            key, *cells = (cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1])
            assert len(cells) == 4, line
            assert key.strip("`") not in rows, line
            rows[key.strip("`")] = Row(*cells)
    return found


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Each command's answers, made when first asked for."""
    folder = tmp_path_factory.mktemp("answers")
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")

    @cache
    def made(command: str) -> list[dict]:
        found = []
        for run in RUNS[command]:
            argv = [str(folder / part) if part.endswith((".json", ".csv", ".svg")) else part for part in run]
            out = StringIO()
            with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
                if command == "frontier":  # some rules stand for all
                    patch.setattr("theory.commands.rule_points.registered_policies", lambda: CHEAP)
                assert main([command, *argv, "--json"]) == 0, run
            found.append(json.loads(out.getvalue()))
        return found

    return made


def is_estimate(value) -> bool:
    return isinstance(value, dict) and "estimate" in value


def values_of(answer: dict, prefix: str = ""):
    """Yield (path, value) of every key; those of an estimate, and of entries by name, are not followed."""
    for key, value in answer.items():
        path = prefix + key
        yield path, value
        if is_estimate(value) or key in OPEN or key in BY_ENTRY:
            continue
        if isinstance(value, dict):
            yield from values_of(value, f"{prefix}{key}.")
        for item in value if isinstance(value, list) else ():
            if isinstance(item, dict) and not is_estimate(item):
                yield from values_of(item, f"{prefix}{key}[].")


def fits(value, types: str) -> bool:
    kinds = types.replace("list of numbers and nulls", "list").replace("list of numbers or estimates", "list")
    kinds = kinds.replace("list of estimates or nulls", "list")
    for kind in re.sub(r"list of \w+", "list", kinds).split(" or "):
        right = isinstance(value, TYPES[kind]) and isinstance(value, bool) == (kind == "boolean")
        if kind == '"inf"':
            right = value == "inf"
        elif kind in ("estimate", "object"):
            right = isinstance(value, dict) and is_estimate(value) == (kind == "estimate")
        elif kind == "text":
            right = isinstance(value, str) and value != "inf"
        if right:
            return True
    return False


def test_sections_are_the_commands():
    (commands,) = [a for a in build_parser()._actions if a.dest == "command"]
    others = {"figures", "bench", "model", "explorer"}  # no answers, but files and tables of their own
    assert set(page()) == {"Estimates", *commands.choices} - others == {"Estimates", *RUNS}


@pytest.mark.parametrize("command", RUNS)
def test_keys_and_types(command, answers):
    rows, seen = page()[command], set()
    for answer in answers(command):
        for path, value in values_of(answer):
            assert path in rows, f"{path} of {command} is not on the page"
            assert fits(value, rows[path].type), (path, value, rows[path].type)
            seen.add(path)
    assert seen == set(rows), f"no answer of {command} has {set(rows) - seen}"


@pytest.mark.parametrize("command", RUNS)
def test_what_is_always_there_is_and_the_rest_is_not(command, answers):
    found = answers(command)
    for key, row in page()[command].items():
        if "." in key:
            continue
        always = row.missing.startswith("always there")
        there = [key in answer and answer[key] is not None for answer in found]
        assert row.missing
        if always:
            assert all(there), f"{key} of {command} is missing"
        else:
            assert not all(there), f"{key} of {command} is always there"


@pytest.mark.parametrize("command", RUNS)
def test_entries_by_name_name_entries(command, answers):
    """Keys of ``errors``, ``exact``, ``notes`` and ``arithmetic`` are keys of the same answer."""
    for answer in answers(command):
        for name in BY_ENTRY:
            if isinstance(answer.get(name), dict):
                assert set(answer[name]) <= set(answer), name


def test_estimates_have_the_keys_of_the_page(answers):
    rows, seen = page()["Estimates"], set()
    assert set(rows) == set(ESTIMATE)
    for command in RUNS:
        for answer in answers(command):
            for path, value in values_of(answer):
                for item in value if isinstance(value, list) else [value]:
                    if is_estimate(item):
                        assert set(item) <= set(rows), path
                        assert {"estimate", "low", "high"} <= set(item), path
                        assert all(fits(part, rows[key].type) for key, part in item.items()), path
                        seen |= set(item)
    assert seen == set(rows)
