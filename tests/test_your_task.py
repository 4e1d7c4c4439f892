"""docs/your_task.md, followed step by step: every file saved, every command run, every shown line found."""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "your_task.md").read_text(encoding="utf-8")
SAVED = re.compile(r"[Ss]aved?(?:\s+(?:this|them))?\s+as\s+`([\w.]+)`")


@dataclass
class Step:
    """One command of the page and the text that it must show."""

    line: str
    shown: list[str] = field(default_factory=list)


def _blocks():
    """(kind, content, text before it) of every fenced block."""
    place = 0
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.S | re.M):
        yield match[1], match[2], PAGE[place : match.start()]
        place = match.end()


def files() -> dict[str, str]:
    """The files that the page asks to save: named before the block, or right after it."""
    found = {}
    blocks = list(_blocks())
    for j, (kind, content, before) in enumerate(blocks):
        if kind not in ("json", "csv", "jsonl", "python") or ">>>" in content:
            continue
        named = SAVED.findall(before)
        after = SAVED.findall(blocks[j + 1][2]) if j + 1 < len(blocks) else []
        suffix = {"python": ".py"}.get(kind, f".{kind}")
        names = [name for name in [*named[::-1], *after] if name.endswith(suffix) and name not in found]
        assert names, f"no name for {content[:40]!r}"
        found[names[0]] = content
    return found


def steps() -> list[Step]:
    out: list[Step] = []
    for kind, content, _ in _blocks():
        if kind == "sh":
            out += [Step(line) for line in content.splitlines()]
        elif kind == "text":
            out[-1].shown += content.splitlines()
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("newcomer")
    for name, content in files().items():
        (path / name).write_text(content, encoding="utf-8")
    return path


def test_the_page_saves_every_file_it_uses():
    used = {
        word for step in steps() for word in shlex.split(step.line) if re.search(r"\.(json|csv|jsonl)$", word)
    }
    assert used | {"my_tasks.py", "long_tasks.py"} == set(files())


def cases():
    """Every command; those that draw a whole figure are deep."""
    for step in steps():
        drawn = "paper_repro.py figure2" in step.line
        yield pytest.param(step, id=step.line, marks=[pytest.mark.deep] if drawn else [])


@pytest.mark.parametrize("step", [*cases()])
def test_commands_show_what_the_page_says(step, folder, capsys, monkeypatch):
    from paper_repro import main as paper
    from theory.__main__ import main as theory

    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    command, _, comment = step.line.partition("  # ")
    words = shlex.split(command)
    if words[1] == "paper_repro.py":
        status = paper([*words[2:], "--jobs", "1"])
    else:
        assert words[:3] == ["python", "-m", "theory"]
        status = theory(words[3:])
    assert status == (2 if comment == "fails" else 0)
    captured = capsys.readouterr()
    text = re.sub(r"[\s│┃]+", " ", captured.out + captured.err)
    for line in step.shown:
        assert " ".join(line.split()) in text, text
    for option in ("--plot",):
        if option in words:
            assert (folder / words[words.index(option) + 1]).read_bytes().startswith(b"\x89PNG")
    if words[1] == "paper_repro.py":
        name = words[words.index("--task") + 1].removesuffix(".json")
        drawn = list((folder / "out").glob(f"figure2_{name}_*.png"))
        assert drawn
        assert all(path.stat().st_size > 10_000 for path in drawn)


def test_nothing_is_half_written(folder):
    left = [path.name for path in folder.rglob("*.tmp")]
    assert left == []
