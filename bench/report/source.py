"""The files of one folder of results, and which of its tables belong together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError
from bench.exposure import exposure_of
from bench.metrics import required
from bench.results import Store, read_records
from bench.settings import Limits, ReportSettings
from bench.types import Record, Task


@dataclass(frozen=True)
class Source:
    """The files of one folder."""

    folder: Path
    results_dir: Path
    wanted_machine: str
    made: Mapping[str, Any]
    reference: str
    names: tuple[str, ...]

    @property
    def about(self) -> Mapping[str, Any]:
        """What the reference's provenance tells its readers."""
        about: Mapping[str, Any] = self.made[self.reference]["about"]
        return about

    @property
    def task(self) -> Task:
        """The task that all tables of the folder are of."""
        return _made(Task, "task", self.about["task"])

    @property
    def settings(self) -> ReportSettings:
        """What the report reckons with; a setting that the tables do not have takes its default."""
        return _made(ReportSettings, "report", self.about["report"])

    @property
    def limits(self) -> Limits:
        """Hard limits of the run."""
        return _made(Limits, "limits", self.about["limits"])

    @property
    def shown(self) -> list[str]:
        """Models that were made from the reference's data and splits, without those that are to be hidden."""
        hidden = self.hidden
        return [name for name in self._comparable if name not in hidden]

    @property
    def left_out(self) -> list[str]:
        """Models that were made from other data, splits or versions."""
        comparable = self._comparable
        return [name for name in self.asked_for if name not in comparable]

    @property
    def hidden(self) -> list[str]:
        """Models with scores on data that they were pretrained on, where such are not to be seen.

        Never the reference and the floor, without which nothing can be compared.
        """
        if self.settings.exposed == "show":
            return []
        seen = [name for name in self._comparable if exposure_of(self.made[name], self.data) == "exposed"]
        return [name for name in seen if name not in (self.reference, self.task.floor) and self._has_scores(name)]

    @property
    def data(self) -> str:
        """Name of the data set."""
        return self.folder.parent.name

    @property
    def _comparable(self) -> list[str]:
        same = splits_of(self.made[self.reference])
        return [name for name in self.asked_for if splits_of(self.made[name]) == same]

    def _has_scores(self, name: str) -> bool:
        records = read_records(self.folder / f"{name}.csv", self.task.metrics)
        return any(record.status == "ok" for record in records)

    @property
    def asked_for(self) -> list[str]:
        """Models that were named, or all."""
        return [name for name in self.made if not self.names or name in self.names]

    @property
    def below(self) -> Path:
        """The folder, seen from the folder of all results."""
        return self.folder.relative_to(self.results_dir)

    def key(self, name: str) -> str:
        """Return the key of a model's table."""
        return str(self.made[name]["key"])

    def store(self, machine: str) -> Store:
        """Return the tables with the seconds of a machine class."""
        timings = self.results_dir / "timings" / machine / self.below
        return Store(folder=self.folder, timings=timings, metrics=self.task.metrics)


Settings = TypeVar("Settings", Task, ReportSettings, Limits)


def _made(kind: type[Settings], part: str, values: Mapping[str, Any]) -> Settings:
    """Return the values as they were written, or raise `ValueError` with what another version has or lacks."""
    known = {one.name: one for one in fields(kind)}
    if strange := [name for name in values if name not in known]:
        raise ValueError(f"{part} has {strange[0]!r}, which this version does not know")
    if absent := [name for name, one in known.items() if one.default is MISSING and name not in values]:
        raise ValueError(f"{part} lacks {absent[0]!r}")
    # JSON has no tuples.
    read: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in values.items()}
    return kind(**read)


def check_scores(records: Mapping[str, Sequence[Record]], names: Sequence[str], folder: Path) -> None:
    """Raise where a row is called ok and lacks a score that none may lack: no average may silently leave it out."""
    for model, mine in records.items():
        for record in mine:
            missing = [name for name in required(names) if record.status == "ok" and name not in record.scores]
            if missing:
                where = f"repeat {record.repeat}, fold {record.fold}, seed {record.seed}"
                raise BenchError(
                    f"{folder / model}.csv calls a row ok that has no {missing[0]} ({where}). Restore it from git, or "
                    "remove it to have its cells run again."
                )


def splits_of(facts: Mapping[str, Any]) -> str:
    """Return what two tables must share to stand in one report."""
    names = ("task", "task_version", "protocol", "data_fingerprint", "folds", "splits", "root_seed")
    return json.dumps([facts["inputs"][name] for name in names])
