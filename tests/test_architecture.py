"""The shape of the program, from the order of the rooms to the first lines of modules.

Each test looks at every module and lists all offenders.
"""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from dataclasses import is_dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from synthetic import known_tasks

ROOT = Path(__file__).resolve().parent.parent
# a folder imports only from those to its left
ORDER = ("theory", "synthetic", "models", "figures", "parabounds")
# Within a folder a file imports from its own room and those to the left; rooms of one set do not import each other.
ROOMS = {
    "theory": (
        *("ground", "numbers", "distributions", "information", "bounds", "policies", "decoding"),
        *({"optima", "sampling"}, "commands", "entry"),
    ),
    "models": (
        {"runs", "predictors"},
        {"inputs", "sampling"},
        {"training", "evaluation", "benchmark"},
        "commands",
        "entry",
    ),
    "figures": ("drawing", "engine", {"tasks", "claims", "benchmark"}, "paper", "entry"),
}
GROUND = {"theory.validation", "theory.announcements", "theory.limits", "theory.files"}
LONGEST = 400  # lines of a file; 300 in theory
DEEPEST = 15  # files of theory in a chain of imports
FIRST_LINE = 90  # characters of the first line of a module

MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ORDER
    for path in sorted((ROOT / folder).rglob("*.py"))
}
INNER = [name for name in MODULES if not name.endswith(".__main__")]
PUBLIC = [name for name in INNER if not any(part.startswith("_") for part in name.split("."))]
FILES = [name for name in MODULES if MODULES[name].name != "__init__.py"]


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


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


@cache
def used_modules(name: str) -> frozenset[str]:
    """The modules of the project that a module imports at any depth."""
    found: set[str] = set()
    for module, names in imports(MODULES[name]):
        found |= {inner if (inner := f"{module}.{used}") in MODULES else module for used in names} or {module}
    return frozenset(found & MODULES.keys())


def room(name: str) -> str:
    """The room of a module: its folder below the top one, the ground, or the entry."""
    parts = name.split(".")
    if name in GROUND:
        return "ground"
    is_room = len(parts) > 2 or (len(parts) == 2 and MODULES[name].name == "__init__.py")
    return parts[1] if is_room else "entry"


def rank(folder: str, name: str) -> int:
    """The place of a room in its folder."""
    return next(i for i, rooms in enumerate(ROOMS[folder]) if name == rooms or name in rooms)


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


def none(offenders: list[str]) -> None:
    """Fail with every offender in one message."""
    assert not offenders, "\n" + "\n".join(offenders)


def test_the_folders_are_there():
    assert {name.split(".")[0] for name in MODULES} == set(ORDER)
    none([folder for folder in ORDER if not (ROOT / folder / "__init__.py").is_file()])


def test_every_folder_of_code_is_a_package():
    folders = {path.parent for path in MODULES.values()} | {
        path.parent for path in (ROOT / "tests").rglob("*.py")
    }
    none([str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()])


def test_folders_import_one_way():
    offenders = []
    for name in INNER:
        place = ORDER.index(name.split(".")[0])
        for module, _ in imports(MODULES[name]):
            top = module.split(".")[0]
            if top in {"tests", "benchmarks", "paper_repro"} or (top in ORDER and ORDER.index(top) > place):
                offenders.append(f"{name} imports {module}")
    none(offenders)


def test_rooms_import_one_way():
    offenders = []
    for name in FILES:
        folder = name.split(".")[0]
        for used in sorted(used_modules(name)) if folder in ROOMS else []:
            if used.split(".")[0] != folder or used == folder:
                continue
            mine, other = room(name), room(used)
            if other != mine and rank(folder, other) >= rank(folder, mine):
                offenders.append(f"{name} ({mine}) imports {used} ({other})")
    none(offenders)


def test_inside_a_room_a_folder_never_imports_what_lies_below_it():
    offenders = []
    for name in FILES:
        parent = name.rpartition(".")[0]
        offenders += [
            f"{name} imports {used}"
            for used in sorted(used_modules(name))
            if parent.count(".") == 1 and used.startswith(f"{parent}.") and used.count(".") > name.count(".")
        ]
    none(offenders)


