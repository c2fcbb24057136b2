"""The cells of a run, in the order in which they are done, and what becomes of their records."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench import plan
from bench.cell import CellInputs
from bench.errors import BenchError
from bench.executor import cap_threads, execute, threads_per_cell, worker_count
from bench.files import clear_disk_errors
from bench.machine import machine_class
from bench.measure import measure_items, probe_models
from bench.predictions import Predictions
from bench.report.progress import Display
from bench.results import Store, Timings, provenance_of, read_measured, read_provenance
from bench.settings import ExecutorSpec, RunConfig
from bench.types import Cell, Cost, Dataset, ModelChoice, Record, Robustness, Split, Status, Task
from bench.zoo.features import FeatureCache
from bench.zoo.store import Zoo, go_offline

BAD: tuple[Status, ...] = ("failed", "timeout", "oom", "invalid")
FOUND_OUT = ("encoder", "expected")
SCRATCH = Path(".bench")
"""Logs, predictions, HTML reports, and the tables of toy runs; ignored by git."""


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
        self.predictions = Predictions(SCRATCH / "predictions" / self.task.name / self.config.data.name / budget.name)
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
        about = self.provenance[self.task.reference]["about"]
        about |= {"report": asdict(self.config.report), "limits": asdict(self.config.limits)}
        if self.config.expected:
            about["expected"] = [asdict(one) for one in self.config.expected]

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
    fitted: set[str] = field(default_factory=set)
    """Models of which a cell was run, not reused."""

    def run(self, cells: Sequence[Cell]) -> None:
        """Do what is not done yet: the reference first, then the others, then what is measured beside the scores."""
        self.deadline = time.monotonic() + self.config.budget.run_seconds
        self.inputs = self._inputs()
        self._run_cells(cells)
        keys = {name: made["key"] for name, made in self.results.provenance.items()}
        fingerprint = self.dataset.fingerprint
        measure_items(self.results.store, keys, self.results.predictions, fingerprint, self.config.seed)
        self._probe(keys)

    def _run_cells(self, cells: Sequence[Cell]) -> None:
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
        if self.inputs.predictions is not None:
            self.inputs.predictions.save_truth(self.dataset, self.splits)
        self._fit([cell for cell in left if cell.model == self.task.reference])
        self._stop_without_reference()
        # A run that is cut short has a whole reference to compare with, and encoding may take most of the time.
        left = [cell for cell in left if cell.model != self.task.reference]
        self._fit(self._leave_out(left, self._encode))

    def _inputs(self) -> CellInputs:
        return CellInputs(
            task=self.task,
            dataset=self.dataset,
            splits=self.splits,
            models=self.models,
            zoo=self.zoo,
            features=FeatureCache(self.config.cache_dir / "features", self.dataset.fingerprint),
            predictions=None if self.task.protocol == "curve" else self.results.predictions,
            seed=self.config.seed,
            threads=threads_per_cell(self.config.budget, self.config.executor),
            logs=SCRATCH / "logs",
        )

    def _probe(self, keys: Mapping[str, str]) -> None:
        """Measure cost and robustness of what was fitted in this run, or was never measured."""
        store, budget = self.results.store, self.config.budget
        ok = {record.model for record in self.results.records.values() if record.status == "ok"}
        models = [
            model
            for model in keys
            if model in ok
            and (
                read_measured(store.robustness(model), keys[model], Robustness) is None
                or (model in self.fitted and read_measured(store.cost(model), keys[model], Cost) is None)
                or self.config.timings == "refresh"
            )
        ]
        if not budget.probe_rows or not models:
            return
        if time.monotonic() > self.deadline:
            self.display.say("Cost and robustness were left out for want of time: the same command measures them.")
            return
        go_offline()
        # One model at a time has all cores, however the cells shared them.
        alone = ExecutorSpec()
        cap_threads(threads_per_cell(budget, alone), worker_count(alone))
        inputs = replace(self.inputs, threads=threads_per_cell(budget, alone))
        lock = self.config.cache_dir / ".probe.lock"
        with self.display.bar("cost and robustness", len(models)) as bar:
            for model in models:
                # Two runs at once take turns: a cost measured beside another is none.
                with clear_disk_errors(lock), FileLock(lock):
                    anew = self.config.timings == "refresh"
                    why = probe_models([model], store, keys, inputs, budget.probe_rows, 2 * budget.cell_seconds, anew)
                bar.advance(1, f"cost and robustness, {model}")
                for name, reason in why.items():
                    self.display.say(f"cost and robustness of {name} could not be measured: {reason}")

    def _fit(self, cells: Sequence[Cell]) -> None:
        """Run cells; those of deterministic models are filled in where two seeds agreed."""
        deterministic = [choice.name for choice in self.models if choice.spec.deterministic]
        fitted, repeats = plan.first_wave(cells, deterministic)
        self._execute(fitted)
        filled, refits, _ = plan.fill(repeats, self.results.records.values())
        self.results.add(filled)
        self._execute(refits)

    def _execute(self, cells: Sequence[Cell]) -> None:
        todo = {plan.cell_id(cell): cell for cell in cells}
        in_time = time.monotonic() < self.deadline
        records = execute(cells if in_time else [], self.inputs, self.config.budget, self.config.executor)
        with closing(self.display.watch(cells, self._until_deadline(records))) as watched:
            for record in watched:
                self.results.add([record])
                self.fitted.add(record.model)
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

    def _encode(self, choice: ModelChoice) -> str:
        """Encode every item once, before any cell and with all cores; return why that failed, if it did."""
        if choice.spec.encoder is None:
            return ""
        features = self.inputs.features
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


def _say_nothing(done: int) -> None:
    """Report no progress."""
