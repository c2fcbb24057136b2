"""Ends what a run started once the run itself is gone, however it went: a script in a process of its own.

A worker watches its parent too, but cannot while a model keeps Python's interpreter to itself, and what a worker
started may outlive it.
"""

import os
import runpy
import select
import sys
from pathlib import Path

LOOK_SECONDS = 0.5


def guard(mark: str, parent: int) -> None:
    """Wait until standard input ends or the parent is gone, and kill everything that carries the mark."""
    while os.getppid() == parent:
        ready, _, _ = select.select([sys.stdin], [], [], LOOK_SECONDS)
        if ready and not os.read(0, 1):
            break
    # By its file: the package would load numerical libraries.
    runpy.run_path(str(Path(__file__).with_name("watch.py")))["kill_marked"](mark)


if __name__ == "__main__":
    guard(sys.argv[1], int(sys.argv[2]))
