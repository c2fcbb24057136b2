"""The cells of a run, in the order in which they are done, and what becomes of their records."""

import contextlib
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from filelock import FileLock

from bench import metrics, plan
from bench.agenda import Agenda, Rules
from bench.cell import CellInputs
from bench.encode import Until, encode
from bench.errors import BenchError, DiskError
from bench.executor import cap_threads, execute, threads_per_cell, why_not_portable, worker_count
from bench.exposure import exposure_on
from bench.files import clear_disk_errors
from bench.ledger import Ledger
from bench.measure import measure_items, probe_models, worth_measuring
from bench.prepare import SCRATCH, Prepared
from bench.report.progress import CellProgress, Display
from bench.report.units import unit_of
from bench.results import read_measured
from bench.settings import ExecutorSpec
from bench.stages import IN_ITS_SHARE, Stage, models_of, seconds_for, shares_of
from bench.types import Cell, Cost, ModelChoice, Record, Robustness
from bench.zoo.store import go_offline

FOR_THE_REPORT = 5.0
"""Seconds of the run that are left for its report, or a share, whichever is more; of a short run a quarter."""
REPORT_SHARE = 0.03


class Work:
    """The cells of a run."""

    def __init__(self, run: Prepared, ledger: Ledger, display: Display, started: float) -> None:
        self.run = run
        self.ledger = ledger
        self.display = display
        self._started = started
        seconds = run.config.budget.run_seconds
        self._end = started + seconds - min(seconds / 4, max(FOR_THE_REPORT, REPORT_SHARE * seconds))
        self.deadline = self._end
        """Of the stage that is running."""
        self._stage: Stage = "known"
        self._before: list[Cell] = []
        """Cells of the stages before this one."""
        self._not_portable: dict[str, str] = {}
        self.inputs = self._inputs()
        self.fitted: set[str] = set()
        """Models of which a cell was run, not reused."""

    def do(self, cells: Sequence[Cell]) -> None:
        """Do what is not done yet: the reference first, then the others, then what is measured beside the scores."""
        if recovered := self.ledger.recover(self.display.say):
            self.display.say(f"{recovered} cells of a run that was stopped, or of shards, were found and are kept.")
        self._run_stages(cells)
        if self.run.config.shard:
            return
        for model in self.ledger.provenance:
            self.ledger.write(model)
        keys, fingerprint = self.ledger.keys, self.run.dataset.fingerprint
        level = self.run.config.report.interval_level
        measure_items(self.ledger.store, keys, self.run.predictions, fingerprint, self.run.config.seed, level)
        self._probe(keys)

    def _run_stages(self, cells: Sequence[Cell]) -> None:
        """Run the known models, then what follows from how these did."""
        shares, known_took = shares_of(self.run), math.inf
        for stage, share in shares.items():
            cells = cells if stage == "known" else self._begin(stage, share)
            begun = time.monotonic()
            seconds = seconds_for(stage, shares, self._end - self._started, known_took)
            self.deadline = min(self._end, begun + seconds)
            if stage != "known":
                self.inputs = replace(self.inputs, cell_seconds=min(self.inputs.cell_seconds, self.deadline - begun))
            self._run_cells(cells)
            self._before += cells
            # A run that only goes on has the whole share of a stage.
            if stage == "known" and self.fitted:
                known_took = time.monotonic() - begun
        self.deadline = self._end
        self.inputs = self._inputs()

    def _begin(self, stage: Stage, share: float) -> list[Cell]:
        """Add the models of a later stage; return their cells."""
        more = models_of(stage, self.run, self.ledger.records.values())
        self._stage = stage
        self.run = replace(self.run, models=(*self.run.models, *more))
        self.ledger.extend(self.run, stage)
        self.inputs = self._inputs()
        names = [choice.name for choice in more]
        self.display.say(f"{stage}, {100 * share:g} % of the time: {', '.join(names) or 'none'}")
        return [cell for cell in self.run.cells() if cell.model in names]

    def _inputs(self) -> CellInputs:
        if self.run.config.executor.name != "serial":
            self._not_portable = why_not_portable(self.run.models)
        inputs = self.run.inputs()
        return replace(inputs, models=tuple(one for one in inputs.models if one.name not in self._not_portable))

    def _run_cells(self, cells: Sequence[Cell]) -> None:
        reused = self.ledger.reusable(cells)
        self.ledger.add(list(reused.values()), new=False)
        left = [cell for cell in cells if plan.cell_id(cell) not in reused]
        if reused:
            self.display.say(f"{len(reused)} cells reused from {self.run.root}, {len(left)} to run")
        if not left:
            return
        self.ledger.begin()
        out = self._left_out(
            left,
            lambda choice: (
                plan.unfit(choice, self.run.dataset)
                or self._fetch(choice)
                or plan.why_unavailable(choice, self.run.zoo.missing)
                or self._not_portable.get(choice.name, "")
            ),
        )
        self.ledger.add(out)
        unable = {record.model: record.reason for record in out}
        for name, reason in unable.items():
            self.display.say(f"{name} is unavailable: {reason}")
        go_offline()
        if self.inputs.predictions is not None:
            self.inputs.predictions.save_truth(self.run.dataset, self.run.splits)
        todo = [cell for cell in cells if cell.model not in unable]
        counts = Counter(cell.model for cell in left if cell.model not in unable)
        with self.display.cells(counts, len(cells) - counts.total()) as shown:
            source = self._source(todo, reused, shown)
            config = self.run.config
            batches = execute(source, self.inputs, config.budget, config.executor, self.deadline)
            with closing(batches):  # type: ignore[type-var]
                for batch in batches:
                    self._enter(batch, shown)
                    shown.tick(self._seconds_left)

    def _source(
        self, cells: Sequence[Cell], reused: Mapping[plan.CellId, Record], shown: CellProgress
    ) -> Iterator[Cell | None]:
        """Draw the cells: the reference's own, then folds of what needs no encoding, then all others.

        A run that is cut short then has a whole reference and the stable models to compare, for encoding may take most
        of the time.
        """
        reference = self.run.task.reference
        yield from self._draw([cell for cell in cells if cell.model == reference], shown)
        self._stop_without_reference()
        others = [cell for cell in cells if cell.model != reference]
        encoded = {choice.name for choice in self.run.models if choice.encoded}
        if any(cell.model in encoded and plan.cell_id(cell) not in reused for cell in others):
            plain = [cell for cell in others if cell.model not in encoded and (cell.repeat, cell.seed) == (0, 0)]
            yield from self._draw(plain, shown)
            shown.pause()
            self._keep(
                self._left_out([cell for cell in others if plan.cell_id(cell) not in reused], self._encode), shown
            )
        known = self.ledger.records
        unable = {record.model for record in known.values() if record.status == "unavailable"}
        yield from self._draw([cell for cell in others if cell.model not in unable], shown)
        self._keep(
            [Record.unscored(cell, "skipped", self._late) for cell in cells if plan.cell_id(cell) not in known], shown
        )

    def _draw(self, cells: Sequence[Cell], shown: CellProgress) -> Iterator[Cell | None]:
        """Yield the cells that are not done; end when all are, or when the time is up."""
        # Beside the models of earlier stages, for a race.
        self.agenda = Agenda([*self._before, *cells], self._rules())
        known = self.ledger.records
        done = [known[identity] for cell in (*self._before, *cells) if (identity := plan.cell_id(cell)) in known]
        self.agenda.drop(map(plan.cell_id, done))
        self._keep(self.agenda.take(done), shown)
        while self.agenda.unfinished:
            seconds = self.deadline - time.monotonic()
            cell = self.agenda.next(seconds) if seconds > 0 else None
            if cell is None and not self.agenda.running:
                break
            if cell is not None:
                shown.started(cell)
            yield cell

    def _rules(self) -> Rules:
        task, models = self.run.task, self.run.models
        metric = metrics.metric(task.metrics[0])
        # The reference is run before any race, so that its mean is known by then.
        records = self.ledger.records.values()
        scores = [r.scores[metric.name] for r in records if r.model == task.reference and r.status == "ok"]
        usual = math.fsum(scores) / len(scores) if scores else math.nan
        floors = {choice.name for choice in models if choice.spec.role == "floor"}
        return Rules(
            metric=metric.name,
            sign=1.0 if metric.greater_is_better else -1.0,
            deterministic=frozenset(choice.name for choice in models if choice.spec.deterministic),
            spared=frozenset({task.reference, *floors}),
            exposed=frozenset(
                choice.name for choice in models if exposure_on(choice.spec, self.run.dataset) == "exposed"
            ),
            after=frozenset(choice.name for choice in models if choice.reads_a_search),
            margin=task.margin_at(usual),
            unit=unit_of(metric.name, usual),
            race=self.run.config.budget.race and task.protocol == "cv",
        )

    def _enter(self, batch: Sequence[Record], shown: CellProgress) -> None:
        self.fitted |= {record.model for record in batch}
        if self._stage != "known":
            # The end of its stage is what stopped a cell.
            batch = [replace(one, reason=self._late) if one.status == "skipped" else one for one in batch]
        self._keep([*batch, *self.agenda.take(batch)], shown)

    def _keep(self, records: Sequence[Record], shown: CellProgress) -> None:
        self.ledger.add(records)
        for record in records:
            if shown.finished(record):
                self.ledger.write(record.model)

    def _seconds_left(self) -> float:
        left = self.agenda.seconds_left() / worker_count(self.run.config.executor)
        return left if math.isnan(left) else min(left, self.deadline - time.monotonic())

    def _stop_without_reference(self) -> None:
        reference = self.run.task.reference
        mine = [record for record in self.ledger.records.values() if record.model == reference]
        if bad := [record for record in mine if record.status not in ("ok", "skipped")]:
            where = f" Its traceback is in {SCRATCH / 'logs'}." if bad[0].status == "failed" else ""
            raise BenchError(
                f"The reference {reference} failed ({bad[0].reason}), and nothing can be compared without it.{where}"
            )

    def _left_out(self, cells: Sequence[Cell], why: Callable[[ModelChoice], str]) -> list[Record]:
        """Return the rows of models that cannot run, with the reason."""
        wanted = {cell.model for cell in cells}
        reasons = {choice.name: why(choice) for choice in self.run.models if choice.name in wanted}
        return [
            Record.unscored(cell, "skipped" if reason == self._late else "unavailable", reason)
            for cell in cells
            if (reason := reasons[cell.model])
        ]

    @property
    def _late(self) -> str:
        if self._stage != "known":
            return f"{IN_ITS_SHARE} (budget.{self._stage})."
        return f"Not started within the run's {self.run.config.budget.run_seconds:g} s (budget.run_seconds)."

    def _fetch(self, choice: ModelChoice) -> str:
        """Fetch a model's weights where the run may; return why that failed, if it did."""
        try:
            for address in choice.addresses if self.run.config.zoo_fetch else ():
                self.run.zoo.fetch(address, self.display.say)
        except DiskError:
            raise
        except BenchError as error:
            # An ensemble goes without a member.
            return "" if choice.members else str(error)
        return ""

    def _encode(self, choice: ModelChoice) -> str:
        """Encode every item once, before any cell and with all cores; return why that failed, if it did."""
        about = self.ledger.provenance[choice.name]["about"]
        late = self._late
        return encode(choice, self.run, self.inputs.features, about, self.display, Until(self.deadline, late))

    def _probe(self, keys: Mapping[str, str]) -> None:
        """Measure cost and robustness of what was fitted in this run, or was never measured."""
        store, budget = self.ledger.store, self.run.config.budget
        anew = self.run.config.timings == "refresh"
        ok = worth_measuring(self.ledger.records.values())
        # A command cannot be asked for one item at a time.
        ok -= {choice.name for choice in self.run.models if choice.spec.at_once}
        models = [
            model
            for model in keys
            if model in ok
            and (
                read_measured(store.robustness(model), keys[model], Robustness) is None
                or (model in self.fitted and read_measured(store.cost(model), keys[model], Cost) is None)
                or anew
            )
        ]
        if not budget.probe_rows or not models:
            return
        go_offline()
        # One model at a time has all cores, however the cells shared them.
        alone = ExecutorSpec()
        cap_threads(threads_per_cell(budget, alone), worker_count(alone))
        stuck = why_not_portable(self.run.models)
        portable = tuple(choice for choice in self.run.models if choice.name not in stuck)
        inputs = replace(self.inputs, threads=threads_per_cell(budget, alone), models=portable)
        models = [model for model in models if model not in stuck]
        lock = _shared_folder(self.run.config.cache_dir) / ".probe.lock"
        self.display.say(f"Measuring cost and robustness of {len(models)} models, one after the other.")
        with self.display.bar("cost and robustness", len(models)) as bar:
            for model in models:
                left = self.deadline - time.monotonic()
                if left <= 0:
                    self.display.say(
                        "Cost and robustness were left out for want of time: the same command measures them."
                    )
                    return
                limit = min(2 * budget.cell_seconds, left)
                # Two runs at once take turns: a cost measured beside another is none.
                with clear_disk_errors(lock), FileLock(lock):
                    why = probe_models([model], store, keys, inputs, budget.probe_rows, limit, anew)
                bar.advance(1, f"cost and robustness, {model}")
                for name, reason in why.items():
                    self.display.say(f"cost and robustness of {name} could not be measured: {reason}")


def _shared_folder(cache_dir: Path) -> Path:
    """Return a folder that all runs of a user on this machine can write to; a cache may be for reading only."""
    with contextlib.suppress(OSError):
        cache_dir.mkdir(parents=True, exist_ok=True)
    return cache_dir if os.access(cache_dir, os.W_OK) else Path(tempfile.gettempdir())
