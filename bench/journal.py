"""What a run has done so far, appended record by record, so that a kill at any instant loses no finished cell.

A journal is one file of JSON lines under ``<task>/<data>/<budget>/journal/``, held by one process. A run that ends
writes its tables and removes it. What is found there later was left by a run that was killed, or brought by a shard,
and goes into the tables: rows of a journal and rows of a table are the same rows.
"""

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from filelock import FileLock, Timeout

from bench.files import clear_disk_errors
from bench.types import Record

FOLDER = "journal"


@dataclass
class Journal:
    """The journal of this run: opened with the first record, and locked until it is closed."""

    path: Path
    _file: BinaryIO | None = None
    _lock: FileLock | None = None
    _known: set[str] = field(default_factory=set)

    @classmethod
    def of_run(cls, folder: Path) -> "Journal":
        """Return the journal of an ordinary run below the folder of its tables; creates nothing."""
        return cls(folder / FOLDER / f"run-{os.getpid()}-{uuid.uuid4().hex[:8]}.jsonl")

    @classmethod
    def of_shard(cls, folder: Path, shard: tuple[int, int]) -> "Journal":
        """Return the journal of a shard, which stays until a run without shards takes it in."""
        return cls(folder / FOLDER / f"shard-{shard[0]}-of-{shard[1]}.jsonl")

    def append(self, records: Sequence[Record], made: Mapping[str, Any], seconds_count: bool, machine: str) -> None:
        """Write records to the disk, with what made their models where that does not stand there yet.

        Parameters
        ----------
        records : sequence of Record
        made : mapping
            Provenance of each model.
        seconds_count : bool
            Whether the cells ran alone, so that their seconds may be kept.
        machine : str
            Machine class of the seconds.
        """
        lines = []
        for record in records:
            if record.model not in self._known:
                self._known.add(record.model)
                head = {"model": record.model, "made": made[record.model], "alone": seconds_count, "machine": machine}
                lines.append(head)
            lines.append({"key": made[record.model]["key"], **_plain(record)})
        content = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        with clear_disk_errors(self.path):
            file = self._open()
            before = file.tell()
            try:
                file.write(content.encode())
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                # On a full disk half a line may be there.
                with contextlib.suppress(OSError):
                    file.truncate(before)
                raise

    def close(self, keep: bool = False) -> None:
        """Let go of the file; remove it unless it is to be kept."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
        if self._lock is not None:
            _let_go(self._lock)
        if not keep:
            _remove(self.path)
        self._file = self._lock = None

    def _open(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(f"{self.path}.lock")
            self._lock.acquire()
            self._file = self.path.open("ab", buffering=0)
            _sync_folder(self.path.parent)
        return self._file


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a journal holds of one model."""

    made: Mapping[str, Any]
    """Provenance."""
    alone: bool
    machine: str
    records: tuple[Record, ...]


def take_in(folder: Path, write: Callable[[str, Entry], None]) -> int:
    """Hand every entry of the journals that nobody holds to ``write``, and remove them; return the number of records.

    Parameters
    ----------
    folder : Path
        That of the tables.
    write : callable
        Given a model and its entry; writes the table.
    """
    count = 0
    for path in sorted((folder / FOLDER).glob("*.jsonl")):
        with _held(path) as ours:
            if not ours or not path.exists():
                continue
            for model, entry in read_journal(path).items():
                write(model, entry)
                count += len(entry.records)
            _remove(path)
    return count


def read_journal(path: Path) -> dict[str, Entry]:
    """Return what a journal holds of each model; a last line that was cut off is no record."""
    heads: dict[str, dict[str, Any]] = {}
    records: dict[tuple[str, str], list[Record]] = {}
    for line in path.read_bytes().split(b"\n"):
        with contextlib.suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            if "made" in entry:
                # A later one is that of a run with other parameters or versions.
                heads[entry["model"]] = entry
                continue
            key = entry.pop("key")
            nan = {name: float("nan") for name, value in entry.items() if value is None}
            record = Record(**{**entry, **nan, "warnings": tuple(entry["warnings"])})
            records.setdefault((record.model, key), []).append(record)
    return {
        model: Entry(
            made=head["made"],
            alone=head["alone"],
            machine=head["machine"],
            records=tuple(records.get((model, head["made"]["key"]), ())),
        )
        for model, head in heads.items()
    }


@contextlib.contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a journal while it is taken in; give False where a live run holds it."""
    lock = FileLock(f"{path}.lock")
    with clear_disk_errors(path):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
    try:
        yield True
    finally:
        _let_go(lock)


def _plain(record: Record) -> dict[str, Any]:
    values = asdict(record)
    return {name: None if value != value else value for name, value in values.items()}


def _let_go(lock: FileLock) -> None:
    # Removed while it is held, so that nobody waits on a file that is gone.
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        # Only when it is empty.
        path.parent.rmdir()


def _sync_folder(folder: Path) -> None:
    """Make the name of a new file survive a power loss, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