def test_no_cycles_between_files():
    graph = {name: {used for used in used_modules(name) if used in FILES} for name in FILES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_theory_is_shallow():
    """The longest chain of files of ``theory`` that import each other at any depth."""
    used = {name: {one for one in used_modules(name) if one in FILES} for name in FILES}
    depth: dict[str, int] = {}
    for name in TopologicalSorter(used).static_order():
        depth[name] = 1 + max((depth[one] for one in used[name]), default=0)
    none([f"{name}: {depth[name]}" for name in FILES if name.startswith("theory.") and depth[name] > DEEPEST])


def test_nobody_imports_the_outer_edge():
    none(
        [
            f"{name} imports {module}"
            for name in MODULES
            for module, names in imports(MODULES[name])
            if "__main__" in [*module.split("."), *names]
        ]
    )


def test_theory_and_synthetic_never_name_torch():
    none(
        [
            f"{name} imports {module}"
            for name in INNER
            if name.split(".")[0] in ("theory", "synthetic")
            for module, _ in imports(MODULES[name])
            if module.split(".")[0] in {"torch", "matplotlib"}
        ]
    )


def test_public_modules_say_what_they_hold():
    offenders = []
    for name in PUBLIC:
        path = MODULES[name]
        listed, names = exported(path), defined(path)
        if not ast.get_docstring(parsed(path)):
            offenders.append(f"{name} has no docstring")
        if listed is None:
            offenders += [f"{name} defines {names} but has no __all__"] if names else []
        elif len(set(listed)) < len(listed) or not set(listed) <= set(names):
            offenders.append(f"{name} lists names twice or names that it does not define")
    none(offenders)


def test_first_lines_are_short_phrases():
    """The first line of a module is at most 90 characters, ends with a full stop and has no colon."""
    offenders = []
    for name, path in MODULES.items():
        head = (ast.get_docstring(parsed(path)) or "").partition("\n")[0]
        if len(head) > FIRST_LINE or not head.endswith(".") or ": " in head:
            offenders.append(f"{name}: {head}")
    none(offenders)


def test_only_listed_names_cross_a_folder():
    offenders = []
    for name in MODULES:
        for module, names in imports(MODULES[name]):
            if module.split(".")[0] not in ORDER or module.split(".")[0] == name.split(".")[0]:
                continue
            listed = exported(MODULES[module]) or []
            offenders += [
                f"{name}: {module} does not list {used}"
                for used in names
                if used not in listed and f"{module}.{used}" not in MODULES
            ]
    none(offenders)


def test_listed_names_exist_and_are_documented():
    offenders = []
    for name in PUBLIC:
        module = importlib.import_module(name)
        for public in getattr(module, "__all__", []):
            value = getattr(module, public)
            ours = (
                getattr(value, "__module__", "").split(".")[0] in ORDER
            )  # an alias of a foreign type is not
            if ours and (inspect.isclass(value) or inspect.isfunction(value)) and not value.__doc__:
                offenders.append(f"{name}.{public} has no docstring")
    none(offenders)


def test_no_name_of_a_package_hides_its_module():
    """``import package.module as m`` reads the attribute: it must be that module."""
    hidden = []
    for name in MODULES:
        package, _, last = name.rpartition(".")
        if not package or last.startswith("_"):
            continue
        module = importlib.import_module(name)
        if getattr(importlib.import_module(package), last) is not module:
            hidden.append(f"{package}.{last}")
    none(hidden)


def test_a_package_is_imported_by_its_name():
    import theory
    import theory.policies as package
    from theory import policies, registered_policies

    assert package is policies is sys.modules["theory.policies"] is theory.policies
    assert "topk" in registered_policies()
    assert package.registered_policies is registered_policies


LATE = {"torch", "sympy", "scipy", "matplotlib", "rich", "joblib", "safetensors", "jinja2"}
SCRIPT = """
import contextlib, importlib, io, sys
for name in {names!r}:
    importlib.import_module(name)
print(sorted({late!r} & set(sys.modules)))
with contextlib.redirect_stdout(io.StringIO()):
    importlib.import_module("paper_repro").main(["--list"])
print(sorted({late!r} & set(sys.modules) - {{"rich"}}))
"""


@pytest.mark.deep
def test_heavy_packages_load_late():
    """In ``theory``, ``synthetic``, what a notebook imports of ``models``, and the list of figures."""
    names = [name for name in INNER if name.split(".")[0] in ("theory", "synthetic")]
    script = SCRIPT.format(names=[*names, "models", "models.__main__"], late=LATE)
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    assert run.stdout.split() == ["[]", "[]"]


def test_the_main_command_is_an_outer_edge():
    used = {module.split(".")[0] for module, _ in imports(ROOT / "paper_repro.py")}
    assert used & {*ORDER, "tests"} == {"figures", "parabounds"}  # the latter for the explorer


def test_nothing_touches_the_import_path():
    """But the commands, for which the working folder comes last."""
    commands = {"parabounds.command", "theory.__main__", "models.__main__"}
    paths = [path for name, path in MODULES.items() if name not in commands]
    none([str(path) for path in paths if "sys.path" in path.read_text(encoding="utf-8")])


def test_references_in_docstrings_exist():
    """``:mod:`a.b` `` and the like name a module, or something in one."""
    folders = "|".join(ORDER)
    reference = re.compile(rf":(?:mod|func|class|meth|data):`~?((?:{folders})[\w.]*)`")
    offenders = []
    for name, path in MODULES.items():
        for target in reference.findall(path.read_text(encoding="utf-8")):
            parts = target.split(".")
            end = next(k for k in range(len(parts), 0, -1) if ".".join(parts[:k]) in MODULES)
            value = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                value = getattr(value, part, None)
            if value is None:
                offenders.append(f"{name} refers to {target}")
    none(offenders)


def test_modules_are_short():
    lines = {name: len(MODULES[name].read_text(encoding="utf-8").splitlines()) for name in INNER}
    most = {name: 300 if name.startswith("theory.") else LONGEST for name in INNER}
    none([f"{name} has {count} lines" for name, count in lines.items() if count > most[name]])


def test_dataclasses_are_frozen_but_for_those_that_collect():
    """Frozen dataclasses describe; these are filled while something is computed."""
    filled = {
        *("Masses", "_Level", "_Sums", "FileNumbers", "EntropySum", "Search", "_Colours", "_Candidate"),
        *("EquivalenceClasses", "_Sample", "RandomOrders"),
    }
    modules = [importlib.import_module(name) for name in INNER if name.startswith("theory.")]
    classes = [one for module in modules for one in vars(module).values() if isinstance(one, type)]
    marked = {one for one in classes if one.__module__.startswith("theory.") and is_dataclass(one)}
    assert {one.__name__ for one in marked if not one.__dataclass_params__.frozen} == filled


def test_theory_names_no_task():
    """A task says what it offers; closed forms alone are a table by task. Two names are keys of files and answers."""
    tasks = set(known_tasks()) - {"hmm", "tree"}
    inside = [name for name in INNER if name.startswith("theory.") and ".closed_forms." not in name]
    none(
        [
            f"{name} names {node.value}"
            for name in inside
            for node in ast.walk(parsed(MODULES[name]))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in tasks
        ]
    )


def test_no_test_patches_a_private_name():
    """A test changes public seams alone: a parameter, a public constant, a public function."""
    offenders = []
    changes = re.compile(r"\.(setattr|delattr|patch|object)\(")
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if not changes.search(path.read_text(encoding="utf-8")):
            continue
        for call in ast.walk(parsed(path)):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
                continue
            if call.func.attr not in {"setattr", "delattr", "patch", "object"}:
                continue
            words = {
                node.attr for at in call.args[:1] for node in ast.walk(at) if isinstance(node, ast.Attribute)
            }
            for at in call.args[:2]:
                words |= (
                    set(at.value.split("."))
                    if isinstance(at, ast.Constant) and isinstance(at.value, str)
                    else set()
                )
            if private := [word for word in words if word.startswith("_") and not word.startswith("__")]:
                offenders.append(f"{path.relative_to(ROOT)}:{call.lineno} patches {', '.join(private)}")
    none(offenders)
