"""Records on disk: a table and its provenance for every model, the same bytes on every re-run.

``<task>/<data>/<budget>/<model>.csv`` holds a row per (repeat, fold, seed); ``<model>.json`` says what made them.
Seconds depend on the machine and go to ``timings/<machine>/...``. Adding a model touches no other file.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from filelock import FileLock

from bench.errors import BenchError
from bench.files import clear_disk_errors, write_atomically
from bench.found import read_found, write_found
from bench.plan import CellId, cell_id
from bench.types import Cost, Record, Robustness, Task

IDENTITY = ("repeat", "fold", "seed")
HEAD = (*IDENTITY, "status", "origin", "reason")
TAIL = ("n_train", "n_test", "digest")
TIMINGS = ("fit_seconds", "predict_seconds")
Timings = Literal["keep", "refresh", "none"]
Measured = TypeVar("Measured", Cost, Robustness)


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

    def items(self, model: str) -> Path:
        """Return where the figures of single predictions lie."""
        return self.folder / "items" / f"{model}.json"

    def robustness(self, model: str) -> Path:
        """Return where the robustness figures lie."""
        return self.folder / "robustness" / f"{model}.json"

    def found(self, model: str) -> Path:
        """Return where lies what the cells found out beside their scores."""
        return self.folder / "found" / f"{model}.json"

    def cost(self, model: str) -> Path:
        """Return where the cost figures of the machine class lie."""
        return self.timings / f"{model}.json"

    def read(self, model: str, key: str) -> dict[CellId, Record]:
        """Return the finished rows of a model; none if another key made them."""
        path = self.folder / f"{model}.csv"
        if not path.exists() or read_provenance(self.folder / f"{model}.json").get("key") != key:
            return {}
        records = {cell_id(record): record for record in read_records(path, self.metrics)}
        for identity, seconds in read_timings(self.timings / f"{model}.csv", key).items():
            if (model, *identity) in records:
                found = records[(model, *identity)]
                records[(model, *identity)] = replace(found, **seconds)  # type: ignore[arg-type]
        for place, known in read_found(self.found(model), key, records.values()).items():
            records[(model, *place)] = replace(records[(model, *place)], found=known)
        return records

    def write(self, model: str, provenance: Mapping[str, Any], records: Iterable[Record], timings: Timings) -> None:
        """Write a model's table, provenance and timings.

        Rows of a concurrent run that this one does not have are kept, if the same key made them and they are among
        the repeats and seeds of this run.

        Parameters
        ----------
        model : str
        provenance : mapping
            See `bench.provenance.provenance_of`.
        records : iterable of Record
        timings : Timings
            ``keep`` the seconds that stand in the file for a cell, so that a re-run changes no byte; ``refresh`` them;
            or ``none``, for cells that ran beside others.
        """
        about = provenance["about"]
        with clear_disk_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self.folder / f".{model}.lock"):
                rows = {**self.read(model, provenance["key"]), **{cell_id(record): record for record in records}}
                wanted = [one for one in rows if one[1] < about["repeats"] and one[3] < about["budget"]["seeds"]]
                ordered = [rows[identity] for identity in sorted(wanted)]
                facts = self.folder / f"{model}.json"
                if read_provenance(facts).get("key") != provenance["key"]:
                    # A crash between the two files must not leave new rows under an old key.
                    facts.unlink(missing_ok=True)
                table = format_records(ordered, self.metrics)
                write_atomically(self.folder / f"{model}.csv", table)
                made = {**provenance, "table_sha256": hashlib.sha256(table).hexdigest()}
                write_atomically(facts, (json.dumps(made, indent=2, sort_keys=True) + "\n").encode())
                write_found(self.found(model), provenance["key"], ordered)
                if timings != "none":
                    self._write_timings(model, provenance["key"], ordered, timings)

    def _write_timings(self, model: str, key: str, records: Sequence[Record], timings: Timings) -> None:
        path = self.timings / f"{model}.csv"
        known = read_timings(path, key) if timings == "keep" else {}
        rows = []
        for record in records:
            if record.status != "ok" or record.origin == "fill" or math.isnan(record.fit_seconds):
                continue
            identity = (record.repeat, record.fold, record.seed)
            seconds = known.get(identity) or {name: getattr(record, name) for name in TIMINGS}
            row = dict(zip(IDENTITY, map(str, identity), strict=True))
            rows.append({**row, "key": key[:16], **{name: _number(value, 4) for name, value in seconds.items()}})
        if rows:
            write_atomically(path, _format_rows((*IDENTITY, "key", *TIMINGS), rows))


def read_timings(path: Path, key: str) -> dict[tuple[int, int, int], dict[str, float]]:
    """Return the seconds of each (repeat, fold, seed) that the given key made; none where the file is missing.

    Raises
    ------
    BenchError
        If the file is no timing table.
    """
    try:
        return {
            (int(row["repeat"]), int(row["fold"]), int(row["seed"])): {
                name: float(row[name] or "nan") for name in TIMINGS
            }
            for row in _read_rows(path)
            if row["key"].startswith(key[:16])
        }
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BenchError(
            f"{path} is not a timing table ({type(error).__name__}: {error}). Restore it from git, or remove it: "
            "timings=refresh measures anew."
        ) from error


def write_measured(path: Path, key: str, measured: Cost | Robustness) -> None:
    """Write measured figures as JSON, four significant digits."""
    known = {name: value for name, value in asdict(measured).items() if value is not None}
    content = {"key": key[:16], **_four_digits(known)}
    write_atomically(path, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def read_measured(path: Path, key: str, kind: Callable[..., Measured]) -> Measured | None:
    """Return what was measured for the given key, or None where there is nothing."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("key") != key[:16]:
            return None
        return kind(**{name: _as_read(value) for name, value in content.items()})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


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


def _record(model: str, row: Mapping[str, str], metrics: Sequence[str]) -> Record:
    return Record(
        model=model,
        repeat=int(row["repeat"]),
        fold=int(row["fold"]),
        seed=int(row["seed"]),
        status=row["status"],  # type: ignore[arg-type]
        origin=row["origin"],  # type: ignore[arg-type]
        reason=row["reason"],
        scores={name: _finite(row[name]) for name in metrics if row[name]},
        n_train=int(row["n_train"]),
        n_test=int(row["n_test"]),
        digest=row["digest"],
    )


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"a score of {text}")
    return value


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
    # Minus zero is zero.
    return "" if math.isnan(value) else f"{value + 0.0:.{digits}g}"


def _four_digits(value: Any) -> Any:
    match value:
        case dict():
            return {name: _four_digits(one) for name, one in value.items()}
        case list() | tuple():
            return [_four_digits(one) for one in value]
        case float():
            return None if np.isnan(value) else float(f"{value:.4g}")
        case _:
            return value


def _as_read(value: Any) -> Any:
    match value:
        case None:
            return float("nan")
        case dict():
            return {name: _as_read(one) for name, one in value.items()}
        case list():
            return tuple(_as_read(one) for one in value)
        case _:
            return value
