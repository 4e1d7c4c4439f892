"""Hostile input: a user's broken Python, odd files and names, outputs that cannot be written."""

import argparse
import json
import re
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import paper_repro
from synthetic.imported import ImportedTask
from theory import JointPMF, MarkovDistribution, limits, step_bound, subset_entropies
from theory.__main__ import main
from theory.commands import tables
from theory.commands.command_line import worker_count
from theory.commands.listing import show_listing
from theory.commands.verdict import verdict
from theory.limits import Budget, CostError, require_memory
from theory.numbers.lognumber import LogNumber
from theory.policies import parse_policy
from theory.validation import InputError, choice, exact_fraction, positive_int

ROOT = Path(__file__).parent.parent
PLACES = {
    "outcomes": [["New", "York", "USA"], ["New", "Delhi", "India"], ["Mexico", "City", "Mexico"]],
    "probabilities": ["1/2", "1/4", "1/4"],
}


@pytest.fixture
def places(tmp_path):
    path = tmp_path / "places.json"
    path.write_text(json.dumps(PLACES))
    return str(path)


def refused(capsys, *argv):
    """Return the one line of a command that ends with status 2."""
    assert main(list(argv)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


# -- Python tasks ---------------------------------------------------------------------------------------------

TASKS = {
    "Half": "weights of the contexts must sum to 1, got 1/2",
    "Negative": "weights of the contexts must be at least 0, got -1",
    "FloatWeight": "weight must be a Fraction, got 1.0",
    "Longer": "the longest answers have 2 positions, but n = 3",
    "Raises": "contexts(): ZeroDivisionError",
    "Exits": "contexts(): SystemExit: 0",
    "ExitsWhenMade": "cannot make task 'tests.helpers.broken_python:ExitsWhenMade': SystemExit: 0",
    "ExitsOnSize": "SystemExit: 0",
    "Empty": "must return a tuple of at least one Context, got ()",
    "Five": "must return a tuple of at least one Context, got 5",
    "Generated": "must return a tuple of at least one Context, got <generator",
    "Pmf": "contexts()[0]: distribution is a JointPMF; write distribution=ListedDistribution(pmf)",
    "NoContext": "contexts()[0] must be a Context(weight=..., distribution=...), got ListedDistribution",
    "NoSize": "n must be a whole number of at least 1, got 0",
    "NoNumber": "n must be a whole number and name a text, got 'two'",
    "BadChain": "chain() must return None or a chain, got 5",
    "made": "it has no contexts; name a class or an object, not a function",
}


@pytest.mark.parametrize("name", TASKS)
def test_a_wrong_python_task_is_one_line(name, capsys):
    task = f"tests.helpers.broken_python:{name}"
    assert TASKS[name] in refused(capsys, "decode", task, "--policy", "topk:k=2")


@pytest.mark.parametrize(
    "argv",
    [
        ("bounds", "{}"),
        ("schedule", "{}", "--json"),
        ("frontier", "{}"),
        ("policy", "{}"),
        ("realised", "--rule", "topk:k=2", "--masked", "2", "--task", "{}"),
    ],
)
def test_every_command_checks_a_python_task(argv, capsys):
    argv = [part.format("tests.helpers.broken_python:Half") for part in argv]
    assert "must sum to 1" in refused(capsys, *argv)


@pytest.mark.parametrize("figure", ["figure2", "frontier"])
def test_the_figures_check_a_python_task(figure, capsys, tmp_path):
    argv = [figure, "--task", "tests.helpers.broken_python:Half", "--out", str(tmp_path / "out")]
    assert paper_repro.main(argv) == 2
    assert "must sum to 1, got 1/2" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_right_python_task_is_answered_and_its_size_is_its_own(capsys):
    assert main(["decode", "tests.helpers.broken_python:Good", "--policy", "topk:k=2", "--json"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["exact"]["accuracy"] == "8/9"
    )  # 2/3 x 1/3 + 2/3 x 2/3 + 1/3 x 2/3
    assert main(["bounds", "synthetic.tasks.insert_random:InsertRandom", "-n", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n"] == 3  # of the input; the answers have 4 positions
    assert "takes no arguments" in refused(capsys, "bounds", "tests.helpers.broken_python:Good", "-n", "3")


def test_nothing_is_called_because_it_is_named(capsys):
    assert "'os:abort' is no task" in refused(capsys, "bounds", "os:abort")
    assert "'os:abort' is no policy" in refused(capsys, "decode", "copy", "-n", "2", "--policy", "os:abort")


def test_a_module_that_exits_is_an_error(capsys, tmp_path, monkeypatch):
    (tmp_path / "leaves_early.py").write_text("import sys\nsys.exit(0)\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "cannot load task 'leaves_early:Task': SystemExit: 0" in refused(
        capsys, "bounds", "leaves_early:Task"
    )
    line = refused(capsys, "decode", "copy", "-n", "2", "--policy", "leaves_early:Rule")
    assert "cannot load policy 'leaves_early:Rule': SystemExit: 0" in line


# -- user-defined policies ------------------------------------------------------------------------------------


RULES = {
    "boom": "rule tests.helpers.broken_python:Boom: plan raised RuntimeError: no plan today",
    "plans_five": "rule tests.helpers.broken_python:PlansFive: plan must return a plan, such as Ranked, got 5",
    "steps_five": "step must return a batch, got 5",
    "finishes_three": "finished must return one truth value a row, got 3",
    "starts_five": "start must return a batch, got 5",
}


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_one_line(name, capsys, places):
    policy = f"tests.helpers.broken_python:{name}"
    assert RULES[name] in refused(capsys, "decode", places, "--policy", policy)
    line = refused(capsys, "decode", "markov_chain", "-n", "60", "--policy", policy, "--samples", "2")
    assert RULES[name] in line


def test_a_syntax_error_names_the_module(capsys, tmp_path, monkeypatch, places):
    (tmp_path / "does_not_parse.py").write_text("def x(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    line = refused(capsys, "decode", places, "--policy", "does_not_parse:X")
    assert "cannot load policy 'does_not_parse:X': SyntaxError: " in line
    assert "does_not_parse.py" in line


@pytest.mark.grid(1)
@pytest.mark.parametrize(
    ("name", "line"),
    [("never", "takes nothing in 1001 steps"), ("swings", "has not finished after 1400 steps")],
)
def test_a_rule_without_an_end_is_one_line_on_a_sampled_distribution(name, line, capsys):
    policy = f"tests.helpers.broken_python:{name}"
    argv = ("decode", "markov_chain", "-n", "20", "--policy", policy, "--samples", "2")
    assert line in refused(capsys, *argv)


# -- many steps -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("long", "short", "calls"),
    [
        ("dream:steps=100000", "topk:k=3,by=random", 100_000),
        ("maskgit:steps=90000", "topk:k=1,by=random", 60_001),
        ("dream:steps=2000,by=confidence,block=2", "topk:k=2,by=confidence,block=2", 4000),
        ("llada:steps=100000", "topk:k=1,by=random", 3),
    ],
)
def test_idle_calls_are_counted_and_not_made(long, short, calls, places, capsys):
    answers = []
    for policy in (long, short):
        assert main(["decode", places, "--policy", policy, "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["exact"])
    for key in ("accuracy", "kl", "path_kl"):
        assert answers[0][key] == answers[1][key]
    assert answers[0]["steps"] == answers[0]["steps_under_data"] == str(calls)


@pytest.mark.parametrize("steps", [2000, 100_000])
def test_a_schedule_with_sampled_confidence_waits_too(steps, places, capsys):
    """All three at once in the last step: the distribution of one step, whatever the number of calls before it."""
    answers = []
    for policy in (f"dream:steps={steps},by=confidence", "topk:k=3,by=confidence"):
        assert main(["decode", places, "--policy", f"{policy},confidence=sampled", "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out)["exact"])
    assert [answers[0][key] for key in ("accuracy", "kl")] == [answers[1][key] for key in ("accuracy", "kl")]
    assert answers[0]["steps"] == str(steps)


def test_a_sampled_schedule_waits_too(capsys):
    argv = ["decode", "markov_chain", "-n", "60", "--samples", "2", "--json", "--policy"]
    assert main([*argv, "dream:steps=100000,by=confidence"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["steps"] == 100_000 or answer["steps"]["estimate"] == 100_000


@pytest.mark.grid(1)
@pytest.mark.parametrize("policy", ["remdm:steps=1000,eta=1/5,variant=rescale", "ancestral:steps=2000"])
def test_steps_that_never_end_are_sampled_and_the_option_is_named(policy, capsys, places):
    assert main(["decode", places, "--policy", policy, "--samples", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert "estimate" in answer["accuracy"]
    assert "the limit is" in answer["notes"]["accuracy"]
    assert "use a smaller steps=, or fewer positions" in answer["notes"]["accuracy"]


# -- numbers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [1100, 1100.5, 4990, 10**6])
def test_the_verdict_says_how_little_is_left(bits):
    text = verdict([float(bits), 0.0])
    share = text.partition("accuracy at least ")[2].partition(")")[0]
    mantissa, _, exponent = share.partition("e")
    # 2^-bits = m 10^e, so that bits log10(2) = -log10(m) - e, in integers: m 10^e <= 2^-bits < (m + 0.1) 10^e
    tenths = int(Fraction(mantissa) * 10)
    low, high = (Fraction(t, 10) ** 2 * Fraction(10) ** (2 * int(exponent)) for t in (tenths, tenths + 1))
    assert low <= Fraction(1, 2 ** int(2 * bits)) < high


def test_digits_are_ascii():
    for text in ("\u0663", "\u06601", "\uff11"):
        with pytest.raises(InputError, match="finite number"):
            exact_fraction(text, "temperature")
        with pytest.raises(InputError, match="whole number"):
            positive_int(text, "n")


def test_arguments_are_ascii_and_whole(capsys, places):
    assert "temperature must be" in refused(
        capsys, "decode", places, "--policy", "topk:k=1", "--temperature", "\u0663"
    )
    with pytest.raises(SystemExit) as stopped:
        main(["bounds", "shuffle", "-n", "\u0663"])
    assert stopped.value.code == 2
    assert "must be a whole number, got" in capsys.readouterr().err


def test_messages_show_values_as_they_were_written(capsys):
    with pytest.raises(InputError, match="n must be a whole number of at least 1, got 7/2"):
        positive_int(Fraction(7, 2), "n")
    with pytest.raises(InputError, match="must be a whole number of at least 1, got 'x'"):
        positive_int("x", "n")
    line = refused(capsys, "bounds", "shuffle", "-n", "4", "--partition", "equal:x")
    assert "the size of the equal blocks must be a whole number of at least 1, got 'x'" in line
    for value in (True, False):
        with pytest.raises(InputError, match=f"got {value}"):
            exact_fraction(value, "p")


@pytest.mark.parametrize("value", ["1e400", "1e-300", "12e-45", "3e44", "1/3"])
def test_a_long_parameter_is_shown_short_and_reads_back(value):
    text = str(parse_policy(f"factor:f={value}"))
    assert text == f"factor:f={value}"
    assert parse_policy(text).f == Fraction(value)


def test_an_estimate_differs_from_its_limit():
    with pytest.raises(CostError, match=r"would need about 2\.001 GiB, the limit is 2 GiB"):
        require_memory(2**31 + 2**20, "it", remedy="stop")
    with pytest.raises(CostError, match="would need over 1024 PiB, the limit is 2 GiB"):
        require_memory(2**90, "it", remedy="stop")
    with pytest.raises(
        CostError, match=r"would need about 1\.02e\+03 bytes|about 1023 bytes, the limit is 1022 bytes"
    ):
        require_memory(1023, "it", limit=1022, remedy="stop")
    with pytest.raises(CostError, match=r"would take about 60\.02 seconds, the limit is 60 seconds"):
        Budget("it", "stop").require(60_020, 1e-3)
    with pytest.raises(CostError, match="would take over a billion years"):
        Budget("it", "stop").require(10**400)
    assert limits.scientific(2**5000) == "over 1e+300"


def test_advice_names_what_a_command_has(capsys):
    argv = (
        "realised",
        "--rule",
        "threshold:gamma=1/2,by=random",
        "--masked",
        "12",
        "--task",
        "shuffle_strict",
    )
    line = refused(capsys, *argv)
    assert "use a smaller n" in line
    assert "lumped chain" not in line


def test_processes_have_a_limit(capsys):
    with pytest.raises(InputError, match="--jobs must be at most"):
        worker_count("99999999", "--jobs")
    assert paper_repro.main(["--list", "--jobs", "99999999"]) == 2
    assert "argument --jobs: must be at most" in capsys.readouterr().err
    assert paper_repro.main(["--list", "--out", ""]) == 2
    assert "argument --out: must name a folder, got ''; use . for this one" in capsys.readouterr().err


# -- task files -----------------------------------------------------------------------------------------------

FILES = {
    "twice": ('{"outcomes": [["a"]], "outcomes": [["b"]]}', "key 'outcomes' is given twice in one object"),
    "twice inside": (
        '{"contexts": [{"weight": 1, "weight": 2, "outcomes": [["a"]]}]}',
        "key 'weight' is given twice in one object",
    ),
    "truth": ('{"outcomes": [["a"], ["b"]], "probabilities": [true, false]}', "got True"),
    "true weight": ('{"contexts": [{"weight": true, "outcomes": [["a"]]}]}', "weight must be .*got True"),
    "true token": ('{"outcomes": [["a"], [true]]}', "tokens must be texts or numbers, got True"),
    "negative weight": (
        '{"contexts": [{"weight": -1, "outcomes": [["a"]]}, {"weight": 2, "outcomes": [["a"]]}]}',
        "weights of the contexts must be at least 0, got -1",
    ),
    "too much": ('{"outcomes": [["a"], ["b"]], "probabilities": [1, 1]}', "got 2, 1 too much;"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_doubtful_file_is_refused(name, tmp_path, capsys):
    text, message = FILES[name]
    path = tmp_path / "t.json"
    path.write_text(text)
    assert re.search(message, refused(capsys, "bounds", str(path)))


def test_the_ending_may_be_in_capitals(tmp_path, capsys):
    for name, text in (("t.JSON", json.dumps(PLACES)), ("t.Csv", "y0,y1\na,b\nb,a\n")):
        (tmp_path / name).write_text(text)
        assert main(["bounds", str(tmp_path / name), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2


# -- tables ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["we[ir]d[/b].json", ":cat:[bold].json", "trailing\\.json"])
def test_names_are_no_markup(name, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    Path(name).write_text(json.dumps(PLACES))
    for argv in (["bounds", name], ["decode", name, "--policy", "topk:k=2"], ["frontier", name]):
        assert main(argv) == 0
        assert f"{name}, n = 3" in capsys.readouterr().out
    csv = name.replace(".json", ".csv")
    Path(csv).write_text("y0,y1\na,b\nb,a\na,a\na,b\n")
    assert main(["estimate", csv]) == 0
    assert f"{csv}: estimates" in capsys.readouterr().out


def test_cells_are_no_markup(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    tables.print_answer({"policy": "my[/b]:Rule", "kl": {"a[b]c": 1.0}, "rows": [1.0]}, "t[/x]")
    tables.print_rows([{"formula": "p[i] [/b] :cat:", "of": ["[a]", "[/a]"]}], "[/t]")
    shown = capsys.readouterr().out
    for text in ("my[/b]:Rule", "kl a[b]c", "rows[T=1]", "t[/x]", "p[i] [/b] :cat:", "[a], [/a]", "[/t]"):
        assert text in shown


def test_tables_of_models_are_no_markup(capsys, monkeypatch):
    from models.commands import gap, verify

    monkeypatch.setenv("COLUMNS", "200")
    asked = argparse.Namespace(json=False, csv=None, latex=None)
    row = {
        "task": "t[/b]",
        "n": 2,
        "accuracy": 0.5,
        "interval": (0.4, 0.6),
        "exact_accuracy": 0.5,
        "verdict": None,
    }
    row |= {"steps": 1.0, "mean_tv": None, "agrees": False, "samples_per_second": 1.0}
    answer = {"policy": "a[/b]:P", "temperature": 1, "samples": 2, "rows": [row], "note": "[/n]", "model": {}}
    show_listing(verify._listing(answer), asked)
    number = {"mean": 1.0, "interval": None}
    answer = {name: number for name in ("gap", "gap_per_token", "inconsistency", "total")}
    answer |= {
        "policy": "g[/b]:P",
        "order": "random",
        "sequences": 1,
        "prompts": 1,
        "tokens": 1.0,
        "steps": 1.0,
    }
    answer |= {"level": 0.95, "exact_path_kl": None, "order_spread": None, "by_step": [], "by_position": []}
    show_listing(gap._listing(answer), asked)
    shown = capsys.readouterr().out
    for text in ("t[/b]", "a[/b]:P", "[/n]", "g[/b]:P", "no\n"):
        assert text in re.sub(" +\n", "\n", shown)


def test_a_long_fraction_is_cut_in_tables_only(capsys):
    argv = ["decode", "bernoulli_walk", "-n", "300", "--policy", "topk:k=2,by=left_to_right"]
    assert main([*argv, "--json"]) == 0
    exact = json.loads(capsys.readouterr().out)["exact"]
    long = max(exact.values(), key=len)
    assert len(long) > 100
    assert main(argv) == 0
    shown = "".join(line.strip("\u2502 ") for line in capsys.readouterr().out.splitlines())
    assert long[:100] not in "".join(shown.split())
    row = tables._short("1/" + "3" * 398)
    assert row == "1/" + "3" * 38 + "... (400 characters; --json prints all)"
    assert tables._short("3/4") == "3/4"
    assert tables._short("2 log2(" + "7" * 60 + ")").startswith("2 log2(" + "7" * 40 + "... (68")
    assert tables._short("log2(3) + " * 10) == "log2(3) + " * 10


# -- outputs that cannot be written ---------------------------------------------------------------------------

COMMANDS = {
    "table": ["-m", "theory", "bounds", "shuffle", "-n", "4"],
    "json": ["-m", "theory", "bounds", "shuffle", "-n", "4", "--json"],
    "list": ["paper_repro.py", "--list"],
    "models": ["-m", "models", "verify", "--task", "shuffle", "-n", "4", "--samples", "10"],
}


def _shell(name, redirect):
    command = " ".join(shlex.quote(part) for part in [sys.executable, *COMMANDS[name]])
    return subprocess.run(
        ["bash", "-c", f"{command} {redirect}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.grid(1)
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_full_disk_is_one_line(name):
    done = _shell(name, "> /dev/full")
    assert done.returncode == 2
    assert done.stderr.endswith("the output: No space left on device.\n")
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a Unix")
def test_a_closed_stdout_is_one_line():
    done = _shell("table", ">&-")
    assert done.returncode == 2
    assert done.stderr == "python -m theory: stdout is closed; nothing can be written.\n"


@pytest.mark.deep
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a Unix")
@pytest.mark.parametrize("name", COMMANDS)
def test_a_reader_that_has_gone_is_141(name):
    done = _shell(name, "| true; exit ${PIPESTATUS[0]}")
    assert done.returncode == 141
    assert done.stderr == ""


ZERO, BIT = LogNumber.log2(1), LogNumber.log2(2)


@pytest.mark.parametrize(
    ("bounds", "error", "words"),
    [
        ([ZERO, ZERO], 0.0, "the tokens are independent, parallel decoding is free"),
        ([0, Fraction(0)], 0.0, "the tokens are independent, parallel decoding is free"),
        (
            [1.2e-17, 0.0],
            5e-14,
            "nothing within rounding (at most 5.1e-14 bits): floats cannot tell the tokens from",
        ),
        (
            [0.0, 0.0],
            5e-14,
            "nothing within rounding (at most 5.1e-14 bits): floats cannot tell the tokens from",
        ),
        ([0.0, 0.0], 0.0, "nothing within rounding: floats cannot tell the tokens from independent ones"),
        (
            [1.0, 1e-17, 0.0],
            5e-14,
            "2 of 3 steps lose nothing within rounding (at most 5.1e-14 bits): 1.5 tokens per",
        ),
        (
            [1.0, 0.0, 0.0],
            5e-14,
            "2 of 3 steps lose nothing within rounding (at most 5.1e-14 bits): 1.5 tokens per",
        ),
        ([BIT, ZERO, ZERO], 0.0, "2 of 3 steps lose nothing: 1.5 tokens per step are free"),
        ([1e-12, 0.0], 5e-14, "one step loses 1e-12 bits"),  # more than its rounding: a loss
    ],
)
def test_a_float_is_never_said_to_be_nothing(bounds, error, words):
    text = verdict(bounds, error)
    assert words in text
    exact = not any(isinstance(bits, float) for bits in bounds)
    assert ("are independent" in text or "lose nothing:" in text) is exact


def test_a_product_of_floats_is_not_called_independent(tmp_path, capsys):
    """Its total correlation is about 1.6e-16 in size, of either sign: exact numbers decide, floats do not."""
    p, q = (0.3, 0.7), (0.2, 0.8)
    rows = [["ab"[i], "xy"[j]] for i in range(2) for j in range(2)]
    table = {
        "outcomes": rows,
        "probabilities": [str(Fraction(str(a)) * Fraction(str(b))) for a in p for b in q],
    }
    (tmp_path / "product.json").write_text(json.dumps(table))
    assert main(["bounds", str(tmp_path / "product.json")]) == 0
    assert "the tokens are independent" in capsys.readouterr().out
    assert main(["bounds", str(tmp_path / "product.json"), "--float"]) == 0
    text = capsys.readouterr().out
    assert "are independent" not in text
    assert "nothing within rounding (at most" in text


# -- numbers in messages ------------------------------------------------------------------------------------------

ONE, THIRD = Fraction(1), Fraction(1, 3)
PAIR = JointPMF.uniform(["ab", "ba"])


class Oddity:
    """An object whose text spans lines and holds numbers."""

    def __repr__(self):
        return f"Oddity(\n    {ONE!r}, {THIRD!r}, {LogNumber.log2(3)!r}, np.float64(0.5))"

    name, n, smallest = "odd", 2, 2

    def contexts(self):
        return self


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda: JointPMF.from_pairs([(ONE,), (1,)], [THIRD, 1 - THIRD]), "outcome (1,) is a duplicate"),
        (
            lambda: JointPMF.from_pairs([(THIRD, "a"), (ONE,)], [THIRD, 1 - THIRD]),
            "2 for (1/3, 'a') and 1 for (1,)",
        ),
        (lambda: JointPMF.from_pairs([(THIRD,), (2,)], [-1, 2]), "probability of (1/3,) is negative: -1"),
        (lambda: JointPMF.from_pairs([(THIRD,), (2,)], [float("nan"), 2.0]), "probability of (1/3,) is nan"),
        (
            lambda: JointPMF.from_pairs([(THIRD,), (2,)], ["x", 1]),
            "probability of (1/3,) must be a finite number",
        ),
        (lambda: PAIR.condition({0: THIRD}), "the condition {0: 1/3} has probability zero"),
        (
            lambda: MarkovDistribution(n=2, initial=THIRD, transition=[[ONE]]),
            "a list of probabilities, got 1/3",
        ),
        (
            lambda: MarkovDistribution(n=2, initial=[ONE], transition=[[ONE]], tokens=(THIRD, ONE)),
            "1 distinct ones, got 2: [1/3, 1]",
        ),
        (lambda: step_bound(subset_entropies(PAIR), [[0], [np.int64(0)]]), "got ((0,), (0,))"),
        (lambda: choice(THIRD, "word", ("a",)), "unknown word 1/3; known: a"),
        (lambda: exact_fraction([THIRD], "p"), "got [1/3]"),
        (
            lambda: ImportedTask(source="odd", made=Oddity(), name="odd", n=2).contexts(),
            "got Oddity( 1, 1/3, log2(3), 0.5)",
        ),
    ],
)
def test_numbers_in_messages_are_plain(run, words):
    with pytest.raises(InputError) as error:
        run()
    text = str(error.value)
    assert words in text
    assert "Fraction(" not in text
    assert "LogNumber(" not in text
    assert "np." not in text
    assert "\n" not in text


def test_tokens_that_are_decimals_are_shown_as_numbers(tmp_path, capsys):
    (tmp_path / "t.json").write_text('{"outcomes": [[1.5], [1.5]], "probabilities": ["1/2", "1/2"]}')
    line = refused(capsys, "bounds", str(tmp_path / "t.json"))
    assert "outcome (3/2,) is a duplicate" in line
