"""Records on disk: a table and its provenance for every model, the same bytes on every re-run.

``<task>/<data>/<budget>/<model>.csv`` holds a row per (repeat, fold, seed); ``<model>.json`` says what made them.
Seconds depend on the machine and go to ``timings/<machine>/...``. Adding a model touches no other file.
"""

import csv
import hashlib
import importlib.metadata
import inspect
import io
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from bench.errors import BenchError
from bench.files import clear_disk_errors, write_atomically
from bench.plan import CellId, cell_id
from bench.types import Budget, Dataset, ModelChoice, Record, Task
from bench.zoo.store import Zoo

IDENTITY = ("repeat", "fold", "seed")
HEAD = (*IDENTITY, "status", "origin", "reason")
TAIL = ("n_train", "n_test", "digest")
TIMINGS = ("fit_seconds", "predict_seconds")


@dataclass(frozen=True, kw_only=True)
class Store:
    """The tables of one task, data set and budget."""

    folder: Path
    timings: Path
    metrics: tuple[str, ...]

    @classmethod
    def open(cls, results_dir: Path, machine: str, task: Task, data: str, budget: str) -> "Store":
        """Return the store below ``results_dir``; creates nothing."""
        below = Path(task.name) / data / budget
        return cls(folder=results_dir / below, timings=results_dir / "timings" / machine / below, metrics=task.metrics)

    def read(self, model: str, key: str) -> dict[CellId, Record]:
        """Return the finished rows of a model; none if another key made them."""
        path = self.folder / f"{model}.csv"
        if not path.exists() or read_provenance(self.folder / f"{model}.json").get("key") != key:
            return {}
        records = {cell_id(record): record for record in read_records(path, self.metrics)}
        for row in _read_rows(self.timings / f"{model}.csv"):
            identity = (model, *(int(row[name]) for name in IDENTITY))
            if identity in records:
                seconds = {name: float(row[name]) for name in TIMINGS}
                records[identity] = replace(records[identity], **seconds)  # type: ignore[arg-type]
        return records

    def write(self, model: str, provenance: Mapping[str, Any], records: Iterable[Record], keep_timings: bool) -> None:
        """Write a model's table, provenance and timings.

        Rows of a concurrent run that this one does not have are kept, if the same key made them.

        Parameters
        ----------
        model : str
        provenance : mapping
            See `provenance_of`.
        records : iterable of Record
        keep_timings : bool
            Keep the seconds that stand in the file for a cell, so that a re-run changes no byte.
        """
        with clear_disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f".{model}.lock"):
                rows = {**self.read(model, provenance["key"]), **{cell_id(record): record for record in records}}
                ordered = [rows[identity] for identity in sorted(rows)]
                facts = self.folder / f"{model}.json"
                if read_provenance(facts).get("key") != provenance["key"]:
                    # A crash between the two files must not leave new rows under an old key.
                    facts.unlink(missing_ok=True)
                write_atomically(self.folder / f"{model}.csv", format_records(ordered, self.metrics))
                content = json.dumps(provenance, indent=2, sort_keys=True) + "\n"
                write_atomically(facts, content.encode())
                self._write_timings(model, provenance["key"], ordered, keep_timings)

    def _write_timings(self, model: str, key: str, records: Sequence[Record], keep: bool) -> None:
        path = self.timings / f"{model}.csv"
        old = {tuple(row[name] for name in IDENTITY): row for row in _read_rows(path) if row.get("key") == key[:16]}
        rows = []
        for record in records:
            if record.status != "ok" or record.origin == "fill" or math.isnan(record.fit_seconds):
                continue
            row = {name: str(getattr(record, name)) for name in IDENTITY}
            known = old.get(tuple(row.values()))
            seconds = {name: _number(getattr(record, name), 4) for name in TIMINGS}
            rows.append(known if keep and known else {**row, "key": key[:16], **seconds})
        if rows:
            write_atomically(path, _format_rows((*IDENTITY, "key", *TIMINGS), rows))


def read_records(path: Path, metrics: Sequence[str]) -> list[Record]:
    """Return the rows of a score table, without their seconds.

    Raises
    ------
    BenchError
        If the file is no score table.
    """
    try:
        return [_record(path.stem, row, metrics) for row in _read_rows(path)]
    except (KeyError, ValueError, TypeError) as error:
        raise BenchError(
            f"{path} is not a score table of this version ({type(error).__name__}: {error}). Restore it from git, or "
            "remove it to have its cells run again."
        ) from error


