"""What a run shows while it works: a live bar on a terminal, plain lines elsewhere."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bench.report.wording import count
from bench.run_log import RunLog
from bench.types import Cell, Record

PLAIN_SECONDS = 30.0
"""Between two lines of progress where the output is no terminal."""


@dataclass
class Display:
    """Says what happens; knows nothing of how cells are run."""

    console: Console
    metric: str
    log: RunLog

    def say(self, text: str, timed: bool = False) -> None:
        """Print one line, with the seconds since the start where it is ``timed``."""
        at = f"[{time.monotonic() - self.log.started:5.0f} s] " if timed else ""
        self.console.print(Text(at + text), highlight=False)
        self.log.say(text)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator["Bar"]:
        """Show the progress of ``total`` steps, with the time left."""
        left = (TextColumn("left"), TimeRemainingColumn())
        with self._progress(*left) as progress:
            yield Bar(progress, progress.add_task(what, total=total))

    @contextmanager
    def cells(self, counts: Counter[str], done: int) -> Iterator["CellProgress"]:
        """Show the progress of cells.

        Parameters
        ----------
        counts : Counter
            Cells of each model that are to be run.
        done : int
            Cells that need not be run.
        """
        with self._progress(TextColumn("{task.fields[more]}", markup=False)) as progress:
            task = progress.add_task("cells", total=done + counts.total(), completed=done, more="")
            shown = CellProgress(display=self, bar=Bar(progress, task), left=counts, total=counts.total())
            yield shown

    def _progress(self, *more: object) -> Progress:
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            *more,
        )
        terminal = self.console.is_terminal
        return Progress(*columns, console=self.console, transient=True, disable=not terminal)  # type: ignore[arg-type]


@dataclass
class Bar:
    """A running bar."""

    progress: Progress
    task: object

    def advance(self, steps: int, what: str = "", **fields: str) -> None:
        """Count steps as done; rename the bar where ``what`` is given."""
        extra = {"description": what} if what else {}
        self.progress.update(self.task, advance=steps, **extra, **fields)  # type: ignore[arg-type]


@dataclass
class CellProgress:
    """Cells done, running and failed, the time left, and who holds things up."""

    display: Display
    bar: Bar
    left: Counter[str]
    total: int
    records: dict[str, list[Record]] = field(default_factory=dict)
    running: dict[tuple[object, ...], tuple[str, float]] = field(default_factory=dict)
    """Cell, and its model with the time of its start."""
    done: int = 0
    failed: int = 0
    told: float = field(default_factory=time.monotonic)

    def started(self, cell: Cell) -> None:
        """Count a cell as running."""
        self.running[_identity(cell)] = (cell.model, time.monotonic())
        self.display.log.event("started", **_facts(cell))

    def finished(self, record: Record) -> bool:
        """Count a cell as done; print a summary line with the last one of a model, and return whether it was that."""
        self.running.pop(_identity(record), None)
        self.done += 1
        self.failed += record.status in ("failed", "timeout", "oom", "invalid")
        seconds = record.fit_seconds + (0.0 if math.isnan(record.predict_seconds) else record.predict_seconds)
        self.display.log.event(
            "cell",
            **_facts(record),
            status=record.status,
            reason=record.reason,
            score=record.scores.get(self.display.metric),
            seconds=None if math.isnan(seconds) else round(seconds, 4),
        )
        self.records.setdefault(record.model, []).append(record)
        self.left[record.model] -= 1
        self.bar.advance(1)
        whole = self.left[record.model] == 0
        if whole:
            self.display.say(self._summary(record.model, self.records.pop(record.model)), timed=True)
        return whole

    def tick(self, seconds_left: Callable[[], float]) -> None:
        """Show where things stand, as often as it is worth it."""
        terminal = self.display.console.is_terminal
        now = time.monotonic()
        if now < self.told + (1.0 if terminal else PLAIN_SECONDS):
            return
        self.told = now
        left = seconds_left()
        standing = self._standing(now, left)
        self.display.log.event(
            "progress",
            done=self.done,
            total=self.total,
            running=len(self.running),
            failed=self.failed,
            seconds_left=None if math.isnan(left) else round(left),
        )
        if terminal:
            self.bar.advance(0, more=standing)
        else:
            self.display.say(f"{self.done} of {count(self.total, 'cell')}; {standing}", timed=True)

    def pause(self) -> None:
        """Say nothing of cells while something else goes on."""
        self.bar.advance(0, more="")

    def _standing(self, now: float, left: float) -> str:
        parts = []
        if self.running:
            model, since = min(self.running.values(), key=lambda one: one[1])
            parts.append(f"{len(self.running)} running, {model} for {now - since:.0f} s")
        if self.failed:
            parts.append(f"{self.failed} failed")
        if not math.isnan(left):
            parts.append(f"about {duration(left)} left")
        return ", ".join(parts)

    def _summary(self, model: str, records: list[Record]) -> str:
        if all(record.status == "unavailable" for record in records):
            return f"{model} is unavailable: {records[0].reason}"
        ok = [record for record in records if record.status == "ok"]
        parts = [f"{model}: {count(len(records), 'cell')}"]
        if ok:
            # By fold first: the probe of a deterministic model gives one fold a second seed.
            folds: dict[tuple[int, int], list[float]] = {}
            for record in ok:
                folds.setdefault((record.repeat, record.fold), []).append(record.scores[self.display.metric])
            parts.append(f"{self.display.metric} {fmean(map(fmean, folds.values())):.4f}")
        if bad := [record for record in records if record.status != "ok"]:
            parts.append(f"{len(bad)} not ok ({bad[0].status}: {bad[0].reason})")
        warned = Counter(text for record in records for text in record.warnings)
        parts += [f"warned {count}x: {text[:100]}" for text, count in warned.most_common(1)]
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Return a rough duration.

    Examples
    --------
    >>> duration(42), duration(200), duration(9000)
    ('42 s', '3 min', '2.5 h')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _identity(row: Cell | Record) -> tuple[object, ...]:
    return row.model, row.repeat, row.fold, row.seed


def _facts(row: Cell | Record) -> dict[str, object]:
    return {"model": row.model, "repeat": row.repeat, "fold": row.fold, "seed": row.seed}
