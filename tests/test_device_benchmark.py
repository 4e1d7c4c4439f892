"""benchmarks/device.py on the CPU at its smallest sizes."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

FILE = Path(__file__).parent.parent / "benchmarks" / "device.py"
pytestmark = pytest.mark.extras("transformers")


@pytest.fixture
def device(monkeypatch):
    pytest.importorskip("transformers")
    specification = importlib.util.spec_from_file_location("device_benchmark", FILE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, specification.name, module)
    specification.loader.exec_module(module)
    return module


@pytest.mark.deep
def test_the_parts_run_and_the_table_names_the_device(device, tmp_path, capsys):
    out = tmp_path / "table.md"
    parts = ("equality", "samplers", "large_model", "retrained")
    chosen = [word for part in parts for word in ("--only", part)]
    assert device.main(["--device", "cpu", "--tiny", "--out", str(out), *chosen]) == 0
    table = out.read_text(encoding="utf-8")
    assert table == capsys.readouterr().out
    assert table.startswith("| cpu (")
    assert "NO" not in table
    assert table.count("\n") == 3 + 1 + 2 + 1 + 2 + 2 + 1 + 1


def test_a_failed_check_is_said_and_is_the_exit_status(device, monkeypatch, capsys):
    monkeypatch.setattr(device, "TOLERANCE", -1.0)
    assert device.main(["--device", "cpu", "--tiny", "--only", "equality"]) == 1
    assert "| NO |" in capsys.readouterr().out


def test_a_part_that_stops_is_a_line_and_the_others_run(device, tmp_path, monkeypatch, capsys):
    def stops(_device, _sizes):
        yield device.Line(what="first", value="1")
        raise RuntimeError("no kernel | for this")

    def runs(_device, _sizes):
        yield device.Line(what="second", value="2", good=True)

    monkeypatch.setattr(device, "PARTS", {"stops": stops, "runs": runs})
    out = tmp_path / "table.md"
    assert device.main(["--device", "cpu", "--out", str(out)]) == 1
    assert out.read_text(encoding="utf-8") == capsys.readouterr().out
    cells = [line.split(" | ") for line in out.read_text(encoding="utf-8").splitlines()[2:5]]
    assert [(row[0].strip("| "), row[2].strip(" |")) for row in cells] == [
        ("first", "-"),
        ("stops stopped", "NO"),
        ("second", "yes"),
    ]
    assert cells[1][1] == "RuntimeError: no kernel / for this"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_without_a_gpu_it_says_so(device, capsys):
    with pytest.raises(SystemExit):
        device.main([])
    assert "torch finds no device 'cuda' here; use cpu" in capsys.readouterr().err
