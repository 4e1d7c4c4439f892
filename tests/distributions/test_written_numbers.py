"""Numbers of a file: ratios and short decimals are exact, decimals of over 12 digits are floats whose sums miss one."""

import json
from fractions import Fraction
from math import log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import paper_repro
from figures.engine.task_data import task_data
from theory.__main__ import main
from theory.distributions.files.task_file import read_task
from theory.distributions.parametric.hmm import HMMDistribution
from theory.distributions.parametric.markov import MarkovDistribution
from theory.distributions.written_numbers import Digits, is_float
from theory.information.measures import entropy
from theory.validation import InputError

THIRDS = [1 / 3, 1 / 3, 1 / 3]
ROWS = [["a", "b"], ["b", "a"], ["a", "a"]]


def saved(tmp_path, content, name="t.json"):
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def listed(tmp_path, numbers, **options):
    return read_task(saved(tmp_path, {"outcomes": ROWS, "probabilities": numbers}), **options)


def pmf_of(task, j=0):
    return task.contexts()[j].distribution.pmf()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (1 / 3, True),
        ("0.3333333333333", True),  # 13 digits
        ("0.333333333333", False),  # 12
        ("1234567.890123", True),
        ("3.3333333333333331e-01", True),
        (" .0000000000001234567890123 ", True),
        ("5.000000000000000000e-01", False),  # numpy.savetxt of 1/2
        ("0.00000000000000000001", False),
        ("12345678901234567890", False),
        ("1234567890123/9999999999999", False),
        (12345678901234567890, False),
        (True, False),
        (Fraction(1, 3), False),
        (Digits("0.1000000000000000055"), True),
        ("nan", False),
        ("٠.٣٣٣٣٣٣٣٣٣٣٣٣٣٣٣", False),  # other digits are refused elsewhere
        ("", False),
        (".", False),
    ],
)
def test_what_is_a_float(number, expected):
    assert is_float(number) is expected


def test_floats_of_json_are_a_float_distribution(tmp_path):
    task = listed(tmp_path, [0.1 + 0.2, 0.3, 0.4])
    assert not pmf_of(task).is_exact
    assert sum(pmf_of(task).probabilities) == 1
    assert task.floats
    assert task.note == (
        "numbers of over 12 digits are read as float64 (--exact takes them as they are written)"
    )
    third = listed(tmp_path, THIRDS)
    assert entropy(pmf_of(third)) == pytest.approx(log2(3), abs=1e-15)


def test_a_sum_that_misses_one_by_rounding_is_divided_out_and_said(tmp_path):
    task = listed(tmp_path, [0.3333333333333, 0.3333333333333, 0.3333333333333])
    assert pmf_of(task).probabilities == (1 / 3, 1 / 3, 1 / 3)
    assert "; sums miss 1 by 1.0e-13, which is divided out" in task.note
    near, far = 0.3333333333333 - 9e-10, 0.3333333333333 - 2e-9
    assert "9.0e-10" in listed(tmp_path, [near, 0.3333333333333, 0.3333333333333]).note
    with pytest.raises(
        InputError, match=r"must sum to 1, got 0.999999998, 2.0\d*e-09 too little; .*--normalise"
    ):
        listed(tmp_path, [far, 0.3333333333333, 0.3333333333333])
    scaled = listed(tmp_path, [far, 0.3333333333333, 0.3333333333333], normalise=True)
    assert sum(map(Fraction, pmf_of(scaled).probabilities)) == pytest.approx(1, abs=1e-15)
    assert "divided" not in scaled.note  # as was asked for


def test_exact_takes_them_as_they_are_written(tmp_path):
    with pytest.raises(InputError, match=r"must sum to 1, got .*= 1\), .*1e-16\) too little"):
        listed(tmp_path, THIRDS, exact=True)
    task = listed(tmp_path, THIRDS, exact=True, normalise=True)
    assert pmf_of(task).probabilities == (Fraction(1, 3),) * 3
    assert (task.floats, task.note) == (False, "")
    task = listed(tmp_path, [0.1234567890123, 0.8765432109877, 0], exact=True)
    assert pmf_of(task).probability(("a", "b")) == Fraction(1234567890123, 10**13)


