"""docs/your_task.md, followed step by step: every file saved, every command run, every shown line found."""

import re
import shlex
from pathlib import Path

import pytest

from tests.helpers.pages import blocks, check_shown, steps

PAGE = (Path(__file__).parent.parent / "docs" / "your_task.md").read_text(encoding="utf-8")
SAVED = re.compile(r"[Ss]aved?(?:\s+(?:this|them))?\s+as\s+`([\w.]+)`")


def files() -> dict[str, str]:
    """The files that the page asks to save: named before the block, or right after it."""
    found = {}
    found_blocks = list(blocks(PAGE))
    for j, (kind, content, before) in enumerate(found_blocks):
        if kind not in ("json", "csv", "jsonl", "python") or ">>>" in content:
            continue
        named = SAVED.findall(before)
        after = SAVED.findall(found_blocks[j + 1][2]) if j + 1 < len(found_blocks) else []
        suffix = {"python": ".py"}.get(kind, f".{kind}")
        names = [name for name in [*named[::-1], *after] if name.endswith(suffix) and name not in found]
        assert names, f"no name for {content[:40]!r}"
        found[names[0]] = content
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("newcomer")
    for name, content in files().items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def test_the_page_saves_every_file_it_uses():
    words = [word for step in steps(PAGE) for word in shlex.split(step.line)]
    used = {word for word in words if re.search(r"\.(json|csv|jsonl)$", word)}
    assert used | {"my_tasks.py", "long_tasks.py"} == set(files())


def cases():
    """Every command; those that draw a whole figure are deep."""
    for step in steps(PAGE):
        drawn = "parabounds figures" in step.line
        yield pytest.param(step, id=step.line, marks=[pytest.mark.deep] if drawn else [])


@pytest.mark.grid(every=6)
@pytest.mark.parametrize("step", [*cases()])
def test_commands_print_what_the_page_shows(step, folder, capsys, monkeypatch):
    from parabounds.command import main

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    words = shlex.split(step.command)
    assert words[0] == "parabounds"
    jobs = ["--jobs", "1"] if words[1] == "figures" else []
    assert main([*words[1:], *jobs]) == (2 if step.fails else 0)
    captured = capsys.readouterr()
    check_shown(step, captured.err if step.fails else captured.out)
    if "--plot" in words:
        assert (folder / words[words.index("--plot") + 1]).read_bytes().startswith(b"\x89PNG")
    if words[1] == "figures":
        name = words[words.index("--task") + 1].removesuffix(".json")
        drawn = list((folder / "out").glob(f"figure2_{name}_*.png"))
        assert drawn
        assert all(path.stat().st_size > 10_000 for path in drawn)


def test_nothing_is_half_written(folder):
    left = [path.name for path in folder.rglob("*.tmp")]
    assert left == []
