"""Cells on a real cluster of two nodes on this machine."""

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bench.errors import BenchError, ConfigError, MissingExtraError
from bench.executor import execute, no_deadline, threads_per_cell
from bench.models.parts import Chain, Frozen, logistic_head
from bench.settings import Budget, ExecutorSpec
from bench.types import ModelChoice, ModelSpec
from bench.zoo.store import Zoo
from tests.builders import cell, inputs, texts
from tests.toy_models import toy

ROOT = Path(__file__).parents[1]
QUIET = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS_SKIP_REGEX": "."}


@pytest.fixture(autouse=True)
def _sockets(socket_enabled):
    """The processes of a cluster talk over the loopback address."""


@pytest.fixture(scope="module")
def cluster():
    """Two nodes on this machine, with room for one cell each; one says that it has a GPU."""
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1, num_gpus=1)
    yield made
    made.shutdown()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture
def on_ray(cluster):
    return ExecutorSpec(name="ray", workers=0, address=cluster.address)


def by_id(records):
    return {(r.model, r.fold, r.seed): (r.status, r.reason, r.scores, r.digest) for r in records}


def run(cells, shared, executor, deadline=None, **budget):
    batches = execute(iter(cells), shared, Budget(**budget), executor, deadline or no_deadline())
    return [record for batch in batches for record in batch]


@dataclass
class Params:
    """What a model of this file does, and the file in which it counts its fits."""

    way: str
    count: str = ""


class Counted:
    """Counts its fits, and then does what it was told."""

    def __init__(self, params: Params) -> None:
        self.params = params

    def fit(self, X: Any, y: Any) -> "Counted":
        with open(self.params.count, "a") as file:
            file.write(f"{os.getpid()}\n")
        match self.params.way:
            case "exits":
                os._exit(7)
            case "waits":
                gate, until = Path(self.params.count).with_suffix(".gate"), time.monotonic() + 60
                while gate.exists() and time.monotonic() < until:
                    time.sleep(0.05)
            case "looks for a GPU":
                with open(self.params.count, "w") as file:
                    file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "all"))
            case "forks a gigabyte":
                code = "import time; ballast = bytearray(10**9); time.sleep(60)"
                subprocess.run([sys.executable, "-c", code], check=True)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> Any:
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


def build(params: Params, context: Any) -> Counted:
    return Counted(params)


def counted(name: str, way: str, folder: Path, **spec: Any) -> ModelChoice:
    made = ModelSpec(name=name, task_types=("text_clf",), role="stable", params=Params, build=build, **spec)
    return ModelChoice(name=name, spec=made, params=Params(way, str(folder / f"{name}.count")))


@dataclass(frozen=True)
class CountedZoo(Zoo):
    """Counts how often the inputs of a run are serialised in this process."""

    serialised = 0

    def __reduce__(self) -> Any:
        CountedZoo.serialised += 1
        return Zoo.open, (self.cache_dir,)


def test_two_nodes_give_the_records_of_serial_and_the_data_go_into_the_store_once(tmp_path, on_ray):
    models = [toy("a", "depends on the seed"), toy("b"), toy("c", "returns NaN"), toy("d", "raises")]
    shared = inputs(tmp_path, models)
    shared = replace(shared, zoo=CountedZoo(**vars(shared.zoo)))
    cells = [cell(choice, fold=fold, seed=seed) for choice in models for fold in range(3) for seed in range(2)]
    serial = by_id(run(cells, shared, ExecutorSpec()))
    kept = {path: path.read_bytes() for path in (tmp_path / "predictions").rglob("*.npz")}
    for path in kept:
        path.unlink()
    CountedZoo.serialised = 0
    assert by_id(run(cells, shared, on_ray)) == serial
    assert CountedZoo.serialised == 1
    # Predictions and output came back to the one writer.
    assert len(kept) == 12
    assert {path: path.read_bytes() for path in (tmp_path / "predictions").rglob("*.npz")} == kept
    assert "the model says no" in (tmp_path / "logs" / "text_clf-toy-quick-d-0-0-0.log").read_text()


def test_a_node_that_is_lost_costs_only_its_cells(tmp_path, cluster, on_ray):
    count = tmp_path / "waiter.count"
    models = [toy("a", "depends on the seed"), counted("waiter", "waits", tmp_path)]
    shared = inputs(tmp_path, models)
    cells = [cell(choice, fold=fold, seed=seed) for choice in models for fold in range(3) for seed in range(3)]
    serial = by_id(run(cells, shared, ExecutorSpec()))
    count.write_text("")
    node = cluster.add_node(num_cpus=1)
    gate = count.with_suffix(".gate")
    gate.touch()

    def lose() -> None:
        """Take the node away while it fits, and let the others go on when its processes are gone."""
        fits: list[psutil.Process] = []
        try:
            while not fits:
                time.sleep(0.05)
                fits = [one for one in _workers(node) if str(one.pid) in count.read_text().split()]
        finally:
            cluster.remove_node(node, allow_graceful=False)
            # Until then it could still answer.
            psutil.wait_procs(fits, timeout=30)
            gate.unlink()

    with ThreadPoolExecutor(1) as beside:
        lost = beside.submit(lose)
        records = run(cells, shared, on_ray)
        lost.result(60)
    assert by_id(records) == serial
    assert len(records) == len(cells)
    # The one that ran there was tried once more.
    assert len(count.read_text().split()) == 10


