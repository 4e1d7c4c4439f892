"""The machinery of figures: cells and their cache, checks, files, report and command line, on a toy."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import paper_repro
from figures import Cell, Figure, RunSettings, derived_seed, known_figures, published_rows
from figures.cache import Cache, source_digest
from figures.check import (
    Check,
    binomial_check,
    clopper_pearson,
    exact_check,
    judge,
    model_check,
    published_check,
    tally,
)
from figures.data import csv_text
from figures.report import show, write_report
from figures.run import run_figures
from figures.style import COLOURS, MARKS, new_figure
from theory.files import write_atomically

PROJECT = Path(__file__).parents[1]


def toss(*, heads, trials, seed, log, stop=None, wait=0.0, weights=None):  # noqa: ARG001
    """Toss coins; leave a line in `log` for each real call; be interrupted while the file `stop` exists."""
    if stop is not None and Path(stop).exists():
        raise KeyboardInterrupt
    with Path(log).open("a") as file:
        file.write(f"{heads}\n")
    time.sleep(wait)
    rng = random.Random(seed)
    return {"heads": heads, "successes": sum(rng.random() < float(Fraction(heads)) for _ in range(trials))}


def infinite(*, n):
    return float("inf") if n else 0


ABOUT = """Coins & what they show.

Second `paragraph`.

    p -> heads
    1 - p -> tails

- one
  item
