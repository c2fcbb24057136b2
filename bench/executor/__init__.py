"""Ways to run cells: one after the other, in worker processes, or on a Ray cluster. Same cells, same records."""

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.cell import CellInputs
from bench.errors import ConfigError, did_you_mean
from bench.executor.limits import Limits
from bench.machine import cores, memory_allowed_mb
from bench.panel import series_of
from bench.settings import Budget, ExecutorSpec
from bench.types import Cell, Dataset, ModelChoice, Record

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
EXECUTORS = ("serial", "processes", "ray")
LEAST_MEMORY_MB = 2500
"""Of the machine's memory for each worker, where their number is not given."""
MANY_SERIES = 100
"""From which a panel's cells come one at a time."""
MEMORY_SHARE = 0.8
"""Of the machine's memory, divided among the workers where no limit is given."""


def threads_per_cell(budget: Budget, executor: ExecutorSpec) -> int:
    """Return how many threads a cell may use: the budget's number, or the cores divided among the workers."""
    if executor.address:
        # Nothing is known of the machines of a cluster yet; one thread fits everywhere.
        return budget.threads or 1
    return budget.threads or max(1, cores() // worker_count(executor))


def worker_count(executor: ExecutorSpec) -> int:
    """Return the number of cells that run at a time."""
    if executor.name == "serial":
        return 1
    return executor.workers or max(1, min(cores(), int(memory_allowed_mb() / LEAST_MEMORY_MB)))


def suited(executor: ExecutorSpec, dataset: Dataset) -> ExecutorSpec:
    """Return how cells of a data set are run where the number of workers is left open.

    One at a time where there are many series, for a model shares these out among the cores, and two cells that ask for
    the same forecasts at once both make them.
    """
    many = dataset.forecasting is not None and series_of(dataset) >= MANY_SERIES
    return replace(executor, workers=1) if many and executor.name == "processes" and not executor.workers else executor


def limits_of(budget: Budget, executor: ExecutorSpec, deadline: float) -> Limits:
    """Return what a cell may use; with ``executor=ray`` 0 MB stands for its share of its node.

    Parameters
    ----------
    budget : Budget
    executor : ExecutorSpec
    deadline : float
        End of the run, on the monotonic clock.
    """
    memory = float(budget.memory_mb)
    if not memory and executor.name != "ray":
        memory = MEMORY_SHARE * memory_allowed_mb() / worker_count(executor)
    return Limits(
        cell_seconds=budget.cell_seconds,
        memory_mb=memory,
        deadline=deadline,
        run_seconds=budget.run_seconds,
    )


def cap_threads(threads: int, workers: int) -> None:
    """Cap the threads of numerical libraries that are loaded later, here and in worker processes."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    if workers > 1:
        # Threads of several cells that spin while they wait starve each other.
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ["TOKENIZERS_PARALLELISM"] = "true" if threads > 1 else "false"


def execute(
    source: Iterator[Cell | None], inputs: CellInputs, budget: Budget, executor: ExecutorSpec, deadline: float
) -> Iterator[list[Record]]:
    """Run cells as they are drawn from ``source`` and yield their records as they finish.

    Parameters
    ----------
    source : iterator of Cell or None
        Asked for the next cell whenever one can be started; None means that it depends on cells that are running.
    inputs : CellInputs
    budget : Budget
    executor : ExecutorSpec
    deadline : float
        End of the run, on the monotonic clock; cells that are still running then are stopped, where that can be done.

    Yields
    ------
    list of Record
        What has finished since the last one; empty now and then, so that a reader can show the time.

    Raises
    ------
    ConfigError
        If the executor is unknown.
    """
    match executor.name:
        case "serial":
            from bench.executor.serial import run

            return run(source, inputs)
        case "processes":
            from bench.executor.processes import run_in_processes

            return run_in_processes(source, inputs, worker_count(executor), limits_of(budget, executor, deadline))
        case "ray":
            from bench.executor.on_ray import run_on_ray

            return run_on_ray(source, inputs, executor, limits_of(budget, executor, deadline))
        case name:
            raise ConfigError(f"Unknown executor {name!r}. {did_you_mean(name, EXECUTORS)}")


def why_not_portable(models: Sequence[ModelChoice]) -> dict[str, str]:
    """Return the models that cannot be handed to another process, and why."""
    found = {}
    for choice in models:
        try:
            pickle.dumps(choice)
        except Exception as error:
            found[choice.name] = (
                f"It cannot be handed to a worker process ({type(error).__name__}: "
                f"{' '.join(str(error).split())[:150]}). "
                "Define its build and Params at the top of a module, or run it by executor=serial."
            )
    return found


def no_deadline() -> float:
    """Return an end that no run reaches."""
    return time.monotonic() + 10**9
