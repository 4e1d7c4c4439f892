"""The shape of the program: imports point one way, heavy packages load late, public names are listed."""

import ast
import importlib
import inspect
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from synthetic import known_tasks

ROOT = Path(__file__).resolve().parent.parent
ORDER = ["theory", "synthetic", "models", "figures"]  # a folder imports only from those to its left
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ORDER
    for path in sorted((ROOT / folder).rglob("*.py"))
}
INNER = [name for name in MODULES if not name.endswith(".__main__")]
PUBLIC = [name for name in INNER if not any(part.startswith("_") for part in name.split("."))]


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file; every test of a module asks for it."""
    return ast.parse(path.read_text())


@cache
def imports(path: Path) -> list[tuple[str, list[str]]]:
    """Every (module, names) that a file imports at any depth; the code must not use relative imports."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [(alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            assert node.module
            found.append((node.module, [alias.name for alias in node.names]))
    return found


def exported(path: Path) -> list[str] | None:
    """The value of ``__all__``, or None."""
    for node in parsed(path).body:
        if isinstance(node, ast.Assign) and any(getattr(t, "id", "") == "__all__" for t in node.targets):
            return ast.literal_eval(node.value)
    return None


def defined(path: Path) -> list[str]:
    """Public names that a module defines at its top level, or re-exports if it is a package."""
    names = []
    for node in parsed(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.append(node.name)
        elif isinstance(node, ast.ImportFrom) and path.name == "__init__.py" and node.module != "__future__":
            names += [alias.asname or alias.name for alias in node.names]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names += [target.id for target in targets if isinstance(target, ast.Name)]
    return [name for name in names if not name.startswith("_")]


def test_the_folders_are_there():
    assert {name.split(".")[0] for name in MODULES} == set(ORDER)
    assert all((ROOT / folder / "__init__.py").is_file() for folder in ORDER)


@pytest.mark.parametrize("name", INNER)
def test_imports_point_one_way(name):
    rank = ORDER.index(name.split(".")[0])
    for module, _ in imports(MODULES[name]):
        top = module.split(".")[0]
        assert top not in {"tests", "benchmarks", "paper_repro"}
        assert top not in ORDER or ORDER.index(top) <= rank, f"{name} imports {module}"


@pytest.mark.parametrize("name", list(MODULES))
def test_nobody_imports_the_outer_edge(name):
    for module, names in imports(MODULES[name]):
        assert "__main__" not in [*module.split("."), *names]


@pytest.mark.parametrize("name", [name for name in INNER if name.split(".")[0] in ("theory", "synthetic")])
def test_theory_and_synthetic_never_name_torch(name):
    assert not {"torch", "matplotlib"} & {module.split(".")[0] for module, _ in imports(MODULES[name])}


@pytest.mark.parametrize("name", PUBLIC)
def test_public_modules_say_what_they_hold(name):
    path = MODULES[name]
    assert ast.get_docstring(parsed(path))
    listed, names = exported(path), defined(path)
    if listed is None:
        assert not names, f"{name} defines {names} but has no __all__"
        return
    assert len(set(listed)) == len(listed)
    assert set(listed) <= set(names), f"{name} lists names that it does not define"


@pytest.mark.parametrize("name", list(MODULES))
def test_only_listed_names_cross_a_folder(name):
    for module, names in imports(MODULES[name]):
        if module.split(".")[0] not in ORDER or module.split(".")[0] == name.split(".")[0]:
            continue
        source = MODULES[module]
        listed = exported(source) or []
        for used in names:
            assert used in listed or f"{module}.{used}" in MODULES, f"{module} does not list {used}"


@pytest.mark.parametrize("name", PUBLIC)
def test_listed_names_exist_and_are_documented(name):
    module = importlib.import_module(name)
    for public in getattr(module, "__all__", []):
        value = getattr(module, public)
        ours = getattr(value, "__module__", "").split(".")[0] in ORDER  # an alias of a foreign type is not
        if ours and (inspect.isclass(value) or inspect.isfunction(value)):
            assert value.__doc__, f"{name}.{public} has no docstring"


LATE = {"torch", "sympy", "scipy", "matplotlib", "rich", "joblib", "safetensors", "jinja2"}
SCRIPT = """
import importlib, sys
for name in {names!r}:
    importlib.import_module(name)
print(sorted({late!r} & set(sys.modules)))
"""


@pytest.mark.parametrize("folder", ["theory", "synthetic"])
def test_heavy_packages_load_late(folder):
    names = [name for name in INNER if name.split(".")[0] == folder]
    script = SCRIPT.format(names=names, late=LATE)
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert run.stdout.strip() == "[]"


def test_the_main_command_is_an_outer_edge():
    used = {module.split(".")[0] for module, _ in imports(ROOT / "paper_repro.py")}
    assert used & {*ORDER, "tests"} == {"figures"}


def test_nothing_touches_the_import_path():
    for path in [*MODULES.values(), ROOT / "paper_repro.py"]:
        assert "sys.path" not in path.read_text()


@pytest.mark.parametrize("name", INNER)
def test_modules_are_short(name):
    assert len(MODULES[name].read_text().splitlines()) <= 400


def test_theory_names_no_task():
    """A task says what it offers; closed forms alone are a table by task. Two names are keys of files and answers."""
    tasks = set(known_tasks()) - {"hmm", "tree"}
    inside = [name for name in INNER if name.startswith("theory.") and ".closed_forms." not in name]
    named = {
        (name, node.value)
        for name in inside
        for node in ast.walk(parsed(MODULES[name]))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in tasks
    }
    assert not named
