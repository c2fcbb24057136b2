"""What a model may do to the process that runs it; see `tests.toy_models`."""

import ctypes
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable

import numpy as np

FOR_EVER = 10**6


def sleep() -> None:
    time.sleep(FOR_EVER)


def ignore_sigterm() -> None:
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    time.sleep(FOR_EVER)


def hold_the_interpreter() -> None:
    """Match without end; the regular expression engine never lets another thread run."""
    re.match(r"(a+)+$", "a" * 60 + "b")


def take_50_gb() -> None:
    kept = []
    for _ in range(500):
        kept.append(np.ones(10**8 // 8))
    time.sleep(FOR_EVER)


def _take_300_mb() -> None:
    kept = np.ones(3 * 10**8 // 8)
    time.sleep(FOR_EVER)
    del kept


def take_memory_in_children() -> None:
    for _ in range(5):
        if os.fork() == 0:
            _take_300_mb()
    time.sleep(FOR_EVER)


def take_memory_in_sessions_of_their_own() -> None:
    """Start children as daemons start: a session of their own, and a parent that is gone."""
    for _ in range(5):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                _take_300_mb()
            os._exit(0)
    time.sleep(FOR_EVER)


def print_a_million_lines() -> None:
    for number in range(1_000_000):
        sys.stdout.write(f"line {number}\n")


def print_from_a_child() -> None:
    subprocess.run(["seq", "2000000"], check=True)


class StubbornError(Exception):
    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("this error cannot be pickled")


def raise_what_cannot_be_pickled() -> None:
    error = StubbornError("a stubborn error")
    error.made_by = lambda: None  # type: ignore[attr-defined]
    raise error


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("an error within the error")


def raise_what_cannot_be_said() -> None:
    raise UnspeakableError


def raise_many_lines() -> None:
    raise ValueError("one\ntwo\x00\x1b[31m three\r\n\ud800four" + " and more" * 1000)


class Beyond(BaseException):
    pass


def raise_beyond_exception() -> None:
    raise Beyond("no ordinary exception")


def leave_by_system_exit() -> None:
    sys.exit("the model leaves")


def interrupt() -> None:
    raise KeyboardInterrupt


def segfault() -> None:
    ctypes.string_at(0)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminate_itself() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGTERM)


def close_output() -> None:
    sys.stdout.close()
    os.close(1)
    os.close(2)


def close_everything() -> None:
    os.closerange(0, 10_000)


def go_elsewhere() -> None:
    """Change to a folder that is then removed, and leave other traces in the process."""
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    shutil.rmtree(folder)
    os.environ.clear()
    os.umask(0o777)
    np.seterr(all="raise")
    np.random.seed(1)


def _chatter() -> None:
    while True:
        sys.stdout.write("a thread that was left behind talks on\n")
        time.sleep(0.01)


def leave_a_thread() -> None:
    threading.Thread(target=_chatter).start()


def leave_children() -> None:
    """Leave a child, and another one that hides in a session of its own; both talk."""
    talk = "import time\nwhile True: print('a child that was left behind talks on', flush=True); time.sleep(0.01)"
    subprocess.Popen([sys.executable, "-c", talk])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            subprocess.Popen([sys.executable, "-c", talk])
        os._exit(0)


def leave_an_alarm() -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, 0.5)


kept: list[object] = []


def leave_memory() -> None:
    kept.append(np.ones(25 * 10**7 // 8))


def leave_a_crash() -> None:
    """Leave a thread that ends the process while a later cell runs."""
    threading.Timer(0.3, lambda: os._exit(9)).start()


def fill_the_disk() -> None:
    """Write to the working folder until nothing is left of its disk."""
    with open("ballast", "wb", buffering=0) as file:
        while file.write(bytes(10**5)):
            pass


def return_twice() -> None:
    """Fork, and let both processes go on."""
    os.fork()


WAYS: dict[str, Callable[[], None]] = {
    "sleeps for ever": sleep,
    "ignores SIGTERM": ignore_sigterm,
    "holds the interpreter": hold_the_interpreter,
    "takes 50 GB": take_50_gb,
    "takes memory in children": take_memory_in_children,
    "takes memory in sessions": take_memory_in_sessions_of_their_own,
    "prints a million lines": print_a_million_lines,
    "prints from a child": print_from_a_child,
    "raises what cannot be pickled": raise_what_cannot_be_pickled,
    "raises what cannot be said": raise_what_cannot_be_said,
    "raises many lines": raise_many_lines,
    "raises beyond Exception": raise_beyond_exception,
    "leaves by SystemExit": leave_by_system_exit,
    "interrupts itself": interrupt,
    "exits with 7": lambda: os._exit(7),
    "exits with 0": lambda: os._exit(0),
    "segfaults": segfault,
    "kills itself": kill_itself,
    "terminates itself": terminate_itself,
    "closes its output": close_output,
    "closes everything": close_everything,
    "goes elsewhere": go_elsewhere,
    "leaves a thread": leave_a_thread,
    "leaves children": leave_children,
    "leaves an alarm": leave_an_alarm,
    "returns twice": return_twice,
    "leaves memory": leave_memory,
    "leaves a crash": leave_a_crash,
    "fills the disk": fill_the_disk,
    "takes a moment": lambda: time.sleep(0.1),
    "takes a while": lambda: time.sleep(2),
}
"""By what they are called in tests."""
