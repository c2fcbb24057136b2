"""Cells in worker processes: whatever a model does to its process is its own row, and no other's."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.cell import log_path
from bench.errors import BenchError, ConfigError
from bench.executor import cap_threads, execute, no_deadline, suited, threads_per_cell
from bench.executor.watch import MARK
from bench.settings import Budget, ExecutorSpec
from tests.builders import cell, inputs, panel
from tests.left_behind import VARIABLE, gone, marked
from tests.left_behind import mark as mark
from tests.toy_models import toy

ROOT = Path(__file__).parents[1]
PROCESSES = ExecutorSpec(name="processes", workers=2)
LIMIT = 5.0
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="memory shares and orphans are told by Linux alone")

ENDS = {
    "sleeps for ever": ("timeout", "Stopped after the limit of 5 s (budget.cell_seconds)."),
    "ignores SIGTERM": ("timeout", "limit of 5 s"),
    "holds the interpreter": ("timeout", "limit of 5 s"),
    "takes 50 GB": ("oom", "MB in use; the limit is 600 MB (budget.memory_mb)."),
    "takes memory in children": ("oom", "the limit is 600 MB"),
    "takes memory in sessions": ("oom", "the limit is 600 MB"),
    "prints a million lines": ("ok", ""),
    "prints from a child": ("ok", ""),
    "raises what cannot be pickled": ("failed", "StubbornError: a stubborn error"),
    "raises what cannot be said": ("failed", "UnspeakableError: its message cannot be read"),
    "raises many lines": ("failed", "ValueError: one two [31m three four and more and more"),
    "raises beyond Exception": ("failed", "Beyond: no ordinary exception"),
    "leaves by SystemExit": ("failed", "SystemExit: the model leaves"),
    "interrupts itself": ("failed", "The model raised KeyboardInterrupt."),
    "returns NaN": ("invalid", "NaN or infinite probabilities for 1 of 20 rows"),
    "exits with 7": ("failed", "The worker process died: exit code 7."),
    "exits with 0": ("failed", "The worker process died: exit code 0."),
    "segfaults": ("failed", "it crashed with SIGSEGV"),
    "kills itself": ("oom", "killed twice by SIGKILL"),
    "terminates itself": ("failed", "ended twice by SIGTERM"),
    "closes its output": ("ok", ""),
    "closes everything": ("failed", "The worker process died: "),
    "goes elsewhere": ("ok", ""),
    "leaves a thread": ("ok", ""),
    "leaves children": ("ok", ""),
    "leaves an alarm": ("ok", ""),
    "leaves memory": ("ok", ""),
    "leaves a crash": ("ok", ""),
    "returns twice": ("ok", ""),
}


def run(cells, shared, budget, executor):
    """Run a fixed list of cells and return its records."""
    batches = execute(iter(cells), shared, budget, executor, no_deadline())
    return [record for batch in batches for record in batch]


def by_id(records):
    return {(r.model, r.fold, r.seed): (r.status, r.scores, r.digest) for r in records}


def notes(path):
    """Return (process, time of the beginning) of every fit."""
    with contextlib.suppress(FileNotFoundError):
        return [(int(pid), float(at)) for pid, at in (line.split() for line in path.read_text().splitlines())]
    return []


@contextlib.contextmanager
def terminal(path):
    """Write what this process and its children print to a file."""
    saved = os.dup(1), os.dup(2)
    with path.open("wb") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    try:
        yield
    finally:
        for number, before in zip((1, 2), saved, strict=True):
            os.dup2(before, number)
            os.close(before)


@dataclass
class Crowd:
    """One run of all that misbehave, with a cell of a model that behaves after each of them."""

    folder: Path
    records: list = field(default_factory=list)
    arrived: dict = field(default_factory=dict)
    alone: dict = field(default_factory=dict)
    """Records of the model that behaves, from a run without the others."""
    left: list = field(default_factory=list)
    """Processes that were there after the run."""

    def record(self, model):
        (found,) = [record for record in self.records if record.model == model]
        return found

    def seconds(self, model):
        return self.arrived[model] - notes(self.folder / f"{model}.txt")[0][1]

    def log(self, model):
        return log_path(cell(toy(model)), self.folder / "logs")


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    folder, mark = tmp_path_factory.mktemp("crowd"), uuid.uuid4().hex
    found = Crowd(folder)
    good = toy("good", "depends on the seed")
    bad = [toy(way, way, folder / f"{way}.txt") for way in ENDS]
    goods = [cell(good, fold=at % 3, seed=at // 3) for at in range(len(bad))]
    cells = [one for pair in zip([cell(choice) for choice in bad], goods, strict=True) for one in pair]
    shared = inputs(folder, [good, *bad])
    os.environ[VARIABLE] = mark
    try:
        with terminal(folder / "terminal"):
            budget = Budget(cell_seconds=LIMIT, memory_mb=600)
            for batch in execute(iter(cells), shared, budget, PROCESSES, no_deadline()):
                found.records += batch
                found.arrived |= {record.model: time.monotonic() for record in batch}
    finally:
        del os.environ[VARIABLE]
    found.left = [" ".join(process.cmdline()) for process in marked(mark)]
    found.alone = by_id(run(goods, inputs(folder, [good]), Budget(), ExecutorSpec()))
    return found


@pytest.mark.parametrize("way", ENDS)
def test_whatever_a_model_does_is_its_row_within_its_limit_and_two_seconds(crowd, way):
    status, said = ENDS[way]
    record = crowd.record(way)
    assert (record.status, said in record.reason) == (status, True), record
    assert record.reason.isprintable()
    assert len(record.reason) <= 300
    assert bool(record.scores) is (status == "ok")
    assert crowd.seconds(way) < LIMIT + 2


def test_neighbours_score_as_if_they_were_alone(crowd):
    assert by_id(record for record in crowd.records if record.model == "good") == crowd.alone


def test_every_cell_has_one_record(crowd):
    assert len(crowd.records) == 2 * len(ENDS)


def test_a_killed_worker_is_tried_once_more_and_a_failed_model_is_not(crowd):
    assert len(notes(crowd.folder / "kills itself.txt")) == 2
    assert len(notes(crowd.folder / "raises beyond Exception.txt")) == 1
    assert len(notes(crowd.folder / "takes 50 GB.txt")) == 1


def test_the_terminal_stays_clean(crowd):
    assert (crowd.folder / "terminal").read_bytes() == b""


@pytest.mark.parametrize("way", ["prints a million lines", "prints from a child"])
def test_a_log_keeps_the_end_of_what_was_printed(crowd, way):
    text = crowd.log(way).read_text()
    assert len(text) < 101_000
    assert "...\n" in text
    assert text.endswith(("line 999999\n", "2000000\n"))


def test_a_crash_leaves_its_traceback_in_the_log(crowd):
    assert "Segmentation fault" in crowd.log("segfaults").read_text()
    assert "no ordinary exception" in crowd.log("raises beyond Exception").read_text()


def test_a_cell_that_prints_nothing_has_no_log(crowd):
    assert not crowd.log("takes 50 GB").exists()


def test_no_process_is_left_after_a_run(crowd):
    assert crowd.left == []


def test_serial_and_processes_give_the_same_records(tmp_path):
    models = [toy("a", "depends on the seed"), toy("b")]
    shared = inputs(tmp_path, models)
    cells = [cell(choice, fold=fold, seed=seed) for choice in models for fold in range(3) for seed in range(2)]
    serial = by_id(run(cells, shared, Budget(), ExecutorSpec()))
    assert len(serial) == 12
    assert serial == by_id(run(cells, shared, Budget(), PROCESSES))


def test_workers_stay_warm(tmp_path):
    choice = toy("good", notes=tmp_path / "notes")
    run([cell(choice, seed=seed) for seed in range(20)], inputs(tmp_path, [choice]), Budget(), PROCESSES)
    assert len({pid for pid, _ in notes(tmp_path / "notes")}) <= 2
    assert len(notes(tmp_path / "notes")) == 20


@pytest.mark.parametrize("way", ["leaves children", "leaves memory"])
def test_a_worker_in_which_something_was_left_is_replaced(tmp_path, way):
    models = [toy("bad", way, tmp_path / "bad"), toy("good", notes=tmp_path / "good")]
    cells = [cell(models[0]), cell(models[1])]
    budget = Budget(memory_mb=600)
    records = run(cells, inputs(tmp_path, models), budget, ExecutorSpec(name="processes", workers=1))
    assert [record.status for record in records] == ["ok", "ok"]
    assert notes(tmp_path / "bad")[0][0] != notes(tmp_path / "good")[0][0]


def worker_pids(mark):
    return [process.pid for process in marked(mark) if "spawn_main" in " ".join(process.cmdline())]


def test_workers_that_are_killed_at_random_moments_cost_nothing(tmp_path, mark):
    begun = tmp_path / "notes"
    models = [toy("slow", "takes a moment", begun), toy("good", "depends on the seed", begun)]
    shared = inputs(tmp_path, models)
    cells = [cell(choice, fold=at % 3, seed=at // 3) for at in range(50) for choice in models]
    generator, done, killed, after = random.Random(4), [], 0, 12

    def kill_one_that_starts():
        while not (starting := worker_pids(mark)):
            time.sleep(0.01)
        time.sleep(0.1)
        os.kill(starting[0], signal.SIGKILL)

    first = threading.Thread(target=kill_one_that_starts)
    first.start()
    for batch in execute(iter(cells), shared, Budget(), PROCESSES, no_deadline()):
        done += batch
        if len(done) < after:
            continue
        # A cell that was hit comes next, and a second hit would be its row: it is done when a worker has its second.
        fits = Counter(pid for pid, _ in notes(begun))
        if victims := [pid for pid in worker_pids(mark) if fits[pid] > 1]:
            time.sleep(generator.random() / 5)
            os.kill(generator.choice(victims), signal.SIGKILL)
            killed, after = killed + 1, len(done) + 12
    first.join()
    assert killed >= 5
    assert len(done) == len(cells)
    assert by_id(done) == by_id(run(cells, shared, Budget(), ExecutorSpec()))


def test_a_worker_that_is_killed_while_it_waits_is_replaced(tmp_path, mark):
    models = [toy("long", "takes a while", tmp_path / "long"), toy("good", notes=tmp_path / "good")]
    done = []

    def source():
        yield cell(models[0])
        yield cell(models[1], seed=0)
        while not done:
            yield None
        (waiting,) = {pid for pid, _ in notes(tmp_path / "good")}
        os.kill(waiting, signal.SIGKILL)
        yield cell(models[1], seed=1)

    for batch in execute(source(), inputs(tmp_path, models), Budget(), PROCESSES, no_deadline()):
        done += batch
    assert [record.status for record in done] == ["ok"] * 3
    assert len({pid for pid, _ in notes(tmp_path / "good")}) == 2


def test_a_worker_that_cannot_start_ends_the_run_with_the_reason(tmp_path, monkeypatch):
    (tmp_path / "absent_in_workers.py").write_text("from tests.toy_models import build as real\ndef build(p, c): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import absent_in_workers

    (tmp_path / "absent_in_workers.py").unlink()
    choice = toy("toy")
    object.__setattr__(choice.spec, "build", absent_in_workers.build)
    with pytest.raises(BenchError, match=r"cannot be started.*No module named 'absent_in_workers'"):
        run([cell(choice)], inputs(tmp_path, [choice]), Budget(), PROCESSES)


def test_the_end_of_the_run_stops_what_is_running(tmp_path):
    choice = toy("sleeper", "sleeps for ever", tmp_path / "notes")
    deadline = time.monotonic() + 3
    batches = execute(iter([cell(choice)]), inputs(tmp_path, [choice]), Budget(run_seconds=3), PROCESSES, deadline)
    (record,) = [record for batch in batches for record in batch]
    assert record.status == "skipped"
    assert "end of the run's 3 s (budget.run_seconds)" in record.reason
    assert time.monotonic() < deadline + 2


def test_a_consumer_that_stops_early_leaves_no_worker(tmp_path, mark):
    choice = toy("good", "takes a while")
    cells = [cell(choice, seed=seed) for seed in range(4)]
    batches = execute(iter(cells), inputs(tmp_path, [choice]), Budget(), PROCESSES, no_deadline())
    next(batches)
    assert worker_pids(mark)
    batches.close()
    assert not marked(mark)


ORPHANS = """
import sys
from pathlib import Path
from bench.executor import execute, no_deadline
from bench.settings import Budget, ExecutorSpec
from tests.builders import cell, inputs
from tests.toy_models import toy

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    models = [toy(way, way, folder / "notes") for way in ("holds the interpreter", "takes memory in sessions")]
    budget, executor = Budget(memory_mb=10_000), ExecutorSpec(name="processes", workers=2)
    list(execute(iter(map(cell, models)), inputs(folder, models), budget, executor, no_deadline()))
