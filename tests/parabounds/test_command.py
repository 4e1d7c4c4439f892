"""The command ``parabounds``: the same numbers as the other doors, short texts, one-line errors with a guess."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from parabounds.arguments import build_parser
from parabounds.command import main
from synthetic import known_tasks
from theory.__main__ import main as theory_main

ROOT = Path(__file__).parents[2]
SHUFFLE = ("shuffle", "-n", "4")


def printed(capsys, *argv):
    assert main(list(argv)) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("mine", "other"),
    [
        (("bounds", *SHUFFLE, "--adaptive", "--count"), ("bounds", *SHUFFLE, "--adaptive", "--count")),
        (("schedule", *SHUFFLE), ("schedule", *SHUFFLE)),
        (("policy", *SHUFFLE, "--steps", "2"), ("policy", *SHUFFLE, "--steps", "2")),
        (("decode", *SHUFFLE, "--policy", "topk:k=2"), ("decode", *SHUFFLE, "--policy", "topk:k=2")),
        (("audit", "--rule", "dream", "--masked", "9", "--steps", "4"), None),
        (("rules",), ("rules",)),
    ],
)
def test_json_is_that_of_the_other_door(capsys, mine, other):
    answer = json.loads(printed(capsys, *mine, "--json"))
    other = other or ("realised", *mine[1:])
    assert theory_main([*other, "--json"]) == 0
    assert answer == json.loads(capsys.readouterr().out)


def test_the_verdict_comes_first_and_exact_forms_on_request(capsys):
    text = printed(capsys, "bounds", *SHUFFLE)
    assert text.splitlines()[1].startswith("one step loses 3.42 bits (accuracy at least 9.3%)")
    assert "log2" not in text
    assert "total correlation       3.415 bits" in text
    assert "L*_2                    3 log2(2) - log2(3)" in printed(capsys, "bounds", *SHUFFLE, "--forms")
    hidden = printed(capsys, "bounds", "hmm", "-n", "5")
    assert len(hidden.splitlines()) < 20
    assert "-4e" not in hidden


def test_long_tables_are_folded(capsys):
    text = printed(capsys, "bounds", "shuffle", "-n", "40")
    assert "... of 40 rows; --all prints them" in text
    assert len(printed(capsys, "bounds", "shuffle", "-n", "40", "--all").splitlines()) > 45


def test_tasks_whose_answers_have_another_length_say_so(capsys):
    assert printed(capsys, "bounds", "insert_random", "-n", "3").startswith(
        "insert_random, n = 3 (4 positions)"
    )


def test_comparisons(capsys, tmp_path):
    plot = tmp_path / "c.svg"
    text = printed(
        capsys,
        "compare",
        *SHUFFLE,
        "--policy",
        "topk:k=1",
        "--policy",
        "topk:k=2",
        "--temperature",
        "0,1",
        "--plot",
        str(plot),
    )
    assert "policy    temperature  accuracy" in text
    assert len(re.findall(r"^topk:k=[12]  ", text, flags=re.M)) == 4
    assert plot.read_text().startswith("<?xml")
    assert len(json.loads(printed(capsys, "compare", *SHUFFLE, "--json"))["policies"]) == 6


def test_tables_are_written(capsys, tmp_path):
    names = [tmp_path / f"t.{end}" for end in ("txt", "csv", "tex", "json")]
    for name in names:
        printed(capsys, "bounds", *SHUFFLE, "--out", str(name))
    assert "exact form of" in names[0].read_text()
    rows = list(csv.DictReader(io.StringIO(names[1].read_text())))
    assert [row["optimal_bound_exact"] for row in rows][-2:] == ["2 log2(2) - log2(3)", "0"]
    assert r"1 & 3.415 & 9.375 \% & 0,1,2,3 \\" in names[2].read_text()
    assert json.loads(names[3].read_text())["n"] == 4
    assert printed(capsys, "compare", *SHUFFLE, "--csv", "-").startswith("policy,")
    assert r"\begin{tabular}" in printed(capsys, "decode", *SHUFFLE, "--policy", "topk:k=2", "--latex", "-")


@pytest.mark.grid(2)
@pytest.mark.parametrize("command", ["bounds", "frontier", "policy", "schedule"])
def test_pictures(capsys, tmp_path, command):
    file = tmp_path / "p.png"
    printed(capsys, command, *SHUFFLE, "--plot", str(file))
    assert file.read_bytes()[1:4] == b"PNG"


def test_all_tasks_are_listed(capsys):
    assert {row["task"] for row in json.loads(printed(capsys, "tasks", "--json"))["tasks"]} == set(
        known_tasks()
    )
    assert "shuffle" in printed(capsys, "tasks")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["boundz", "shuffle"], "did you mean bounds?"),
        (["bounds", *SHUFFLE, "--adaptve"], "did you mean --adaptive?"),
        (["model", "trian"], "did you mean train?"),
        (["decode", *SHUFFLE, "--policy", "topk:k=2", "--steps", "3"], "arguments: --steps 3 (see"),
        (["bench", "taks"], "did you mean tasks?"),
    ],
)
def test_wrong_words_get_a_guess(capsys, argv, words):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["bounds", "shuffl", "-n", "4"], "unknown task 'shuffl'"),
        (["bounds", *SHUFFLE, "--seed", "-1"], "seed must be a whole number of at least 0"),
        (["bounds", *SHUFFLE, "--out", "t.doc"], "--out t.doc: the file must end in .txt"),
        (["bounds", *SHUFFLE, "--plot", "t.doc"], "the file must end in"),
        (["compare", *SHUFFLE, "--policy", "best"], "unknown policy 'best'"),
        (["bounds", "shuffle_strict", "-n", "20"], "the limit is"),
        (["figures", "nothing"], "unknown figure 'nothing'"),
    ],
)
def test_wrong_input_is_one_line(capsys, argv, words):
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0
    assert capsys.readouterr().out.startswith("parabounds 0")


@pytest.mark.extras("shtab", "rich_argparse")
def test_help_and_completion(capsys):
    assert "compare" in printed(capsys, "--print-completion", "bash")
    assert "first steps: parabounds tasks" in build_parser().format_help()


@pytest.mark.deep
def test_a_folder_with_modules_of_our_names_changes_nothing(tmp_path):
    """A user's theory.py and models/, and a task of one's own beside them."""
    (tmp_path / "models").mkdir()
    for name in ("theory.py", "figures.py", "models/__init__.py"):
        (tmp_path / name).write_text("raise SystemExit('mine')\n")
    (tmp_path / "mine.py").write_text(
        "from synthetic import make_task\nclass Three:\n    contexts = make_task('shuffle', 3).contexts\n"
    )
    run = [sys.executable, "-P", "-c", "import sys; from parabounds.command import main; sys.exit(main())"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*run, "bounds", "mine:Three"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.stdout.startswith("mine:Three, n = 3\none step loses 2.17 bits"), done.stderr


@pytest.mark.parametrize(
    ("door", "file", "argv", "words"),
    [
        (
            "models",
            "theory.py",
            ["gap"],
            "python -m models gap: the following arguments are required: --model",
        ),
        ("paper_repro", "theory.py", ["--list"], ""),
        (
            "theory",
            "synthetic/__init__.py",
            ["bounds", "nothing"],
            "python -m theory: unknown task 'nothing'",
        ),
    ],
)
@pytest.mark.deep
def test_old_doors_say_what_shadows_them(tmp_path, door, file, argv, words):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text("raise SystemExit('mine')\n")
    done = subprocess.run(
        [sys.executable, "-m", door, *argv],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    first, _, rest = done.stderr.partition("\n")
    assert f"{file} in this folder has the name of a part of parabounds and is left aside" in first
    assert words in rest
    assert "mine" not in done.stderr


@pytest.mark.deep
@pytest.mark.parametrize(
    "argv",
    [
        ("figures", "table1", "--fast"),
        ("model", "verify", "--task", "shuffle", "-n", "4", "--samples", "20"),
    ],
    ids=lambda argv: " ".join(argv[:2]),
)
def test_workers_in_such_a_folder(tmp_path, argv):
    script = Path(sys.executable).with_name(
        "parabounds"
    )  # as pip writes it: not all of sys.path is that of a test
    if not script.exists():
        pytest.skip("the command is not installed")
    for name in ("theory.py", "figures.py", "models.py", "synthetic.py"):
        (tmp_path / name).write_text("raise SystemExit('mine')\n")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [script, *argv, "--jobs", "2"], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "mine" not in done.stdout + done.stderr


def test_two_settings_side_by_side(capsys):
    argv = ("audit", "--rule", "dream", "--beside", "llada", "--masked", "9", "--steps", "4")
    both = json.loads(printed(capsys, *argv, "--json"))
    alone = [
        json.loads(printed(capsys, "audit", "--rule", r, *argv[5:], "--json")) for r in ("dream", "llada")
    ]
    assert both == {"settings": alone}
    text = printed(capsys, *argv)
    assert text.startswith(
        "9 masked positions\ndream:steps=4 makes 4 model calls; llada:steps=4 makes 4 model calls.\n"
    )
    assert "tokens of each call         2,2,2,3        3,2,2,2\n" in text
    with_task = printed(
        capsys, "audit", "--rule", "topk:k=2", "--beside", "topk:k=1", "--masked", "4", "--task", "shuffle"
    )
    assert "topk:k=1 is the most accurate (100 %, 4 model calls)." in with_task


def test_a_block_length_that_does_not_divide_is_named(capsys):
    text = printed(capsys, "audit", "--rule", "topk:k=3,block=4", "--masked", "6", "--task", "replace_random")
    assert "accuracy of a perfect model          73.3 %" in text
    assert "accuracy of a perfect model, padded  92.59 %" in text
    assert "the block length does not divide 6, so the last block is shorter here." in text
    assert "padded" not in printed(capsys, "audit", "--rule", "topk:k=3,block=3", "--masked", "6")


@pytest.mark.parametrize(
    ("argv", "headline", "heads"),
    [
        (("tasks",), "tasks; those with a size take -n", "task,size,about"),
        (("rules",), "rules, as --policy takes them", "name,example,formula"),
        (
            ("audit", "--rule", "llada:steps=2", "--masked", "5"),
            "2 model calls for 5 tokens",
            "rule,masked,tokens_per_call",
        ),
        (
            ("estimate", "seen.csv"),
            "what one step loses is estimated as 1.012 bits",
            "quantity,estimate,standard_error,low,high",
        ),
    ],
)
def test_every_table_is_written(capsys, tmp_path, monkeypatch, argv, headline, heads):
    monkeypatch.chdir(tmp_path)
    Path("seen.csv").write_text("y0,y1\n" + "a,a\n" * 30 + "b,b\n" * 30)
    assert headline in printed(capsys, *argv)
    assert printed(capsys, *argv, "--csv", "-").startswith(heads)
    assert printed(capsys, *argv, "--latex", "-").startswith(r"\begin{tabular}")
    printed(capsys, *argv, "--out", "t.json")
    assert json.loads(Path("t.json").read_text()) == json.loads(printed(capsys, *argv, "--json"))


@pytest.mark.deep
@pytest.mark.parametrize(
    "argv", [("bounds", "sudoku"), ("policy", "sudoku", "--steps", "2"), ("frontier", "sudoku")]
)
def test_sudoku_says_how_many_positions_it_has(capsys, argv):
    assert printed(capsys, *argv).startswith("sudoku, n = 4 (11 positions)")
