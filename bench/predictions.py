"""Predictions of every cell, kept out of git, so that statistics can be computed anew without fitting.

``<folder>/truth.npz`` holds what was to be predicted, ``<folder>/<model>/<repeat>-<fold>-<seed>.npz`` what was said.
A file is believed only where its digest is the one in the table.
"""

import hashlib
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.files import write_atomically
from bench.types import Cell, Dataset, Record, Split

SHOWN = 300

Probabilities = NDArray[np.float32]

DIGEST_DECIMALS = 4
"""Probabilities are rounded before hashing: the last bits depend on the order in which a machine adds."""


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the test parts hold."""

    y: NDArray[np.integer]
    """Class codes of all rows, shape (n,)."""
    classes: tuple[str, ...]
    groups: NDArray[np.integer] | None
    items: tuple[str, ...]
    """What to show of each row, cut to `SHOWN` characters; empty where a row is no text."""
    tests: dict[tuple[int, int], NDArray[np.intp]]
    """Test rows of each (repeat, fold)."""


@dataclass(frozen=True)
class Predictions:
    """The predictions of one task, data set and budget."""

    folder: Path

    def save(self, cell: Cell, probabilities: Probabilities) -> None:
        """Keep the probabilities of one cell, shape (test rows, classes)."""
        self._write(self._path(cell.model, cell.repeat, cell.fold, cell.seed), p=probabilities)

    def load(self, record: Record) -> Probabilities | None:
        """Return the probabilities behind a record, or None where they are not here or are not those of the record."""
        # A filled cell has the predictions of the seed that was fitted.
        seed = 0 if record.origin == "fill" else record.seed
        content = _read(self._path(record.model, record.repeat, record.fold, seed))
        if content is None or "p" not in content or prediction_digest(content["p"]) != record.digest:
            return None
        probabilities: Probabilities = content["p"]
        return probabilities

    def save_truth(self, dataset: Dataset, splits: Sequence[Split]) -> None:
        """Keep targets, classes, groups and test rows."""
        tests = {f"test_{split.repeat}_{split.fold}": split.test for split in splits}
        shown = "\x1e".join(str(item)[:SHOWN] for item in dataset.X) if isinstance(dataset.X, pd.Series) else ""
        groups = {} if dataset.groups is None else {"groups": dataset.groups}
        fingerprint, classes = np.array(dataset.fingerprint), np.array(dataset.classes, dtype=str)
        items = np.frombuffer(shown.encode(errors="replace"), np.uint8)
        whole = {"fingerprint": fingerprint, "y": dataset.y, "classes": classes, "items": items}
        self._write(self.folder / "truth.npz", **whole, **groups, **tests)

    def load_truth(self, fingerprint: str) -> Truth | None:
        """Return what was to be predicted, or None where it is not here or belongs to other data."""
        content = _read(self.folder / "truth.npz")
        if content is None or not {"fingerprint", "y", "classes", "items"} <= set(content):
            return None
        if str(content["fingerprint"]) != fingerprint:
            return None
        tests = {tuple(map(int, name.split("_")[1:])): rows for name, rows in content.items() if "test_" in name}
        return Truth(
            y=content["y"],
            classes=tuple(map(str, content["classes"])),
            groups=content.get("groups"),
            items=tuple(content["items"].tobytes().decode().split("\x1e")) if len(content["items"]) else (),
            tests=tests,  # type: ignore[arg-type]
        )

    def _path(self, model: str, repeat: int, fold: int, seed: int) -> Path:
        return self.folder / model / f"{repeat}-{fold}-{seed}.npz"

    def _write(self, path: Path, **arrays: Any) -> None:
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        # A file is believed only by its digest, so it need not survive a power loss.
        write_atomically(path, content.getvalue(), durable=False)


def prediction_digest(probabilities: Probabilities) -> str:
    """Return a hash of the predicted classes and the probabilities rounded to four decimals.

    Examples
    --------
    >>> one, other = np.array([[0.25, 0.75]]), np.array([[0.25000001, 0.74999999]])
    >>> prediction_digest(one) == prediction_digest(other)
    True
    """
    rounded = np.round(np.asarray(probabilities, np.float64) * 10**DIGEST_DECIMALS).astype(np.int64)
    content = probabilities.argmax(axis=1).astype(np.int64).tobytes() + rounded.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
