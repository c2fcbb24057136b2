"""The files that a service returned: which belong to which split, and the rows that they hold."""

import glob
import io
import json
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bench.errors import ConfigError, DataError
from bench.exchange.folder import TEST, TRAIN, Manifest

FORMATS = (".csv", ".json", ".jsonl")
SHARD = r"predictions?(\.results)?[-_]\d+(-of-\d+)?"
"""Names without a suffix that hold predictions all the same."""
OF_ERRORS = re.compile(r"(prediction\.)?errors", re.IGNORECASE)
"""How names of files begin in which services list what they could not predict."""


@dataclass(frozen=True, kw_only=True)
class Returned:
    """The files for one split and seed."""

    place: str
    seed: int
    paths: tuple[Path, ...]
    errors: tuple[Path, ...] = ()
    """Files in which the service says what it could not predict."""

    @property
    def where(self) -> str:
        """Name of the split, for messages."""
        return self.place if not self.seed else f"{self.place}, seed {self.seed}"


def returned_files(folder: Path, manifest: Manifest, pattern: str) -> list[Returned]:
    """Return the prediction files of every split that has some.

    Without a pattern they are all files of a known format below the folder of the split; those below a folder
    ``seed1`` are of that seed.

    Parameters
    ----------
    folder : Path
    manifest : Manifest
    pattern : str
        A path with ``*``, below the folder of each split; one that names ``{repeat}``, ``{fold}`` or ``{seed}`` starts
        where the command is run. Empty for all files.

    Raises
    ------
    ConfigError
        If there is none at all.
    """
    found = []
    for name in manifest.splits:
        for seed in manifest.seeds:
            paths = [path for path in _candidates(folder, name, seed, pattern) if path.is_file()]
            known = [path for path in paths if not OF_ERRORS.match(path.name)]
            if known:
                errors = [path for path in paths if OF_ERRORS.match(path.name)]
                found.append(Returned(place=name, seed=seed, paths=tuple(known), errors=tuple(errors)))
    if not found:
        where = f"like {pattern}" if pattern else f"beside {TEST} in the folders of {folder}"
        first = folder / next(iter(manifest.splits))
        raise ConfigError(
            f"There are no predictions {where}. Put what the service returned into {first} and its neighbours, or say "
            "where it lies: 'predictions=downloads/fold{fold}/*.csv'"
        )
    return found


def _candidates(folder: Path, name: str, seed: int, pattern: str) -> list[Path]:
    own = folder / name
    if not pattern:
        return [path for path in sorted(own.rglob("*")) if _seed_of(path, own) == seed and _is_known(path, own)]
    if "{" in pattern:
        repeat, fold = re.findall(r"\d+", name)
        filled = pattern
        for key, value in {"repeat": repeat, "fold": fold, "seed": str(seed)}.items():
            filled = filled.replace(f"{{{key}}}", value)
        starts = sorted(glob.glob(str(Path(filled).expanduser()), recursive=True))
        if seed and "{seed}" not in pattern:
            return []
    else:
        starts = [] if seed else sorted(glob.glob(str(Path(glob.escape(str(own))) / pattern), recursive=True))
    return [path for start in map(Path, starts) for path in _files_of(start)]


def _files_of(start: Path) -> list[Path]:
    return [path for path in sorted(start.rglob("*")) if _is_known(path, start)] if start.is_dir() else [start]


def _seed_of(path: Path, own: Path) -> int:
    parts = (re.fullmatch(r"seed(\d+)", part) for part in path.relative_to(own).parts[:-1])
    return next((int(found[1]) for found in parts if found), 0)


def _is_known(path: Path, own: Path) -> bool:
    if path.name.startswith(".") or (path.parent == own and path.name in (TRAIN, TEST)):
        return False
    return path.suffix.lower() in FORMATS or re.fullmatch(SHARD, path.name) is not None


def read_returned(paths: Sequence[Path]) -> pd.DataFrame:
    """Return the rows of all files as they stand, strings or what JSON holds, with the columns of all.

    Raises
    ------
    DataError
        If a file cannot be read, or the files have different columns.
    """
    frames = {path: frame for path in paths if len((frame := _read(path)).columns)}
    if not frames:
        raise DataError(f"{', '.join(path.name for path in paths)}: there is nothing in it.")
    first, *others = frames
    for path in others:
        if sorted(frames[path].columns) != sorted(frames[first].columns):
            raise DataError(
                f"{path} has other columns than {first.name}, which lies beside it. Leave the files of one service and "
                "one job there, or name them by predictions=PATTERN."
            )
    return pd.concat(frames.values(), ignore_index=True)


def _read(path: Path) -> pd.DataFrame:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8 ({error.reason}). Save it as a CSV file in UTF-8.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error
    if not text.strip():
        # An empty shard.
        return pd.DataFrame()
    if text.lstrip()[0] in "{[":
        return pd.DataFrame(list(_json_rows(text, path)), dtype=object)
    return _csv_rows(text, path)


def _csv_rows(text: str, path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # Without both, a row with one value too many would silently shift or lose one.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            options: dict[str, Any] = {"dtype": str, "keep_default_na": False, "index_col": False}
            frame: pd.DataFrame = pd.read_csv(io.StringIO(text), **options)
    except (ValueError, pd.errors.ParserWarning) as error:
        cause = " ".join(str(error).split())
        raise DataError(
            f"{path} is no CSV file with as many values in each row as its header has ({cause})."
        ) from error
    return frame.rename(columns=str.strip)


def _json_rows(text: str, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of JSON lines or of one list; what stands in ``instance`` beside the prediction is lifted out."""
    try:
        rows = json.loads(text) if text.lstrip()[0] == "[" else [json.loads(line) for line in text.split("\n") if line]
    except ValueError as error:
        raise DataError(f"{path} is not JSON, one object a line ({error}).") from error
    for row in rows:
        if not isinstance(row, dict):
            raise DataError(f"{path} holds {str(row)[:40]!r}, and an object with one key a column was expected.")
        instance = row.get("instance")
        yield {**instance, **row} if isinstance(instance, dict) else row