- two
"""


def toy(log, *, name="toy", stop=None, stop_at=None, wait=0.0, lie=0, with_weights=False):
    """Return a figure of a few biased coins; `lie` changes what its checks expect."""

    def cells(settings):
        fixed = {"trials": settings["trials"], "log": str(log), "wait": wait}
        weights = {"weights": settings["weights"]} if with_weights else {}
        return [
            Cell(
                function=toss,
                kwargs={
                    "heads": heads,
                    "seed": derived_seed(settings["seed"], heads),
                    "stop": str(stop) if heads == stop_at else None,
                    **fixed,
                    **weights,
                },
            )
            for heads in settings["heads"]
        ]

    def compute(settings, results):
        return [
            {**result, "trials": settings["trials"], "exact": Fraction(result["heads"])} for result in results
        ]

    def draw(rows, _settings):
        drawing, axes = new_figure(width=4, height=2.5)
        exact = [float(row["exact"]) for row in rows]
        axes[0][0].plot(exact, exact, color=COLOURS["blue"], **MARKS["exact"])
        axes[0][0].plot(exact, [row["successes"] / row["trials"] for row in rows], **MARKS["ideal"])
        axes[0][0].set_xlabel("probability of heads")
        return drawing

    def checks(rows, _settings):
        for row in rows:
            numbers = (row["heads"], row["successes"], row["trials"])
            yield exact_check(row["heads"], row["exact"], Fraction(row["heads"]) + lie)
            yield binomial_check(*numbers, row["exact"])
            yield model_check(*numbers, row["exact"])
            yield published_check(row["heads"], 0, 100, row["exact"])

    return Figure(
        name=name,
        title="Tossed <coins>",
        paper="Figure 0",
        about=ABOUT,
        seconds=0.5,
        settings={"heads": ["0", "1/2", "2/3", "1"], "trials": 200},
        fast={"trials": 50},
        cells=cells,
        compute=compute,
        draw=draw,
        checks=checks,
    )


def calls(log):
    return log.read_text().split() if log.exists() else []


@pytest.fixture(autouse=True)
def unchanging_code(monkeypatch):
    """Let somebody edit the project while the tests run."""
    monkeypatch.setattr("figures.cache.source_digest", lambda: "as it is")


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def main(figure, out, *more):
    return paper_repro.main(["--out", str(out), "--jobs", "1", *more], figures={figure.name: figure})


class TestCells:
    def test_results_are_kept_until_settings_change(self, log, tmp_path):
        figure, out = toy(log), tmp_path / "out"
        first = run_figures([figure], run=RunSettings(), out=out)
        assert calls(log) == ["0", "1/2", "2/3", "1"]
        again = run_figures([figure], run=RunSettings(), out=out)
        assert len(calls(log)) == 4
        assert again[0].rows == first[0].rows
        run_figures([figure], run=RunSettings(seed=1), out=out)
        assert len(calls(log)) == 8
        run_figures([figure], run=RunSettings(fast=True), out=out)
        assert len(calls(log)) == 12

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda text: text[: len(text) // 2],
            lambda _: "",
            lambda _: "[1]",
            lambda _: '{"key": null}',
            lambda text: text.replace('"successes":', '"successes":1'),  # a digit slipped in
        ],
    )
    def test_spoiled_file_is_computed_again(self, spoil, log, tmp_path):
        cell, cache = toy(log).cells({"heads": ["1/2"], "trials": 9, "seed": 0})[0], Cache.open(tmp_path)
        cache.store("toy", cell, {"heads": "1/2", "successes": 5})
        assert cache.load("toy", cell)["result"] == {"heads": "1/2", "successes": 5}
        (path,) = (tmp_path / "toy").iterdir()
        path.write_text(spoil(path.read_text()))
        assert cache.load("toy", cell) is None

    def test_another_cells_file_is_computed_again(self, log, tmp_path):
        figure = toy(log)
        first = run_figures([figure], run=RunSettings(), out=tmp_path)
        one, two, *_ = sorted((tmp_path / ".cache" / "toy").iterdir())
        one.write_bytes(two.read_bytes())
        again = run_figures([figure], run=RunSettings(), out=tmp_path)
        assert len(calls(log)) == 5
        assert again[0].rows == first[0].rows

    @pytest.mark.parametrize("changed", ["source_digest", "versions"])
    def test_changed_code_is_computed_again(self, changed, log, tmp_path, monkeypatch):
        cell = toy(log).cells({"heads": ["1/2"], "trials": 9, "seed": 0})[0]
        Cache.open(tmp_path).store("toy", cell, 1)
        monkeypatch.setattr(f"figures.cache.{changed}", lambda: "changed")
        assert Cache.open(tmp_path).load("toy", cell) is None

    def test_code_is_our_source_and_the_shipped_weights(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr("figures.cache.PACKAGES", ("toy_package",))
        files = ["__init__.py", "part/code.py", "weights/small", "notes.txt"]
        seen = [source_digest()]
        for name in files:
            path = tmp_path / "toy_package" / name
            path.parent.mkdir(exist_ok=True, parents=True)
            for content in ("1", "2"):
                path.write_text(content)
                seen.append(source_digest())
        assert len(set(seen[:7])) == 7
        assert set(seen[7:]) == {seen[6]}

    def test_weights_count_by_their_bytes_and_only_where_used(self, log, tmp_path):
        one, same, other = tmp_path / "one", tmp_path / "same", tmp_path / "other"
        for path, content in [(one, b"1"), (same, b"1"), (other, b"22")]:
            path.write_bytes(content)
        cache = Cache.open(tmp_path / "cache")

        def kept(path, *, used):
            figure = toy(log, with_weights=used)
            cell = figure.cells(figure.resolve(RunSettings(weights=path and str(path))))[0]
            entry = cache.load("toy", cell)
            cache.store("toy", cell, 1)
            return entry is not None

        assert [kept(path, used=True) for path in (None, one, same, other)] == [False, False, True, False]
        assert [kept(path, used=False) for path in (None, one, other)] == [False, True, True]

    def test_processes_change_nothing(self, log, tmp_path):
        single = run_figures([toy(log)], run=RunSettings(), out=tmp_path / "a", jobs=1)
        double = run_figures([toy(log)], run=RunSettings(), out=tmp_path / "b", jobs=2)
        assert sorted(calls(log)) == sorted(["0", "1/2", "2/3", "1"] * 2)
        assert single[0].rows == double[0].rows
        assert single[0].checks == double[0].checks

    def test_function_must_be_importable(self):
        with pytest.raises(ValueError, match="move it to module level"):
            Cell(function=lambda: 1)

    def test_arguments_and_results_must_be_json(self, log, tmp_path):
        with pytest.raises(
            ValueError, match=r"toss must be JSON: .*; write Fractions and infinity as strings"
        ):
            Cell(function=toss, kwargs={"heads": Fraction(1, 2)})
        figure = replace(toy(log), cells=lambda _: [Cell(function=infinite, kwargs={"n": (1, 2)})])
        with pytest.raises(ValueError, match=r"the result of .*infinite must be JSON") as caught:
            run_figures([figure], run=RunSettings(), out=tmp_path)
        assert caught.value.__notes__ == [f"in the cell {__name__}.infinite(n=[1, 2])"]


class TestInterruption:
    def test_finished_cells_are_kept(self, log, tmp_path, capsys):
        stop = tmp_path / "stop"
        stop.touch()
        figure = toy(log, stop=stop, stop_at="2/3")
        assert main(figure, tmp_path / "out") == 130
        assert calls(log) == ["0", "1/2"]
        assert capsys.readouterr().err.splitlines()[-1].startswith("paper_repro.py: interrupted")
        stop.unlink()
        assert main(figure, tmp_path / "out") == 0
        assert calls(log) == ["0", "1/2", "2/3", "1"]

    def test_control_c_ends_all_processes_at_once(self, log, tmp_path):
        out = tmp_path / "out"
        process = subprocess.Popen(
            [sys.executable, "-c", CONTROL_C, str(log), str(out)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 20
        while not list(out.glob(".cache/toy/*.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        start = time.monotonic()
        stdout, stderr = process.communicate(timeout=20)
        assert process.returncode == 130
        assert time.monotonic() - start < 5
        assert (stdout, len(stderr.splitlines())) == ("", 1)
        assert stderr.startswith("paper_repro.py: interrupted")
        kept = len(list(out.glob(".cache/toy/*.json")))
        assert 1 <= kept < 4
        assert not list(out.glob(".cache/toy/.*.tmp"))
        before = len(calls(log))
        run_figures([toy(log, wait=0.6)], run=RunSettings(), out=out, jobs=2)
        assert len(calls(log)) == before + 4 - kept


CONTROL_C = """
import sys, figures.cache, paper_repro
figures.cache.source_digest = lambda: "as it is"
from tests.test_figure_machinery import toy
figure = toy(sys.argv[1], wait=0.6)
sys.exit(paper_repro.main(["--out", sys.argv[2], "--jobs", "2"], figures={"toy": figure}))
"""


class TestChecks:
    def test_interval_is_the_definition(self):
        from scipy.stats import binom

        for successes, trials in [(1, 10), (19, 100), (99, 100), (500, 100_000)]:
            low, high = clopper_pearson(successes, trials)
            assert binom.sf(successes - 1, trials, low) == pytest.approx(0.025)
            assert binom.cdf(successes, trials, high) == pytest.approx(0.025)

    def test_interval_is_exact_at_the_ends(self):
        assert clopper_pearson(0, 100)[0] == 0.0
        assert clopper_pearson(0, 100)[1] == pytest.approx(1 - 0.025 ** (1 / 100))
        assert clopper_pearson(100, 100)[1] == 1.0
        for successes, trials in [(1, 0), (-1, 5), (6, 5)]:
            with pytest.raises(ValueError, match=r"successes must lie in 0\.\.trials"):
                clopper_pearson(successes, trials)
        with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
            clopper_pearson(1, 2, level=95)

    def test_exact_is_equality(self):
        assert exact_check("a", Fraction(5, 16), Fraction(10, 32)).passed
        assert not exact_check("a", 0.1 + 0.2, 0.3).passed
        assert exact_check("a", Fraction(5, 16), 1).value == "5/16"
        assert exact_check("a", Fraction(4, 2), 2).value == 2

    @pytest.mark.parametrize(
        ("p0", "successes", "p_value"), [(0, 0, 1.0), (0, 1, 0.0), (1, 50, 1.0), (Fraction(1), 49, 0.0)]
    )
    def test_certain_outcomes(self, p0, successes, p_value):
        assert binomial_check("a", successes, 50, p0).p_value == p_value

    def test_binomial_needs_a_probability(self):
        with pytest.raises(ValueError, match=r"p0 must be a probability, got 1\.5"):
            binomial_check("a", 1, 2, 1.5)

    def test_judge_corrects_for_all_tests_of_the_run(self):
        def ideal(p_value):
            return Check(name="a", kind="ideal", value=0, expected=0, passed=None, p_value=p_value)

        others = [exact_check("a", 1, 1), exact_check("a", 1, 2)]
        assert [c.passed for c in judge([ideal(1e-6), *others])] == [True, True, False]
        assert [c.passed for c in judge([ideal(0.99e-6)])] == [False]
        # With ten tests each has a tenth of the error.
        assert [c.passed for c in judge([ideal(0.2e-6)] + [ideal(1.0)] * 9)] == [True] * 10
        assert [c.passed for c in judge([ideal(0.05e-6)] + [ideal(1.0)] * 9)] == [False] + [True] * 9
        assert [c.passed for c in judge([ideal(0.02)], error=0.05)] == [False]

    def test_unjudged_check_has_no_verdict(self):
        check = binomial_check("a", 50, 100, 0.5)
        assert check.passed is None
        assert tally([check], "ideal") == (0, 1)

    @pytest.mark.parametrize("side", [0, 1])
    def test_model_passes_up_to_the_tolerance(self, side):
        end = clopper_pearson(400, 1000)[side]
        exact = end + (0.04 if side else -0.04)
        gap = abs(end - exact)
        assert model_check("a", 400, 1000, exact, tolerance=gap).passed
        assert not model_check("a", 400, 1000, exact, tolerance=gap * (1 - 1e-9)).passed
        assert not model_check("a", 400, 1000, exact).passed
        assert model_check("a", 400, 1000, end).passed

    def test_published_agrees_inside_its_own_interval(self):
        low, high = clopper_pearson(19, 100)
        for exact, agrees in [(low, True), (high, True), (low - 1e-9, False), (high + 1e-9, False)]:
            assert published_check("a", 19, 100, exact).passed is agrees
        assert published_check("a", 0, 100, 0).passed
        assert published_check("a", 100, 100, Fraction(1)).passed

    def test_only_published_decides_nothing(self, log, tmp_path):
        good = run_figures([toy(log)], run=RunSettings(), out=tmp_path)[0]
        assert tally(good.checks, "published") == (1, 4)
        assert good.passed
        assert not run_figures([toy(log, lie=1)], run=RunSettings(), out=tmp_path)[0].passed


class TestFiles:
    def test_same_run_same_bytes(self, log, tmp_path):
        for name, jobs in [("a", 1), ("b", 2)]:
            results = run_figures([toy(log)], run=RunSettings(), out=tmp_path / name, jobs=jobs)
            write_report(results, run=RunSettings(), out=tmp_path / name)
        names = {"toy.csv", "toy.svg", "toy.png", "toy.pdf", "report.html", "report.json"}
        assert {path.name for path in (tmp_path / "a").iterdir()} == names | {".cache"}
        for name in names:
            assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name

    def test_style_is_undone(self, log, tmp_path):
        import matplotlib

        before = dict(matplotlib.rcParams)
        run_figures([toy(log)], run=RunSettings(), out=tmp_path)
        assert dict(matplotlib.rcParams) == before

    def test_failed_write_keeps_the_old_file(self, tmp_path, monkeypatch):
        path = tmp_path / "file"
        write_atomically(path, "old")
        monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
        with pytest.raises(OSError, match="disk"):
            write_atomically(path, "new")
        assert [p.name for p in tmp_path.iterdir()] == ["file"]
        assert path.read_text() == "old"

    def test_csv_keeps_every_digit(self):
        rows = [{"a": 0.1 + 0.2, "b": Fraction(1, 3)}, {"a": None, "c": 'x,"y"'}]
        assert csv_text(rows) == 'a,b,c\n0.30000000000000004,1/3,\n,,"x,""y"""\n'

    def test_published_tables(self):
        assert len(published_rows("figure2")) == 84
        assert len(published_rows("tables5-7_models")) == 253
        with pytest.raises(ValueError, match="unknown published table 'x'; known: figure2, tables5-7_models"):
            published_rows("x")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("report")
    log, run = tmp_path / "log", RunSettings(seed=3, fast=True)
    page, data = write_report(run_figures([toy(log, lie=1)], run=run, out=tmp_path), run=run, out=tmp_path)
    return page.read_text(), json.loads(data.read_text())


