"""Vectors of frozen encoders, kept on disk: each text is encoded once, whatever the folds, seeds and heads.

The folder is a hash of the encoder's key (weights, preprocessing, number format) and the data fingerprint. A call
that meets new texts adds one segment file; segments are never changed, so that readers need no lock.
"""

import hashlib
import inspect
import io
import json
import sys
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from bench.files import clear_disk_errors, write_atomically
from bench.types import Encoder

Vectors = NDArray[np.float32]


def _say_nothing(done: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Vectors of one encoder on one data set that travel to a machine that encodes nothing."""

    name: str
    """Folder of the encoder and the data set, without the number format of the machine that encoded."""
    digests: NDArray[np.uint8]
    """Of the items, shape (n, 16)."""
    vectors: Vectors
    """Shape (n, d)."""
    seconds: float
    """Spent on encoding all of them."""


@dataclass
class _Store:
    """The vectors of one encoder on one data set, in memory."""

    rows: dict[bytes, int] = field(default_factory=dict)
    vectors: Vectors = field(default_factory=lambda: np.empty((0, 0), np.float32))
    seconds: float = 0.0
    """Spent on encoding all of them."""
    segments: set[str] = field(default_factory=set)


@dataclass
class FeatureCache:
    """Cached vectors of one data set; `charged_seconds` adds up what the asked-for items cost to encode."""

    folder: Path
    fingerprint: str
    advance: Callable[[int], None] = _say_nothing
    """Told how many items were just encoded."""
    charged_seconds: float = 0.0
    encoded: int = 0
    """Items that were encoded by this object rather than read."""
    portable: bool = False
    """Look for vectors that came as a `Segment`: whatever number format this machine would have used."""
    _stores: dict[str, _Store] = field(default_factory=dict)

    def __call__(self, encoder: Encoder, items: Sequence[str]) -> Vectors:
        """Return the vectors of ``items``, shape (n, d), encoding only those not seen before.

        The time that each vector once took is charged, whether it was encoded now or read: a cached model must not
        look cheaper than it is.
        """
        name = self.name_of(encoder)
        store = self._stores.setdefault(name, _Store())
        digests = [_digest(item) for item in items]
        encoded = 0
        if any(digest not in store.rows for digest in digests):
            encoded = self._complete(name, store, encoder, dict(zip(digests, items, strict=True)))
        if store.rows:
            # What was encoded within this call is in the caller's own wall time.
            self.charged_seconds += store.seconds / len(store.rows) * (len(digests) - encoded)
        return store.vectors[[store.rows[digest] for digest in digests]]

    def __getstate__(self) -> dict[str, Any]:
        """Travel to a worker without the vectors, which lie on the disk, and without the display."""
        return {**self.__dict__, "advance": _say_nothing, "_stores": {}}

    def name_of(self, encoder: Encoder) -> str:
        """Return the folder name of an encoder on this data set."""
        key = _full_key(encoder)
        if self.portable:
            key.pop("number_format", None)
        text = json.dumps(key, sort_keys=True)
        return f"{hashlib.sha256(text.encode()).hexdigest()[:16]}/{self.fingerprint[:16]}"

    def holds(self, encoder: Encoder, items: Sequence[str]) -> bool:
        """Return whether every item is cached."""
        name = self.name_of(encoder)
        store = self._stores.setdefault(name, _Store())
        _read_new_segments(self.folder / name, store)
        return all(_digest(item) in store.rows for item in items)

    def give(self, encoder: Encoder) -> Segment | None:
        """Return every vector of an encoder that is cached, for another machine; None where there is none."""
        name = self.name_of(encoder)
        store = self._stores.setdefault(name, _Store())
        _read_new_segments(self.folder / name, store)
        if not store.rows:
            return None
        digests = np.frombuffer(b"".join(store.rows), np.uint8).reshape(-1, 16)
        name = replace(self, portable=True).name_of(encoder)
        return Segment(name=name, digests=digests, vectors=store.vectors, seconds=store.seconds)

    def take(self, segment: Segment) -> None:
        """Keep vectors that another machine encoded; once, whichever of the processes here is given them first."""
        folder = self.folder / segment.name
        with clear_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / ".lock"):
                here = _Store()
                _read_new_segments(folder, here)
                digests = [digest.tobytes() for digest in segment.digests]
                new = [row for row, digest in enumerate(digests) if digest not in here.rows]
                if new:
                    seconds = segment.seconds * len(new) / len(digests)
                    _write_segment(folder, [digests[row] for row in new], segment.vectors[new], seconds)

    def _complete(self, name: str, store: _Store, encoder: Encoder, wanted: dict[bytes, str]) -> int:
        folder = self.folder / name
        with clear_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            # Two workers that want the same texts: the second waits and reads.
            with FileLock(folder / ".lock"):
                _read_new_segments(folder, store)
                missing = {digest: item for digest, item in wanted.items() if digest not in store.rows}
                if not missing:
                    return 0
                # Loading weights is a cost of starting up, not of a text.
                encoder.encode(list(missing.values())[:1], _say_nothing)
                started = time.perf_counter()
                vectors = encoder.encode(list(missing.values()), self.advance)
                seconds = time.perf_counter() - started
                self.encoded += len(missing)
                _write_segment(folder, list(missing), vectors, seconds)
                write_atomically(folder.parent / "encoder.json", json.dumps(_full_key(encoder), indent=2).encode())
                _read_new_segments(folder, store)
                return len(missing)


def _full_key(encoder: Encoder) -> dict[str, str | int]:
    """Return the encoder's key with a hash of its source: changed code must not meet old vectors."""
    source = inspect.getsource(sys.modules[type(encoder).__module__])
    return {**encoder.key, "code": hashlib.sha256(source.encode()).hexdigest()[:16]}


def _digest(item: str) -> bytes:
    return hashlib.blake2b(item.encode(errors="surrogatepass"), digest_size=16).digest()


def _write_segment(folder: Path, digests: list[bytes], vectors: Vectors, seconds: float) -> None:
    content = io.BytesIO()
    ids = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, 16)
    np.savez(content, digests=ids, vectors=vectors, seconds=np.float64(seconds))
    write_atomically(folder / f"{hashlib.sha256(ids.tobytes()).hexdigest()[:16]}.npz", content.getvalue())


def _read_new_segments(folder: Path, store: _Store) -> None:
    parts = [store.vectors] if len(store.rows) else []
    for path in sorted(folder.glob("*.npz")):
        if path.name in store.segments:
            continue
        try:
            with np.load(path, allow_pickle=False) as segment:
                digests, vectors, seconds = segment["digests"], segment["vectors"], float(segment["seconds"])
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile):
            # Damaged on the disk: its texts are encoded anew.
            path.unlink(missing_ok=True)
            continue
        for digest in digests:
            store.rows[digest.tobytes()] = len(store.rows)
        parts.append(vectors)
        store.seconds += seconds
        store.segments.add(path.name)
    if parts:
        store.vectors = np.concatenate(parts)
