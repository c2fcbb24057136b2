"""What a cell prints goes to its log, also from C and from processes that it starts; a log keeps the end of it."""

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.executor.serve import silence
from bench.files import clear_disk_errors

KEPT_OUTPUT = 100_000
"""Bytes of a cell's output that its log keeps: the last ones."""
MOST_OUTPUT = 10_000_000
"""Bytes at which the log of a running cell is cut."""


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
    """Send what this process prints to a file, and to nowhere afterwards."""
    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        # Appending, so that it can be cut from outside while it is written.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for number in (1, 2):
        os.dup2(handle, number)
    os.close(handle)
    # New ones: a model may have closed or replaced those of the process.
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(io.FileIO(number, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
        for number in (1, 2)
    )
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        silence()


def keep_short(path: Path) -> None:
    """Empty the log of a running cell once it is large: a flood must not fill the disk before the cell ends."""
    with contextlib.suppress(OSError):
        if path.stat().st_size > MOST_OUTPUT:
            os.truncate(path, 0)
            # What was printed in the meantime may come before it. The end of the output could not be put back here.
            with path.open("ab") as file:
                file.write(b"...\n")


def keep_the_end(path: Path) -> None:
    """Cut the log of a cell that has ended; remove an empty one."""
    with contextlib.suppress(OSError):
        size = path.stat().st_size
        if size > KEPT_OUTPUT:
            with path.open("rb") as file:
                file.seek(-KEPT_OUTPUT, os.SEEK_END)
                kept = file.read()
            path.write_bytes(b"...\n" + kept)
        elif not size:
            path.unlink()
