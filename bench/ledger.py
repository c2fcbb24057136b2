"""The records of a run: in memory, in the journal as soon as they are made, and in the tables."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from bench import plan
from bench.differences import differences
from bench.executor import worker_count
from bench.files import remove_leftovers
from bench.journal import Entry, Journal, Taken, read_journal, take_in
from bench.machine import machine_class
from bench.prepare import Prepared
from bench.provenance import provenance_of
from bench.results import Store, Timings, read_provenance
from bench.types import Cell, ModelChoice, Record, Status

BAD: tuple[Status, ...] = ("failed", "timeout", "oom", "invalid")
FOUND_OUT = ("encoder", "expected")


class Ledger:
    """The records of this run, and where they lie on the disk."""

    def __init__(self, run: Prepared) -> None:
        self.run = run
        self.records: dict[plan.CellId, Record] = {}
        self.machine = machine_class()
        config = run.config
        self.store = Store.open(run.root, self.machine, run.task, config.data.name, config.budget.name)
        self._before: dict[str, dict[str, Any]] = {}
        """Provenance of the tables that this run's take the place of."""
        self.provenance: dict[str, dict[str, Any]] = {choice.name: self._made(choice) for choice in run.models}
        about = self.provenance[run.task.reference]["about"]
        about |= {"report": asdict(config.report), "limits": asdict(config.limits), "labels": list(run.dataset.classes)}
        if config.expected:
            about["expected"] = [asdict(one) for one in config.expected]
        folder = self.store.folder
        self._journal = Journal.of_shard(folder, config.shard) if config.shard else Journal.of_run(folder)
        self._unwritten: set[str] = set()

    def extend(self, run: Prepared, stage: str) -> None:
        """Take in the models that a later stage added to the run."""
        self.run = run
        for choice in run.models:
            if choice.name not in self.provenance:
                self.provenance[choice.name] = self._made(choice)
                self.provenance[choice.name]["about"]["stage"] = stage

    def _made(self, choice: ModelChoice) -> dict[str, Any]:
        run, config = self.run, self.run.config
        made = provenance_of(choice, run.task, run.dataset, config.budget, run.splits, config.seed, run.zoo)
        before = read_provenance(self.store.folder / f"{choice.name}.json")
        if before.get("key") == made["key"]:
            # What this run may not find out again: it encodes nothing, or names no published figures.
            made["about"] |= {fact: before["about"].get(fact, made["about"][fact]) for fact in FOUND_OUT}
        elif before:
            self._before[choice.name] = before
        return made

    @property
    def replaced(self) -> str:
        """Say which tables of other settings this run's take the place of; empty where there are none."""
        if not self._before or self.run.config.shard:
            return ""
        # What differs for the reference does so for all.
        reference = self.run.task.reference
        name = reference if reference in self._before else next(iter(self._before))
        what, many = "; ".join(differences(self._before[name], self.provenance[name])), len(self._before)
        which = f"the table of {name}" if many == 1 else f"{many} tables"
        return (
            f"{self.store.folder} has {which} from a run with other settings ({what}): this run's "
            f"{'takes its' if many == 1 else 'take their'} place. data.name=NAME keeps both."
        )

    @property
    def keys(self) -> dict[str, str]:
        """Key of each model's table."""
        return {name: made["key"] for name, made in self.provenance.items()}

    def recover(self, say: Callable[[str], None]) -> int:
        """Put what a killed run or a shard left into the tables; return the number of records.

        Parameters
        ----------
        say : callable
            Given a line about what was found and is of no use.
        """
        if self.run.config.shard:
            return 0
        for folder in (self.run.root, self.run.predictions.folder):
            remove_leftovers(folder)
        return take_in(self.store.folder, self._write_entry, say)

    def begin(self) -> None:
        """Open the journal: a folder that cannot be written is to be known before anything is fitted."""
        self._journal.open()

    def reusable(self, cells: Sequence[Cell]) -> dict[plan.CellId, Record]:
        """Return the finished records among ``cells`` that may be reused under ``rerun``."""
        config, reference = self.run.config, self.run.task.reference
        if config.rerun == "all" or config.timings == "refresh":
            return {}

        def again(record: Record) -> bool:
            # Without the reference there is no run at all, so its failures are never kept.
            retried = config.rerun == "failed" or record.model == reference
            return record.status in ("skipped", "unavailable") or (retried and record.status in BAD)

        wanted = {plan.cell_id(cell) for cell in cells}
        return {
            identity: record
            for identity, record in self._finished().items()
            if identity in wanted and not again(record)
        }

    def add(self, records: Sequence[Record], new: bool = True) -> None:
        """Keep records; those that are new go to the disk at once."""
        if not records:
            return
        # In memory first: who interrupts the run while the disk is busy finds these in the tables too.
        self.records |= {plan.cell_id(record): record for record in records}
        self._unwritten |= {record.model for record in records}
        if new:
            self._journal.append(records, self.provenance, self.timings != "none", self.machine)

    def write(self, model: str) -> None:
        """Write the table of one model."""
        if self.run.config.shard or model not in self._unwritten:
            return
        mine = [record for record in self.records.values() if record.model == model]
        self.store.write(model, self.provenance[model], mine, self.timings)
        self._unwritten.discard(model)

    def close(self) -> None:
        """Write the tables that are not written yet, and let go of the journal."""
        for model in sorted(self._unwritten):
            self.write(model)
        self._journal.close(keep=bool(self.run.config.shard))

    @property
    def timings(self) -> Timings:
        """What becomes of seconds: those of cells that ran beside others are not kept."""
        executor = self.run.config.executor
        # Seconds of a cluster's machines are not those of this one.
        alone = worker_count(executor) == 1 and not executor.address
        return "none" if not alone else "refresh" if self.run.config.timings == "refresh" else "keep"

    def count(self, *statuses: Status) -> int:
        """Return the number of records with one of the statuses."""
        found = Counter(record.status for record in self.records.values())
        return sum(found[status] for status in statuses)

    def _finished(self) -> dict[plan.CellId, Record]:
        keys = self.keys
        found = {name: self.store.read(name, key) for name, key in keys.items()}
        whole = {identity: record for records in found.values() for identity, record in records.items()}
        if self.run.config.shard and self._journal.path.exists():
            for model, entry in read_journal(self._journal.path).items():
                if entry.made["key"] == keys.get(model):
                    whole |= {plan.cell_id(record): record for record in entry.records}
        return whole

    def _write_entry(self, model: str, entry: Entry) -> Taken:
        known = self.provenance.get(model)
        if known is None:
            return write_entry(self.store, self.run.root, model, entry)
        if known["key"] != entry.made["key"]:
            # This run's own rows take their place.
            return "outdated"
        # What the run that was killed found out, this one may not.
        known["about"] |= {fact: known["about"][fact] or entry.made["about"].get(fact) for fact in FOUND_OUT}
        return write_entry(self.store, self.run.root, model, replace(entry, made=known), replacing=True)


