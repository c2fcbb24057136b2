"""The whole pipeline: config -> data -> splits -> cells -> records -> files -> report."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
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
from bench.report.content import Content, check_expected, read_content
from bench.report.markdown import report_markdown, write_overview
from bench.report.progress import Display
from bench.report.terminal import print_report
from bench.results import Store, provenance_of, read_provenance
from bench.types import Cell, Dataset, ModelChoice, Record, RunConfig, Split, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo

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
    checks = check_expected(content, config.expected)
    print_report(display.console, content, checks)
    display.say(f"Report: {results.store.folder / 'report.md'}")
    failed = any(record.status in ("failed", "timeout", "oom", "invalid") for record in results.records.values())
    return int(failed or not all(check.met for check in checks))


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
        budget = self.config.budget
        # What a toy run finds is for the eye only.
        self.root = SCRATCH / "results" if budget.name == "toy" else self.config.results_dir
        self.store = Store.open(self.root, machine_class(), self.task, self.config.data.name, budget.name)
        folds = len({split.fold for split in self.splits})
        self.provenance: dict[str, dict[str, Any]] = {
            choice.name: provenance_of(choice, self.task, self.dataset, budget, folds, self.config.seed, self.zoo)
            for choice in self.models
        }
        for name, made in self.provenance.items():
            before = read_provenance(self.store.folder / f"{name}.json")
            if before.get("key") == made["key"]:
                made["about"]["encoder"] = before["about"].get("encoder", {})

    def reusable(self, cells: Sequence[Cell]) -> dict[plan.CellId, Record]:
        """Return the finished records among ``cells`` that may be reused under ``rerun``."""
        if self.config.rerun == "all":
            return {}
        bad = {"failed", "timeout", "oom", "invalid"}

        def again(record: Record) -> bool:
            # Without the reference there is no run at all, so its failures are never kept.
            retried = self.config.rerun == "failed" or record.model == self.task.reference
            return record.status in ("skipped", "unavailable") or (retried and record.status in bad)

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
            self.store.write(model, self.provenance[model], mine, self.config.timings == "keep")


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
        features = FeatureCache(self.config.cache_dir / "features", self.dataset.fingerprint)
        left = self._without_unavailable(left, features)
        deterministic = [choice.name for choice in self.models if choice.spec.deterministic]
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
        fitted, repeats = plan.first_wave(left, deterministic)
        self._execute([cell for cell in fitted if cell.model == self.task.reference], inputs)
        self._stop_without_reference()
        # A run that is cut short still has a whole reference to compare with.
        self._fill([cell for cell in repeats if cell.model == self.task.reference], inputs)
        self._execute([cell for cell in fitted if cell.model != self.task.reference], inputs)
        self._fill([cell for cell in repeats if cell.model != self.task.reference], inputs)

    def _fill(self, repeats: Sequence[Cell], inputs: CellInputs) -> None:
        filled, refits, _ = plan.fill(repeats, self.results.records.values())
        self.results.add(filled)
        self._execute(refits, inputs)

    def _execute(self, cells: Sequence[Cell], inputs: CellInputs) -> None:
        todo = {plan.cell_id(cell): cell for cell in cells}
        records = execute(cells, inputs, self.config.budget, self.config.executor)
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
            raise BenchError(
                f"The reference {self.task.reference} failed ({bad[0].reason}), and nothing can be compared without "
                f"it. Its traceback is in {SCRATCH / 'logs'}."
            )

    def _without_unavailable(self, cells: Sequence[Cell], features: FeatureCache) -> list[Cell]:
        """Fetch where allowed, encode once for every frozen encoder, and leave out what cannot run."""
        reasons = {}
        for choice in self.models:
            if not any(cell.model == choice.name for cell in cells):
                continue
            reasons[choice.name] = (
                self._fetch(choice) or plan.why_unavailable(choice, self.zoo.missing) or self._encode(choice, features)
            )
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
        except (BenchError, KeyError, ValueError):
            return None

    content = read_content(results.store.folder, results.root, machine)
    if content is not None:
        text = report_markdown(content, check_expected(content, config.expected))
        write_atomically(results.store.folder / "report.md", text.encode())
        folders = sorted({path.parent for path in results.root.glob("*/*/*/report.md")})
        contents = [content if folder == results.store.folder else other(folder) for folder in folders]
        write_overview(results.root, [one for one in contents if one is not None])
    return read_content(results.store.folder, results.root, machine, [choice.name for choice in models])


def _say_nothing(done: int) -> None:
    """Report no progress."""
