"""Cells on a Ray cluster: one that is started here, or one that is there already.

Ray places workers, moves data and notices what is lost; `bench.executor.ray_worker` runs and watches the cells on the
nodes. What all cells share is put into the object store once. Each worker has one cell at a time, so that a lost node
costs the cells that ran there and no queue.
"""

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bench.cell import CellInputs, log_path
from bench.errors import BenchError, ConfigError
from bench.executor.limits import Limits, died, killed_from_outside
from bench.executor.ray_cluster import connected, import_ray, nodes, places, share_mb
from bench.executor.ray_worker import Outcome, Worker, versions
from bench.settings import ExecutorSpec
from bench.types import Cell, ModelChoice, Record

TICK_SECONDS = 1.0
"""After which something is yielded, if only that time has passed."""
SILENT_SECONDS = 300.0
"""A worker that says nothing for this long after the limit of its cell is lost."""
FETCH_SECONDS = 60.0
"""For a result that is there already; longer, and the node that holds it is lost."""
STOP_SECONDS = 8.0
"""For workers to end what they run, before Ray ends them."""
PENDING_SECONDS = 10.0
"""A worker that has waited this long for its place may want that of an idle one of another kind."""


def run_on_ray(
    source: Iterator[Cell | None], inputs: CellInputs, executor: ExecutorSpec, limits: Limits
) -> Iterator[list[Record]]:
    """Run cells on a Ray cluster and yield records as they come back.

    Parameters
    ----------
    source : iterator of Cell or None
        See `bench.executor.execute`.
    inputs : CellInputs
    executor : ExecutorSpec
    limits : Limits
        Hard ones. A memory limit of 0 gives each worker its share of its node.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    ConfigError
        If there is no cluster at the address, a cell fits on no node, or a node has other versions than this machine.
    """
    ray = import_ray(executor.address)
    return _run(ray, source, inputs, executor, limits)


def _run(
    ray: Any, source: Iterator[Cell | None], inputs: CellInputs, executor: ExecutorSpec, limits: Limits
) -> Iterator[list[Record]]:
    with connected(ray, executor, inputs.threads, limits.memory_mb):
        pool = _Pool(ray, inputs, limits, executor.workers)
        try:
            yield from pool.work(source)
        finally:
            # Also on Ctrl-C and when the consumer stops early: nothing runs on after the run.
            pool.stop([*pool.workers, *pool.leaving], for_good=True)


@dataclass(kw_only=True, eq=False)
class _Seat:
    """A worker as seen from the run."""

    actor: Any
    gpus: float
    ref: Any
    """What is awaited of it: its first word, or an outcome; None while it is idle."""
    since: float
    cell: Cell | None = None

    @property
    def idle(self) -> bool:
        return self.ref is None

    @property
    def starting(self) -> bool:
        return self.ref is not None and self.cell is None


