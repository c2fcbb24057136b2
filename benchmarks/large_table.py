"""Print what a run on a large table takes: seconds by phase, peak memory of all its processes, and reads of the file.

python benchmarks/large_table.py [ROWS] [OVERRIDES ...]

The file is synthetic: 20 numbers, 7 categories (one with 2,000 levels), a date and a truth value, with gaps, and a
label. Overrides replace `OVERRIDES`.
"""

import ctypes
import functools
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
from rich.console import Console

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

OVERRIDES = ("model=[lightgbm]", "budget=full", "budget.repeats=1", "budget.folds=3", "budget.seeds=1")
LEVELS = {"region": 5, "plan": 12, "channel": 3, "device": 40, "city": 300, "shop": 2000, "browser": 8}
CHUNK = 100_000
IN_OPEN, IN_CLOSE = 0x20, 0x08 | 0x10
PHASES = {
    "reading": ("bench.data", "Reader.__call__"),
    "typing": ("tasks.tables", "typed"),
    "reading, typing and checking": ("tasks.tabular_clf.task", "TabularClassification.load"),
    "splitting": ("tasks.tabular_clf.task", "TabularClassification.splits"),
    "cells": ("bench.work", "Work._run_cells"),
    "figures of items": ("bench.work", "measure_items"),
    "costs": ("bench.work", "Work._probe"),
    "report": ("bench.app", "publish"),
}
"""Functions whose seconds are told; one may lie within another."""


def main() -> None:
    """Make the file, run, and print one line a figure."""
    print = Console(soft_wrap=True).print
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        path = Path(folder) / "large.csv"
        write_table(path, rows)
        print(f"{rows:,} rows, {len(_chunk(1, 0).columns)} columns, {path.stat().st_size / 1e6:.0f} MB")
        task = ["task=tabular_clf", f"data.path={path}", "data.target=bought"]
        command = [sys.executable, __file__, "--one", *task, *(sys.argv[2:] or OVERRIDES)]
        with opens_counted(path) as opens:
            started = time.perf_counter()
            process = subprocess.Popen(command, cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT)})
            peak = peak_memory(process)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"exit code {process.returncode} after {time.perf_counter() - started:.0f} s, "
              f"{used.ru_utime + used.ru_stime:.0f} s of processor time in all")  # fmt: skip
        print(f"peak of all processes together: {peak['rss'] / 1e9:.2f} GB resident, {peak['pss'] / 1e9:.2f} GB shared "
              f"pages once; the largest process {peak['one'] / 1e9:.2f} GB")  # fmt: skip
        print(f"the file was opened {opens[0]} times")
        phases = Path(folder) / "phases.json"
        for phase, seconds in json.loads(phases.read_text()).items() if phases.exists() else ():
            print(f"{phase}: {seconds:.1f} s")


def write_table(path: Path, rows: int) -> None:
    """Write a table of so many rows as CSV, a part at a time."""
    for start in range(0, rows, CHUNK):
        part = _chunk(min(CHUNK, rows - start), start)
        part.to_csv(path, mode="a", header=not start, index=False, float_format="%.6g")


def _chunk(rows: int, seed: int) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 20))
    numbers[:, 10:15] = np.exp(numbers[:, 10:15])
    numbers[:, 15:] = np.round(20 * numbers[:, 15:])
    columns: dict[str, Any] = {f"number {at}": numbers[:, at] for at in range(20)}
    signal = numbers[:, 0] - numbers[:, 1] * (numbers[:, 2] > 0) + 0.02 * numbers[:, 15]
    for name, levels in LEVELS.items():
        # Few frequent levels and many rare ones.
        codes = (levels * generator.random(rows) ** 2).astype(int)
        columns[name] = np.array([f"{name} {level}" for level in range(levels)], dtype=object)[codes]
        signal = signal + np.random.default_rng(levels).normal(0, 0.4, levels)[codes]
    days = generator.integers(0, 1500, rows)
    columns["day"] = (pd.Timestamp("2021-01-01") + pd.to_timedelta(days, unit="D")).strftime("%Y-%m-%d")
    columns["member"] = np.where(generator.random(rows) < 0.5, "true", "false")
    table = pd.DataFrame(columns)
    for name in table.columns[::4]:
        table.loc[generator.random(rows) < 0.1, name] = None
    table["bought"] = np.where(signal + generator.logistic(size=rows) > 1, "yes", "no")
    return table


def peak_memory(process: subprocess.Popen[bytes], every: float = 0.25) -> dict[str, int]:
    """Return the most bytes that a process and all below it held at a time, until it ends.

    ``rss`` counts pages that several processes share once for each of them, ``pss`` once, ``one`` is the largest
    process.
    """
    peak = {"rss": 0, "pss": 0, "one": 0}
    while process.poll() is None:
        resident, shares = [], []
        with suppress(psutil.Error):
            root = psutil.Process(process.pid)
            for one in (root, *root.children(recursive=True)):
                with suppress(psutil.Error):
                    resident.append(one.memory_info().rss)
                    shares.append(one.memory_full_info().pss)
        for name, value in (("rss", sum(resident)), ("pss", sum(shares)), ("one", max(resident, default=0))):
            peak[name] = max(peak[name], value)
        time.sleep(every)
    return peak


@contextmanager
def opens_counted(path: Path) -> Iterator[list[int]]:
    """Count how often any process opens a file, in whatever language its code is written (Linux)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(0)
    # Equal events in a row are told once: closings part the openings.
    libc.inotify_add_watch(watch, os.fsencode(path), IN_OPEN | IN_CLOSE)
    opens = [0]

    def count() -> None:
        with suppress(OSError):
            while events := os.read(watch, 65536):
                # Events of a watched file carry no name.
                opens[0] += sum(bool(mask & IN_OPEN) for _, mask, _, _ in struct.iter_unpack("iIII", events))

    threading.Thread(target=count, daemon=True).start()
    yield opens
    time.sleep(0.2)
    os.close(watch)


def _one(arguments: list[str]) -> None:
    """Run one command line in this process, its phases timed."""
    from importlib import import_module

    from bench.__main__ import main as run

    seconds = dict.fromkeys(PHASES, 0.0)
    for phase, (module, name) in PHASES.items():
        owner: Any = import_module(module)
        *outer, last = name.split(".")
        for part in outer:
            owner = getattr(owner, part)
        setattr(owner, last, _timed(getattr(owner, last), phase, seconds))
    sys.argv = ["bench", *arguments]
    try:
        run()
    finally:
        Path("phases.json").write_text(json.dumps(seconds))


def _timed(function: Callable[..., Any], phase: str, seconds: dict[str, float]) -> Callable[..., Any]:
    @functools.wraps(function)
    def timed(*given: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            seconds[phase] += time.perf_counter() - started

    return timed


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _one(sys.argv[2:])
    else:
        main()