def _workers(node):
    """Return the cells' own processes on a node."""
    raylet = psutil.Process(node.all_processes["raylet"][0].process.pid)
    return [one for one in raylet.children(recursive=True) if "spawn_main" in " ".join(one.cmdline())]


def test_what_a_cell_does_to_its_process_is_its_row_and_no_more(tmp_path, on_ray):
    models = [toy("sleeper", "sleeps"), counted("hungry", "forks a gigabyte", tmp_path), toy("good")]
    models.append(counted("killer", "exits", tmp_path))
    cells = [*(cell(choice) for choice in models), *(cell(models[2], fold=fold) for fold in (1, 2))]
    records = run(cells, inputs(tmp_path, models), on_ray, cell_seconds=8, memory_mb=900)
    found = {r.model: (r.status, r.reason) for r in records}
    assert found["sleeper"] == ("timeout", "Stopped after the limit of 8 s (budget.cell_seconds).")
    assert found["hungry"][0] == "oom"
    assert re.search(r"Stopped with [\d,]+ MB in use; the limit is 900 MB", found["hungry"][1])
    assert found["killer"] == ("failed", "The worker process died: exit code 7.")
    assert [r.status for r in records if r.model == "good"] == ["ok"] * 3
    # Tried once more at most: something else may have left the worker in a bad way.
    assert len((tmp_path / "killer.count").read_text().split()) <= 2
    assert not [one for one in psutil.process_iter() if "bytearray(10**9)" in " ".join(_command(one))]


