"""The report of several runs into one folder: figures stay as long as their files, and old ones are marked."""

import json
import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from figures import RunSettings
from figures.engine.report import write_report
from figures.engine.run import run_figures
from tests.helpers.toy_figure import toy

pytestmark = pytest.mark.usefixtures("unchanging_code")

PROJECT = Path(__file__).parents[3]


@pytest.fixture
def stub_pictures(monkeypatch):
    """Pictures of one element: which figures a report lists depends on the digests of files alone."""
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda _, image, **__: image.write(b"<svg/>"))


plainly = pytest.mark.usefixtures("stub_pictures")


@pytest.fixture
def make(log, tmp_path):
    """Return a function that makes figures into one folder and returns the report."""

    def run(*names, lie=0, **settings):
        chosen = RunSettings(fast=True, **settings)
        results = run_figures([toy(log, name=name, lie=lie) for name in names], run=chosen, out=tmp_path)
        page, data = write_report(results, run=chosen, out=tmp_path)
        return page.read_text(), json.loads(data.read_text())

    return run


def listed(report):
    return {facts["name"]: facts["from_this_run"] for facts in report["figures"]}


def section(page, name):
    return re.search(rf'<section id="{name}">.*?</section>', page, re.DOTALL)[0]


@pytest.mark.deep
def test_figures_of_other_runs_stay(make):
    _, first = make("two")
    page, report = make("one", seed=5)
    assert listed(report) == {"one": True, "two": False}
    kept = report["figures"][1]
    assert {**kept, "from_this_run": True} == first["figures"][0]
    assert kept["made_with"]["run"]["seed"] == 0
    assert (report["run"]["seed"], report["summary"]["counts"]["exact"]["total"]) == (5, 4), "this run alone"
    assert "From an earlier run that differs from this one: seed 0, now 5." in section(page, "two")
    assert "earlier run" not in section(page, "one")
    assert page.count("(earlier run)") == 1
    assert "do not count here" in page
    assert section(page, "two").count("<svg") == 1


@plainly
def test_what_made_a_figure_is_compared(make, monkeypatch):
    make("two")
    page, _ = make("one")
    assert "with the same source code, versions and settings of the run." in section(page, "two")
    monkeypatch.setattr("figures.engine.cache.source_digest", lambda: "changed")
    monkeypatch.setattr("figures.engine.cache.versions", lambda: {"numpy": "0.1"})
    page, report = make("one")
    assert "source code as it is, now changed" in section(page, "two")
    assert re.search(r"numpy [\d.]+, now 0\.1", section(page, "two"))
    assert report["source_code"] == "changed"


@plainly
def test_a_failure_of_an_earlier_run_is_shown_and_not_counted(make):
    make("two", lie=1)
    page, report = make("one")
    assert report["summary"]["passed"]
    assert [facts["passed"] for facts in report["figures"]] == [True, False]
    assert "Every check of this run passes" in page
    assert "✗ fail" in page


@plainly
def test_a_figure_made_again_replaces_itself(make):
    make("one", "two")
    _, report = make("two", seed=1)
    assert listed(report) == {"one": False, "two": True}
    _, report = make("one", "two", seed=1)
    assert listed(report) == {"one": True, "two": True}


@plainly
@pytest.mark.parametrize("change", ["changed", "absent"])
def test_figures_whose_files_are_others_are_left_out(change, make, tmp_path):
    make("two")
    file = tmp_path / "two.png"
    file.write_bytes(b"another") if change == "changed" else file.unlink()
    page, report = make("one")
    assert listed(report) == {"one": True}
    assert "earlier run" not in page


@plainly
@pytest.mark.parametrize("spoil", [lambda text: text[:99], lambda _: "[]", lambda _: '{"figures": [{}]}'])
def test_a_spoiled_report_is_begun_anew(spoil, make, tmp_path):
    make("two")
    data = tmp_path / "report.json"
    data.write_text(spoil(data.read_text()))
    _, report = make("one")
    assert listed(report) == {"one": True}


@plainly
def test_the_version_is_that_of_the_source_tree(make):
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    _, report = make("one")
    assert report["versions"]["parabounds"] == project["version"]


def test_a_table_stands_in_place_of_the_image(log, tmp_path):
    groups = {"exact": ("Own title", "Own rule.")}
    figure = replace(toy(log), table=lambda *_: [["name", "a < b"], ["x", "long text"]], groups=groups)
    (result,) = run_figures([figure], run=RunSettings(), out=tmp_path)
    page = write_report([result], run=RunSettings(), out=tmp_path)[0].read_text()
    assert "<th>a &lt; b</th>" in page
    assert "<td>long text</td>" in page
    assert "<svg" not in page
    assert (tmp_path / "toy.png").exists()
    assert re.search(r"Own title\s+<span", page)
    assert "Own rule." in page
    assert "Samples of the ideal model against the exact distribution" in page


@plainly
def test_the_report_opens_with_the_task_and_follows_the_paper(log, tmp_path):
    def place(name, paper, **more):
        return replace(toy(log, name=name), paper=paper, **more)

    table = {"table": lambda *_: [["steps", "bits"], ["1", "2.5"]]}
    own = {"verdict": lambda *_: ["one step loses 2.5 bits", "entropy 3 bits."], **table, "task": "mine.csv"}
    figures = [
        place("a", "none"),
        place("b", "Figure 21, list tasks"),
        place("c", "Figure 2 a-e"),
        place("d", "Table 1"),
        place("e", "Figure 1"),
        place("figure2_mine", "as Figure 2", task="mine.csv"),
        place("z_mine", "Theorem 1", **own),
    ]
    results = run_figures(figures, run=RunSettings(fast=True), out=tmp_path)
    page = write_report(results, run=RunSettings(fast=True), out=tmp_path)[0].read_text()
    order = re.findall(r'<section id="([^"]+)">', page)
    assert order == ["z_mine", "figure2_mine", "e", "d", "c", "b", "a"]
    assert "mine.csv: one step loses 2.5 bits" in page[: page.index("<section")]
    bounds = section(page, "z_mine")
    assert bounds.index("one step loses 2.5 bits") < bounds.index("<td>2.5</td>") < bounds.index("<svg")
