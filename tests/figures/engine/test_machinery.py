"""The machinery of figures on a toy: cells and their cache, declarations, the command line."""

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

import paper_repro
from figures import Cell, RunSettings, known_figures
from figures.engine.cache import Cache, source_digest
from figures.engine.check import exact_check
from figures.engine.run import run_figures
from tests.helpers.toy_figure import calls, infinite, toss, toy

pytestmark = pytest.mark.usefixtures("unchanging_code")


PROJECT = Path(__file__).parents[3]


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

    @pytest.mark.deep
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
        monkeypatch.setattr(f"figures.engine.cache.{changed}", lambda: "changed")
        assert Cache.open(tmp_path).load("toy", cell) is None

    def test_code_is_our_source_and_the_shipped_weights(self, tmp_path, monkeypatch):
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr("figures.engine.cache.PACKAGES", ("toy_package",))
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

    @pytest.mark.deep
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
        assert caught.value.__notes__ == ["in the cell tests.helpers.toy_figure.infinite(n=[1, 2])"]


class TestCommand:
    def test_exit_status_and_summary(self, log, tmp_path, capsys):
        assert main(toy(log), tmp_path) == 0
        out, err = capsys.readouterr()
        assert re.search(r"toy\W+4/4\W+4/4\W+4/4\W+1/4\W+pass", out)
        assert err == "toy: 4 cells, 0 s\n"
        assert main(toy(log, lie=1), tmp_path, "toy") == 1
        out, err = capsys.readouterr()
        assert "fails: toy, exact, 2/3: 2/3, expected 5/3" in out
        assert err == "toy: 4 cells, 4 of them kept from before, 0 s\n"

    def test_list_is_quick_and_runs_nothing(self, log, tmp_path, capsys):
        assert main(toy(log), tmp_path / "out", "--list") == 0
        _, line = capsys.readouterr().out.splitlines()
        assert re.split(r"  +", line.strip()) == ["toy", "0.5", "Tossed <coins>", "Figure 0"]
        paper_repro.main(["--list"])
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == ["name", *known_figures()], "one line per figure"
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["figure9"], "unknown figure 'figure9'; known: toy."),
            (["--jobs", "0"], "argument --jobs: must be a whole number of at least 1, got '0'."),
            (["--jobs", "two"], "argument --jobs: must be a whole number of at least 1, got 'two'."),
            (["--seed", "-1"], "argument --seed: must be a whole number of at least 0, got '-1'."),
            (["--device", "tpu"], "--device: torch finds no device 'tpu' here; use cpu."),
            (["--device", "cpu:1"], "--device: torch finds no device 'cpu:1' here; there is cpu."),
            (["--model", "here", "toy"], "--model is for figure2 alone: figures figure2 --model DIR."),
            (["--model", "here", "--blocks"], "--blocks changes the distribution of the tokens"),
            (["--model", "shipped"], "--model must be a Hugging Face directory, got 'shipped'."),
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
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
        assert main(toy(log), tmp_path, "--device", "cuda") == 2
        assert capsys.readouterr().err == (
            "paper_repro.py: error: --device: torch finds no device 'cuda' here; use cpu.\n"
        )

    @pytest.mark.deep
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

    def test_no_training_for_figures_without_a_model(self, log, tmp_path, capsys):
        assert main(toy(log), tmp_path / "out", "--retrain") == 2
        assert capsys.readouterr().err == (
            "paper_repro.py: error: --retrain: no model is used by toy; leave it out, or make figure2 or model.\n"
        )
        assert not (tmp_path / "out").exists()


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

    @pytest.mark.deep
    def test_check_names_differ(self, log, tmp_path):
        doubled = replace(toy(log), checks=lambda *_: [exact_check("a", 1, 1)] * 2)
        with pytest.raises(ValueError, match="checks need different names"):
            run_figures([doubled], run=RunSettings(), out=tmp_path)