def _command(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_cell_sees_the_gpus_that_its_model_declares_and_no_others(tmp_path, on_ray):
    models = [counted("with", "looks for a GPU", tmp_path, gpus=1), counted("without", "looks for a GPU", tmp_path)]
    models.append(toy("greedy", gpus=2))
    found = {r.model: (r.status, r.reason) for r in run(map(cell, models), inputs(tmp_path, models), on_ray)}
    assert found.pop("greedy") == ("unavailable", "It asks for 2 GPUs, and no node of the Ray cluster has as many.")
    assert found == {"with": ("ok", ""), "without": ("ok", "")}
    assert (tmp_path / "with.count").read_text() == "0"
    assert (tmp_path / "without.count").read_text() == ""


def test_the_end_of_the_run_stops_what_runs(tmp_path, on_ray):
    models = [toy("good"), toy("sleeper", "sleeps")]
    cells = [cell(models[0]), *(cell(models[1], fold=fold) for fold in range(3))]
    started = time.monotonic()
    # The last one is drawn when the time is up.
    records = run(cells, inputs(tmp_path, models), on_ray, deadline=started + 7, run_seconds=7)
    assert time.monotonic() - started < 14
    assert [(r.model, r.status) for r in records] == [("good", "ok"), *[("sleeper", "skipped")] * 3]
    assert {r.reason for r in records} == {"", "Stopped at the end of the run's 7 s (budget.run_seconds)."}


@dataclass(frozen=True)
class LengthEncoder:
    """Encodes on the machine of the test alone, as if no node had the weights."""

    home: int

    @property
    def key(self) -> dict[str, str | int]:
        return {"number_format": f"that of process {os.getpid()}"}

    def encode(self, items: Any, advance: Any) -> Any:
        if os.getpid() != self.home:
            raise BenchError("the weights are not cached. Fetch them by: python -m bench zoo fetch")
        return np.array([[len(item), item.count("e")] for item in items], np.float32)


def encoder(params: Params, zoo: Any) -> LengthEncoder:
    return LengthEncoder(int(params.way))


def build_frozen(params: Params, context: Any) -> Any:
    return Chain(Frozen(encoder(params, context.zoo), context.features), logistic_head(1.0))


def test_vectors_go_to_the_nodes_and_a_node_without_weights_says_so(tmp_path, on_ray):
    spec = ModelSpec(
        name="frozen", task_types=("text_clf",), role="zoo", params=Params, build=build_frozen,
        encoder=encoder,
    )  # fmt: skip
    choice = ModelChoice(name="frozen", spec=spec, params=Params(str(os.getpid())))
    cells = [cell(choice, fold=fold) for fold in range(3)]
    # Nothing was encoded beforehand: the nodes would have to, and cannot.
    records = run(cells, inputs(tmp_path / "empty", [choice]), on_ray)
    assert {(r.status, r.reason) for r in records} == {
        ("failed", "the weights are not cached. Fetch them by: python -m bench zoo fetch")
    }
    shared = inputs(tmp_path, [choice])
    shared.features(LengthEncoder(os.getpid()), list(shared.dataset.X))
    serial = by_id(run(cells, shared, ExecutorSpec()))
    assert {status for status, *_ in serial.values()} == {"ok"}
    assert by_id(run(cells, shared, on_ray)) == serial


def test_a_node_with_another_version_is_refused(tmp_path, on_ray, monkeypatch):
    import ray

    ray.init(address=on_ray.address, log_to_driver=False)
    try:
        # Seen by this process alone: the nodes were told the path before.
        (tmp_path / "toylib-2.0.dist-info").mkdir()
        (tmp_path / "toylib-2.0.dist-info" / "METADATA").write_text("Name: toylib\nVersion: 2.0\n")
        monkeypatch.syspath_prepend(tmp_path)
        choice = toy(libraries=("toylib",))
        with pytest.raises(ConfigError, match=r"has toylib not installed, and this machine has 2\.0"):
            run([cell(choice)], inputs(tmp_path, [choice]), on_ray)
        assert ray.is_initialized()
    finally:
        ray.shutdown()


def test_a_cell_that_fits_on_no_node_is_a_mistake_that_is_named(tmp_path, on_ray):
    choice = toy()
    shared = replace(inputs(tmp_path, [choice]), threads=3)
    with pytest.raises(ConfigError, match=r"asks for 3 CPUs and .* MB, and no node"):
        run([cell(choice)], shared, on_ray)


def test_an_address_without_a_cluster_is_a_mistake_that_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot connect to executor\.address=nonsense"):
        run([cell(toy())], inputs(tmp_path, [toy()]), ExecutorSpec(name="ray", address="nonsense"))


def test_without_the_library_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    # What it sets for a cluster of its own must not reach the one of this file.
    monkeypatch.setattr(os, "environ", dict(os.environ))
    with pytest.raises(MissingExtraError, match=r'pip install -e "\.\[ray\]"'):
        run([], inputs(tmp_path, []), ExecutorSpec(name="ray"))


def test_a_cell_on_a_cluster_of_unknown_machines_has_one_thread():
    assert threads_per_cell(Budget(), ExecutorSpec(name="ray", workers=1, address="auto")) == 1
    assert threads_per_cell(Budget(threads=4), ExecutorSpec(name="ray", workers=1, address="auto")) == 4


def test_the_command_line_writes_the_tables_of_serial_and_only_this_machine_reaches_its_cluster(tmp_path, shared_cache):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment |= {"PYTHONPATH": str(ROOT), "BENCH_CACHE_DIR": str(shared_cache)}
    rows = (f"{text},{label}" for text, label in zip(*texts(90), strict=True))
    table = "\n".join(["body,stars", *rows])
    running = {}
    for executor in ("serial", "ray"):
        folder = tmp_path / executor
        folder.mkdir()
        (folder / "reviews.csv").write_text(table)
        command = [sys.executable, "-m", "bench", "task=text_clf", "model=[tfidf_svm,nb_svm]", "budget=toy"]
        command += ["data.path=reviews.csv", "data.target=stars", f"executor={executor}"]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        running[executor] = subprocess.Popen(command, cwd=folder, env=environment, **pipes)
    listening = set()
    while running["ray"].poll() is None:
        listening |= _listening(running["ray"].pid)
        time.sleep(0.3)
    tables = {}
    for executor, process in running.items():
        said = process.communicate(timeout=120)[0]
        assert process.returncode == 0, said
        assert "raylet" not in said
        folder = tmp_path / executor / ".bench/results/text_clf/reviews/toy"
        # What a decision costs is measured, and differs from run to run.
        paths = [path for path in sorted(folder.glob("*.[cj]s*")) if path.name != "decision.json"]
        tables[executor] = {path.name: path.read_bytes() for path in paths}
    assert len(tables["serial"]) == 8
    assert tables["ray"] == tables["serial"]
    assert len(listening) >= 4
    assert {address.removeprefix("::ffff:") for address, _ in listening} == {"127.0.0.1"}


def _listening(pid):
    """Return the addresses at which a process, or one that it started, can be reached."""
    found = set()
    try:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            found |= {tuple(one.laddr) for one in process.net_connections("inet") if one.status == psutil.CONN_LISTEN}
    except psutil.Error:
        # One that has just ended.
        pass
    return found
