"""The whole pipeline: config -> data -> splits -> cells -> records -> files -> report."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import plan, registry
from bench.cell import CellInputs
from bench.data import Reader
from bench.errors import BenchError
from bench.executor import cap_threads, execute, threads_per_cell, worker_count
from bench.files import write_atomically
from bench.machine import machine_class
from bench.report.content import Content, read_content
from bench.report.markdown import overview_markdown, report_markdown
from bench.report.progress import Display
from bench.report.terminal import print_report
from bench.results import Store, Timings, provenance_of, read_provenance
from bench.types import Cell, Dataset, ModelChoice, Record, RunConfig, Split, Status, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo, go_offline

BAD: tuple[Status, ...] = ("failed", "timeout", "oom", "invalid")
FOUND_OUT = ("encoder", "expected")
SCRATCH = Path(".bench")
"""Logs, and the tables of toy runs; ignored by git."""


def run(config: RunConfig) -> int:
    """Run a benchmark and report it.

    Returns
    -------
    int
        0, or 1 if a cell failed or a published figure was missed.
    """
    cap_threads(threads_per_cell(config.budget, config.executor), worker_count(config.executor))
    task = plan.make_task(config)
    # A pipe or a log has no width of its own.
    console = Console() if sys.stdout.isatty() else Console(width=140)
    display = Display(console, task.metrics[0])
    zoo = Zoo.open(config.cache_dir, allow_unpinned=config.allow_unpinned)
    dataset, splits = load(config, task, zoo, display)
    models = plan.choose_models(config, task)
    cells = plan.make_cells(config, task, models, splits)
    results = Results(config, task, dataset, splits, models, zoo)
    display.say(f"{task.name} on {dataset.name}: {len(dataset.y)} rows, {len(models)} models, {len(cells)} cells")
    work = Work(config, task, dataset, splits, models, zoo, results, display)
    try:
        work.run(cells)
    finally:
        # Also after Ctrl-C: the report of what is done.
        content = write_reports(config, results, models)
    if content is None:
        raise BenchError(f"The reference {task.reference} has no rows, and nothing can be compared without it.")
    print_report(display.console, content)
    display.say(f"Report: {results.store.folder / 'report.md'}")
    failed = results.count(*BAD)
    if failed:
        display.say(f"{failed} cells failed; tracebacks are in {SCRATCH / 'logs'}, and rerun=failed repeats them.")
    if not_started := results.count("skipped"):
        limit = f"{config.budget.run_seconds:g} s (budget.run_seconds)"
        display.say(f"{not_started} cells were not started within {limit}: the same command goes on from here.")
    return int(bool(failed) or not all(check.met for check in content.checks))


def load(config: RunConfig, task: Task, zoo: Zoo, display: Display) -> tuple[Dataset, tuple[Split, ...]]:
    """Return the data set as the budget admits it, and its splits; what was changed stands in its notes."""
    kind = registry.task_type(config.task_type)
    dataset = kind.load(config.data, Reader(spec=config.data, zoo=zoo, say=display.say))
    dataset = kind.sized(dataset, config.data, config.budget, config.seed)
    splits, notes = kind.splits(dataset, task.protocol, config.budget, config.seed)
    return replace(dataset, notes=(*dataset.notes, *notes)), tuple(splits)


@dataclass
class Results:
    """The records of this run, and where they lie on the disk."""

    config: RunConfig
    task: Task
    dataset: Dataset
    splits: tuple[Split, ...]
    models: tuple[ModelChoice, ...]
    zoo: Zoo
    records: dict[plan.CellId, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        budget, root_seed = self.config.budget, self.config.seed
        # What a toy run finds is for the eye only.
        self.root = SCRATCH / "results" if budget.name == "toy" else self.config.results_dir
        self.store = Store.open(self.root, machine_class(), self.task, self.config.data.name, budget.name)
        self.provenance: dict[str, dict[str, Any]] = {
            choice.name: provenance_of(choice, self.task, self.dataset, budget, self.splits, root_seed, self.zoo)
            for choice in self.models
        }
        for name, made in self.provenance.items():
            before = read_provenance(self.store.folder / f"{name}.json")
            if before.get("key") == made["key"]:
                # What this run may not find out again: it encodes nothing, or names no published figures.
                made["about"] |= {fact: before["about"].get(fact, made["about"][fact]) for fact in FOUND_OUT}
        if self.config.expected:
            self.provenance[self.task.reference]["about"]["expected"] = [asdict(one) for one in self.config.expected]

    def reusable(self, cells: Sequence[Cell]) -> dict[plan.CellId, Record]:
        """Return the finished records among ``cells`` that may be reused under ``rerun``."""
        if self.config.rerun == "all" or self.config.timings == "refresh":
            return {}

        def again(record: Record) -> bool:
            # Without the reference there is no run at all, so its failures are never kept.
            retried = self.config.rerun == "failed" or record.model == self.task.reference
            return record.status in ("skipped", "unavailable") or (retried and record.status in BAD)

        wanted = {plan.cell_id(cell) for cell in cells}
        found = [self.store.read(name, made["key"]) for name, made in self.provenance.items()]
        return {
            identity: record
            for records in found
            for identity, record in records.items()
            if identity in wanted and not again(record)
        }

    def add(self, records: Sequence[Record]) -> None:
        """Keep records, on the disk too."""
        self.records |= {plan.cell_id(record): record for record in records}
        for model in dict.fromkeys(record.model for record in records):
            mine = [record for record in self.records.values() if record.model == model]
            self.store.write(model, self.provenance[model], mine, self.timings)

    @property
    def timings(self) -> Timings:
        """What becomes of seconds: those of cells that ran beside others are not kept."""
        alone = worker_count(self.config.executor) == 1
        return "none" if not alone else "refresh" if self.config.timings == "refresh" else "keep"

    def count(self, *statuses: Status) -> int:
        """Return the number of records with one of the statuses."""
        return sum(record.status in statuses for record in self.records.values())


@dataclass
class Work:
    """The cells of a run, in the order in which they are done."""

    config: RunConfig
    task: Task
    dataset: Dataset
    splits: tuple[Split, ...]
    models: tuple[ModelChoice, ...]
    zoo: Zoo
    results: Results
    display: Display

    def run(self, cells: Sequence[Cell]) -> None:
        """Do what is not done yet: the reference first, then the others, then what could not be filled in."""
        self.deadline = time.monotonic() + self.config.budget.run_seconds
        reused = self.results.reusable(cells)
        self.results.add(list(reused.values()))
        left = [cell for cell in cells if plan.cell_id(cell) not in reused]
        if reused:
            self.display.say(f"{len(reused)} cells reused from {self.results.root}, {len(left)} to run")
        if not left:
            return
        left = self._leave_out(
            left, lambda choice: self._fetch(choice) or plan.why_unavailable(choice, self.zoo.missing)
        )
        go_offline()
        features = FeatureCache(self.config.cache_dir / "features", self.dataset.fingerprint)
        inputs = CellInputs(
            task=self.task,
            dataset=self.dataset,
            splits=self.splits,
            models=self.models,
            zoo=self.zoo,
            features=features,
            seed=self.config.seed,
            threads=threads_per_cell(self.config.budget, self.config.executor),
            logs=SCRATCH / "logs",
        )
        self._fit([cell for cell in left if cell.model == self.task.reference], inputs)
        self._stop_without_reference()
        # A run that is cut short has a whole reference to compare with, and encoding may take most of the time.
        left = [cell for cell in left if cell.model != self.task.reference]
        self._fit(self._leave_out(left, lambda choice: self._encode(choice, features)), inputs)

    def _fit(self, cells: Sequence[Cell], inputs: CellInputs) -> None:
        """Run cells; those of deterministic models are filled in where two seeds agreed."""
        deterministic = [choice.name for choice in self.models if choice.spec.deterministic]
        fitted, repeats = plan.first_wave(cells, deterministic)
        self._execute(fitted, inputs)
        filled, refits, _ = plan.fill(repeats, self.results.records.values())
        self.results.add(filled)
        self._execute(refits, inputs)

    def _execute(self, cells: Sequence[Cell], inputs: CellInputs) -> None:
        todo = {plan.cell_id(cell): cell for cell in cells}
        in_time = time.monotonic() < self.deadline
        records = execute(cells if in_time else [], inputs, self.config.budget, self.config.executor)
        with closing(self.display.watch(cells, self._until_deadline(records))) as watched:
            for record in watched:
                self.results.add([record])
                todo.pop(plan.cell_id(record))
        limit = f"Not started within the run's {self.config.budget.run_seconds:g} s (budget.run_seconds)."
        self.results.add([Record.unscored(cell, "skipped", limit) for cell in todo.values()])

    def _until_deadline(self, records: Iterator[Record]) -> Iterator[Record]:
        for record in records:
            yield record
            if time.monotonic() > self.deadline:
                return

    def _stop_without_reference(self) -> None:
        mine = [record for record in self.results.records.values() if record.model == self.task.reference]
        if bad := [record for record in mine if record.status not in ("ok", "skipped")]:
            where = f" Its traceback is in {SCRATCH / 'logs'}." if bad[0].status == "failed" else ""
            raise BenchError(
                f"The reference {self.task.reference} failed ({bad[0].reason}), and nothing can be compared without "
                f"it.{where}"
            )

    def _leave_out(self, cells: Sequence[Cell], why: Callable[[ModelChoice], str]) -> list[Cell]:
        """Return the cells whose models can run; those of the others become rows with the reason."""
        wanted = {cell.model for cell in cells}
        reasons = {choice.name: why(choice) for choice in self.models if choice.name in wanted}
        out = [Record.unscored(cell, "unavailable", reasons[cell.model]) for cell in cells if reasons[cell.model]]
        self.results.add(out)
        for name in dict.fromkeys(record.model for record in out):
            self.display.say(f"{name} is unavailable: {reasons[name]}")
        return [cell for cell in cells if not reasons[cell.model]]

    def _fetch(self, choice: ModelChoice) -> str:
        """Fetch a model's weights where the run may; return why that failed, if it did."""
        try:
            for name in choice.spec.zoo if self.config.zoo_fetch else ():
                self.zoo.fetch(getattr(choice.params, name), self.display.say)
        except BenchError as error:
            return str(error)
        return ""

    def _encode(self, choice: ModelChoice, features: FeatureCache) -> str:
        """Encode every item once, before any cell and with all cores; return why that failed, if it did."""
        if choice.spec.encoder is None:
            return ""
        try:
            encoder = choice.spec.encoder(choice.params, self.zoo)
            # The number format is the machine's, and can be asked for only where the encoder's library is loaded.
            self.results.provenance[choice.name]["about"]["encoder"] = dict(encoder.key)
            texts = list(self.dataset.X)
            if features.holds(encoder, texts):
                return ""
            started = time.monotonic()
            with self.display.bar(f"encoding for {choice.name}", len(set(texts))) as bar:
                features.advance = bar.advance
                features(encoder, texts)
            took = time.monotonic() - started
            self.display.say(f"{choice.name}: {len(set(texts))} texts encoded in {took:.0f} s, kept for later runs")
        except BenchError as error:
            return str(error)
        except Exception as error:
            # A broken library or weights that do not fit: this model's row, not the end of the run.
            return f"Encoding failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
        finally:
            features.advance = _say_nothing
        return ""


def write_reports(config: RunConfig, results: Results, models: Sequence[ModelChoice]) -> Content | None:
    """Write Markdown beside the tables and the overview; return what the terminal shows.

    The files tell of every table in the folder, the terminal of the models of this run.
    """
    machine = config.machine or machine_class()

    def other(folder: Path) -> Content | None:
        # A damaged table elsewhere is for `validate` to report, not a reason to lose this run's table.
        try:
            return read_content(folder, results.root, machine)
        except BenchError:
            return None

    content = read_content(results.store.folder, results.root, machine)
    if content is not None:
        write_atomically(results.store.folder / "report.md", report_markdown(content).encode())
        folders = sorted({path.parent for path in results.root.glob("*/*/*/report.md")})
        contents = [content if folder == results.store.folder else other(folder) for folder in folders]
        overview = overview_markdown([one for one in contents if one is not None])
        write_atomically(results.root / "README.md", overview.encode())
    return read_content(results.store.folder, results.root, machine, [choice.name for choice in models])


def _say_nothing(done: int) -> None:
    """Report no progress."""
