"""The README's commands work as printed, and its example files do what it says."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _shell_lines() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", README, flags=re.S)
    return [part.strip() for block in blocks for line in block.splitlines() for part in line.split("&&")]


def _inline_commands() -> list[str]:
    found = re.findall(r"`((?:python|parabounds) [^`]+)`", README)
    return [part.strip() for command in found for part in command.split("&&")]


SHOWN = dict(re.findall(r"```sh\n(parabounds [^\n]*)\n```\n\n```text\n(.*?)```", README, flags=re.S))


LONG = ("figures", "model")


@pytest.mark.parametrize(
    "line", [c for c in _shell_lines() if c.startswith("parabounds") and c.split()[1] not in LONG]
)
def test_commands(line, capsys):
    from parabounds.command import main

    assert main(shlex.split(line)[1:]) == 0
    printed = capsys.readouterr().out
    assert printed == SHOWN.get(line, printed) != ""


def test_what_commands_print_is_shown():
    assert len(SHOWN) >= 2


@pytest.mark.parametrize(
    "line",
    [c for c in [*_shell_lines(), *_inline_commands()] if re.match(r"parabounds (figures|model) ", f"{c} ")],
)
def test_commands_that_take_long_are_understood(line):
    from figures.engine.figure import known_figures
    from parabounds.arguments import build_parser

    args = build_parser().parse_args(shlex.split(line)[1:])
    assert set(getattr(args, "names", ())) <= set(known_figures())


def test_install_commands_name_extras_that_exist():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    installs = [c for c in [*_shell_lines(), *_inline_commands()] if c.startswith("python -m pip")]
    assert {"python -m pip install -e .", "python -m pip install -e '.[test]'"} <= set(installs)
    for command in installs:
        for extra in re.findall(r"\[(\w+)\]", command):
            assert extra in project["optional-dependencies"]


def test_ci_runs_the_commands_of_the_readme_before_it_installs_more():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    start = lines.index("install .")
    assert lines[start + 1].startswith("parabounds figures --fast")
    assert lines[start + 2 : start + 4] == ["install '.[test]'", "python -m pytest"]
    assert not any(line.startswith(("install ", "python -m pip")) for line in lines[:start])


def test_files_and_folders_exist():
    for target in re.findall(r"\]\(((?!http)[^)#]+)\)", README):
        assert (ROOT / target).exists(), target
    for folder in re.findall(r"^\| `(\w+)/` \|", README, flags=re.M):
        assert (ROOT / folder).is_dir()


@pytest.mark.grid(1)
@pytest.mark.parametrize("start", ['"""Rotate,', '"""Half rule'])
def test_examples_of_new_files(start, tmp_path):
    """The two files of the README, run in a fresh interpreter: they register, decode and cross-check."""
    import subprocess

    code = next(b for b in re.findall(r"```python\n(.*?)```", README, flags=re.S) if b.startswith(start))
    module = tmp_path / "added.py"
    module.write_text(code, encoding="utf-8")
    use = (
        "import added\n"
        "from synthetic import make_task, known_tasks\n"
        "from theory import decode, parse_policy, registered_policies\n"
        "task = make_task('rotate', 4) if hasattr(added, 'Rotate') else make_task('shuffle', 4)\n"
        "spec = 'half:by=random' if hasattr(added, 'Half') else 'topk:k=1'\n"
        "result = decode(task.contexts()[0].distribution.pmf(), parse_policy(spec))\n"
        "assert result.accuracy > 0 and result.steps >= 1\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", use],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{ROOT}"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
