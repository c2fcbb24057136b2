"""The folder that goes out and comes back: where its files lie, how its rows are named, what it was made from."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import ConfigError, DataError, did_you_mean
from bench.prepare import Prepared
from bench.types import Split

MANIFEST = "exchange.json"
ROW_ID = "bench_id"
TRAIN, TEST, README = "train.csv", "test.csv", "README.txt"
VERSION = 1
"""Of the folder's form."""


def place(split: Split) -> str:
    """Return the name of the folder of one split."""
    return f"repeat{split.repeat}-fold{split.fold}"


def row_ids(fingerprint: str, split: Split) -> list[str]:
    """Return an id for each test row, in their order.

    A hash of the data, the split and the row: it tells nothing of the order of rows, and belongs to one split alone.
    It starts with a letter, lest a service read it as a number.
    """
    start = hashlib.sha256(f"{fingerprint}\x1f{split.repeat}\x1f{split.fold}\x1f".encode())
    ids = []
    for row in split.test.tolist():
        digest = start.copy()
        digest.update(str(row).encode())
        ids.append(f"r{digest.hexdigest()[:16]}")
    return ids


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What ``exchange.json`` says."""

    version: int
    overrides: tuple[str, ...]
    """Of the command line that made the folder; the same ones make the same splits again."""
    task: str
    task_version: int
    data: str
    budget: str
    data_fingerprint: str
    root_seed: int
    target: str
    """Column to predict, as it is called in the files."""
    target_in_data: str
    prediction: str
    """``probability`` of each class, or ``value``."""
    classes: tuple[str, ...]
    renamed: dict[str, str]
    """Columns whose names no service would take, and what they are called in the files."""
    row_id: str
    seeds: tuple[int, ...]
    """Those of the run; a service is asked for the first one, and may answer for the others."""
    splits: dict[str, dict[str, Any]]
    """Rows of each part, and a hash of which rows they are, by folder."""
    to_return: str
    """What the service is asked for."""

    @property
    def identity(self) -> tuple[Any, ...]:
        """What must not change between the way out and the way back."""
        return self.task, self.task_version, self.data_fingerprint, self.root_seed, self.splits

    def content(self) -> bytes:
        """Return the file."""
        return (json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n").encode()


def manifest_of(run: Prepared, overrides: Sequence[str], names: dict[str, str], target: str) -> Manifest:
    """Return what is to be said of a run's splits.

    Parameters
    ----------
    run : Prepared
    overrides : sequence of str
    names : dict
        Of the columns, in the data and in the files.
    target : str
        Name of the target in the data, one of these.
    """
    task, dataset = run.task, run.dataset
    return Manifest(
        version=VERSION,
        overrides=tuple(overrides),
        task=task.name,
        task_version=task.version,
        data=run.config.data.name,
        budget=run.config.budget.name,
        data_fingerprint=dataset.fingerprint,
        root_seed=run.config.seed,
        target=names[target],
        target_in_data=target,
        prediction=task.prediction,
        classes=dataset.classes,
        renamed={name: plain for name, plain in names.items() if name != plain},
        row_id=ROW_ID,
        seeds=tuple(range(run.config.budget.seeds)),
        splits={place(split): parts_of(split) for split in run.splits},
        to_return=what_to_return(dataset.classes),
    )


def what_to_return(classes: Sequence[str]) -> str:
    """Return what a service is asked for beside each id."""
    if not classes:
        return "the predicted number"
    shown = ", ".join(classes[:8]) + (f" and {len(classes) - 8} more" if len(classes) > 8 else "")
    return f"a probability for every class ({shown})"


def parts_of(split: Split) -> dict[str, Any]:
    """Return the number of rows of each part, and a hash of which rows they are."""
    digest = hashlib.sha256()
    for rows in (split.train, split.test):
        digest.update(rows.astype(np.int64).tobytes() + b"\x1f")
    return {"train_rows": len(split.train), "test_rows": len(split.test), "rows_sha256": digest.hexdigest()[:16]}


def read_manifest(folder: Path) -> Manifest:
    """Return what a folder says of itself.

    Raises
    ------
    ConfigError
        If it is no folder of an export.
    DataError
        If what it says cannot be read.
    """
    path = folder / MANIFEST
    if not path.is_file():
        below = [found.parent.as_posix() for found in sorted(folder.glob(f"*/{MANIFEST}"))]
        beside = [found.parent.as_posix() for found in sorted(folder.parent.glob(f"*/{MANIFEST}"))]
        hint = did_you_mean(folder.as_posix(), below or beside) if below or beside else ""
        raise ConfigError(
            f"{folder} holds no {MANIFEST}. {hint or 'Make such a folder by: python -m bench export task=... to=DIR'}"
        )
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.get("version") != VERSION:
            raise ValueError(f"its version is {values.get('version')!r}, and {VERSION} is expected")
        lists = ("overrides", "classes", "seeds")
        read: dict[str, Any] = {name: tuple(one) if name in lists else one for name, one in values.items()}
        return Manifest(**read)
    except (ValueError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} is not what an export writes ({error}). Export anew: python -m bench export"
        ) from error
