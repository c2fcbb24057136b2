"""Ways to run cells: one after the other, or in worker processes. Same cells, same records."""

import os
from collections.abc import Iterator, Sequence

from bench.cell import CellInputs
from bench.errors import ConfigError, did_you_mean
from bench.machine import cores
from bench.settings import Budget, ExecutorSpec
from bench.types import Cell, Record

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def threads_per_cell(budget: Budget, executor: ExecutorSpec) -> int:
    """Return how many threads a cell may use: the budget's number, or the cores divided among the workers."""
    return budget.threads or max(1, cores() // worker_count(executor))


def worker_count(executor: ExecutorSpec) -> int:
    """Return the number of cells that run at a time."""
    if executor.name == "serial":
        return 1
    return executor.workers or cores()


def cap_threads(threads: int, workers: int) -> None:
    """Cap the threads of numerical libraries that are loaded later, here and in worker processes."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    if workers > 1:
        # Threads of several cells that spin while they wait starve each other.
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"


def execute(cells: Sequence[Cell], inputs: CellInputs, budget: Budget, executor: ExecutorSpec) -> Iterator[Record]:
    """Run cells and yield their records as they finish.

    Raises
    ------
    ConfigError
        If the executor is unknown.
    """
    match executor.name:
        case "serial":
            from bench.executor.serial import run

            return run(cells, inputs)
        case "processes":
            from bench.executor.processes import run_in_processes

            return run_in_processes(cells, inputs, worker_count(executor), budget)
        case name:
            raise ConfigError(f"Unknown executor {name!r}. {did_you_mean(name, ['serial', 'processes'])}")
