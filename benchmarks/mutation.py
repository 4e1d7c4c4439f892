"""Mutants of the theory, drawn with a fixed seed, against the tests of the default run.

    python -m pip install coverage cosmic-ray
    python benchmarks/mutation.py

Once, the tests record which of them execute which line, and what each costs (``mutation/tests.json``, about five
minutes). A mutant is then judged by the tests that execute its line, cheapest first, until one fails. No file is
changed: the mutated source takes the place of the file when it is imported. Results are in ``mutation/results.jsonl``,
one line each; an interrupted run continues from there. cosmic-ray makes the mutants, none inside annotations, which are
never evaluated, or in ``__all__``.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import resource
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("numbers", "information", "bounds", "policies", "decoding")
TESTS = [
    *(f"tests/{room}" for room in (*ROOMS, "distributions", "optima", "sampling", "commands")),
    *("tests/test_limits.py", "tests/test_hostile_input.py", "theory"),
]
QUIET = (
    "--assert=plain",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore:Module already imported:pytest.PytestAssertRewriteWarning",
)
FIRST_S = 4.0  # CPU time of the tests that are tried first
SLACK = 4  # times the CPU time that the tests took before: beyond, a mutant has no end


class Mutant(NamedTuple):
    """One change of one file."""

    path: str
    operator: str
    occurrence: int
    line: int


# --- Which test executes which line --------------------------------------------------------------------------


class Recorder:
    """Tell the coverage which test runs, and note its CPU time."""

    def __init__(self, coverage) -> None:
        self.coverage, self.seconds, self.failed = coverage, {}, set()

    def pytest_runtest_logstart(self, nodeid):
        self.coverage.switch_context(nodeid)
        self.started = time.process_time()

    def pytest_runtest_logreport(self, report):
        if not report.passed:  # or skipped: it says nothing about mutants
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid):
        self.seconds[nodeid] = time.process_time() - self.started
        self.coverage.switch_context("")


def measure(out: Path) -> None:
    """Run the tests once and write their seconds and, for each line, the tests that execute it."""
    import coverage
    import pytest

    made = coverage.Coverage(source=["theory"], data_file=None, config_file=False)
    recorder = Recorder(made)
    made.start()
    pytest.main(["-n0", "-q", "-p", "no:cacheprovider", *TESTS], plugins=[recorder])
    made.stop()
    data, names = made.get_data(), [name for name in recorder.seconds if name not in recorder.failed]
    place = {name: j for j, name in enumerate(names)}
    lines = {
        str(Path(file).relative_to(ROOT)): {
            line: sorted(place[c] for c in contexts if c in place)
            for line, contexts in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    out.write_text(json.dumps({"seconds": {name: recorder.seconds[name] for name in names}, "lines": lines}))


class Known:
    """What was measured."""

    def __init__(self, path: Path) -> None:
        data = json.loads(path.read_text())
        self.seconds, self.lines = data["seconds"], data["lines"]
        self.names = list(self.seconds)

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The tests that execute the line, first those of its folder, then the others of the folder; cheapest first.

        Of a line that only an import or compiled code executes: those that execute any line of the file. The folder
        counts too because what one test has computed may be kept for the others.
        """
        lines = self.lines.get(mutant.path, {})
        known = lines.get(str(mutant.line)) or {j for found in lines.values() for j in found}
        folder = f"tests/{'/'.join(mutant.path.split('/')[1:-1])}/"
        executing = {self.names[j] for j in known}
        near = {name for name in self.names if name.startswith(folder)}
        parts = (executing & near, executing - near, near - executing)
        return [name for part in parts for name in sorted(part, key=self.seconds.__getitem__)]


# --- Mutants -------------------------------------------------------------------------------------------------


def inert_lines(source: str) -> set[tuple[int, int]]:
    """Places (line, column) inside annotations and ``__all__``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            parts.append(node)
        for part in filter(None, parts):
            for inner in ast.walk(part):
                if hasattr(inner, "lineno"):
                    columns = range(
                        inner.col_offset, inner.end_col_offset if inner.end_lineno == inner.lineno else 200
                    )
                    found |= {(inner.lineno, column) for column in columns}
    return found


def every_mutant() -> list[Mutant]:
    """All mutants of all operators, in a fixed order."""
    from cosmic_ray.ast import ast_nodes, get_ast
    from cosmic_ray.plugins import get_operator, operator_names

    found = []
    operators = {name: get_operator(name) for name in sorted(operator_names())}
    plain = {name: made() for name, made in operators.items() if not made.arguments()}
    for file in sorted(path for room in ROOMS for path in (ROOT / "theory" / room).rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        inert, nodes = inert_lines(source), list(ast_nodes(get_ast(source)))
        for name, operator in plain.items():
            places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
            found += [
                Mutant(str(file.relative_to(ROOT)), name, j, line)
                for j, (line, column) in enumerate(places)
                if (line, column) not in inert
            ]
    return found


def mutated(mutant: Mutant) -> str | None:
    """The source of the mutant."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator

    source = (ROOT / mutant.path).read_text(encoding="utf-8")
    return mutate_code(source, get_operator(mutant.operator)(), mutant.occurrence)


