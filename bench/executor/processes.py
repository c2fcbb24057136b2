"""Cells in worker processes that can be killed: whatever a cell does to its process is a row, and no more.

Time is measured here, on the monotonic clock, from the moment at which a worker that was ready got the cell.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from bench.cell import CellInputs, log_path, run_cell
from bench.errors import BenchError
from bench.executor.limits import FROM_OUTSIDE, Limits, died, killed_from_outside, signal_name
from bench.executor.output import keep_short, keep_the_end, output_to
from bench.executor.serve import Answer
from bench.executor.watch import memory_mb, tree
from bench.executor.worker import Crew, Worker
from bench.types import Cell, Record

POLL_SECONDS = 0.05
TICK_SECONDS = 1.0
START_SECONDS = 120.0
"""A worker that is not ready after this long is replaced."""
FAILED_STARTS = 5
"""One after the other, after which there is no use in trying."""
LEFT_MEMORY = 0.5
"""Share of the limit; a worker that holds more after a cell is replaced, so that the next one is not to blame."""


def run_in_processes(
    source: Iterator[Cell | None], inputs: CellInputs, workers: int, limits: Limits
) -> Iterator[list[Record]]:
    """Run cells in ``workers`` warm processes and yield records as they finish.

    Parameters
    ----------
    source : iterator of Cell or None
        See `bench.executor.execute`.
    inputs : CellInputs
    workers : int
    limits : Limits
        Hard ones: of time and memory of a cell with the processes that it starts, and the end of the run.

    Raises
    ------
    BenchError
        If no worker can be started, or the disk is full.
    """
    told = time.monotonic()
    # Also on Ctrl-C and when the consumer stops early: no worker outlives the run.
    with Crew() as crew:
        shift = _Shift(crew, inputs, limits)
        while True:
            drawn = True
            while drawn and len(shift.busy) < workers:
                cell = shift.again.pop() if shift.again else next(source, None)
                drawn = cell is not None
                if cell is not None:
                    shift.begin(cell)
            if not shift.busy:
                return
            wait([seat.worker.answers for seat in shift.busy], timeout=POLL_SECONDS)
            records = [record for seat in [*shift.busy] if (record := shift.look(seat)) is not None]
            if records or time.monotonic() > told + TICK_SECONDS:
                told = time.monotonic()
                yield records


@dataclass(eq=False)
class _Seat:
    """A worker and the cell that it runs."""

    worker: Worker
    cell: Cell
    asked: float = field(default_factory=time.monotonic)
    begun: float = math.inf
    looked: float = 0.0
    """When its memory is looked at again."""


@dataclass
class _Shift:
    """Who runs what, and what is to be run again."""

    crew: Crew
    inputs: CellInputs
    limits: Limits
    busy: list[_Seat] = field(default_factory=list)
    idle: list[Worker] = field(default_factory=list)
    again: list[Cell] = field(default_factory=list)
    hit: set[Cell] = field(default_factory=set)
    """Cells whose worker ended by no fault of theirs, as far as one can tell."""
    failed_starts: int = 0
    """Since one succeeded."""

    def begin(self, cell: Cell) -> None:
        """Give a cell to a worker that waits, or to a new one."""
        while self.idle:
            worker = self.idle.pop()
            # It may have been killed while it waited.
            if worker.alive and worker.ask(cell):
                self.busy.append(_Seat(worker, cell, begun=time.monotonic()))
                return
            self.crew.end(worker)
        self.busy.append(_Seat(self.crew.start(_run, self.inputs), cell))

    def look(self, seat: _Seat) -> Record | None:
        """Return the record of a cell if it is done, or was stopped."""
        alive = seat.worker.alive
        # In this order: it may have answered just before it ended.
        answer = seat.worker.answer()
        if answer is not None:
            return self._take(seat, answer)
        if not alive or seat.worker.mute:
            return self._lost(seat)
        record = self._past_limit(seat)
        if record is not None:
            self._end(seat)
        elif time.monotonic() - seat.asked > START_SECONDS and not seat.worker.ready:
            self._failed_to_start(seat, f"it was not ready after {START_SECONDS:g} s")
        return record

    def _take(self, seat: _Seat, answer: Answer) -> Record | None:
        match answer.kind:
            case "ready":
                self.failed_starts = 0
                seat.begun = time.monotonic()
                # Where that fails, it has ended, which is seen at the next look.
                seat.worker.ask(seat.cell)
                return None
            case "done":
                self._release(seat, answer)
                record: Record = answer.value
                return record
            case "refused":
                raise answer.value
            case "broken" if seat.begun == math.inf:
                self._failed_to_start(seat, answer.value)
                return None
            case _:
                self._end(seat)
                return Record.unscored(seat.cell, "failed", f"Its worker could not run it: {answer.value}.")

    def _release(self, seat: _Seat, answer: Answer) -> None:
        """Keep a worker for the next cell, unless this one left something behind."""
        heavy = memory_mb(tree(seat.worker.pid, descend=False), math.inf) > LEFT_MEMORY * self.limits.memory_mb
        if heavy or (answer.children and seat.worker.left_something()) or answer.value.status == "oom":
            self._end(seat)
        else:
            self.busy.remove(seat)
            self.idle.append(seat.worker)
            keep_the_end(self._log(seat))

    def _past_limit(self, seat: _Seat) -> Record | None:
        now = time.monotonic()
        if now > self.limits.deadline:
            return self.limits.out_of_time(seat.cell)
        if now - seat.begun > self.limits.cell_seconds:
            return self.limits.timed_out(seat.cell)
        if now > max(seat.looked, seat.begun + POLL_SECONDS):
            used = memory_mb(tree(seat.worker.pid), self.limits.memory_mb)
            keep_short(self._log(seat))
            # Looking takes longer the more processes there are; it is to cost no more than a twentieth.
            seat.looked = time.monotonic() + min(20 * (time.monotonic() - now), TICK_SECONDS)
            if used > self.limits.memory_mb:
                return self.limits.out_of_memory(seat.cell, used)
        return None

    def _lost(self, seat: _Seat) -> Record | None:
        """Return the row of a cell whose worker has ended by no deed of ours, or None where it is to be tried again."""
        code = seat.worker.wait()
        name = signal_name(code)
        how = f"it crashed with {name}" if name else f"exit code {code}"
        how = "it closed all files" if code is None else how
        if seat.begun == math.inf:
            self._failed_to_start(seat, how)
            return None
        self._end(seat)
        # What ends a worker may have been left behind by a cell before this one.
        if seat.cell not in self.hit and (name in FROM_OUTSIDE or seat.worker.served):
            self.hit.add(seat.cell)
            self.again.append(seat.cell)
            return None
        return killed_from_outside(seat.cell, name) if name in FROM_OUTSIDE else died(seat.cell, how)

    def _failed_to_start(self, seat: _Seat, why: str) -> None:
        self._end(seat)
        self.again.append(seat.cell)
        self.failed_starts += 1
        if self.failed_starts >= FAILED_STARTS:
            raise BenchError(
                f"Worker processes cannot be started: the last {FAILED_STARTS} ended before their first cell ({why}). "
                "executor=serial runs the cells in this process and shows what is wrong."
            )

    def _end(self, seat: _Seat) -> None:
        self.busy.remove(seat)
        self.crew.end(seat.worker)
        keep_the_end(self._log(seat))

    def _log(self, seat: _Seat) -> Path:
        return log_path(seat.cell, self.inputs.logs)


def _run(cell: Cell, inputs: CellInputs) -> Any:
    with output_to(log_path(cell, inputs.logs)):
        try:
            return run_cell(cell, inputs)
        except KeyboardInterrupt:
            # The terminal's own does not get here.
            return Record.unscored(cell, "failed", "The model raised KeyboardInterrupt.")
