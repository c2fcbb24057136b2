import sys

import pytest

from bench.errors import ConfigError
from bench.executor import cap_threads, execute, no_deadline, threads_per_cell
from bench.settings import Budget, ExecutorSpec
from tests.builders import cell, inputs
from tests.toy_models import toy


@pytest.fixture(autouse=True)
def _sockets(socket_enabled):
    """Worker processes are fed over Unix sockets."""


PROCESSES = ExecutorSpec(name="processes", workers=2)


def run(cells, shared, budget, executor):
    """Run a fixed list of cells and return its records."""
    batches = execute(iter(cells), shared, budget, executor, no_deadline())
    return [record for batch in batches for record in batch]


def by_id(records):
    return {(r.model, r.fold, r.seed): (r.status, r.scores, r.digest) for r in records}


def test_serial_and_processes_give_the_same_records(tmp_path):
    models = [toy("a", "depends on the seed"), toy("b")]
    shared = inputs(tmp_path, models)
    cells = [cell(choice, fold=fold, seed=seed) for choice in models for fold in range(3) for seed in range(2)]
    serial = by_id(run(cells, shared, Budget(), ExecutorSpec()))
    assert len(serial) == 12
    assert serial == by_id(run(cells, shared, Budget(), PROCESSES))


def test_a_cell_past_its_limit_is_stopped_and_its_neighbours_are_not(tmp_path):
    models = [toy("sleeper", "sleeps"), toy("good")]
    cells = [cell(models[0]), *(cell(models[1], fold=fold) for fold in range(3))]
    records = list(run(cells, inputs(tmp_path, models), Budget(cell_seconds=15), PROCESSES))
    (stopped,) = [r for r in records if r.model == "sleeper"]
    assert stopped.status == "timeout"
    assert "15 s" in stopped.reason
    assert [r.status for r in records if r.model == "good"] == ["ok"] * 3


def test_a_model_that_kills_its_process_is_a_failed_row(tmp_path):
    models = [toy("killer", "exits"), toy("good")]
    cells = [cell(models[0]), cell(models[1])]
    records = {r.model: r for r in run(cells, inputs(tmp_path, models), Budget(), PROCESSES)}
    assert records["killer"].status == "failed"
    assert "exit code 7" in records["killer"].reason
    assert records["good"].status == "ok"


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_model_that_takes_too_much_memory_is_a_row(tmp_path):
    models = [toy("hungry", "takes a gigabyte"), toy("good")]
    cells = [cell(choice) for choice in models]
    records = {r.model: r for r in run(cells, inputs(tmp_path, models), Budget(memory_mb=900), PROCESSES)}
    assert records["hungry"].status == "oom"
    assert records["good"].status == "ok"


def test_an_unknown_executor_is_named_with_its_nearest(tmp_path):
    with pytest.raises(ConfigError, match="Did you mean 'serial'"):
        run([], inputs(tmp_path, []), Budget(), ExecutorSpec(name="seriel"))


def test_cores_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("bench.executor.cores", lambda: 8)
    assert threads_per_cell(Budget(), ExecutorSpec()) == 8
    assert threads_per_cell(Budget(), ExecutorSpec(name="processes", workers=4)) == 2
    assert threads_per_cell(Budget(), ExecutorSpec(name="processes", workers=0)) == 1
    assert threads_per_cell(Budget(threads=3), ExecutorSpec()) == 3


def test_threads_are_capped_for_libraries_that_load_later(monkeypatch):
    import os

    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "unset")
    cap_threads(2, workers=1)
    assert os.environ["OMP_NUM_THREADS"] == os.environ["OPENBLAS_NUM_THREADS"] == "2"
    assert os.environ["OMP_WAIT_POLICY"] == "unset"
    cap_threads(1, workers=2)
    assert os.environ["OMP_NUM_THREADS"] == "1"
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
