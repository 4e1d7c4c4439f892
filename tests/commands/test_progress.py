"""What commands say while they work: what, for how long, and how much longer."""

from time import monotonic, sleep

from theory.commands.progress import Work, working
from theory.commands.shadows import name_shadows
from theory.limits import Budget


class Clock:
    """A clock that goes as far as it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_estimates_are_those_of_the_longest_budget_that_runs():
    clock = Clock()
    work = Work("bounds", clock)
    work.estimated("the curve", 40.0)
    clock.now = 5.0
    work.estimated("a detail", 0.01)  # too short to name
    assert work.line() == "bounds: 5 s, the curve: 5 of about 40 s (Ctrl-C stops)"
    clock.now = 50.0
    assert work.line() == "bounds: 50 s, the curve: 50 s where 40 s were expected (Ctrl-C stops)"
    work.estimated("the table", 20.0)
    clock.now = 60.0
    assert work.line() == "bounds: 60 s, the table: 10 of about 20 s (Ctrl-C stops)"


def test_parts_and_words_come_before_estimates():
    clock = Clock()
    work = Work("compare", clock)
    work.estimated("the curve", 40.0)
    clock.now = 10.0
    work.parts(1, 5)
    assert work.line() == "compare: 10 s, 1 of 5 done, about 40 s left (Ctrl-C stops)"
    work.say("12 of 28 brackets closed")
    assert (
        work.line() == "compare: 10 s, 12 of 28 brackets closed, 1 of 5 done, about 40 s left (Ctrl-C stops)"
    )


def test_what_is_estimated_after_a_word_follows_it():
    clock = Clock()
    work = Work("bounds", clock)
    work.estimated("the curve", 40.0)
    work.say("preparing the search")
    assert work.line() == "bounds: 0 s, preparing the search (Ctrl-C stops)"
    work.estimated("compiling expand", 5.0)
    clock.now = 3.0
    assert work.line() == "bounds: 3 s, preparing the search, compiling expand: 3 of about 5 s (Ctrl-C stops)"


def test_piped_commands_write_lines(capsys):
    text, end = "", monotonic() + 60
    with working("bounds", every=0.001):
        Budget("adding numbers", "use fewer").require(30)
        while "adding numbers" not in text and monotonic() < end:
            sleep(0.001)
            text += capsys.readouterr().err
    assert "bounds: 0 s, adding numbers: 0 of about 30 s (Ctrl-C stops)\n" in text


def test_short_work_says_nothing(capsys):
    with working("bounds"):
        pass
    assert capsys.readouterr() == ("", "")


def test_nothing_is_said_of_folders_without_shadows(tmp_path, monkeypatch, capsys):
    (tmp_path / "models").mkdir()  # a folder of data
    monkeypatch.chdir(tmp_path)
    name_shadows("python -m theory")
    assert capsys.readouterr().err == ""