def format_records(records: Sequence[Record], metrics: Sequence[str]) -> bytes:
    """Return a score table: fixed columns, rows in the given order, six significant digits, Unix line ends."""
    rows = []
    for record in records:
        row: dict[str, str] = {name: str(getattr(record, name)) for name in (*HEAD, *TAIL)}
        row |= {name: _number(record.scores.get(name, math.nan), 6) for name in metrics}
        rows.append(row)
    return _format_rows((*HEAD, *metrics, *TAIL), rows)


def read_provenance(path: Path) -> dict[str, Any]:
    """Return what made a table; empty where the file is missing or damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def provenance_of(
    choice: ModelChoice, task: Task, dataset: Dataset, budget: Budget, folds: int, seed: int, zoo: Zoo
) -> dict[str, Any]:
    """Return what makes a model's rows, with the hash that decides whether finished rows may be reused.

    Parameters
    ----------
    folds : int
        That the splits really have, which may be fewer than the budget's.

    Returns
    -------
    dict
        ``inputs`` is what can move a score, ``key`` its hash; ``about`` is for the reader. Its ``encoder`` is filled in
        when a frozen encoder runs.
    """
    spec = choice.spec
    inputs = {
        "task": task.name,
        "task_version": task.version,
        "protocol": task.protocol,
        "metrics": list(task.metrics),
        "data_fingerprint": dataset.fingerprint,
        "folds": folds,
        "root_seed": seed,
        "model": spec.name,
        "params": asdict(choice.params),
        "zoo": {getattr(choice.params, name): _revision(zoo, getattr(choice.params, name)) for name in spec.zoo},
        "code": code_hash(spec.build),
        "libraries": {name: _version(name) for name in spec.libraries},
    }
    about = {
        "task": asdict(task),
        "data": dataset.name,
        "rows": len(dataset.y),
        "classes": len(dataset.classes),
        "data_licence": dataset.licence,
        "data_notes": list(dataset.notes),
        "budget": asdict(budget),
        "role": spec.role,
        "licence": spec.licence,
        "trained_on": spec.trained_on,
        "deterministic": spec.deterministic,
        "weights_mb": round(sum(zoo.size(getattr(choice.params, name)) for name in spec.zoo) / 1e6, 1),
        "summary": spec.summary,
        "encoder": {},
    }
    key = hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()
    return {"key": key, "inputs": inputs, "about": about}


def code_hash(build: Any) -> str:
    """Return a hash of the source files that a model is made of: its own, and what it imports of models and zoo."""
    module = sys.modules[build.__module__]
    parts = {module.__name__} | {
        home for value in vars(module).values() if (home := getattr(value, "__module__", None)) and _is_model_code(home)
    }
    digest = hashlib.sha256()
    for name in sorted(parts):
        source = inspect.getsource(sys.modules[name])
        digest.update(f"{name}\x1f{source}".encode())
    return digest.hexdigest()[:16]


def _is_model_code(module: str) -> bool:
    return module.startswith(("bench.models.", "bench.zoo."))


def _revision(zoo: Zoo, address: str) -> str:
    try:
        return zoo.revision(address)
    except BenchError:
        return "unknown"


def _version(distribution: str) -> str:
    try:
        # A local build label (+cpu, +cu130) names the same release.
        return importlib.metadata.version(distribution).partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _record(model: str, row: Mapping[str, str], metrics: Sequence[str]) -> Record:
    return Record(
        model=model,
        repeat=int(row["repeat"]),
        fold=int(row["fold"]),
        seed=int(row["seed"]),
        status=row["status"],  # type: ignore[arg-type]
        origin=row["origin"],  # type: ignore[arg-type]
        reason=row["reason"],
        scores={name: float(row[name]) for name in metrics if row[name]},
        n_train=int(row["n_train"]),
        n_test=int(row["n_test"]),
        digest=row["digest"],
    )


def _read_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _format_rows(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _number(value: float, digits: int) -> str:
    return "" if math.isnan(value) else f"{value:.{digits}g}"
