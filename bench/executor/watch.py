"""Worker processes as seen from outside: what belongs to one, how much memory that takes, and how it is ended.

What a worker starts may outlive it and hide: in a session of its own, or with a parent that is gone. So each worker
carries a mark in the environment that it was started with, and everything that it starts inherits it.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator

import psutil

MARK = "BENCH_WORKER"
"""Variable of the environment that says which worker a process belongs to."""
ROUNDS = 50
"""In which what is marked is looked for and killed: it may start more processes in the meantime."""


def tree(pid: int, descend: bool = True) -> list[psutil.Process]:
    """Return a process and everything that it started, as far as it is still there; the process alone is found fast."""
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)] if descend else [root]
    return []


def living(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that have not ended."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def memory_mb(processes: list[psutil.Process], enough: float) -> float:
    """Return the memory of processes together, in MB.

    Resident memory, which counts pages that forked processes share once for each; only where it exceeds ``enough`` are
    the shares measured, which takes longer.
    """
    resident = sum(_of_each(processes, _resident)) / 1e6
    if resident <= enough or len(processes) < 2:
        return resident
    return sum(_of_each(processes, _own_share)) / 1e6


def kill_tree(pid: int) -> None:
    """Kill a process with everything that it started; nothing can refuse."""
    processes = tree(pid)
    if hasattr(os, "killpg"):
        # What was started in the meantime is in the worker's group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    _kill(reversed(processes))


def kill_marked(mark: str) -> None:
    """Kill every process whose mark begins like this, until there is none."""
    for _ in range(ROUNDS):
        found = _marked(mark)
        if not found:
            return
        _kill(found)
        time.sleep(0.01)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        # Of other users' processes nothing is told, and of some systems' own; none of them is a worker's.
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(MARK, "").startswith(mark):
                found.append(process)
    return found


def _kill(processes: Iterable[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def _of_each(processes: Iterable[psutil.Process], measure: Callable[[psutil.Process], float]) -> Iterator[float]:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            yield measure(process)


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss)


def _own_share(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.AccessDenied):
        full = process.memory_full_info()
        return float(full.pss if sys.platform == "linux" else full.uss)
    return _resident(process)