def test_short_decimals_and_ratios_stay_exact(tmp_path):
    task = listed(tmp_path, [0.1, "1/2", "4e-1"])
    assert pmf_of(task).probabilities == (Fraction(1, 10), Fraction(1, 2), Fraction(2, 5))
    assert (task.floats, task.note) == (False, "")
    with pytest.raises(InputError, match=r"got 999999999999/1000000000000"):
        listed(tmp_path, [0.333333333333] * 3)


def test_one_float_makes_the_file_one_of_floats(tmp_path):
    task = listed(tmp_path, ["1/3", 0.3333333333333333, 0.3333333333333333])
    assert pmf_of(task).probabilities == (1 / 3, 1 / 3, 1 / 3)
    parts = [{"outcomes": ROWS}, {"outcomes": ROWS, "probabilities": THIRDS}]
    task = read_task(saved(tmp_path, {"contexts": parts}))
    assert [pmf_of(task, j).is_exact for j in (0, 1)] == [False, False]
    task = read_task(saved(tmp_path, {"outcomes": ROWS, "weights": [1.1111111111111112, "10/9", 1]}))
    assert pmf_of(task).probabilities == pytest.approx((10 / 29, 10 / 29, 9 / 29), rel=1e-15)


def test_weights_of_contexts_are_floats_too(tmp_path):
    parts = [{"weight": weight, "outcomes": ROWS} for weight in THIRDS]
    task = read_task(saved(tmp_path, {"contexts": parts}))
    assert [context.weight for context in task.contexts()] == [Fraction(1, 3)] * 3
    assert "sums miss 1 by 1.0e-16" in task.note
    with pytest.raises(InputError, match="weights of the contexts must sum to 1"):
        read_task(saved(tmp_path, {"contexts": parts}), exact=True)


@given(st.lists(st.floats(1e-9, 1), min_size=3, max_size=3))
def test_floats_of_csv_and_json_are_the_same_numbers(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("floats", numbered=True)
    shares = [value / sum(raw) for value in raw]
    rows = "".join(f"{a},{b},{share!r}\n" for (a, b), share in zip(ROWS, shares, strict=True))
    texts = [read_task(saved(folder, f"y0,y1,p\n{rows}", "t.csv")), listed(folder, shares)]
    one, other = map(pmf_of, texts)
    assert one.probabilities == other.probabilities
    if texts[0].floats:
        assert one.probabilities == pytest.approx(shares, rel=1e-15)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            [0.5, 0.4999999999999999, "1.2345678901234e-400"],
            "holds 1.2345678901234e-400, below the range of floats",
        ),
        ([0.5, 0.4999999999999999, "1e-400"], "below the range of floats"),
        ([0.5, 0.4999999999999999, "1.2345678901234e400"], "above the range of floats"),
        ([0.5, 0.4999999999999999, 10**400], "above the range of floats"),
        ([0.5000000000000001, 0.5000000000000001, -1e-16], "negative"),
        ([0.5000000000000001, 0.5, float("nan")], "finite number or a ratio"),
        ([-0.3333333333333333] * 3, "must sum to 1, got -1, 2 too little"),
    ],
)
def test_numbers_that_no_float_holds_are_refused(tmp_path, numbers, message):
    with pytest.raises(InputError, match=message) as caught:
        listed(tmp_path, numbers)
    assert "\n" not in str(caught.value)


CHAIN = {"length": 4, "initial": THIRDS, "transition": [THIRDS, [0.1, 0.2, 0.7], ["1/2", "1/2", 0]]}


