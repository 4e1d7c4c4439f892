"""The site builds without a warning, and its pages hold together.

It is built once, in one test, which lists every offender.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import site as checks

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SCRIPTS = [DOCS / "tour.py", *sorted((DOCS / "lessons").glob("[0-9][0-9]_*.py"))]
NEEDED = ("sphinx", "furo", "myst_nb", "sphinx_proof", "sphinx_design", "sphinx_copybutton", "playwright")
OPENED = (
    *("index", "search", "statements", "closed_forms", "claims", "explorer"),
    *("lessons/01_new_city", "lessons/09_train_it", "api/theory.bounds.partitions"),
)


@pytest.fixture(scope="module")
def blocks():
    spec = importlib.util.spec_from_file_location("statement_blocks", DOCS / "site" / "statement_blocks.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["statement_blocks"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["statement_blocks"]


def all_statements(blocks):
    return [one for table in blocks.statements() for one in table]


@pytest.mark.deep
@pytest.mark.extras(*NEEDED)
def test_the_site_builds_clean_and_holds_together(blocks, browser, tmp_path):
    if shutil.which("node") is None:
        pytest.skip("needs node: apt-get install nodejs")
    site = tmp_path / "site"
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html", "-q"]
    command += ["-d", str(tmp_path / "doctrees"), str(DOCS), str(site)]
    environment = {key: value for key, value in os.environ.items() if key != "MPLBACKEND"}
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        cwd=ROOT,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    offenders = [
        *checks.dead_links(site),
        *checks.fetched_from_elsewhere(site),
        *checks.without_outputs(site, SCRIPTS),
        *checks.uncited(site, {one.label for one in all_statements(blocks)}),
        *checks.tests_that_are_gone(site, ROOT),
        *opened(site, browser),
    ]
    assert not offenders, "\n" + "\n".join(offenders)
    assert not (site / "lessons" / "solutions").exists()


def opened(site, browser):
    """What pages ask for, say on the console, or show beyond the right edge of a phone."""
    for name in OPENED:
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        requests, said = [], []
        tab.on("request", lambda request, asked=requests: asked.append(request.url))
        tab.on("pageerror", lambda error, said=said: said.append(str(error)))
        tab.on("console", lambda line, said=said: said.append(line.text) if line.type == "error" else None)
        tab.goto((site / f"{name}.html").as_uri())
        tab.wait_for_load_state("networkidle")
        yield from (
            f"{name} asks for {url}" for url in requests if not url.startswith(("file:", "data:", "blob:"))
        )
        yield from (f"{name} says {line}" for line in said)
        width = tab.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            yield f"{name} is {width} px wide on a screen of 390"
        tab.close()


def test_each_row_of_the_statements_is_a_block(blocks):
    found = all_statements(blocks)
    text = blocks.PAGE.read_text(encoding="utf-8")
    made = blocks.as_blocks(text)
    assert len(found) == text.count("\n| ") - 2 * text.count("| statement |") > 150
    assert made.count("{prf:") == len(found)
    assert "| statement |" not in made
    assert len({one.label for one in found}) == len(found)


def test_a_block_says_its_source_proof_function_command_and_test(blocks):
    page = (
        "| statement | source | function | command | test |\n| --- | --- | --- | --- | --- |\n"
        r"| `L_T = sum_t TC(S\|C)` | arXiv 2510.04767, Theorem 1; derived here "
        "| `theory.bounds.partitions.model_excess.model_excess` | `bounds --partition` | `a.test_b.test_c_d` |\n"
    )
    ((one,),) = blocks.statements(page)
    assert one.block().splitlines() == [
        "``````{prf:theorem} [arXiv 2510.04767](https://arxiv.org/abs/2510.04767), Theorem 1; derived here",
        ":label: c-d",
        ":nonumber:",
        "",
        "`L_T = sum_t TC(S|C)`",
        "",
        "- Proof: {py:mod}`theory.bounds.partitions.model_excess`",
        "- Function: {py:obj}`theory.bounds.partitions.model_excess.model_excess`",
        "- Command: `parabounds bounds --partition`",
        "- Test: `tests/a/test_b.py::test_c_d`",
        "``````",
    ]
    assert one.cited() == r":prf:ref:`L\_T = sum\_t TC(S\|C) <c-d>`"


def test_a_block_leads_to_its_proof(blocks):
    """Behind the link of its source, else in the docstring of a function, else in that of its module."""
    for one in all_statements(blocks):
        assert bool(one.proofs()) == ("derived here" in one.source or "](" in one.source), one
        assert "](" not in re.sub(r"\[arXiv [^\]]+\]\(https:[^)]+\)", "", one.block().splitlines()[0]), one
    (half_rounds,) = [one for one in all_statements(blocks) if "half_rounds" in one.functions[0]]
    assert [one for one in all_statements(blocks) if one.proofs() == ["[](proofs.md#balanced-strings)"]]
    assert half_rounds.proofs() == ["{py:obj}`theory.bounds.schedules.shuffle_limits.half_rounds`"]


def test_the_checks_notice_faults(tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "statements.html").write_text('<p id="known"></p><code>tests/none.py::test_none</code>')
    (tmp_path / "lessons" / "00_a.html").write_text(
        '<a href="../statements.html#known">x</a><a href="../statements.html#gone">x</a><a href="gone.html">x</a>'
        '<a href="https://example.org">x</a><script src="https://example.org/a.js"></script>'
        '<div class="cell_input docutils"></div>'
    )
    assert list(checks.dead_links(tmp_path)) == [
        "lessons/00_a.html: ../statements.html#gone has no such target",
        "lessons/00_a.html: gone.html is missing",
    ]
    assert list(checks.fetched_from_elsewhere(tmp_path)) == [
        "lessons/00_a.html loads https://example.org/a.js"
    ]
    assert list(checks.without_outputs(tmp_path, [DOCS / "lessons" / "00_a.py"])) == [
        "00_a.html: 1 cells, 0 outputs, 0 pictures"
    ]
    assert list(checks.uncited(tmp_path, {"known", "gone"})) == ["gone has no block"]
    assert list(checks.uncited(tmp_path, {"known", "new"})) == ["new has no block", "new is cited nowhere"]
    assert list(checks.tests_that_are_gone(tmp_path, ROOT)) == [
        "only 1 tests are named",
        "tests/none.py::test_none",
    ]
