"""What a run has done so far, appended record by record, so that a kill at any instant loses no finished cell.

A journal is one file of JSON lines under ``<task>/<data>/<budget>/journal/``, held by one process. A run that ends
writes its tables and removes it. What is found there later was left by a run that was killed, or brought by a shard,
and goes into the tables: rows of a journal and rows of a table are the same rows. A file with lines that no run wrote
is never removed.
"""

import contextlib
import json
import math
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

from filelock import FileLock, Timeout

from bench.errors import BenchError
from bench.files import clear_disk_errors, sync_folder
from bench.types import Record, Status

Taken = Literal["written", "outdated", "kept"]
"""What becomes of the records of a model: in its table; of no use any more; or left for a run that has the model."""
FOLDER = "journal"
SET_ASIDE = ".damaged"


@dataclass
class Journal:
    """The journal of this run: opened with the first record at the latest, and locked until it is closed."""

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
        new = dict.fromkeys(record.model for record in records if record.model not in self._known)
        lines: list[dict[str, Any]] = [
            {"model": model, "made": made[model], "alone": seconds_count, "machine": machine} for model in new
        ]
        lines += [{"key": made[record.model]["key"], **_plain(record)} for record in records]
        content = "".join(json.dumps(line, sort_keys=True) + "\n" for line in lines)
        file = self.open()
        with clear_disk_errors(self.path):
            before = file.seek(0, os.SEEK_END)
            try:
                left = memoryview(content.encode())
                while left:
                    # A disk that is nearly full takes a part, and refuses the next one.
                    left = left[file.write(left) :]
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(before)
                raise
        self._known |= set(new)

    def open(self) -> BinaryIO:
        """Return the file, open and locked.

        Raises
        ------
        BenchError
            If another run holds it, as only that of the same shard can.
        DiskError
            If the folder cannot be written.
        """
        if self._file is None:
            with clear_disk_errors(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                lock = FileLock(f"{self.path}.lock")
                try:
                    # Who takes journals in may hold it for a moment.
                    lock.acquire(timeout=1)
                except Timeout as error:
                    raise BenchError(f"Another run works on this shard: it holds {self.path}.") from error
                self._lock = lock
                self._file = self.path.open("ab", buffering=0)
                _drop_what_was_cut(self.path)
                sync_folder(self.path.parent)
        return self._file

    def close(self, keep: bool = False) -> None:
        """Let go of the file; remove it unless it is to be kept."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.close()
            if not keep:
                self.path.unlink(missing_ok=True)
        if self._lock is not None:
            _let_go(self._lock)
        _remove_if_empty(self.path.parent)
        self._file = self._lock = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What a journal holds of one model."""

    made: Mapping[str, Any]
    """Provenance."""
    alone: bool
    machine: str
    records: tuple[Record, ...]


def take_in(folder: Path, write: Callable[[str, Entry], Taken], say: Callable[[str], None]) -> int:
    """Hand every entry of the journals that nobody holds to ``write``, and remove them; return the records written.

    Parameters
    ----------
    folder : Path
        That of the tables.
    write : callable
        Given a model and its entry; says what became of it.
    say : callable
        Given a line about what was not taken in.
    """
    count = 0
    journals = folder / FOLDER
    for path in sorted(journals.glob("*.jsonl")):
        with _held(path) as ours:
            if not ours:
                say("Another run is at work on these tables. Both are kept; cells that both ask for are run by both.")
            if not ours or not path.exists():
                continue
            entries, strange = _read(path)
            taken = {model: write(model, entry) for model, entry in entries.items()}
            count += sum(len(entries[model].records) for model, what in taken.items() if what == "written")
            for model in (model for model, what in taken.items() if what == "outdated"):
                number = len(entries[model].records)
                say(
                    f"{number} cells of {model} that were found came from other parameters, data or versions: left out."
                )
            if strange and not entries:
                say(f"{path} is no journal, and stays where it is.")
            elif strange:
                aside = path.with_name(path.name + SET_ASIDE)
                say(f"{path} has {strange} lines that cannot be read. The others are kept, and it is now {aside.name}.")
                path.rename(aside)
            elif "kept" not in taken.values():
                path.unlink(missing_ok=True)
    for path in sorted(journals.glob("*.jsonl.lock")):
        # A run that was killed before its first record.
        if not path.with_suffix("").exists():
            with _held(path.with_suffix("")):
                pass
    _remove_if_empty(journals)
    return count


def read_journal(path: Path) -> dict[str, Entry]:
    """Return what a journal holds of each model, of the last parameters and versions it tells of."""
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Entry], int]:
    """Return what a journal holds of each model, and the number of lines that no run wrote."""
    heads: dict[str, dict[str, Any]] = {}
    records: dict[tuple[str, str], list[Record]] = {}
    strange = 0
    *lines, last = path.read_bytes().split(b"\n")
    for line in (*lines, last):
        try:
            entry = json.loads(line)
            if "made" in entry:
                _check_head(entry)
                # A later one is that of a run with other parameters or versions.
                heads[entry["model"]] = entry
            else:
                key, record = _record(entry)
                records.setdefault((record.model, key), []).append(record)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            # Of a run that was killed, the last line may be cut off.
            strange += line is not last
    found = {
        model: Entry(
            made=head["made"],
            alone=head["alone"],
            machine=head["machine"],
            records=tuple(records.get((model, head["made"]["key"]), ())),
        )
        for model, head in heads.items()
    }
    return found, strange


def _check_head(entry: Mapping[str, Any]) -> None:
    """Raise an error unless this is what a run writes before the first record of a model."""
    made = entry["made"]
    about, inputs = made["about"], made["inputs"]
    numbers = (about["repeats"], about["budget"]["seeds"], inputs["folds"])
    flags = (about["deterministic"], entry["alone"])
    texts = (entry["model"], entry["machine"], made["key"])
    _check(all(isinstance(one, int) for one in (*numbers, *flags)) and all(isinstance(one, str) for one in texts))
    # Both become names of files.
    _check(all(name == Path(name).name != "" for name in texts[:2]) and isinstance(inputs["metrics"], list))


def _record(entry: dict[str, Any]) -> tuple[str, Record]:
    """Return the key and the record of a line."""
    key = entry.pop("key")
    seconds = {name: math.nan for name in ("fit_seconds", "predict_seconds") if entry[name] is None}
    record = Record(**{**entry, **seconds, "warnings": tuple(entry["warnings"])})
    _check(all(isinstance(one, str) for one in (key, record.model, record.reason, record.digest, *record.warnings)))
    counts = (record.repeat, record.fold, record.seed, record.n_train, record.n_test)
    _check(all(isinstance(one, int) and one >= 0 for one in counts))
    _check(record.status in get_args(Status) and record.origin in ("fit", "fill") and isinstance(record.found, dict))
    _check(all(math.isfinite(score) for score in record.scores.values()))
    _check(all(isinstance(one, (int, float)) for one in (record.fit_seconds, record.predict_seconds)))
    return key, record


def _check(sound: bool) -> None:
    if not sound:
        raise ValueError("no line of a journal")


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


def _drop_what_was_cut(path: Path) -> None:
    """Cut off a last line that a kill left incomplete, or the next one would go on in it."""
    content = path.read_bytes()
    if not content.endswith(b"\n"):
        os.truncate(path, content.rfind(b"\n") + 1)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()
