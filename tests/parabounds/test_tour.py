"""docs/tour.py runs as a script and in Jupyter."""

import runpy
from pathlib import Path

import pytest

TOUR = Path(__file__).parents[2] / "docs" / "tour.py"


@pytest.mark.deep
def test_as_a_script(capsys):
    found = runpy.run_path(str(TOUR))
    assert "one step loses 3.42 bits" in capsys.readouterr().out
    assert repr(found["decode"]).startswith("Decode(shuffle, n = 4, topk:k=2: accuracy 37.5 %")


@pytest.mark.deep
@pytest.mark.extras("jupytext", "nbclient", "ipykernel")
def test_in_jupyter():
    import jupytext
    from nbclient import NotebookClient

    notebook = jupytext.read(TOUR)
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(cwd=str(TOUR.parents[1]))
    shown = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    kinds = {kind for output in shown for kind in output.get("data", {})}
    assert {"text/html", "text/latex", "text/plain"} <= kinds
    pictures = [output for output in shown if "image/png" in output.get("data", {})]
    assert len(pictures) == TOUR.read_text(encoding="utf-8").count(".plot")
    assert not [output for output in shown if output["output_type"] == "error"]
