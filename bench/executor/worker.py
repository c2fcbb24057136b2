"""Worker processes: started, asked, and ended with everything that they started.

No pool of a library's stands behind this. A worker may end at any instant and in any way, with exit code 0 and with
locks held; pools lose the task, or give up. So each worker has two pipes of its own and no lock, its end is seen by
asking the system, and a worker of which anything is in doubt is thrown away. Nothing here looks at a clock that can be
set back.
"""

import contextlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.executor.serve import Answer, one_line, serve
from bench.executor.watch import MARK, kill_marked, kill_tree, living, tree

LEAVE_SECONDS = 2.0
"""In which workers end by themselves, so that what libraries do at the end of a process is done."""


class Crew:
    """The workers of a run; use it as a context, which ends them all."""

    def __init__(self) -> None:
        self.mark = uuid.uuid4().hex
        self.workers: list[Worker] = []
        self._given: tuple[Any, Any, bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Crew":
        """Return itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """End every worker, with all that it started."""
        limit = time.monotonic() + LEAVE_SECONDS
        for worker in self.workers:
            worker.dismiss()
        while any(worker.alive for worker in self.workers) and time.monotonic() < limit:
            time.sleep(0.01)
        for worker in [*self.workers]:
            self.end(worker)
        kill_marked(self.mark)
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()

    def start(self, function: Callable[[Any, Any], Any], shared: Any) -> "Worker":
        """Start a worker that answers each order with ``function(order, shared)``.

        Raises
        ------
        BenchError
            If the system allows no further process.
        """
        try:
            return self._start(self._pickled(function, shared))
        except OSError as error:
            raise BenchError(f"Worker processes cannot be started: {error}.") from error

    def _pickled(self, function: Callable[[Any, Any], Any], shared: Any) -> bytes:
        """Return both as bytes, which all workers are given: data may be large."""
        if self._given is None or self._given[0] is not function or self._given[1] is not shared:
            content = pickle.dumps((function, shared), protocol=pickle.HIGHEST_PROTOCOL)
            self._given = (function, shared, content)
        return self._given[2]

    def _start(self, content: bytes) -> "Worker":
        if self._guard is None and hasattr(os, "fork"):
            command = [sys.executable, "-I", str(Path(__file__).with_name("guard.py")), self.mark, str(os.getpid())]
            quiet = subprocess.DEVNULL
            self._guard = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=quiet, stderr=quiet, start_new_session=True
            )
        worker = Worker(f"{self.mark}-{uuid.uuid4().hex[:8]}", content)
        self.workers.append(worker)
        return worker

    def end(self, worker: "Worker") -> None:
        """Kill a worker, with all that it started."""
        self.workers.remove(worker)
        worker.kill()


class Worker:
    """One process, started afresh rather than forked, so that it loads libraries under its own thread cap."""

    def __init__(self, mark: str, content: bytes) -> None:
        self.mark = mark
        self.ready = False
        self.mute = False
        """Whether it can answer no more."""
        self.served = 0
        """Orders that it answered."""
        context = multiprocessing.get_context("spawn")
        self.answers, theirs = context.Pipe(duplex=False)
        orders, self._orders = context.Pipe(duplex=False)
        # Not daemonic: such a process may start no others.
        self._process = context.Process(target=serve, args=(orders, theirs), daemon=False)
        # A process of the interpreter's own that all workers share; it must not carry the mark of one.
        resource_tracker.ensure_running()
        with _marked(mark), _interrupts_wait():
            self._process.start()
        orders.close()
        theirs.close()
        # By a pipe that breaks with the worker. What is given to its start is written to one that does not, and would
        # be waited for without end; and by a thread, because reading begins when the interpreter is up.
        threading.Thread(target=self._send, args=(content,), daemon=True).start()

    @property
    def pid(self) -> int:
        """Process number."""
        return self._process.pid or 0

    @property
    def exit_code(self) -> int | None:
        """Exit code, the negative number of the signal that ended it, or None while it lives."""
        return self._process.exitcode

    @property
    def alive(self) -> bool:
        """Whether the process lives."""
        return self.exit_code is None

    def ask(self, order: Any) -> bool:
        """Give an order to a worker that waits for one; return whether that could be done."""
        return self._send(pickle.dumps(order))

    def answer(self) -> Answer | None:
        """Return what the worker said since it was last asked; None where it said nothing."""
        # A worker writes an answer in one piece, because a pipe takes as much: there are no halves to wait for.
        try:
            if not self.answers.poll():
                return None
            answer: Answer = self.answers.recv()
        except (EOFError, OSError):
            self.mute = True
            return None
        except Exception as error:
            return Answer("broken", f"its answer cannot be read ({one_line(error)})")
        self.ready = True
        self.served += answer.kind != "ready"
        return answer

    def left_something(self) -> bool:
        """Return whether a process that it started is still running."""
        return len(living(tree(self.pid))) > 1

    def dismiss(self) -> None:
        """Tell it to end by itself."""
        if self.ready:
            self.ask(None)

    def wait(self, seconds: float = 1.0) -> int | None:
        """Return its exit code once it has ended, or None if it does not."""
        limit = time.monotonic() + seconds
        while self.alive and time.monotonic() < limit:
            time.sleep(0.001)
        return self.exit_code

    def kill(self) -> None:
        """Kill it, with everything that it started."""
        if self.alive:
            kill_tree(self.pid)
        kill_marked(self.mark)
        self.wait(LEAVE_SECONDS)
        self.answers.close()
        self._orders.close()

    def _send(self, content: bytes) -> bool:
        # A TypeError where it was closed meanwhile.
        with contextlib.suppress(OSError, TypeError):
            self._orders.send_bytes(content)
            return True
        return False


@contextlib.contextmanager
def _marked(mark: str) -> Iterator[None]:
    """Start processes that carry a mark."""
    before = os.environ.get(MARK)
    os.environ[MARK] = mark
    try:
        yield
    finally:
        if before is None:
            del os.environ[MARK]
        else:
            os.environ[MARK] = before


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach before they have left the terminal."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
