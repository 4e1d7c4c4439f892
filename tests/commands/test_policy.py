"""The best policy as a result, a tree and a picture: its cost is V_T, and the picture adds up."""

import json

import numpy as np
import pytest

from figures.drawing.policy_tree import draw_policy, timetable
from synthetic import make_task
from theory.__main__ import main
from theory.commands.policy import policy_answer
from theory.optima.adaptive.serial_depth import serial_depth
from theory.optima.adaptive.step_cap import adaptive_bounds
from theory.validation import InputError

TASKS = [
    ("replace_random", 4),
    ("shuffle_strict", 4),
    ("matching_selector", None),
    ("hmm", 4),
    ("insert_index", 3),
]


@pytest.mark.grid(every=2)
@pytest.mark.parametrize(("name", "n"), TASKS)
def test_the_policy_attains_v_t(name, n):
    task = make_task(name, n)
    parts = [(c.weight, adaptive_bounds(c.distribution.pmf())) for c in task.contexts()]
    for steps in range(1, task.contexts()[0].distribution.n + 1):
        answer = policy_answer(task, steps)
        assert answer["max_steps"] == steps
        assert answer["kl"] == sum(
            (w * bounds.values[steps - 1] for w, bounds in parts[1:]),
            parts[0][0] * parts[0][1].values[steps - 1],
        )
        when, lost = timetable(answer["policies"], task.contexts()[0].distribution.n, steps)
        np.testing.assert_allclose(when.sum(axis=0), 1, atol=1e-12)  # every position once
        assert lost.sum() == pytest.approx(float(answer["kl"]), abs=1e-12)
        reached = sum(p["weight"] * d["probability"] for p in answer["policies"] for d in p["decisions"])
        assert reached == pytest.approx(float(answer["steps_under_data"]))


@pytest.mark.parametrize(("name", "n"), TASKS)
def test_without_steps_nothing_is_lost(name, n):
    task = make_task(name, n)
    answer = policy_answer(task)
    assert answer["kl"] == 0
    assert answer["accuracy"] == 1
    depths = [serial_depth(c.distribution.pmf()).worst_case for c in task.contexts()]
    assert answer["max_steps"] == max(depths)


@pytest.mark.deep
def test_the_picture_shows_the_timetable():
    task = make_task("replace_random", 5)
    drawing = draw_policy(policy_answer(task, 2))
    left, right = drawing.axes[0], drawing.axes[1]
    assert {text.get_text() for text in left.texts} == {"1"}  # a fixed partition here
    assert len(right.patches) == 2
    assert "at most 2 steps" in drawing.get_suptitle()
    lossless = draw_policy(policy_answer(task))
    assert lossless.get_suptitle().endswith("nothing is lost")
    assert [axes.get_title() for axes in lossless.axes if not axes.get_label()] == [
        "P(step reveals position)"
    ]


def test_the_command(capsys, tmp_path):
    file = tmp_path / "policy.png"
    assert main(["policy", "matching_selector", "--plot", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "reveal {0}\n  if y0=0: reveal {1, 3}\n" in shown
    assert file.read_bytes().startswith(b"\x89PNG")
    assert main(["policy", "insert_index", "-n", "2", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [p["context"] for p in answer["policies"]] == ["index=0", "index=1", "index=2"]
    assert answer["policies"][0]["decisions"][0]["block"] == [0, 1, 2]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (
            ["shuffle", "-n", "3", "--steps", "4"],
            "steps must be between 1 and 3, the number of positions, got 4",
        ),
        (["shuffle", "-n", "3", "--steps", "0"], "steps must be a whole number of at least 1, got 0"),
        (["shuffle", "-n", "3", "--plot", "no.txt"], "the file must end in .*png"),
        (
            ["hmm", "-n", "100"],
            "the best policy needs a distribution that can be listed, and hmm is too large",
        ),
        (["shuffle", "-n", "16"], "would need about|would take about"),
    ],
)
def test_wrong_input_is_one_line(argv, message, capsys):
    assert main(["policy", *argv]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    with pytest.raises(InputError, match=message):
        raise InputError(error)
