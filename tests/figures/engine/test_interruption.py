"""Interrupting a run: finished cells are kept, all processes end, and one line says so."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import paper_repro
from figures import RunSettings
from figures.engine.run import run_figures
from tests.helpers.toy_figure import calls, toy

pytestmark = [pytest.mark.deep, pytest.mark.usefixtures("unchanging_code")]

PROJECT = Path(__file__).parents[3]


def main(figure, out):
    return paper_repro.main(["--out", str(out), "--jobs", "1"], figures={figure.name: figure})


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
        out, hold = tmp_path / "out", tmp_path / "hold"
        hold.touch()
        process = subprocess.Popen(
            [sys.executable, "-c", CONTROL_C, str(log), str(out), str(hold)],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        while process.poll() is None and not list(out.glob(".cache/toy/*.json")):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)  # two cells never end by themselves
        assert process.returncode == 130
        assert (stdout, len(stderr.splitlines())) == ("", 1)
        assert stderr.startswith("paper_repro.py: interrupted")
        kept = len(list(out.glob(".cache/toy/*.json")))
        assert 1 <= kept <= 2
        assert not list(out.glob(".cache/toy/.*.tmp"))
        before = len(calls(log))
        hold.unlink()
        run_figures([toy(log, hold=hold)], run=RunSettings(), out=out, jobs=2)
        assert len(calls(log)) == before + 4 - kept

    @pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows has no signal masks")
    def test_workers_are_deaf_to_control_c_from_their_first_instruction(self):
        """A worker that still imports would end with a traceback."""
        done = subprocess.run(
            [sys.executable, "-c", DEAF], cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120
        )
        assert (done.stdout, done.stderr) == ("[True, True, True] False\n", "")

    def test_waiting_cells_are_dropped_in_silence(self, tmp_path):
        """Many cells wait while two are worked on: no traceback of the thread that hands them out, no leaked locks."""
        done = subprocess.run(
            [sys.executable, "-c", MANY, str(tmp_path / "log")],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert (done.stdout, done.stderr) == ("0\n", "")


# a shell starts background jobs with Ctrl-C ignored, which their children inherit
CONTROL_C = """
import signal, sys, figures.engine.cache, paper_repro
signal.signal(signal.SIGINT, signal.default_int_handler)
figures.engine.cache.source_digest = lambda: "as it is"
from tests.helpers.toy_figure import toy
figure = toy(sys.argv[1], hold=sys.argv[3])
sys.exit(paper_repro.main(["--out", sys.argv[2], "--jobs", "2"], figures={"toy": figure}))
"""

DEAF = """
import signal
from figures.engine.parallel import as_they_come, local_workers
def mask():
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])
masks = list(as_they_come(mask, [()] * 3, backend=local_workers(), n_jobs=3))
print(masks, mask())
"""

MANY = """
import sys, threading
from figures.engine.figure import Cell
from figures.engine.local_workers import on_this_machine
from tests.helpers.toy_figure import toss
shared = {"heads": "1", "trials": 1, "log": sys.argv[1], "wait": 0.002}
seen = []
threading.excepthook = seen.append
for _ in range(4):
    results = on_this_machine([Cell(function=toss, kwargs={**shared, "seed": i}) for i in range(200)], jobs=2)
    for _ in range(4):
        next(results)
    results.close()
print(len(seen))
"""
