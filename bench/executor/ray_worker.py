"""The Ray executor's end on a node: one warm worker process, watched as ``executor=processes`` watches its own.

An actor of Ray's holds the cores, the memory and the GPUs; the cell runs in a process below it. So a time limit, a
memory limit or a crash costs that process and not the actor, and its row is the same as on one machine. The node keeps
nothing: predictions and output go back with the record, and the one writer is the run.
"""

import contextlib
import hashlib
import inspect
import math
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.cell import CellInputs, log_path
from bench.executor import cap_threads
from bench.executor.limits import Limits
from bench.executor.processes import run_in_processes
from bench.machine import release
from bench.predictions import Predictions, Probabilities
from bench.provenance import code_hash
from bench.types import Cell, ModelChoice, Record
from bench.zoo.features import Segment

HARNESS = ("bench.bagging", "bench.building", "bench.cell", "bench.metrics", "bench.predictions", "bench.study")
"""Modules that fit, score and hash, whatever the model."""
KEPT_LOG = 100_000
"""Bytes of a cell's log that go back with its record: the last ones."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What comes back from a node."""

    record: Record
    probabilities: Probabilities | None
    log: bytes
    """The end of what the cell printed, and its traceback."""


class Worker:
    """The actor: one cell at a time, and beside it the word to stop."""

    def __init__(self, inputs: CellInputs, limits: Limits, gpus: float) -> None:
        import ray

        context = ray.get_runtime_context()
        session = Path(context.get_temp_dir()) / context.get_session_name()
        self.shared = session / f"bench-{context.get_job_id()}"
        """Of all workers of the run on this node; holds the vectors of frozen encoders."""
        self.own = self.shared / context.get_actor_id()
        self.features = replace(inputs.features, folder=self.shared / "features", portable=True)
        self.inputs = replace(
            inputs,
            features=self.features,
            memory=None if inputs.memory is None else replace(inputs.memory, folder=self.shared / "forecasts"),
            predictions=None if inputs.predictions is None else Predictions(self.own / "predictions"),
            logs=self.own / "logs",
        )
        self._prepare(gpus)
        self.cell: Cell | None = None
        # The end of the run is kept by the run itself: the clocks of two machines have nothing in common.
        self.batches = run_in_processes(self._draw(), self.inputs, 1, replace(limits, deadline=math.inf))
        self.taken: set[str] = set()
        self.busy = threading.Lock()
        self.stopped = False

    def ready(self) -> dict[str, str]:
        """Return what has to be the same on all machines of a run."""
        return versions(self.inputs.models)

    def run(self, cell: Cell, *segments: Segment) -> Outcome:
        """Run one cell.

        Parameters
        ----------
        cell : Cell
        *segments : Segment
            Vectors of its model's frozen encoders, out of the object store.
        """
        with self.busy:
            for segment in segments:
                if segment.name not in self.taken:
                    self.features.take(segment)
                    self.taken.add(segment.name)
            self.cell = cell
            record = self._record()
            kept = self.inputs.predictions
            probabilities = kept.load(record) if kept is not None and record.status == "ok" else None
            outcome = Outcome(record=record, probabilities=probabilities, log=_end_of(log_path(cell, self.inputs.logs)))
            shutil.rmtree(self.own, ignore_errors=True)
            return outcome

    def stop(self, for_good: bool) -> None:
        """End the worker process with everything that it started; ``for_good`` where the run ends with it."""
        self.stopped = True
        with self.busy:
            self.batches.close()  # type: ignore[attr-defined]
            shutil.rmtree(self.shared if for_good else self.own, ignore_errors=True)

    def _prepare(self, gpus: float) -> None:
        cap_threads(self.inputs.threads, workers=2)
        if not gpus:
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        # A worker process would first load Ray's own start script, and Ray with it.
        vars(sys.modules["__main__"]).pop("__file__", None)

    def _draw(self) -> Iterator[Cell | None]:
        while True:
            cell, self.cell = self.cell, None
            yield cell

    def _record(self) -> Record:
        for batch in self.batches:
            if batch:
                return batch[0]
            if self.stopped:
                break
        raise RuntimeError("It was told to stop.")


def versions(models: Sequence[ModelChoice]) -> dict[str, str]:
    """Return what has to be the same on all machines whose scores stand in one table."""
    libraries = sorted({library for choice in models for library in choice.spec.libraries})
    harness = "".join(inspect.getsource(sys.modules[name]) for name in HARNESS).encode()
    return {
        **{library: release(library) for library in libraries},
        "the harness in version": hashlib.sha256(harness).hexdigest()[:8],
        **{
            f"{part.spec.name} in version": code_hash(part.spec.build)[:8]
            for choice in models
            for part in (choice, *choice.members)
        },
    }


def _end_of(path: Path) -> bytes:
    with contextlib.suppress(OSError), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - KEPT_LOG))
        return file.read()
    return b""
