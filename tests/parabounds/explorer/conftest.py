"""The page of the explorer, and how tests open it in a browser."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parabounds.command import main
from parabounds.explorer.build import page
from parabounds.explorer.embedded import task_data


@pytest.fixture(scope="session")
def small_page() -> str:
    """The page with one task, which is made in a moment."""
    return page({"tasks": {"city_names": task_data("city_names", None, "city names")}})


@pytest.fixture(scope="session")
def whole_page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page as the command writes it."""
    out = tmp_path_factory.mktemp("explorer") / "new" / "page.html"
    assert main(["explorer", "--out", str(out)]) == 0
    return out.read_text(encoding="utf-8")


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open a page from disk; it keeps its errors, and the addresses it asked for, in ``page.noted``."""
    contexts = []

    def open_page(text: str, fragment: str = "", **settings: Any) -> Any:
        file = tmp_path / "explorer.html"
        file.write_text(text, encoding="utf-8")
        context = browser.new_context(**settings)
        contexts.append(context)
        tab = context.new_page()
        tab.noted = {"errors": [], "requests": []}
        tab.on("pageerror", lambda error: tab.noted["errors"].append(str(error)))
        tab.on(
            "console", lambda line: tab.noted["errors"].append(line.text) if line.type == "error" else None
        )
        tab.on("request", lambda request: tab.noted["requests"].append(request.url))
        tab.goto(f"{file.as_uri()}#{fragment}")
        return tab

    yield open_page
    for context in contexts:
        context.close()
