"""What a run of figures writes: files with the same bytes, and the report."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest

from figures import RunSettings, published_rows
from figures.engine.data import csv_text
from figures.engine.report import write_report
from figures.engine.report_page import show
from figures.engine.run import run_figures
from tests.helpers.toy_figure import toy
from theory.files import write_atomically

pytestmark = pytest.mark.usefixtures("unchanging_code")


class TestFiles:
    @pytest.mark.deep
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
        with pytest.raises(
            ValueError,
            match="unknown published table 'x'; known: benchmark_figures, figure2, figure6, figure6_curves, tables",
        ):
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
        assert len(loads) >= 3
        assert all(address.startswith(("data:", "#")) for address in loads)
        assert not re.search(r"<(script|link|iframe|object|embed)|@import|url\((?!#)|http", page)

    def test_page_is_escaped_and_complete(self, report):
        page, _ = report
        assert "Tossed &lt;coins&gt;" in page
        assert "Coins &amp; what they show." in page
        assert "<p>Second <code>paragraph</code>.</p>" in page
        assert "<pre>p -&gt; heads\n1 - p -&gt; tails</pre>" in page
        assert re.search(r"<ul>\s*<li>one item</li>\s*<li>two</li>\s*</ul>", page)
        assert "Some checks of this run fail" in page
        assert "1 of 4 agree" in page
        assert "0 of 4 as expected" in page
        assert not re.search(r">\W*(holds|fails)\W*<", page), "a verdict on a claim, not on a check"
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
