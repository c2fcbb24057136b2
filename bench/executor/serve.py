"""What runs inside a worker process: it answers orders, and is as it was before after each of them."""

import contextlib
import ctypes
import faulthandler
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from bench.errors import BenchError
from bench.executor.watch import kill_tree, tree

CHANGED = ("SIGTERM", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGPIPE", "SIGUSR1", "SIGUSR2")
"""Signals whose handling a model may change; set back after each order."""


@dataclass(frozen=True)
class Answer:
    """What a worker says."""

    kind: Literal["ready", "done", "refused", "broken"]
    """``refused``: a `BenchError` was raised; ``broken``: any other error was."""
    value: Any = None
    """What the function returned, the error, or a line about it."""
    children: bool = False
    """Whether a process that it started is still there; some of them may have ended."""


def serve(orders: Connection, answers: Connection) -> None:
    """Answer orders until there are no more: what runs inside a worker."""
    stand_alone()
    silence()
    # Into whatever standard error is at the time.
    faulthandler.enable(file=2)
    me, handlers = os.getpid(), _handlers()
    with contextlib.suppress(EOFError, OSError):
        try:
            # From the parent alone, by an unnamed pipe that it made.
            function, shared = pickle.loads(orders.recv_bytes())
        except Exception as error:
            answers.send(Answer("broken", one_line(error)))
            return
        answers.send(Answer("ready"))
        while (order := pickle.loads(orders.recv_bytes())) is not None:
            answer = _answer(function, order, shared)
            if os.getpid() != me:
                # A model forked, and both processes came back.
                os._exit(1)
            _set_back(handlers)
            answers.send_bytes(answer)


def stand_alone() -> None:
    """Leave the terminal and its Ctrl-C, take in orphans, and end when the parent is gone."""
    if hasattr(os, "setsid"):
        with contextlib.suppress(PermissionError):
            os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            # PR_SET_CHILD_SUBREAPER: processes whose parent is gone stay below this one, and are counted.
            ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
        with contextlib.suppress(OSError):
            # Where memory runs out before anybody has looked, the system is to choose a worker and not the run.
            Path("/proc/self/oom_score_adj").write_text("800")
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def silence() -> None:
    """Point the output of this process to nowhere: what is printed between two orders belongs to none."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        if nowhere > 2:
            os.close(nowhere)


def _answer(function: Callable[[Any, Any], Any], order: Any, shared: Any) -> bytes:
    try:
        return pickle.dumps(Answer("done", function(order, shared), _has_children()))
    except BenchError as error:
        answer = Answer("refused", error)
    except BaseException as error:
        answer = Answer("broken", one_line(error))
    return pickle.dumps(answer)


def _has_children() -> bool:
    if not hasattr(os, "waitid"):
        return True
    try:
        # Leaves those that have ended to whoever waits for them.
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _handlers() -> dict[int, Any]:
    numbers = (getattr(signal, name) for name in CHANGED if hasattr(signal, name))
    return {number: signal.getsignal(number) for number in numbers}


def _set_back(handlers: dict[int, Any]) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in handlers.items():
        # None where it was not Python that set it.
        if handler is not None:
            signal.signal(number, handler)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    for process in tree(os.getpid())[1:]:
        kill_tree(process.pid)
    kill_tree(os.getpid())
    os._exit(1)


def one_line(error: BaseException) -> str:
    """Return class and message of an error in one line."""
    with contextlib.suppress(Exception):
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return type(error).__name__
