"""Cells give the same results wherever they are computed: real Dask and Ray clusters, a worker killed midway."""

import importlib
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

import figures.engine.cache
import paper_repro
from figures import Cell, Figure, RunSettings, exact_check
from figures.drawing.style import new_figure
from figures.engine.backends import BackendError, open_backend
from figures.engine.parallel import as_they_come, over_futures
from figures.engine.run import run_figures
from figures.paper.cells import exact_decode

POLICIES = ["topk:k=2,by=random", "topk:k=2,by=confidence", "threshold:gamma=0.6", "topk:k=3,by=random"]
FILES = ("decodes.csv", "decodes.svg")
LOOPBACK = {"processes": True, "host": "tcp://127.0.0.1", "dashboard_address": "127.0.0.1:0"}
WORKER = {"UNCHANGING_CODE": "1"}

if os.environ.keys() >= WORKER.keys():  # this is a worker that unpickles a cell
    figures.engine.cache.source_digest = lambda: "as it is"


def decode_or_die(*, folder, deadly, **kwargs):
    """Decode exactly. The first attempt at a deadly cell kills its process, once a result has been kept."""
    folder = Path(folder)
    with (folder / "log").open("a") as file:
        file.write(f"{kwargs['policy']}/{kwargs['temperature']} {os.getpid()}\n")
    if deadly and not (folder / "died").exists():
        for _ in range(1200):
            if (folder / "kept").exists():
                (folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(0.05)
        raise AssertionError("no result was kept")
    return exact_decode(**kwargs)


def wait(folder, kept):
    """Return `kept`, the name of a file or None, once that file is there."""
    for _ in range(1200):
        if not kept or (Path(folder) / kept).exists():
            return kept
        time.sleep(0.05)
    raise AssertionError(f"{kept} never came")


def quotient(a, b):
    return a // b


def end_process():
    os.kill(os.getpid(), signal.SIGKILL)


def fail(*, value):
    raise ArithmeticError(f"{value} is too much")


def decodes(folder, *, deadly=None):
    """Return a figure of eight exact decodes; the one of that index is deadly."""

    def cells(settings):
        pairs = [(policy, temperature) for policy in settings["policies"] for temperature in (0, 1)]
        fixed = {"folder": str(folder), "task": "replace_random", "n": 4}
        return [
            Cell(
                function=decode_or_die,
                kwargs={"policy": policy, "temperature": temperature, "deadly": i == deadly, **fixed},
            )
            for i, (policy, temperature) in enumerate(pairs)
        ]

    def draw(rows, _settings):
        drawing, axes = new_figure(width=4, height=2.5)
        axes[0][0].plot([float(Fraction(row["accuracy"])) for row in rows])
        return drawing

    def checks(rows, _settings):
        return [exact_check("rows", len(rows), 8)]

    return Figure(
        name="decodes",
        title="Decodes",
        paper="-",
        about="Exact decodes.",
        seconds=1,
        settings={"policies": POLICIES},
        cells=cells,
        compute=lambda _, results: list(results),
        draw=draw,
        checks=checks,
    )


def written(out):
    """Return the bytes of the files and of every kept result, by name."""
    kept = {path.name: path.read_bytes() for path in (out / ".cache" / "decodes").iterdir()}
    return kept | {name: (out / name).read_bytes() for name in FILES}


def attempts(folder):
    return [line.split() for line in (folder / "log").read_text().splitlines()]


def main(figure, out, *more):
    return paper_repro.main(["--out", str(out), *more], figures={figure.name: figure})


@pytest.fixture(autouse=True)
def unchanging_code(monkeypatch):
    """Let the project be edited while the tests run; workers know by `WORKER`."""
    monkeypatch.setattr("figures.engine.cache.source_digest", lambda: "as it is")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "signals"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def dask():
    """Give a Dask cluster of two processes with two threads each."""
    import distributed

    with distributed.LocalCluster(n_workers=2, threads_per_worker=2, env=WORKER, **LOOPBACK) as made:
        yield made


@contextmanager
def elsewhere():
    """Give one other process that is a Dask cluster, and its address; one thread takes its tasks in their order."""
    one = LOOPBACK | {"processes": False, "n_workers": 1, "threads_per_worker": 1}
    cluster = f"import distributed; made = distributed.LocalCluster(**{one})"
    script = f"{cluster}; print(made.scheduler_address, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | WORKER | {"PYTHONPATH": str(Path(paper_repro.__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="module")
def ray():
    """Give the address of a Ray cluster of two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as short:
        patch.setenv("RAY_AUTH_MODE", "token")  # Ray listens on every network
        patch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
        import ray  # noqa: F401  # reads its settings

        options = f"start --head --block --port={port} --node-ip-address=127.0.0.1 --num-cpus=2"
        # A path to a socket has at most 107 bytes, so the folder is not that of the tests.
        options += f" --temp-dir={short} --include-dashboard=false --disable-usage-stats"
        with subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", *options.split()],
            env=os.environ | WORKER,
            stdout=subprocess.DEVNULL,
        ) as head:
            while head.poll() is None and not answers(port):
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
            head.terminate()


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


DASK = pytest.mark.extras("distributed")
RAY = pytest.mark.extras("ray")
DEEP = pytest.mark.deep


@pytest.fixture(params=[pytest.param("dask", marks=[DASK, DEEP]), pytest.param("ray", marks=[RAY, DEEP])])
def cluster(request, monkeypatch):
    """Give the name and the address of a cluster in which one death of a worker too many is the second."""
    made = request.getfixturevalue(request.param)
    if request.param == "dask":
        monkeypatch.setattr(made.scheduler, "allowed_failures", 1)
        return "dask", made.scheduler_address
    monkeypatch.setattr("figures.engine.backends.DEATHS", 2)
    return "ray", made


class TestCluster:
    def test_killed_worker_changes_no_byte(self, cluster, folder, tmp_path):
        def noting(cells):
            for finished in evaluate(cells):
                yield finished
                (folder / "kept").touch()  # the run asks for the next one after it has kept this one

        name, address = cluster
        figure = decodes(folder, deadly=3)
        with open_backend(name, scheduler=address) as evaluate:
            results = run_figures([figure], run=RunSettings(), out=tmp_path / name, evaluate=noting)
        assert (folder / "died").exists()
        deadly = [pid for name, pid in attempts(folder) if name == f"{POLICIES[1]}/1"]
        assert len(deadly) == 2
        assert deadly[0] != deadly[1]
        assert str(os.getpid()) not in {pid for _, pid in attempts(folder)}
        same = run_figures([figure], run=RunSettings(), out=tmp_path / "loky", jobs=2)
        assert results[0].rows == same[0].rows
        assert written(tmp_path / name) == written(tmp_path / "loky")
        assert len(written(tmp_path / name)) == 8 + len(FILES)

    def test_command_differs_by_two_options(self, cluster, folder, tmp_path, capsys):
        name, address = cluster
        figure = decodes(folder)
        assert main(figure, tmp_path / name, "--backend", name, "--scheduler", address) == 0
        assert capsys.readouterr().err.startswith("decodes: 8 cells, ")
        assert main(figure, tmp_path / "one", "--jobs", "1") == 0
        assert written(tmp_path / name) == written(tmp_path / "one")
        report = (tmp_path / name / "report.json").read_bytes()
        assert report == (tmp_path / "one" / "report.json").read_bytes()

    def test_interrupted_run_goes_on_anywhere(self, cluster, folder, tmp_path):
        def interrupted(cells):
            for count, finished in enumerate(evaluate(cells)):
                if count == 3:
                    raise KeyboardInterrupt
                yield finished

        name, address = cluster
        figure = decodes(folder)
        with open_backend(name, scheduler=address) as evaluate, pytest.raises(KeyboardInterrupt):
            run_figures([figure], run=RunSettings(), out=tmp_path, evaluate=interrupted)
        assert len(list((tmp_path / ".cache" / "decodes").iterdir())) == 3
        run_figures([figure], run=RunSettings(), out=tmp_path, jobs=1)
        assert [pid for _, pid in attempts(folder)].count(str(os.getpid())) == 5

    def test_error_of_a_cell_arrives(self, cluster):
        name, address = cluster
        with (
            open_backend(name, scheduler=address) as evaluate,
            pytest.raises(ArithmeticError, match="3 is too much") as caught,
        ):
            list(evaluate([Cell(function=fail, kwargs={"value": 3})]))
        assert caught.type is ArithmeticError
        assert f"in the cell {__name__}.fail(value=3)" in caught.value.__notes__

    def test_cell_that_ends_every_worker(self, cluster):
        name, address = cluster
        with (
            open_backend(name, scheduler=address) as evaluate,
            pytest.raises(BackendError, match="2 workers died while computing one cell"),
        ):
            list(evaluate([Cell(function=end_process)]))

    def test_no_cells(self, cluster):
        name, address = cluster
        with open_backend(name, scheduler=address) as evaluate:
            assert list(evaluate([])) == []

    def test_worker_with_other_code_computes_nothing(self, cluster, folder, monkeypatch):
        name, address = cluster
        monkeypatch.setattr("figures.engine.cache.source_digest", lambda: "edited")
        with (
            open_backend(name, scheduler=address) as evaluate,
            pytest.raises(
                BackendError, match=r"another source code than this process \(as it is, not edited"
            ),
        ):
            list(evaluate(decodes(folder).cells({"policies": POLICIES})))
        assert not (folder / "log").exists()

    def test_worker_with_other_weights_computes_nothing(self, cluster, tmp_path, monkeypatch):
        name, address = cluster
        file = tmp_path / "weights"
        file.write_bytes(b"1")
        monkeypatch.setattr(
            "figures.engine.backends.weights_digest", lambda _: {"file of weights": "another"}
        )
        with (
            open_backend(name, scheduler=address) as evaluate,
            pytest.raises(BackendError, match="another file of weights"),
        ):
            list(evaluate([Cell(function=fail, kwargs={"weights": str(file)})]))


class TestFutures:
    """The part of a cluster that joblib needs, with threads in its place."""

    def test_results_come_as_they_finish(self, tmp_path):
        with ThreadPoolExecutor(2) as pool:
            tasks = [(tmp_path, "kept"), (tmp_path, None)]
            finished = as_they_come(wait, tasks, backend=over_futures(pool.submit))
            assert next(finished) is None
            (tmp_path / "kept").touch()
            assert list(finished) == ["kept"]

    def test_error_keeps_its_traceback(self):
        with ThreadPoolExecutor(1) as pool, pytest.raises(ZeroDivisionError) as caught:
            list(as_they_come(quotient, [(1, 1), (1, 0)], backend=over_futures(pool.submit)))
        assert caught.traceback[-1].name == "quotient"

    def test_cancelled_task_is_an_error(self):
        def submit(*_):
            future = Future()
            future.cancel()
            return future

        with pytest.raises(CancelledError):
            list(as_they_come(quotient, [(1, 1)], backend=over_futures(submit)))

    def test_stopped_run_warns_of_nothing(self):
        with ThreadPoolExecutor(1) as pool:
            finished = as_they_come(quotient, [(i, 1) for i in range(9)], backend=over_futures(pool.submit))
            next(finished)
            finished.close()


@DASK
@DEEP
class TestDask:
    def test_cluster_without_a_worker(self, monkeypatch):
        import distributed

        monkeypatch.setattr("figures.engine.backends.FIRST_WORKER", 1)
        with (
            distributed.LocalCluster(n_workers=0, **LOOPBACK) as made,
            open_backend("dask", scheduler=made.scheduler_address) as evaluate,
            pytest.raises(BackendError, match="no worker after 1 s; start some: dask worker tcp"),
        ):
            list(evaluate([Cell(function=fail, kwargs={"value": 3})]))

    def test_lost_scheduler(self, folder):
        cells = [Cell(function=wait, kwargs={"folder": str(folder), "kept": kept}) for kept in (None, "kept")]
        with elsewhere() as (process, address), open_backend("dask", scheduler=address) as evaluate:
            finished = evaluate(cells)
            assert next(finished) == (0, None)
            process.kill()
            with pytest.raises(
                BackendError, match=r"the scheduler tcp.* was lost; the same command continues"
            ):
                next(finished)

    def test_cluster_without_a_module(self, tmp_path, monkeypatch):
        with elsewhere() as (_, address):
            lacks_a_module("dask", address, tmp_path, monkeypatch)

    def test_address_of_a_worker(self, dask, folder, tmp_path, capsys):
        address = next(iter(dask.scheduler_info["workers"]))
        assert main(decodes(folder), tmp_path, "--backend", "dask", "--scheduler", address) == 2
        assert "a Dask Worker answers there, not a scheduler" in capsys.readouterr().err


@RAY
@DEEP
def test_ray_without_a_module(ray, tmp_path, monkeypatch):
    lacks_a_module("ray", ray, tmp_path, monkeypatch)


def lacks_a_module(name, address, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def one():\n    return 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    cell = Cell(function=importlib.import_module("only_here").one)
    with (
        open_backend(name, scheduler=address) as evaluate,
        pytest.raises(BackendError, match="the cluster has no module 'only_here'; install parabounds"),
    ):
        list(evaluate([cell]))
    del sys.modules["only_here"]


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--backend", "spark"], "argument --backend: invalid choice: 'spark'"),
            (["--scheduler", "tcp://h:1"], "--scheduler tcp://h:1 belongs to --backend dask or ray"),
            pytest.param(["--backend", "dask"], "--backend dask needs --scheduler ADDRESS", marks=DASK),
            pytest.param(
                ["--backend", "dask", "--scheduler", "foo://h:1"],
                "cannot be reached (unknown address scheme",
                marks=DASK,
            ),
            pytest.param(
                ["--backend", "dask", "--scheduler", "h"],
                "cannot be reached (missing port number",
                marks=DASK,
            ),
        ],
    )
    def test_one_line(self, arguments, message, folder, tmp_path, capsys):
        self.refused(message, folder, tmp_path, capsys, *arguments)

    @pytest.mark.parametrize(("name", "package"), [("dask", "distributed"), ("ray", "ray")])
    def test_absent_package(self, name, package, folder, tmp_path, capsys, monkeypatch):
        monkeypatch.setitem(sys.modules, package, None)
        message = f"--backend {name} needs the package {package}; python -m pip install 'parabounds[{name}]'"
        self.refused(message, folder, tmp_path, capsys, "--backend", name, "--scheduler", "h:1")

    @DASK
    @DEEP
    @pytest.mark.parametrize("silent", [False, True])
    def test_nobody_answers(self, silent, folder, tmp_path, capsys, monkeypatch):
        monkeypatch.setattr("figures.engine.backends.CONNECT", 0.5)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            if silent:
                taken.listen()  # accepts and does not reply
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
            message = f"--scheduler {address}: cannot be reached ("
            self.refused(message, folder, tmp_path, capsys, "--backend", "dask", "--scheduler", address)

    def test_unknown_name(self):
        with (
            pytest.raises(BackendError, match="unknown backend 'spark'; known: loky, dask, ray"),
            open_backend("spark"),
        ):
            pass

    def refused(self, message, folder, out, capsys, *arguments):
        assert main(decodes(folder), out, *arguments) == 2
        printed, error = capsys.readouterr()
        assert printed == ""
        assert re.fullmatch(rf"paper_repro\.py: error: .*{re.escape(message)}.*\n", error)
        assert not (folder / "log").exists()
        assert not (out / ".cache").exists()
