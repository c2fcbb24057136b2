"""Cells in worker processes that can be killed: whatever a cell does to its process is a row, and no more.

Each worker is a pool of one, so that no lock is shared: a worker that is killed while it holds one would stop the
others. Time is measured here on the monotonic clock, from the worker's word that it has begun.
"""

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, wait
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.cell import CellInputs, log_path, run_cell
from bench.errors import BenchError
from bench.executor.limits import Limits, died, killed_from_outside
from bench.executor.watch import kill_tree, lead_group, memory_mb, tree
from bench.files import clear_disk_errors
from bench.types import Cell, Record

POLL_SECONDS = 0.05
TICK_SECONDS = 1.0
START_SECONDS = 120.0
"""A worker that has not begun a cell after this long is replaced, and the cell tried once more."""
KEPT_OUTPUT = 100_000
"""Bytes of a cell's output that its log keeps: the last ones."""
FROM_OUTSIDE = ("SIGKILL", "SIGTERM", "SIGHUP", "SIGINT")
"""Signals that something else sends: the system out of memory, an operator. A cell hit by one is tried once more."""

_inputs: CellInputs | None = None
_pipe: Connection | None = None


def run_in_processes(
    source: Iterator[Cell | None], inputs: CellInputs, workers: int, limits: Limits
) -> Iterator[list[Record]]:
    """Run cells in ``workers`` warm processes and yield records as they finish.

    A worker is started afresh rather than forked, so that it loads the numerical libraries under its own thread cap.

    Parameters
    ----------
    source : iterator of Cell or None
        See `bench.executor.execute`.
    inputs : CellInputs
    workers : int
    limits : Limits
        Hard ones: of time and memory of a cell with the processes that it starts, and the end of the run.
    """
    slots: list[_Slot] = []
    hit: set[Cell] = set()
    again: list[Cell] = []
    told = time.monotonic()
    try:
        while True:
            drawn = True
            while drawn and sum(slot.busy for slot in slots) < workers:
                cell = again.pop() if again else next(source, None)
                drawn = cell is not None
                if cell is not None:
                    _idle(slots, inputs, hit).start(cell)
            busy = [slot for slot in slots if slot.busy]
            if not busy:
                return
            wait([slot.future for slot in busy], timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
            records = []
            for slot in busy:
                slot.watch(limits)
                if slot.future.done():
                    record = slot.finish()
                    if record is None:
                        again.append(slot.cell)
                    else:
                        records.append(record)
                    if slot.stuck:
                        slots.remove(slot)
                        slot.stop()
            if records or time.monotonic() > told + TICK_SECONDS:
                told = time.monotonic()
                yield records
    finally:
        # Also on Ctrl-C and when the consumer stops early: no worker outlives the run.
        for slot in slots:
            slot.stop()


@dataclass
class _Slot:
    """One worker and the cell that it runs."""

    inputs: CellInputs
    hit: set[Cell]
    """Cells whose worker something killed from outside; shared by all workers."""
    cell: Any = None
    future: Any = None
    busy: bool = False
    pid: int = 0
    begun: float = float("nan")
    asked: float = 0.0
    looked: float = 0.0
    verdict: Record | None = None
    """Why we killed it."""
    stuck: bool = False
    """It does not begin: the worker before it died with the lock of the pool."""

    def __post_init__(self) -> None:
        from pebble import ProcessPool

        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe(duplex=False)
        self.pool = ProcessPool(max_workers=1, context=context, initializer=_receive, initargs=(self.inputs, theirs))

    def start(self, cell: Cell) -> None:
        self.cell, self.busy, self.verdict = cell, True, None
        self.begun, self.asked, self.looked = float("nan"), time.monotonic(), 0.0
        self.future = self.pool.schedule(_run, args=(cell,))

    def watch(self, limits: Limits) -> None:
        """Kill the worker where its cell is past a limit."""
        now = time.monotonic()
        while self.pipe.poll():
            self.pid, self.begun = self.pipe.recv(), now
        if self.verdict is not None:
            return
        if now > limits.deadline:
            self.verdict = limits.out_of_time(self.cell)
        elif now - self.begun > limits.cell_seconds:
            self.verdict = limits.timed_out(self.cell)
        elif now > self.looked and self.begun == self.begun:
            processes = tree(self.pid)
            used = memory_mb(processes, limits.memory_mb)
            # Looking takes longer the more processes there are; it is to cost no more than a twentieth.
            self.looked = time.monotonic() + 20 * (time.monotonic() - now)
            if used > limits.memory_mb:
                self.verdict = limits.out_of_memory(self.cell, used)
        elif now - self.asked > START_SECONDS and self.begun != self.begun:
            self.stuck = True
            self.future.cancel()
        if self.verdict is not None:
            self.kill()

    def kill(self) -> None:
        if self.begun == self.begun:
            kill_tree(self.pid)
        else:
            # Nothing is known of its process: the pool ends it.
            self.future.cancel()

    def finish(self) -> Record | None:
        """Return the record of the cell, or None where it is to be run again."""
        self.busy = False
        try:
            record: Record = self.future.result()
            return record
        except (OSError, CancelledError) as error:
            if self.verdict is not None:
                return self.verdict
            return self._expired(getattr(error, "exitcode", None), error)
        except BenchError:
            raise
        except Exception as error:
            # The pool could not hand over the cell or its record.
            return died(self.cell, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")

    def _expired(self, code: int | None, error: BaseException) -> Record | None:
        """Return the row of a cell whose worker is gone by no deed of ours, or None where it is to be tried again."""
        name = _signal_name(code)
        if code is None or name in FROM_OUTSIDE:
            if self.cell in self.hit:
                return killed_from_outside(self.cell, name or type(error).__name__)
            self.hit.add(self.cell)
            return None
        return died(self.cell, f"it crashed with {name}" if name else f"exit code {code}")

    def stop(self) -> None:
        if self.busy:
            self.kill()
        self.pool.stop()
        self.pool.join()
        self.pipe.close()


def _signal_name(code: int | None) -> str:
    """Return the signal that ended a process with this exit code; empty where none did."""
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name if code is not None and code < 0 else ""
    return f"signal {-(code or 0)}"


def _idle(slots: list[_Slot], inputs: CellInputs, hit: set[Cell]) -> _Slot:
    for slot in slots:
        if not slot.busy:
            return slot
    slots.append(_Slot(inputs, hit))
    return slots[-1]


def _receive(inputs: CellInputs, pipe: Connection) -> None:
    global _inputs, _pipe
    _inputs, _pipe = inputs, pipe
    lead_group()


def _run(cell: Cell) -> Record:
    assert _inputs is not None
    assert _pipe is not None
    with _output_to_log(cell, _inputs):
        _pipe.send(os.getpid())
        try:
            return run_cell(cell, _inputs)
        except KeyboardInterrupt:
            # The terminal's own does not get here.
            return Record.unscored(cell, "failed", "The model raised KeyboardInterrupt.")


@contextlib.contextmanager
def _output_to_log(cell: Cell, inputs: CellInputs) -> Iterator[None]:
    """Send what the cell prints to its log, also from C and from processes that it starts; keep the end of it."""
    path = log_path(cell, inputs.logs)
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    before = os.dup(1), os.dup(2)
    try:
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        faulthandler.enable(file=handle)
        yield
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        for stream, saved in zip((1, 2), before, strict=True):
            os.dup2(saved, stream)
            os.close(saved)
        faulthandler.disable()
        os.close(handle)
        _keep_the_end(path)


def _keep_the_end(path: Path) -> None:
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        if not size:
            path.unlink()
        elif size > KEPT_OUTPUT:
            with path.open("rb") as file:
                file.seek(-KEPT_OUTPUT, os.SEEK_END)
                kept = file.read()
            path.write_bytes(b"...\n" + kept)
