"""What tests of worker processes share: nothing of theirs may be left when they are done."""

import contextlib
import os
import time
import uuid
from collections.abc import Iterator

import psutil
import pytest

VARIABLE = "BENCH_TEST"
"""Marks every process that a test starts, also in a session of its own."""


def marked(value: str) -> list[psutil.Process]:
    """Return the processes of a test that have not ended, but for those of the interpreter's own."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            mine = process.environ().get(VARIABLE) == value and process.status() != psutil.STATUS_ZOMBIE
            if mine and process.pid != os.getpid() and "resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
    return found


def gone(value: str, seconds: float) -> bool:
    """Return whether every process of a test ends within so many seconds."""
    limit = time.monotonic() + seconds
    while marked(value):
        if time.monotonic() > limit:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture(autouse=True)
def mark(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Mark all processes that this test starts, and see that none is left."""
    value = uuid.uuid4().hex
    monkeypatch.setenv(VARIABLE, value)
    yield value
    left = [" ".join(process.cmdline()) for process in marked(value)]
    for process in marked(value):
        process.kill()
    assert left == []
