"""Mutants of the theory, drawn with a fixed seed, against the tests of the default run.

    python -m pip install coverage cosmic-ray
    python benchmarks/mutation.py

Once, the default run records which tests execute which line, and what each costs (``mutation/tests.json``, about ten
minutes). A mutant is then judged by the tests that execute its line, cheapest first, until one fails: in a first round
by a few seconds of them, in a second by all. A failed test counts if it passes with the file as it is. No file is
changed: the mutated source takes the place of the file when it is imported, and what it compiles is compiled anew.
cosmic-ray makes the mutants, none inside annotations, which are never evaluated, or in ``__all__``.

Results are in ``mutation/results.jsonl``, the last line of a mutant counts; an interrupted run continues from there.
Each start measures tests that are new; ``--again`` judges the survivors again. Survivors that are no errors stand in
``benchmarks/mutants_explained.toml``, each with its reason; they are passed over, and others are drawn in their place.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import tempfile
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from pathlib import Path

from mutants import Mutant, drawn, known_results, mutated, report

ROOT = Path(__file__).resolve().parents[1]
DEFAULT = "not slow and not deep and not extras"  # the tests of the default run, with the extra `test` alone
QUIET = (
    *("-n0", "-x", "-q", "--assert=plain", "-p", "no:cacheprovider"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)
FIRST_S = 4.0  # CPU time of the tests of the first round
SLACK, MORE_S = 4, 60.0  # a test may take so many times its CPU time, and so much more: beyond, it has no end
MEMORY = 8 << 30  # bytes


# --- Which test executes which line --------------------------------------------------------------------------


class Recorder:
    """Tell the coverage which test runs, and note its CPU time; tests that are known already are left out."""

    def __init__(self, coverage, known: set[str]) -> None:
        self.coverage, self.known, self.seconds, self.failed = coverage, known, {}, set()

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.nodeid not in self.known]

    def pytest_runtest_logstart(self, nodeid):
        self.coverage.switch_context(nodeid)
        self.started = os.times()

    def pytest_runtest_logreport(self, report):
        if not report.passed:  # or skipped: it says nothing about mutants
            self.failed.add(report.nodeid)

    def pytest_runtest_logfinish(self, nodeid):
        now = os.times()
        self.seconds[nodeid] = now.user + now.system - self.started.user - self.started.system
        self.coverage.switch_context("")


def measure(out: Path) -> None:
    """Run the tests that are not known yet, and add their seconds and, for each line, the tests that execute it."""
    import coverage
    import pytest

    known = json.loads(out.read_text()) if out.exists() else {"seconds": {}, "lines": {}}
    made = coverage.Coverage(source=["theory"], data_file=None, config_file=False)
    recorder = Recorder(made, set(known["seconds"]))
    made.start()
    pytest.main(["-n0", "-q", "-p", "no:cacheprovider", "-m", DEFAULT], plugins=[recorder])
    made.stop()
    data, names = made.get_data(), [name for name in recorder.seconds if name not in recorder.failed]
    place = {name: len(known["seconds"]) + j for j, name in enumerate(names)}
    for file in data.measured_files():
        lines = known["lines"].setdefault(str(Path(file).relative_to(ROOT)), {})
        for line, contexts in data.contexts_by_lineno(file).items():
            tests = lines.get(str(line), [])
            lines[str(line)] = tests + sorted(place[c] for c in contexts if c in place)
    known["seconds"] |= {name: recorder.seconds[name] for name in names}
    out.write_text(json.dumps(known))


class Known:
    """What was measured."""

    def __init__(self, path: Path) -> None:
        data = json.loads(path.read_text())
        self.seconds, self.lines = data["seconds"], data["lines"]
        self.names = list(self.seconds)
        self.unfit: set[str] = set()  # tests that fail without a mutant

    def tests_of(self, path: str, line: int) -> list[str]:
        """The tests that execute the line, first those of its folder, then the others of the folder; cheapest first.

        Of a line that only an import or compiled code executes: those that execute any line of the file, or else of
        its folder. The folder counts too because what one test has computed may be kept for the others.
        """
        lines, folder = self.lines.get(path, {}), str(Path(path).parent)
        known = lines.get(str(line)) or {j for found in lines.values() for j in found}
        if not known:
            files = [found for file, found in self.lines.items() if str(Path(file).parent) == folder]
            known = {j for lines in files for found in lines.values() for j in found}
        executing = {self.names[j] for j in known} - self.unfit
        start = f"tests/{folder.partition('/')[2]}/"
        near = {name for name in self.names if name.startswith(start)} - self.unfit
        parts = (executing & near, executing - near, near - executing)
        return [name for part in parts for name in sorted(part, key=self.seconds.__getitem__)]


# --- Judging one ---------------------------------------------------------------------------------------------


class Noted:
    """Write each test that begins, and the first failure, to a file; end a test that takes too long."""

    def __init__(self, file: int, seconds: dict[str, float]) -> None:
        self.file, self.seconds = file, seconds

    def write(self, word: str, name: str) -> None:
        os.write(self.file, f"{word} {name}\n".encode())

    def pytest_runtest_logstart(self, nodeid):
        self.write("no end:", nodeid)
        signal.setitimer(signal.ITIMER_PROF, MORE_S + SLACK * self.seconds[nodeid])

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.write("failed:", report.nodeid)

    def pytest_collectreport(self, report):
        if report.failed:
            self.write("failed: collection of", report.nodeid)


def cache_of_kernels(path: str, kept: Path, folder: Path) -> Path:
    """The folder in which numba keeps compiled functions, without those of a file and of the files that import it.

    numba knows a function by its file and its own code, not by its constants or what it calls. Compiled functions call
    only those of their folder.
    """
    stale, beside = {Path(path).stem}, list((ROOT / path).parent.glob("*.py"))
    sources = {file.stem: file.read_text(encoding="utf-8") for file in beside}
    if not re.search(r"@compiled|compile_kernel\(|njit\(", sources[Path(path).stem]):
        return kept
    while more := {
        stem
        for stem, source in sources.items()
        if stem not in stale and any(f".{name} import" in source for name in stale)
    }:
        stale |= more
    for other in kept.glob("*/*"):
        if (
            other.parent.name.startswith(f"{beside[0].parent.name}_")
            and other.name.partition(".")[0] in stale
        ):
            continue
        (folder / other.parent.name).mkdir(exist_ok=True)
        (folder / other.parent.name / other.name).symlink_to(other)  # numba replaces it when it writes
    return folder


def first_failure(path: str, source: str, tests: list[str], known: Known, kept: Path) -> str | None:
    """The first test that fails, in a process of its own in which the file has another source."""
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        with os.fdopen(read) as pipe:
            notes = pipe.read().splitlines()
        _, status = os.waitpid(child, 0)
        failed = [note for note in notes if note.startswith("failed: ")]
        if failed or os.WIFSIGNALED(status):
            return failed[0].removeprefix("failed: ") if failed else (notes or ["no end: import"])[-1]
        if os.WEXITSTATUS(status) in (3, 4):  # what all tests, or a plugin, import cannot be imported
            return "import"
        if os.WEXITSTATUS(status):
            raise RuntimeError(f"the tests of a mutant of {path} ended with status {os.WEXITSTATUS(status)}")
        return None
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.setitimer(signal.ITIMER_PROF, 2 * MORE_S)  # what is imported may have no end either
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    changed, plain = str(ROOT / path), SourceFileLoader.get_code
    code = compile(source, changed, "exec", dont_inherit=True)
    SourceFileLoader.get_code = lambda self, name: code if self.path == changed else plain(self, name)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NUMBA_CACHE_DIR"] = str(cache_of_kernels(path, kept, Path(folder)))
        import pytest

        status = pytest.main([*QUIET, *tests], plugins=[Noted(write, known.seconds)])
    os._exit(int(status))


class Judge:
    """Whether the tests notice a mutant."""

    def __init__(self, known: Known, kept: Path) -> None:
        self.known, self.kept = known, kept
        kept.mkdir(exist_ok=True)
        self.fit = cache(self.fit)

    def fit(self, test: str, path: str) -> bool:
        """Whether a test passes with a file as it is."""
        source = (ROOT / path).read_text(encoding="utf-8")
        return first_failure(path, source, [test], self.known, self.kept) is None

    def __call__(self, mutant: Mutant, place: int, line: int, *, all_tests: bool) -> dict:
        """The result; ``killed`` is the test that fails."""
        source, diff = mutated(ROOT, mutant, place)
        result = {**mutant._asdict(), "line": line, "diff": diff}
        try:
            compile(source, mutant.path, "exec")
        except SyntaxError:
            return {**result, "killed": "it is no Python"}
        tests, spent, first = self.known.tests_of(mutant.path, line), 0.0, 0
        while first < len(tests) and spent < FIRST_S:
            spent += self.known.seconds[tests[first]]
            first += 1
        part = tests if all_tests else tests[:first]
        while part and (failed := first_failure(mutant.path, source, part, self.known, self.kept)):
            test = failed.removeprefix("no end: ")
            if test not in self.known.seconds or self.fit(test, mutant.path):
                return {**result, "killed": failed}
            print("fails without a mutant:", test, file=sys.stderr)
            self.known.unfit.add(test)
            part = [name for name in part if name != test]
        return {**result, "killed": None, "tests": len(part), "all": len(part) == len(tests)}


def judge_all(left: list[tuple[Mutant, int, int]], judge: Judge, results: Path, *, all_tests: bool) -> None:
    """Judge mutants and add a line on each to the results."""
    for entry in left:
        line = json.dumps(judge(*entry, all_tests=all_tests)) + "\n"
        with results.open("a") as file:
            file.write(line)  # at once: other processes write there too


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("mutation"))
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="processes (default 2)")
    parser.add_argument("--again", action="store_true", help="judge the survivors again, after new tests")
    options = parser.parse_args()
    out = options.out.resolve()
    out.mkdir(exist_ok=True)
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    child = os.fork()
    if not child:
        measure(out / "tests.json")
        os._exit(0)
    os.waitpid(child, 0)
    chosen = [*drawn(ROOT, options.count, options.seed)]
    results = out / "results.jsonl"
    for package in ("numpy", "pytest", "scipy.stats", "hypothesis", "sympy", "torch"):
        import_module(package)  # once, for all children
    judge, done = Judge(Known(out / "tests.json"), out / "numba"), known_results(results)
    again = {m for m, entry in done.items() if options.again and not entry["killed"]}
    for all_tests in (False, True):
        left = [
            entry
            for entry in chosen
            if (found := done.get(entry[0])) is None
            or entry[0] in again
            or (all_tests and not found["killed"] and not found["all"])
        ]
        again = set()
        for j in range(options.jobs):
            if not os.fork():
                judge_all(left[j :: options.jobs], judge, results, all_tests=all_tests)
                os._exit(0)
        for _ in range(options.jobs):
            os.wait()
        done = known_results(results)
    print(*report([done[mutant] for mutant, _, _ in chosen if mutant in done]), sep="\n")


if __name__ == "__main__":
    main()
