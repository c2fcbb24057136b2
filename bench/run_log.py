"""What a run said and did, for people and for programs: ``run.log`` and ``events.jsonl`` in a folder of its own."""

import contextlib
import json
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

KEPT_RUNS = 50


@dataclass
class RunLog:
    """Two files below ``.bench/runs/<date>-<time>-<pid>/``; a log that cannot be written is left out, and no error.

    Every event holds ``at``, the seconds since the start by a clock that nobody sets back, and ``event``: ``run`` (what
    was asked for), ``said`` (a line of text), ``started`` and ``cell`` (a cell and what became of it), ``progress``
    (cells done, running, failed, and the seconds left), ``end`` (the exit code).
    """

    folder: Path
    started: float = field(default_factory=time.monotonic)
    _files: dict[str, TextIO] = field(default_factory=dict)

    @classmethod
    def below(cls, scratch: Path) -> "RunLog":
        """Return the log of a new run, and forget the oldest ones."""
        runs = scratch / "runs"
        log = cls(runs / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}")
        with contextlib.suppress(OSError):
            for old in sorted(path for path in runs.iterdir() if path.is_dir())[:-KEPT_RUNS]:
                shutil.rmtree(old, ignore_errors=True)
        return log

    def say(self, text: str) -> None:
        """Keep one line of text."""
        self._write("run.log", f"[{time.monotonic() - self.started:8.1f} s] {text}")
        self.event("said", text=text)

    def event(self, event: str, **facts: object) -> None:
        """Keep one event."""
        at = round(time.monotonic() - self.started, 3)
        self._write("events.jsonl", json.dumps({"at": at, "event": event, **facts}, sort_keys=True))

    def close(self) -> None:
        """Close both files."""
        for file in self._files.values():
            with contextlib.suppress(OSError):
                file.close()
        self._files.clear()

    def _write(self, name: str, line: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            if name not in self._files:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._files[name] = (self.folder / name).open("a", encoding="utf-8", buffering=1)
            self._files[name].write(line + "\n")