def test_rows_of_structured_distributions_are_floats_too(tmp_path):
    task = read_task(saved(tmp_path, {"markov": CHAIN}))
    distribution = task.contexts()[0].distribution
    assert distribution.initial == (Fraction(1, 3),) * 3
    assert distribution.transition[0][1] == (Fraction(1, 10), Fraction(1, 5), Fraction(7, 10))
    assert "sums miss 1 by 1.0e-16" in task.note
    with pytest.raises(InputError, match="initial must sum to 1"):
        read_task(saved(tmp_path, {"markov": CHAIN}), exact=True)
    hidden = CHAIN | {"initial": ["1/2", "1/4", "1/4"], "emission": [THIRDS] * 3}
    assert read_task(saved(tmp_path, {"hmm": hidden})).floats
    rules = {"S": {"A A": 1}, "A": {"0.12345678901234": 1 / 3, "y": 2 / 3}, "B": ["0.12345678901234", "z"]}
    grammar = {"length": 2, "start": "S", "rules": rules}
    task = read_task(saved(tmp_path, {"grammar": grammar}))
    assert task.contexts()[0].distribution.rules.words["A"]["y"] == Fraction(2 * 10**16 // 3, 10**16 - 1)
    with pytest.raises(InputError, match="rules of 'A' must sum to 1"):
        read_task(saved(tmp_path, {"grammar": grammar}), exact=True)


def test_distributions_made_in_python_take_floats():
    assert (
        MarkovDistribution(n=3, initial=THIRDS, transition=np.full((3, 3), 1 / 3)).initial
        == (Fraction(1, 3),) * 3
    )
    assert (
        HMMDistribution(n=3, initial=[1], transition=[[1]], emission=[THIRDS]).emission[0]
        == (Fraction(1, 3),) * 3
    )
    with pytest.raises(InputError, match="initial must sum to 1"):
        MarkovDistribution(n=3, initial=[0.3333333, 0.3333333, 0.3333333], transition=[[1, 0, 0]] * 3)


COMMANDS = [
    ("bounds",),
    ("schedule",),
    ("frontier",),
    ("policy",),
    ("decode", "--policy", "topk:k=1"),
]


@pytest.mark.parametrize("content", [{"outcomes": ROWS, "probabilities": THIRDS}, {"markov": CHAIN}])
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_every_command_says_it_in_one_line(tmp_path, capsys, command, content):
    name, *rest = command
    path = str(saved(tmp_path, content))
    assert main([name, path, *rest, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["notes"]["task"].startswith("numbers of over 12 digits are read as float64")
    assert "kl" not in answer.get("exact", {})
    assert main([name, path, *rest]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"note: {answer['notes']['task']}" in lines
    assert main([name, path, *rest, "--exact"]) == 2
    assert "must sum to 1" in capsys.readouterr().err
    assert main([name, path, *rest, "--exact", "--normalise", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["exact"]
    assert "task" not in answer.get("notes", {})


def test_float_and_exact_exclude_each_other(tmp_path, capsys):
    path = str(saved(tmp_path, {"outcomes": ROWS}))
    assert main(["bounds", path, "--float", "--exact"]) == 2
    assert "give one of them" in capsys.readouterr().err


def test_the_right_bound_of_many_floats(tmp_path):
    """4,096 outcomes of 12 bits: total correlation against sums of p log p over the file's own numbers."""
    raw = np.random.default_rng(5).random(4096)
    shares = (raw / raw.sum()).reshape([2] * 12)
    rows = [list(map(int, f"{j:012b}")) for j in range(4096)]
    task = read_task(saved(tmp_path, {"outcomes": rows, "probabilities": shares.ravel().tolist()}))
    assert task.floats
    singles = [shares.sum(axis=tuple(j for j in range(12) if j != i)) for i in range(12)]
    expected = -sum((p * np.log2(p)).sum() for p in singles) + (shares * np.log2(shares)).sum()
    from theory.commands.bounds import bounds_answer

    answer = bounds_answer(task)
    assert answer["total_correlation"] == pytest.approx(expected, abs=1e-11)
    assert answer["errors"]["total_correlation"] < 1e-9


def test_the_figures_take_floats_and_say_so(tmp_path, capsys):
    data = task_data(str(saved(tmp_path, {"outcomes": ROWS, "probabilities": THIRDS})))
    assert data.contexts[0]["probabilities"] == THIRDS
    assert data.note.startswith("numbers of over 12 digits are read as float64")
    path = saved(tmp_path, {"outcomes": ROWS, "probabilities": [0.5, 0.25, 0.2500000000000001]})
    with pytest.raises(InputError, match="must sum to 1"):
        task_data(str(path), exact=True)
    assert paper_repro.main(["figure2", "--task", str(path), "--exact", "--out", str(tmp_path / "out")]) == 2
    assert "must sum to 1" in capsys.readouterr().err
