"""Settings of Hypothesis, the same examples in every run, and fixtures that several files use."""

import gc
import importlib
import os
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.helpers.browser import CHROMIUM

# numpy and torch read it when they are imported: one process a core runs tests, and threads would wait for each other
os.environ.setdefault("OMP_NUM_THREADS", "1")

ALWAYS = {"derandomize": True, "database": None, "deadline": None, "print_blob": True}
settings.register_profile("project", max_examples=25, **ALWAYS)
settings.register_profile("thorough", max_examples=400, **ALWAYS)  # pytest --hypothesis-profile=thorough
settings.load_profile("project")

# Imports and collected tests stay until the end: looking for garbage among them takes a third of the collection,
# and each full search of the tests would look at them again.
gc.disable()


def pytest_sessionstart() -> None:
    """Let commands write what a test expects, and no line on their progress, on a slow machine too."""
    from theory.commands import progress

    progress.EVERY = 3600.0  # seconds


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Search for garbage again, but not among what has been collected."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the cases of a test that its marker ``grid`` leaves out of the default run as deep or slow."""
    met: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for item in items:
        if grid := item.get_closest_marker("grid"):
            function = item.nodeid.partition("[")[0]
            place = met[function]
            met[function] += 1
            if place >= grid.args[0] if grid.args else place % grid.kwargs["every"]:
                item.add_marker("slow" if left[function] % grid.kwargs.get("deep", 3) else "deep")
                left[function] += 1


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose marker ``extras`` names a package that is not installed."""
    for mark in item.iter_markers("extras"):
        for package in mark.args:
            if find_spec(package) is None:  # not imported: Ray reads its settings then
                pytest.skip(f"needs the package {package}, which the extra `test` leaves out")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """The browser of this process, without a window; Playwright runs once in each."""
    if CHROMIUM is None:
        pytest.skip("needs chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as tool:
        running = tool.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture(autouse=True)
def no_open_drawings() -> Iterator[None]:
    """Close what a test has drawn by pyplot, which keeps all drawings and warns at twenty."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="module")
def own_module_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Code that models bring along is copied to a folder of the tests of a file, and forgotten after them."""
    import transformers.dynamic_module_utils as dynamic

    folder = str(tmp_path_factory.mktemp("modules"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamic, "HF_MODULES_CACHE", folder)
        yield
    sys.path[:] = [path for path in sys.path if path != folder]
    for name in [name for name in sys.modules if name.partition(".")[0] == "transformers_modules"]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def unchanging_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the project be edited while the tests of figures run."""
    monkeypatch.setattr("figures.engine.cache.source_digest", lambda: "as it is")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """The file in which the cells of a toy figure write a line for each call."""
    return tmp_path / "log"