class TestReport:
    def test_page_loads_nothing(self, report):
        page, _ = report
        loads = re.findall(r"""(?:src|href|data|action|poster)\s*=\s*["']([^"']*)""", page)
        assert len(loads) == 3
        assert all(address.startswith(("data:", "#")) for address in loads)
        assert not re.search(r"<(script|link|iframe|object|embed)|@import|url\(|http", page)

    def test_page_is_escaped_and_complete(self, report):
        page, _ = report
        assert "Tossed &lt;coins&gt;" in page
        assert "Coins &amp; what they show." in page
        assert "<p>Second <code>paragraph</code>.</p>" in page
        assert "<pre>p -&gt; heads\n1 - p -&gt; tails</pre>" in page
        assert re.search(r"<ul>\s*<li>one item</li>\s*<li>two</li>\s*</ul>", page)
        assert "Some checks fail" in page
        assert "1 of 4 agree" in page
        assert "2/3 ≈ 0.666667" in page

    def test_json_lists_every_check(self, report):
        _, data = report
        assert data["summary"]["passed"] is False
        assert data["summary"]["counts"]["published"] == {"passed": 1, "total": 4}
        assert data["run"] == {"settings": "fast", "seed": 3, "device": "cpu", "weights": "shipped"}
        assert {"python", "numpy", "torch", "parabounds"} <= data["versions"].keys()
        figure = data["figures"][0]
        assert figure["settings"]["trials"] == 50
        assert len(figure["checks"]) == 16
        assert all(isinstance(check["passed"], bool) for check in figure["checks"])

    def test_numbers_for_readers(self):
        assert show(Fraction(1, 3)) == "1/3 ≈ 0.333333"
        assert show(f"1/{3**60}") == "≈ 2.35898e-29"
        assert show(float("inf")) == "inf"
        assert show(True) == "True"