# --- Judging one ---------------------------------------------------------------------------------------------


class Noted:
    """Write the first failure to a file."""

    def __init__(self, file: int) -> None:
        self.file = file

    def pytest_runtest_logreport(self, report):
        if report.failed:
            os.write(self.file, report.nodeid.encode())

    def pytest_collectreport(self, report):
        if report.failed:
            os.write(self.file, f"collection of {report.nodeid}".encode())


def first_failure(mutant: Mutant, source: str, tests: list[str], seconds: float) -> str | None:
    """The first test that fails, in a process of its own in which the file is the mutant."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        with os.fdopen(read) as pipe:
            failed = pipe.read()
        _, status = os.waitpid(child, 0)
        ended = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
        if not failed and ended == 4:  # what all tests import does not
            return "import"
        if not failed and ended not in (0, 5):  # 5: no test is left
            raise RuntimeError(f"the tests of {mutant} ended with status {os.WEXITSTATUS(status)}")
        return failed or (f"no end: {tests[0]} or another" if os.WIFSIGNALED(status) else None)
    limit = int(SLACK * seconds + 20)
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    path, plain = str(ROOT / mutant.path), SourceFileLoader.get_code
    code = compile(source, path, "exec", dont_inherit=True)
    SourceFileLoader.get_code = lambda self, name: code if self.path == path else plain(self, name)
    with tempfile.TemporaryDirectory() as folder:
        if "compile" in source:  # numba knows a kernel by its file, which is the old one
            os.environ["NUMBA_CACHE_DIR"] = folder
        import pytest

        status = pytest.main(["-n0", "-x", "-q", *QUIET, *tests], plugins=[Noted(write)])
    os._exit(int(status))


def judge(mutant: Mutant, known: Known) -> dict:
    """Whether the tests notice, and how many were at hand."""
    from difflib import unified_diff

    source, before = mutated(mutant), (ROOT / mutant.path).read_text(encoding="utf-8")
    diff = [line for line in unified_diff(before.splitlines(), source.splitlines(), n=0, lineterm="")][3:]
    result = {**mutant._asdict(), "diff": diff}
    try:
        compile(source, mutant.path, "exec")
    except SyntaxError:
        return {**result, "killed": "it is no Python"}
    tests, spent, first = known.tests_of(mutant), 0.0, 0
    while first < len(tests) and spent < FIRST_S:
        spent += known.seconds[tests[first]]
        first += 1
    for part in (tests[:first], tests[first:]):
        seconds = sum(known.seconds[name] for name in part)
        if part and (failed := first_failure(mutant, source, part, seconds)):
            return {**result, "killed": failed}
    return {**result, "killed": None, "tests": len(tests)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("mutation"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(exist_ok=True)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    if not (out / "tests.json").exists():
        child = os.fork()
        if not child:
            measure(out / "tests.json")
            os._exit(0)
        os.waitpid(child, 0)
    known = Known(out / "tests.json")
    drawn = random.Random(options.seed).sample(every_mutant(), options.count)
    results = out / "results.jsonl"
    done = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    met = {tuple(entry[name] for name in Mutant._fields) for entry in done}
    for package in ("numpy", "pytest", "scipy.stats", "hypothesis", "sympy", "torch"):
        import_module(package)  # once, for all children

    with ThreadPoolExecutor(options.jobs) as pool, results.open("a") as file:
        for entry in pool.map(lambda m: judge(m, known), [m for m in drawn if tuple(m) not in met]):
            done.append(entry)
            print(json.dumps(entry), file=file, flush=True)
    killed = sum(entry["killed"] is not None for entry in done)
    for entry in done:
        if not entry["killed"]:
            print("survives", entry["path"], *entry["diff"], sep="\n    ")
    print(f"{killed} of {len(done)} mutants killed")


if __name__ == "__main__":
    main()