class _Pool:
    """The workers of one run."""

    def __init__(self, ray: Any, inputs: CellInputs, limits: Limits, workers: int) -> None:
        self.ray = ray
        self.inputs = inputs
        self.wanted = workers
        there = nodes(ray)
        memory_mb = limits.memory_mb or share_mb(there, inputs.threads)
        self.limits = replace(limits, memory_mb=memory_mb)
        room = places(there, inputs.threads, memory_mb)
        self.slots = workers or room
        if not room:
            raise ConfigError(
                f"A cell asks for {inputs.threads} CPUs and {memory_mb:,.0f} MB, and no node of the Ray cluster has as "
                "much. Give a smaller budget.threads= or budget.memory_mb=."
            )
        self.most_gpus = max(node.get("GPU", 0.0) for node in there)
        self.shared = ray.put(inputs)
        self.segments: dict[str, Any] = {}
        self.versions = versions(inputs.models)
        self.workers: list[_Seat] = []
        self.leaving: list[_Seat] = []
        """Those whose cells the end of the run has made rows of."""
        self.waiting: list[Cell] = []
        self.hit: set[Cell] = set()
        """Cells whose worker was lost."""
        self.failures = 0
        """Workers that did not start, since one did."""
        self.any_started = False

    def work(self, source: Iterator[Cell | None]) -> Iterator[list[Record]]:
        told = time.monotonic()
        while True:
            while len(self.waiting) + sum(seat.cell is not None for seat in self.workers) < self.slots:
                cell = next(source, None)
                if cell is None:
                    break
                self.waiting.append(cell)
            if not self.waiting and not any(seat.cell for seat in self.workers):
                return
            records = [*self._refuse(), *self._end()]
            self._place()
            records += self._collect(0 if records else TICK_SECONDS)
            if records or time.monotonic() > told + TICK_SECONDS:
                told = time.monotonic()
                # A cluster may lose nodes, and win some.
                self.slots = self.wanted or max(1, places(nodes(self.ray), self.inputs.threads, self.limits.memory_mb))
                yield records

    def stop(self, seats: Sequence[_Seat], for_good: bool = False) -> None:
        """Let workers end what they run, and give their places back."""
        stops = [seat.actor.stop.remote(for_good) for seat in seats if not seat.starting]
        if stops:
            self.ray.wait(stops, num_returns=len(stops), timeout=STOP_SECONDS)
        for seat in seats:
            self._drop(seat)

    def _drop(self, seat: _Seat) -> None:
        self.workers = [other for other in self.workers if other is not seat]
        # It may be gone already, with its node.
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.kill(seat.actor)

    def _gpus(self, cell: Cell) -> float:
        return self.inputs.choice(cell.model).spec.gpus

    def _refuse(self) -> list[Record]:
        """Return the rows of cells that ask for more GPUs than any node has."""
        out = [cell for cell in self.waiting if self._gpus(cell) > self.most_gpus]
        self.waiting = [cell for cell in self.waiting if cell not in out]
        reason = "It asks for {:g} GPUs, and no node of the Ray cluster has as many."
        return [Record.unscored(cell, "unavailable", reason.format(self._gpus(cell))) for cell in out]

    def _end(self) -> list[Record]:
        """Return the rows of everything that is not done, once the time of the run is up."""
        if time.monotonic() < self.limits.deadline:
            return []
        busy = [seat for seat in self.workers if seat.cell is not None]
        cells = [*(seat.cell for seat in busy if seat.cell is not None), *self.waiting]
        self.waiting = []
        self.leaving += busy
        self.workers = [seat for seat in self.workers if seat not in busy]
        if self.any_started:
            return [self.limits.out_of_time(cell) for cell in cells]
        reason = f"The Ray cluster had no place within the run's {self.limits.run_seconds:g} s (budget.run_seconds)."
        return [Record.unscored(cell, "skipped", reason) for cell in cells]

    def _place(self) -> None:
        """Give waiting cells to idle workers, and start workers for the others."""
        for cell in list(self.waiting):
            seat = next((seat for seat in self.workers if seat.idle and seat.gpus == self._gpus(cell)), None)
            if seat is not None:
                self.waiting.remove(cell)
                seat.cell, seat.since = cell, time.monotonic()
                seat.ref = seat.actor.run.remote(cell, *self._segments(cell.model))
        for gpus, count in Counter(map(self._gpus, self.waiting)).items():
            starting = [seat for seat in self.workers if seat.starting and seat.gpus == gpus]
            for _ in range(count - len(starting)):
                if len(self.workers) < self.slots or self._make_room(gpus):
                    self.workers.append(self._start(gpus))
            if any(time.monotonic() > seat.since + PENDING_SECONDS for seat in starting):
                self._make_room(gpus)

    def _make_room(self, gpus: float) -> bool:
        """Stop an idle worker of another kind, if there is one: it holds what a worker of this kind needs."""
        other = [seat for seat in self.workers if seat.idle and seat.gpus != gpus][:1]
        self.stop(other)
        return bool(other)

    def _start(self, gpus: float) -> _Seat:
        remote = self.ray.remote(Worker).options(
            num_cpus=self.inputs.threads,
            num_gpus=gpus,
            memory=int(self.limits.memory_mb * 1e6),
            # A cell, and beside it the word to stop.
            max_concurrency=2,
            max_restarts=0,
            max_task_retries=0,
        )
        actor = remote.remote(self.shared, self.limits, gpus)
        return _Seat(actor=actor, gpus=gpus, ref=actor.ready.remote(), since=time.monotonic())

    def _segments(self, model: str) -> list[Any]:
        """Return the vectors that a model's cells need, in the object store; an ensemble may need several."""
        found = (self._segment(part) for part in self.inputs.choice(model).parts)
        return [segment for segment in found if segment is not None]

    def _segment(self, choice: ModelChoice) -> Any:
        if choice.spec.encoder is None:
            return None
        if choice.name not in self.segments:
            # An encoder that cannot even be named here is the cell's own failure, and becomes its row.
            with contextlib.suppress(Exception):
                encoder = choice.spec.encoder(choice.params, self.inputs.zoo)
                name = self.inputs.features.name_of(encoder)
                segment = self.inputs.features.give(encoder)
                if segment is not None:
                    self.segments[name] = self.segments.get(name) or self.ray.put(segment)
                    self.segments[choice.name] = self.segments[name]
        return self.segments.get(choice.name)

    def _collect(self, seconds: float) -> list[Record]:
        """Wait for something to happen, and return the records that came back."""
        seats = {seat.ref: seat for seat in self.workers if seat.ref is not None}
        if not seats:
            return []
        self.ray.wait(list(seats), timeout=min(seconds, max(0.0, self.limits.deadline - time.monotonic())))
        done, _ = self.ray.wait(list(seats), num_returns=len(seats), timeout=0)
        records = [self._answer(seats[ref]) for ref in done]
        patience = self.limits.cell_seconds + SILENT_SECONDS
        for seat in [*self.workers]:
            if seat.cell is not None and time.monotonic() > seat.since + patience:
                records.append(self._lost(seat, "no answer", out_of_memory=False))
        return [record for record in records if record is not None]

    def _answer(self, seat: _Seat) -> Record | None:
        try:
            answer = self.ray.get(seat.ref, timeout=FETCH_SECONDS)
        except self.ray.exceptions.RayError as error:
            said = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
            out_of_memory = "running low on memory" in str(error)
            return self._lost(seat, said[-1][:200], out_of_memory)
        cell, seat.cell, seat.ref = seat.cell, None, None
        if cell is None:
            self.failures, self.any_started = 0, True
            self._compare(answer)
            return None
        self._keep(cell, answer)
        record: Record = answer.record
        return record

    def _lost(self, seat: _Seat, why: str, out_of_memory: bool) -> Record | None:
        """Let go of a worker; return the row of its cell, or None where that is to be tried again."""
        self._drop(seat)
        cell = seat.cell
        if cell is None:
            self.failures += 1
            if self.failures > 2 + 2 * self.slots:
                raise BenchError(
                    f"The Ray cluster starts no worker ({why}). Its nodes need bench with the same models and "
                    "libraries as this machine."
                )
        elif cell not in self.hit:
            self.hit.add(cell)
            self.waiting.insert(0, cell)
        elif out_of_memory:
            return killed_from_outside(cell, "Ray")
        else:
            return died(cell, f"its node was lost, or Ray ended it, twice ({why})".rstrip("."))
        return None

    def _compare(self, there: Mapping[str, str]) -> None:
        for name, here in self.versions.items():
            if there.get(name) != here:
                raise ConfigError(
                    f"A node of the Ray cluster has {name} {there.get(name)}, and this machine has {here}. Scores of "
                    "one table come from the same versions: install the same ones on all machines."
                )

    def _keep(self, cell: Cell, outcome: Outcome) -> None:
        """Write what a cell brought back beside its record: this machine is the one writer."""
        if outcome.probabilities is not None and self.inputs.predictions is not None:
            self.inputs.predictions.save(cell, outcome.probabilities)
        path = log_path(cell, self.inputs.logs)
        # As with the output of any cell: a full disk must not turn a row into a crash.
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
            if outcome.log:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(outcome.log)