def write_entry(store: Store, root: Path, model: str, entry: Entry, replacing: bool = False) -> Taken:
    """Write what a journal holds of a model into its table, and fill in what follows from it without a fit.

    Parameters
    ----------
    store : Store
        Of the journal's folder.
    root : Path
        Folder of all tables.
    model : str
    entry : Entry
    replacing : bool
        Whether the entry takes the place of a table that was made from other parameters, data or versions. Else that
        table stays, and the entry waits for a run that knows which of the two is meant.
    """
    # What a later stage added has no config of its own that could be meant instead.
    replacing = replacing or "stage" in entry.made["about"]
    if not replacing and read_provenance(store.folder / f"{model}.json").get("key") not in (None, entry.made["key"]):
        return "kept"
    below = store.folder.relative_to(root)
    own = Store(folder=store.folder, timings=root / "timings" / entry.machine / below, metrics=store.metrics)
    timings: Timings = "keep" if entry.alone else "none"
    own.write(model, entry.made, entry.records, timings)
    about, inputs = entry.made["about"], entry.made["inputs"]
    if about["deterministic"]:
        known = own.read(model, entry.made["key"])
        seeds, folds = range(1, about["budget"]["seeds"]), range(inputs["folds"])
        wanted = [(model, r, f, s) for r in range(about["repeats"]) for f in folds for s in seeds]
        filled, _, _ = plan.fill([one for one in wanted if one not in known], known.values())
        own.write(model, entry.made, filled, timings)
    return "written"
