"""A worker as seen from outside: the memory of its whole process tree, and its end."""

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and everything that it started, as far as it is still there."""
    with contextlib.suppress(psutil.Error):
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    return []


def memory_mb(processes: list[psutil.Process], enough: float) -> float:
    """Return the memory of processes together, in MB.

    Resident memory, which counts pages that forked processes share once for each; only where it exceeds ``enough`` are
    the shares measured, which takes longer.
    """
    resident = sum(_of_each(processes, lambda one: one.memory_info().rss)) / 1e6
    if resident <= enough or len(processes) < 2:
        return resident
    return sum(_of_each(processes, _own_share)) / 1e6


def kill_tree(pid: int) -> None:
    """Kill a worker with everything that it started; nothing can refuse."""
    processes = tree(pid)
    if hasattr(os, "killpg"):
        # What was started in the meantime, or whose parent is gone, is in the worker's group.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    for process in reversed(processes):
        with contextlib.suppress(psutil.Error):
            process.kill()


def lead_group() -> None:
    """Make this worker the leader of a group of its own, out of reach of the terminal's Ctrl-C, and tied to its parent.

    If the parent is killed, nobody would stop the worker; it watches for that itself.
    """
    if hasattr(os, "setpgid"):
        with contextlib.suppress(PermissionError):
            os.setpgid(0, 0)
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()


def _die_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _of_each(processes: list[psutil.Process], measure: object) -> Iterator[float]:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            yield measure(process)  # type: ignore[operator]


def _own_share(process: psutil.Process) -> float:
    full = process.memory_full_info()
    return float(full.pss if sys.platform == "linux" else full.uss)
