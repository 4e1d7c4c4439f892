"""Compiled code without a folder to keep it: a read-only installation without a home."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from theory.announcements import announced_to
from theory.numbers.compiled import compile_kernel

ROOT = Path(__file__).resolve().parents[2]
KERNELS = """
import theory.bounds.partitions.subset_program
import theory.information.subsets.dense_kernel
import theory.decoding.structured.hidden_place_random_kernel
import theory.information.subsets.prime_rows_kernel
import theory.information.subsets.prime_sieve
import theory.bounds.partitions.markov_program
import theory.distributions.parametric.forward_backward_kernel
import theory.bounds.brackets.open_nodes
made = [
    theory.bounds.partitions.subset_program._step_kernel(),
    theory.bounds.partitions.subset_program._price_kernel(),
    *theory.information.subsets.dense_kernel.compiled_kernels(),
    theory.decoding.structured.hidden_place_random_kernel._compiled(),
    *theory.information.subsets.prime_rows_kernel._kernels(),
    theory.information.subsets.prime_sieve._kernel(),
    theory.bounds.partitions.markov_program._kernel(),
    theory.distributions.parametric.forward_backward_kernel._compiled(),
    theory.bounds.brackets.open_nodes.expand.ready,
]
assert all(hasattr(kernel, "py_func") for kernel in made), made
import numpy as np
from theory.bounds.partitions.subset_program import subset_costs
gains = np.random.default_rng(0).random((16, 4))
assert np.array_equal(subset_costs(gains, compiled=True), subset_costs(gains, compiled=False))
print("all compiled")
"""
REFUSED = """
import theory.bounds.partitions.subset_program
from numba import njit
try:
    njit(cache=True)(theory.bounds.partitions.subset_program.subset_sums)
except RuntimeError as error:
    print(error)
"""


def test_what_is_compiled_is_announced():
    pytest.importorskip("numba")
    names, heard = {}, []
    exec("def added(x):\n    return x + 1", names)  # no file: nothing is kept
    with announced_to(lambda what, seconds: heard.append((what, seconds))):
        kernel = compile_kernel(names["added"])
        assert [kernel(1), kernel(2), kernel(1.5)] == [2, 3, 2.5]
    assert [what for what, _ in heard] == 2 * ["compiling loops, once for this machine"]  # integers, floats
    assert 0 < heard[0][1] < heard[1][1]


@pytest.fixture
def sealed(tmp_path):
    """A copy of the packages in which no folder for compiled code can be made, and an environment without a home.

    A file stands where each ``__pycache__`` would: also the superuser, whom permissions do not stop, cannot write.
    """
    pytest.importorskip("numba")
    for package in ("theory", "synthetic"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in [path for path in tmp_path.rglob("*") if path.is_dir()]:
        (folder / "__pycache__").touch()
    nowhere = str(tmp_path / "theory" / "__init__.py" / "no folder")
    left = {
        key: value for key, value in os.environ.items() if not key.startswith(("NUMBA_", "XDG_", "PYTHON"))
    }
    places = {"HOME": nowhere, "XDG_CACHE_HOME": nowhere, "LOCALAPPDATA": nowhere}
    return left | places | {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}


def run(environment, *arguments):
    where = environment["PYTHONPATH"]
    done = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=where, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.deep
def test_every_kernel_is_compiled_where_nothing_can_be_kept(sealed):
    assert "no locator available" in run(sealed, "-c", REFUSED)  # otherwise this test shows nothing
    assert run(sealed, "-c", KERNELS) == "all compiled\n"


@pytest.mark.deep
def test_a_file_is_answered_where_nothing_can_be_kept(sealed):
    """Twelve outcomes over thirteen bits, the cyclic code words of a single run of ones: beyond plain numpy."""
    words = [[int((i - start) % 12 < 6) for i in range(12)] + [start % 2] for start in range(12)]
    rows = ["".join(map(str, word)) for word in words]
    header = ",".join(f"y{i}" for i in range(13)) + ",p"
    lines = [header, *(",".join([*row, "1/12"]) for row in rows)]
    (Path(sealed["PYTHONPATH"]) / "runs.csv").write_text("\n".join(lines) + "\n")
    text = run(sealed, "-m", "theory", "bounds", "runs.csv", "--json")
    assert '"entropy": 3.58496250072' in text  # log2(12)


@pytest.mark.deep
def test_a_full_disk_and_damaged_files_cost_time_only(tmp_path):
    pytest.importorskip("numba")
    left = {key: value for key, value in os.environ.items() if not key.startswith("NUMBA_")}
    kept = tmp_path / "kept"
    environment = left | {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": str(kept)}
    # every write into a file fails from here on, as on a full disk
    full = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
    assert run(environment, "-c", full + KERNELS) == "all compiled\n"
    assert not [path for path in kept.rglob("*") if path.is_file()]
    for damage in (b"", b"junk", b"\x80\x04K"):
        assert run(environment, "-c", KERNELS) == "all compiled\n"
        files = [path for path in kept.rglob("*") if path.is_file()]
        assert files
        for path in files:
            path.write_bytes(damage)
    assert run(environment, "-c", KERNELS) == "all compiled\n"


def test_one_place_decides_what_is_kept():
    """Everything else compiles through it."""
    found = {
        str(path.relative_to(ROOT))
        for folder in ("theory", "synthetic", "models", "figures")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bn?jit\(.*cache=True|\bcache=True\b.*n?jit|\bnumba\.core\b", path.read_text())
    }
    assert len(found) == 1
    assert all("def compile_kernel(" in (ROOT / name).read_text() for name in found)