class TestCommand:
    def test_exit_status_and_summary(self, log, tmp_path, capsys):
        assert main(toy(log), tmp_path) == 0
        out, err = capsys.readouterr()
        assert re.search(r"toy\W+4/4\W+4/4\W+4/4\W+1/4\W+holds", out)
        assert err == "toy: 4 cells, 0 s\n"
        assert main(toy(log, lie=1), tmp_path, "toy") == 1
        out, err = capsys.readouterr()
        assert "fails: toy, exact, 2/3: 2/3, expected 5/3" in out
        assert err == "toy: 4 cells, 4 of them kept from before, 0 s\n"

    def test_list_is_quick_and_runs_nothing(self, log, tmp_path, capsys):
        assert main(toy(log), tmp_path / "out", "--list") == 0
        assert "Figure 0" in capsys.readouterr().out
        assert not (tmp_path / "out").exists()
        code = (
            "import sys, paper_repro; paper_repro.main(['--list']);"
            "print([m for m in ('torch', 'sympy', 'matplotlib', 'scipy.stats', 'joblib') if m in sys.modules])"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "[]"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["figure9"], "unknown figure 'figure9'; known: toy."),
            (["--jobs", "0"], "argument --jobs: must be a whole number of at least 1, got '0'."),
            (["--jobs", "two"], "argument --jobs: must be a whole number of at least 1, got 'two'."),
            (["--seed", "-1"], "argument --seed: must be a whole number of at least 0, got '-1'."),
            (["--device", "tpu"], "argument --device: invalid choice: 'tpu'"),
            (["--out", __file__], "cannot make this folder"),
            (["--out", f"{__file__}/below"], "cannot make this folder"),
            (["--fas"], "unrecognized arguments: --fas"),
        ],
    )
    def test_wrong_usage(self, arguments, message, log, tmp_path, capsys):
        assert main(toy(log), tmp_path, *arguments) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("paper_repro.py: error: ")
        assert message in err
        assert err.count("\n") == 1
        assert not calls(log)

    def test_file_that_cannot_be_written(self, log, tmp_path, capsys):
        (tmp_path / "toy.csv").mkdir()
        assert main(toy(log), tmp_path) == 2
        assert re.fullmatch(
            r"paper_repro.py: error: .*toy.csv.*: Is a directory.", capsys.readouterr().err.splitlines()[-1]
        )

    def test_absent_device(self, log, tmp_path, capsys, monkeypatch):
        torch = pytest.importorskip("torch")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
        assert main(toy(log), tmp_path, "--device", "cuda") == 2
        assert capsys.readouterr().err == (
            "paper_repro.py: error: --device cuda: torch finds no such device here; use --device cpu.\n"
        )

    def test_retrained_weights_are_used_and_named(self, log, tmp_path, monkeypatch):
        def retrain(folder, device):
            folder.mkdir()
            (folder / "model").write_text(device)
            return folder / "model"

        monkeypatch.setattr("models.retrain", retrain, raising=False)
        assert main(toy(log, with_weights=True), tmp_path, "--retrain") == 0
        report = json.loads((tmp_path / "report.json").read_text())
        assert report["run"]["weights"].startswith("trained again, sha256 ")
        assert str(tmp_path) not in (tmp_path / "report.html").read_text()


class TestFigures:
    def test_registered_figures_are_well_formed(self):
        for name, figure in known_figures().items():
            assert name == figure.name
            assert figure.about
            for fast in (False, True):
                cells = figure.cells(figure.resolve(RunSettings(fast=fast)))
                keys = [(cell.label, json.dumps(dict(cell.kwargs), sort_keys=True)) for cell in cells]
                assert len(set(keys)) == len(keys), "the same cell twice"

    def test_declaration_is_checked(self, log):
        with pytest.raises(ValueError, match="fast changes unknown settings: trails"):
            replace(toy(log), fast={"trails": 1})
        with pytest.raises(ValueError, match="seed is chosen by the run"):
            replace(toy(log), settings={"seed": 1}, fast={})
        with pytest.raises(ValueError, match="a figure's name is small letters"):
            toy(log, name="Figure 2")

    def test_check_names_differ(self, log, tmp_path):
        doubled = replace(toy(log), checks=lambda *_: [exact_check("a", 1, 1)] * 2)
        with pytest.raises(ValueError, match="checks need different names"):
            run_figures([doubled], run=RunSettings(), out=tmp_path)
