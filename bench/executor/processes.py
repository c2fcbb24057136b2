"""Cells in worker processes that can be killed: a cell past its time limit, or that kills its process, is a row."""

import multiprocessing
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError, as_completed
from concurrent.futures import TimeoutError as FutureTimeout

from bench.cell import CellInputs, run_cell
from bench.settings import Budget
from bench.types import Cell, Record

_inputs: CellInputs | None = None


def run_in_processes(cells: Sequence[Cell], inputs: CellInputs, workers: int, budget: Budget) -> Iterator[Record]:
    """Run cells in ``workers`` processes and yield records as they finish.

    A worker is started afresh rather than forked, so that it loads the numerical libraries under its own thread cap.
    Of the budget, ``cell_seconds`` and ``memory_mb`` are hard limits here.
    """
    from pebble import ProcessExpired, ProcessPool

    pool = ProcessPool(
        max_workers=workers,
        context=multiprocessing.get_context("spawn"),
        initializer=_receive,
        initargs=(inputs, budget.memory_mb),
    )
    try:
        futures = {pool.schedule(_run, args=(cell,), timeout=budget.cell_seconds): cell for cell in cells}
        for future in as_completed(futures):
            cell = futures[future]
            try:
                yield future.result()
            except (TimeoutError, FutureTimeout):
                yield Record.unscored(
                    cell, "timeout", f"Stopped after the limit of {budget.cell_seconds:g} s (budget.cell_seconds)."
                )
            except ProcessExpired as error:
                if error.exitcode == -signal.SIGKILL:
                    yield Record.unscored(cell, "oom", "The system killed the worker, most likely for want of memory.")
                else:
                    yield Record.unscored(cell, "failed", f"The worker process died with exit code {error.exitcode}.")
            except CancelledError:
                yield Record.unscored(cell, "skipped", "Cancelled before it started.")
    finally:
        # Also on Ctrl-C and when the consumer stops early: no worker outlives the run.
        pool.stop()
        pool.join()


def _receive(inputs: CellInputs, memory_mb: int) -> None:
    global _inputs
    _inputs = inputs
    if memory_mb and sys.platform == "linux":
        import resource

        # Private memory only: address space, the usual limit, counts what is mapped and never touched.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * 10**6, memory_mb * 10**6))


def _run(cell: Cell) -> Record:
    assert _inputs is not None
    return run_cell(cell, _inputs)
