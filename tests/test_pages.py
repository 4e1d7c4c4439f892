"""The commands of the pages print what the pages show."""

import shlex
from pathlib import Path

import pytest

from tests.helpers.pages import check_shown, steps

DOCS = Path(__file__).parent.parent / "docs"
PAGES = ("rules.md",)  # others have files of their own: your_task.md, your_model.md, large_n.md


def cases():
    for name in PAGES:
        for step in steps((DOCS / name).read_text(encoding="utf-8")):
            if step.line.startswith("parabounds"):
                yield pytest.param(step, id=f"{name}: {step.command}")


@pytest.mark.parametrize("step", [*cases()])
def test_commands_print_what_the_page_shows(step, capsys):
    from parabounds.command import main

    assert main(shlex.split(step.command, comments=True)[1:]) == 0
    out = capsys.readouterr().out
    assert out
    check_shown(step, out)


def test_pages_use_the_one_command():
    pages = [DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))]
    lines = [step.line for page in pages for step in steps(page.read_text(encoding="utf-8"))]
    assert not [line for line in lines if line.startswith(("python -m theory", "python -m models"))]
    assert sum(line.startswith("parabounds ") for line in lines) > 50
