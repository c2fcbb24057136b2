"""The way out: a folder for each split, with files that services can read."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.errors import ConfigError
from bench.exchange.columns import as_written, plain_names
from bench.exchange.folder import (
    MANIFEST,
    README,
    ROW_ID,
    TEST,
    TRAIN,
    Manifest,
    manifest_of,
    place,
    read_manifest,
    row_ids,
)
from bench.files import clear_disk_errors, write_atomically
from bench.prepare import Prepared
from bench.types import Split

TARGET, TEXT = "target", "text"
"""Names of columns that the data set does not tell."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written."""

    folder: Path
    manifest: Manifest
    megabytes: float


def export(run: Prepared, overrides: Sequence[str], to: Path) -> Exported:
    """Write the splits of a run; the same run writes the same bytes.

    Parameters
    ----------
    run : Prepared
    overrides : sequence of str
        Of its command line.
    to : Path
        Folder in which a folder of this task, data set and budget is made.

    Raises
    ------
    ConfigError
        If its splits cannot be given away, or the folder holds something else.
    """
    inputs, target, names = _columns(run)
    manifest = manifest_of(run, overrides, names, target)
    folder = to / f"{run.task.name}-{run.config.data.name}-{run.config.budget.name}"
    _check_folder(folder, manifest)
    inputs = inputs.rename(columns=names)
    size = 0
    with clear_disk_errors(folder):
        # Before the splits, so that an export that was stopped can go on.
        write_atomically(folder / MANIFEST, manifest.content())
        for split in run.splits:
            for name, content in _files(run, split, inputs, names[target]).items():
                write_atomically(folder / place(split) / name, content, durable=False)
                size += len(content)
        write_atomically(folder / README, _readme(folder, manifest).encode())
    return Exported(folder=folder, manifest=manifest, megabytes=size / 1e6)


def _columns(run: Prepared) -> tuple[pd.DataFrame, str, dict[str, str]]:
    """Return the inputs as strings, the name of the target, and plain names of all columns."""
    X, spec = run.dataset.X, run.config.data
    if run.task.protocol == "curve" or run.task.prediction not in ("probability", "value"):
        raise ConfigError(f"{run.task.name} cannot be exported: classes or quantities, and cv or published parts, can.")
    target = spec.target or TARGET
    frame = X.to_frame(spec.text or TEXT) if isinstance(X, pd.Series) else X
    while target in frame.columns:
        # Only a target that was not named can meet a column of its name.
        target += "_"
    names = plain_names([*map(str, frame.columns), target], taken=[ROW_ID])
    return pd.DataFrame({str(name): as_written(frame[name]) for name in frame.columns}), target, names


def _files(run: Prepared, split: Split, inputs: pd.DataFrame, target: str) -> dict[str, bytes]:
    """Return both files of a split: test rows lie in the order of their ids, which is a random one."""
    dataset = run.dataset
    y = np.array(dataset.classes, dtype=object)[dataset.y] if dataset.classes else dataset.y
    train = inputs.iloc[split.train].reset_index(drop=True)
    train[target] = as_written(pd.Series(y[split.train]))
    test = inputs.iloc[split.test].reset_index(drop=True)
    test.insert(0, ROW_ID, row_ids(dataset.fingerprint, split))
    return {TRAIN: _csv(train), TEST: _csv(test.sort_values(ROW_ID))}


def _csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False, lineterminator="\n").encode(errors="replace")


def _check_folder(folder: Path, manifest: Manifest) -> None:
    """Refuse a folder that holds anything but an earlier export of the same splits."""
    if not folder.exists():
        return
    if not folder.is_dir() or (any(folder.iterdir()) and not (folder / MANIFEST).is_file()):
        raise ConfigError(f"{folder} is there already, and is no export. Give another folder by to=DIR.")
    if (folder / MANIFEST).is_file() and read_manifest(folder).identity != manifest.identity:
        raise ConfigError(
            f"{folder} holds an export of other data or splits, and perhaps predictions for them. Give another folder "
            "by to=DIR, or remove it."
        )


def _readme(folder: Path, manifest: Manifest) -> str:
    return (
        f"In each folder, train one model on {TRAIN}, with the target {manifest.target}, and let it predict {TEST}.\n"
        f"{TEST} has a column more, {ROW_ID}: keep it beside every prediction, and ask for {manifest.to_return}.\n"
        "Give a service one folder at a time: the test rows of one are training rows, with their target, of another.\n"
        "Put what the service returns, as it is, into the folder of its split, and run:\n"
        f"    python -m bench import {shlex.quote(f'from={folder.as_posix()}')} model=NAME_OF_THE_SERVICE\n"
    )
