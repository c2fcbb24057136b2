"""What a run shows while it works: a live bar on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import fmean

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

from bench.types import Cell, Record


@dataclass
class Display:
    """Says what happens; knows nothing of how cells are run."""

    console: Console
    metric: str
    started: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Print one line."""
        self.console.print(Text(text), highlight=False)

    @contextmanager
    def bar(self, what: str, total: int) -> Iterator["Bar"]:
        """Show the progress of ``total`` steps, with the time left."""
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True, disable=not self.console.is_terminal) as progress:
            yield Bar(progress, progress.add_task(what, total=total))

    def watch(self, cells: Sequence[Cell], records: Iterator[Record]) -> Generator[Record, None, None]:
        """Pass records on while showing them; one summary line for every finished model."""
        left = Counter(cell.model for cell in cells)
        done: dict[str, list[Record]] = {}
        with self.bar("cells", len(cells)) as bar:
            for record in records:
                done.setdefault(record.model, []).append(record)
                bar.advance(1, f"cells, {record.model}")
                left[record.model] -= 1
                if not left[record.model]:
                    self.say(self._summary(record.model, done[record.model]))
                yield record

    def _summary(self, model: str, records: Sequence[Record]) -> str:
        elapsed = time.monotonic() - self.started
        ok = [record for record in records if record.status == "ok"]
        parts = [f"[{elapsed:5.0f} s] {model}: {len(records)} cells"]
        if ok:
            # By fold first: the probe of a deterministic model gives one fold a second seed.
            folds: dict[tuple[int, int], list[float]] = {}
            for record in ok:
                folds.setdefault((record.repeat, record.fold), []).append(record.scores[self.metric])
            parts.append(f"{self.metric} {fmean(map(fmean, folds.values())):.4f}")
        if bad := [record for record in records if record.status != "ok"]:
            parts.append(f"{len(bad)} not ok ({bad[0].status}: {bad[0].reason})")
        warned = Counter(text for record in records for text in record.warnings)
        parts += [f"warned {count}x: {text[:100]}" for text, count in warned.most_common(1)]
        return ", ".join(parts)


@dataclass
class Bar:
    """A running bar."""

    progress: Progress
    task: object

    def advance(self, steps: int, what: str = "") -> None:
        """Count steps as done, and rename the bar where ``what`` is given."""
        extra = {"description": what} if what else {}
        self.progress.update(self.task, advance=steps, **extra)  # type: ignore[arg-type]