"""


@LINUX
@pytest.mark.parametrize("guarded", [True, False])
def test_nothing_outlives_a_parent_that_is_killed(tmp_path, mark, guarded):
    (tmp_path / "orphans.py").write_text(ORPHANS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    parent = subprocess.Popen([sys.executable, tmp_path / "orphans.py", tmp_path], env=environment)
    limit = time.monotonic() + 60
    while len(notes(tmp_path / "notes")) < 2 and time.monotonic() < limit:
        time.sleep(0.05)
    time.sleep(0.5)
    assert len(worker_pids(mark)) >= 7
    if not guarded:
        # Then each worker sees to itself, as far as it gets to run.
        (guard,) = [one for one in marked(mark) if "guard.py" in " ".join(one.cmdline())]
        guard.kill()
    parent.kill()
    parent.wait()
    if guarded:
        assert gone(mark, 2)
    else:
        time.sleep(2)
        (stuck,) = marked(mark)
        assert MARK in stuck.environ()
        stuck.kill()


def test_a_model_leaves_no_trace_in_the_process_of_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    models = [toy("bad", "goes elsewhere"), toy("good")]
    mode = os.umask(0o022)
    os.umask(mode)
    before = dict(os.environ)
    records = run([cell(choice) for choice in models], inputs(Path(), models), Budget(), ExecutorSpec())
    assert [record.status for record in records] == ["ok", "ok"]
    assert Path.cwd() == tmp_path
    assert os.environ.items() >= before.items()
    assert os.umask(mode) == mode
    assert sorted(path.parent.name for path in (tmp_path / "predictions").rglob("*.npz")) == ["bad", "good"]


def test_an_unknown_executor_is_named_with_its_nearest(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'serial'"):
        run([], inputs(tmp_path, []), Budget(), ExecutorSpec(name="seriel"))


def test_cores_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("bench.executor.cores", lambda: 8)
    assert threads_per_cell(Budget(), ExecutorSpec()) == 8
    assert threads_per_cell(Budget(), ExecutorSpec(name="processes", workers=4)) == 2
    assert threads_per_cell(Budget(), ExecutorSpec(name="processes", workers=0)) == 1
    assert threads_per_cell(Budget(threads=3), ExecutorSpec()) == 3


@pytest.mark.parametrize(
    ("series", "executor", "workers"),
    [
        (100, ExecutorSpec(name="processes", workers=0), 1),
        (99, ExecutorSpec(name="processes", workers=0), 0),
        (100, ExecutorSpec(name="processes", workers=3), 3),
        (100, ExecutorSpec(name="ray", workers=0), 0),
    ],
)
def test_cells_of_many_series_come_one_at_a_time_where_the_number_is_left_open(series, executor, workers):
    assert suited(executor, panel([20] * series)).workers == workers


def test_threads_are_capped_for_libraries_that_load_later(monkeypatch):
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "unset")
    cap_threads(2, workers=1)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert os.environ["OMP_WAIT_POLICY"] == "unset"
    cap_threads(1, workers=2)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
